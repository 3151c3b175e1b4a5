/** The words for a run's place before others, at every door. */
export const PRIORITY = { low: 0, normal: 5, high: 10 } as const
export type Priority = keyof typeof PRIORITY
