/** What the navigation calls the rooms of the probe; it is loaded with the frame, their other words are not. */
export const places = { definitions: 'Definitions', compare: 'Compare' }
