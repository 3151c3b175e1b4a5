/** Where contenders meet: one server, a database each, one meter, turns in a changing order. */
import { contender } from './contenders/index.ts'
import type { Contender, Fill, Work } from './contender.ts'
import { hire } from './crew.ts'
import { openMeter, type Meter, type Usage } from './load.ts'
import { median, round } from './numbers.ts'
import { openServer, type Place } from './server.ts'

export interface Stage {
  readonly quick: boolean
  readonly meter: Meter
  readonly version: string
  /** A contender with its prepared database. */
  enter(name: string): Promise<Entered>
  /** The same with a database that nobody has used. */
  fresh(name: string): Promise<Entered>
  /** An empty database, for a program that makes its tables itself. */
  empty(name: string): Promise<Place>
  /** Drops that database. */
  leave(entered: Entered): Promise<void>
  /** The full size, or a hundredth of it. */
  size(full: number): number
  /** Waits for a quiet moment. */
  quiet(): Promise<void>
  tell(line: string): void
  close(): Promise<void>
}

export interface Entered {
  readonly name: string
  readonly contender: Contender
  readonly place: Place
}

export async function openStage(quick: boolean): Promise<Stage> {
  const server = await openServer()
  const entered = new Map<string, Promise<Entered>>()
  let number = 0
  async function prepare(name: string, suffix = ''): Promise<Entered> {
    const found = await contender(name)
    const place = await server.database(`bench_${name.replaceAll(/\W/g, '_')}${suffix}`)
    await found.prepare(place, server)
    return { name, contender: found, place }
  }
  const meter = openMeter(server.postmaster)
  return {
    quick,
    meter,
    version: server.version,
    enter(name) {
      const known = entered.get(name) ?? prepare(name)
      entered.set(name, known)
      return known
    },
    fresh(name) {
      number += 1
      return prepare(name, `_${number}`)
    },
    empty: (name) => server.database(name),
    leave: ({ place }) => server.drop(place),
    size: (full) => (quick ? Math.max(1, Math.ceil(full / 100)) : full),
    quiet: () => (quick ? Promise.resolve() : meter.quiet(8)),
    tell: (line) => console.log(line),
    close: () => server.close(),
  }
}

/** One way of one contender to empty what was filled. */
export interface Case {
  readonly name: string
  readonly contender: string
  readonly drain: string
  readonly shape?: Fill['shape']
  readonly work: Work
  /** Somebody else who is there while it works; told when it is over. */
  readonly beside?: (place: Place) => Promise<() => Promise<void>>
}

export interface Drained {
  readonly tasks: number
  readonly seconds: number
  readonly makespan: number
  readonly rate: number
  readonly foreign: number
  /** Processor milliseconds a task: of the server, and of the contender's process. */
  readonly serverMs: number
  readonly clientMs: number
  readonly tenths: readonly number[]
}

export async function drain(stage: Stage, one: Case): Promise<Drained> {
  const { contender, place } = await stage.enter(one.contender)
  const { tasks } = one.work
  await contender.fill(place, { tasks, shape: one.shape ?? 'a run each' })
  const child = await hire({ contender: one.contender, place, drain: one.drain, work: one.work })
  try {
    await stage.quiet()
    const part = await one.beside?.(place)
    const usage = stage.meter.start()
    const { seconds, makespan, tenths } = await child.go()
    const used = usage()
    await part?.()
    await contender.check(place, tasks)
    return { tasks, seconds, makespan, tenths, rate: tasks / seconds, ...perTask(used, tasks) }
  } finally {
    await child.close()
  }
}

export function perTask({ foreign, server, ours }: Usage, tasks: number) {
  return { foreign, serverMs: (server * 1000) / tasks, clientMs: ((ours - server) * 1000) / tasks }
}

export type Rounds = Readonly<Record<string, readonly Drained[]>>

/** Every case once a round, each round beginning with another one. */
export async function interleave(stage: Stage, cases: readonly Case[], rounds: number): Promise<Rounds> {
  const results: Record<string, Drained[]> = Object.fromEntries(cases.map(({ name }) => [name, []]))
  for (let n = 0; n < rounds; n += 1) {
    for (const one of [...cases.slice(n % cases.length), ...cases.slice(0, n % cases.length)]) {
      const drained = await drain(stage, one)
      results[one.name]?.push(drained)
      const { rate, makespan, serverMs, clientMs, foreign } = drained
      const numbers = `${rate.toFixed(0)}/s, ${makespan.toFixed(3)} s, PG ${serverMs.toFixed(3)} ms, client ${clientMs.toFixed(3)} ms`
      stage.tell(`  ${n + 1}  ${one.name.padEnd(36)} ${numbers}, foreign ${foreign.toFixed(2)}`)
    }
  }
  return results
}

/** The median of the ratios, each taken in one round. */
export function ratio(rounds: Rounds, name: string, yardstick: string): number {
  const ours = rounds[name] ?? []
  const theirs = rounds[yardstick] ?? []
  return round(median(ours.map((one, n) => one.rate / (theirs[n]?.rate ?? Number.NaN))))
}

export const foreignOf = (rounds: Rounds, ...names: string[]): number =>
  round(median(names.flatMap((name) => (rounds[name] ?? []).map((one) => one.foreign))))

/** Medians of a case, for the record. */
export function summary(rounds: Rounds, yardstick?: string): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(rounds).map(([name, all]) => [
      name,
      {
        ...(yardstick === undefined || name === yardstick ? {} : { ratio: ratio(rounds, name, yardstick) }),
        rate: Math.round(median(all.map((one) => one.rate))),
        makespan: round(median(all.map((one) => one.makespan))),
        serverMs: round(median(all.map((one) => one.serverMs))),
        clientMs: round(median(all.map((one) => one.clientMs))),
        foreign: round(median(all.map((one) => one.foreign))),
      },
    ]),
  )
}
