/** What the frame says of the rooms of the probe; it is loaded with the frame, their other words are not. */
export const places = { definitions: 'Definitions', compare: 'Compare', start: 'Start a run' }
