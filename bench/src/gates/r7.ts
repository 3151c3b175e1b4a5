/** R7: what the wake-up costs a start: 16 writers, four who listen. */
import pg from 'pg'
import { WAKE } from '../acts/writers.ts'
import { hire, type Child } from '../crew.ts'
import { median, round } from '../numbers.ts'
import type { Measured } from '../results.ts'
import { perTask, type Entered, type Stage } from '../stage.ts'

const WRITERS = 16
const LISTENERS = 4
/** Many short turns, so that all meet the same weather. */
const ROUNDS = 25
const STARTS = 600

interface Started {
  readonly rate: number
  readonly serverMs: number
  readonly foreign: number
}

export async function r7(stage: Stage): Promise<Measured[]> {
  const entered = await stage.enter('engine')
  await entered.contender.fill(entered.place, { tasks: 1, shape: 'one run' })
  const names = Object.keys(WAKE) as (keyof typeof WAKE)[]
  const rounds: Record<keyof typeof WAKE, Started[]> = { none: [], after: [], inside: [] }
  const children = await Promise.all(names.map((name) => employ(entered, name)))
  const listeners = await Promise.all(Array.from({ length: LISTENERS }, () => listen(entered)))
  try {
    await stage.quiet()
    for (let n = 0; n < (stage.quick ? 1 : ROUNDS); n += 1) {
      for (const at of [0, 1, 2].map((place) => (place + n) % 3)) {
        rounds[names[at] as keyof typeof WAKE].push(await run(stage, children[at] as Child))
      }
    }
  } finally {
    for (const child of children) await child.close()
    for (const client of listeners) await client.end()
  }
  for (const name of names) stage.tell(`     ${name.padEnd(8)} ${JSON.stringify(summary(rounds[name]))}`)
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
        rounds: ROUNDS,
        starts: STARTS,
        writers: WRITERS,
        listeners: LISTENERS,
        cpu,
        notifyInside: {
          rate: times('inside', (one) => one.rate),
          cpu: times('inside', (one) => one.serverMs),
        },
        cases: Object.fromEntries(names.map((name) => [name, summary(rounds[name])])),
      },
    },
  ]
}

const summary = (all: readonly Started[]) => ({
  rate: Math.round(median(all.map((one) => one.rate))),
  serverMs: round(median(all.map((one) => one.serverMs))),
  foreign: round(median(all.map((one) => one.foreign))),
})

function employ({ name, place }: Entered, wake: keyof typeof WAKE): Promise<Child> {
  const given = { writers: WRITERS, starts: STARTS, wake: WAKE[wake] }
  return hire({ contender: name, place, act: 'writers', given })
}

async function run(stage: Stage, child: Child): Promise<Started> {
  const usage = stage.meter.start()
  const { seconds } = (await child.act()) as { seconds: number }
  const { serverMs, foreign } = perTask(usage(), STARTS)
  return { rate: STARTS / seconds, serverMs, foreign }
}

async function listen({ place }: Entered): Promise<pg.Client> {
  const client = new pg.Client(place.worker)
  await client.connect()
  await client.query('listen millrace_tasks; listen millrace_runs')
  return client
}
