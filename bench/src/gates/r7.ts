/** R7: what the wake-up costs a start: 16 writers, four who listen. */
import pg from 'pg'
import { WAKE } from '../acts/writers.ts'
import { hire } from '../crew.ts'
import { median, round } from '../numbers.ts'
import type { Measured } from '../results.ts'
import { perTask, type Entered, type Stage } from '../stage.ts'

const WRITERS = 16
const LISTENERS = 4

interface Started {
  readonly rate: number
  readonly serverMs: number
  readonly foreign: number
}

export async function r7(stage: Stage): Promise<Measured[]> {
  const entered = await stage.enter('engine')
  const starts = stage.size(6_000)
  const names = Object.keys(WAKE) as (keyof typeof WAKE)[]
  const rounds: Record<keyof typeof WAKE, Started[]> = { none: [], after: [], inside: [] }
  const listeners = await Promise.all(Array.from({ length: LISTENERS }, () => listen(entered)))
  try {
    for (let n = 0; n < (stage.quick ? 1 : 5); n += 1) {
      for (const name of [...names.slice(n % 3), ...names.slice(0, n % 3)]) {
        const started = await run(stage, entered, name, starts)
        rounds[name].push(started)
        const { rate, serverMs, foreign } = started
        const numbers = `${rate.toFixed(0)} starts/s, PG ${serverMs.toFixed(3)} ms, foreign ${foreign.toFixed(2)}`
        stage.tell(`  ${n + 1}  ${name.padEnd(36)} ${numbers}`)
      }
    }
  } finally {
    for (const client of listeners) await client.end()
  }
  const times = (name: keyof typeof WAKE, of: (one: Started) => number) =>
    round(median(rounds[name].map((one, n) => of(one) / of(rounds.none[n] as Started))))
  const cpu = times('after', (one) => one.serverMs)
  return [
    {
      id: 'R7',
      value: times('after', (one) => one.rate),
      bound: { least: 0.9 },
      otherwise: { in: 'in server CPU a start', value: cpu, bound: { most: 1.05 } },
      foreign: round(median([...rounds.none, ...rounds.after].map((one) => one.foreign))),
      detail: {
        in: 'starts/s with the wake-up after the commit / without any',
        starts,
        writers: WRITERS,
        listeners: LISTENERS,
        cpu,
        notifyInside: {
          rate: times('inside', (one) => one.rate),
          cpu: times('inside', (one) => one.serverMs),
        },
        cases: Object.fromEntries(
          names.map((name) => [
            name,
            {
              rate: Math.round(median(rounds[name].map((one) => one.rate))),
              serverMs: round(median(rounds[name].map((one) => one.serverMs))),
            },
          ]),
        ),
      },
    },
  ]
}

async function run(stage: Stage, entered: Entered, name: keyof typeof WAKE, starts: number): Promise<Started> {
  await entered.contender.fill(entered.place, { tasks: 1, shape: 'one run' })
  const given = { writers: WRITERS, starts, wake: WAKE[name] }
  const child = await hire({ contender: entered.name, place: entered.place, act: 'writers', given })
  try {
    await stage.quiet()
    const usage = stage.meter.start()
    const { seconds } = (await child.act()) as { seconds: number }
    const { serverMs, foreign } = perTask(usage(), starts)
    return { rate: starts / seconds, serverMs, foreign }
  } finally {
    await child.close()
  }
}

async function listen({ place }: Entered): Promise<pg.Client> {
  const client = new pg.Client(place.worker)
  await client.connect()
  await client.query('listen millrace_tasks; listen millrace_runs')
  return client
}
