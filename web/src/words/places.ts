/** The names of the rooms.  They are loaded with the frame; the rooms' other words come with their pages. */
export const places = {
  home: 'Home',
  runs: 'Runs',
  definitions: 'Definitions',
  compare: 'Compare',
  start: 'Start a run',
  board: 'Board',
  skills: 'Skills',
  diagnosis: 'Diagnosis',
  tools: 'Tools',
  system: 'System',
  settings: 'Settings',
}
