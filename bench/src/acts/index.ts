/** What else a child process can do for a gate: each is loaded only where it is measured. */
import type { Heard } from '../contender.ts'
import type { Place } from '../server.ts'

/** What an act is told, in numbers. */
export type Given = Readonly<Record<string, number>>

export type Act = (place: Place, given: Given, say: (heard: Heard) => void) => Promise<Hand>

export interface Hand {
  go?(): Promise<unknown>
  close(): Promise<void>
}

export const acts: Readonly<Record<string, () => Promise<Act>>> = {
  lines: async () => (await import('./lines.ts')).lines,
  perform: async () => (await import('./perform.ts')).perform,
  readers: async () => (await import('./readers.ts')).readers,
  start: async () => (await import('./start.ts')).start,
  writers: async () => (await import('./writers.ts')).writers,
}
