/**
 * Who is measured.  Tables are made and filled by the parent; the work is done by
 * a child process of its own, so that the parent's own doings cost nobody anything.
 */
import { createHash } from 'node:crypto'
import type { Place, Server } from './server.ts'

/** Tasks that are there before the work begins: one run of them all, a run each, or so many a run. */
export interface Fill {
  readonly tasks: number
  readonly shape: 'one run' | 'a run each' | number
}

export interface Work {
  readonly tasks: number
  /** Tasks under way at a time, in the whole process. */
  readonly flight: number
  /** Tasks a round trip, for those who work in loops. */
  readonly batch: number
  /** Milliseconds that a task waits before it has its answer. */
  readonly call: number
}

export interface Worked {
  /** From the first attempt to claim until the last completion was committed. */
  readonly seconds: number
  /** From the first task's code until the last completion was committed. */
  readonly makespan: number
  /** When each tenth of the tasks had begun, in seconds from the start. */
  readonly tenths: readonly number[]
}

export interface Drain {
  go(): Promise<Worked>
  close(): Promise<void>
}

/** A task's code began. */
export interface Heard {
  readonly n: number
  readonly at: number
  readonly attempt?: number
}

export interface Listener {
  close(): Promise<void>
}

export interface Contender {
  /** In the parent. */
  prepare(place: Place, server: Server): Promise<void>
  fill(place: Place, fill: Fill): Promise<void>
  /** In the parent, after the work: is everything there that was to be kept? */
  check(place: Place, tasks: number): Promise<void>
  /** In a child: ways to empty what was filled. */
  readonly drains: Readonly<Record<string, (place: Place, work: Work) => Promise<Drain>>>
  /** In a child: a worker that says when it began. */
  listen?(place: Place, say: (heard: Heard) => void): Promise<Listener>
  /** In the parent: asks for one task; gives the moment of the call and the moment its commit was known. */
  openStarter?(place: Place): Promise<Starter>
}

export interface Starter {
  start(n: number): Promise<{ called: number; committed: number }>
  close(): Promise<void>
}

/** Milliseconds of a clock that all processes of this machine share. */
export const now = (): number => Number(process.hrtime.bigint()) / 1e6

/** An answer as a model gives it: 4 kB that compression does not make small. */
export const answer = (n: number): { text: string } => ANSWERS[n % ANSWERS.length] as { text: string }

const ANSWERS = Array.from({ length: 64 }, (_, n) => ({ text: words(n).slice(0, 4_000) }))

function words(seed: number): string {
  let text = ''
  for (let n = 0; text.length < 4_000; n += 1) {
    text += `${createHash('sha256')
      .update(`${seed}/${n}`)
      .digest('base64url')
      .slice(0, 3 + (n % 9))} `
  }
  return text
}

export const wait = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms))

/** Resolves when something has become true; looks every millisecond. */
export async function reached(look: () => boolean): Promise<void> {
  while (!look()) await wait(1)
}

/** Remembers when the first task's code began, and when each tenth of them had. */
export function stopwatch(tasks: number): { task(amount?: number): void; from(start: number): Worked } {
  let begun = 0
  let first = 0
  const tenths: number[] = []
  return {
    task(amount = 1) {
      begun += amount
      if (first === 0) first = now()
      while (tenths.length < 10 && begun * 10 >= tasks * (tenths.length + 1)) tenths.push(now())
    },
    from: (start) => ({
      seconds: (now() - start) / 1000,
      makespan: (now() - first) / 1000,
      tenths: tenths.map((at) => (at - start) / 1000),
    }),
  }
}
