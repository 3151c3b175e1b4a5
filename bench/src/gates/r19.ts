/** R19: one run of 100,000 tasks is started: how long, and how much memory of the process that starts it. */
import type { Begun } from '../acts/start.ts'
import pg from 'pg'
import { RAW_RESET } from '../../raw/raw.ts'
import { now } from '../contender.ts'
import { hire } from '../crew.ts'
import { median, round } from '../numbers.ts'
import { QUIET, type Measured } from '../results.ts'
import { settle } from '../server.ts'
import type { Stage } from '../stage.ts'

interface Started extends Begun {
  /** Seconds of the least: the same inputs into the table of the yardstick, one array, one statement. */
  readonly raw: number
  readonly foreign: number
}

export async function r19(stage: Stage): Promise<Measured[]> {
  const tasks = stage.size(100_000)
  const { contender, place } = await stage.enter('engine')
  const rounds: Started[] = []
  const quiet = () => rounds.filter((one) => one.foreign <= QUIET)
  for (let n = 0; n < (stage.quick ? 1 : 8) && quiet().length < 5; n += 1) {
    await contender.fill(place, { tasks: 1, shape: 'one run' })
    // Its own process each time: what the first start took stays with it.
    const child = await hire({ contender: 'engine', place, act: 'start', given: { tasks } })
    try {
      await stage.quiet()
      const usage = stage.meter.start()
      const begun = (await child.act()) as Begun
      const foreign = round(usage().foreign)
      const started = { ...begun, foreign, raw: await insertRaw(stage, tasks) }
      rounds.push(started)
      const memory = `${round(begun.peak - begun.before)} MB added to ${round(begun.before)}`
      stage.tell(
        `  ${n + 1}  ${begun.seconds.toFixed(3)} s, ${memory}; bare insert ${started.raw.toFixed(3)} s; foreign ${foreign}`,
      )
    } finally {
      await child.close()
    }
  }
  const counted = quiet().length >= 5 ? quiet() : rounds
  const middle = (of: (one: Started) => number) => round(median(counted.map(of)))
  const foreign = middle((one) => one.foreign)
  return [
    {
      id: 'R19-time',
      value: middle((one) => one.seconds),
      bound: { most: 1.5 },
      foreign,
      absolute: true,
      detail: {
        in: 's of engine.start',
        tasks,
        all: rounds.map((one) => ({ seconds: round(one.seconds), foreign: one.foreign })),
        bareInsert: middle((one) => one.raw),
        timesBareInsert: middle((one) => one.seconds / one.raw),
      },
    },
    {
      id: 'R19-memory',
      value: middle((one) => one.peak - one.before),
      bound: { most: 40 },
      foreign,
      detail: { in: 'MB resident, most while it starts / before', before: middle((one) => one.before) },
    },
  ]
}

async function insertRaw(stage: Stage, tasks: number): Promise<number> {
  const { place } = await stage.enter('raw')
  const client = new pg.Client(place.owner)
  await client.connect()
  try {
    await client.query(RAW_RESET)
    await settle(place)
    const text = 'x'.repeat(160)
    const inputs = Array.from({ length: tasks }, (_, n) => JSON.stringify({ n, text }))
    const at = now()
    await client.query('insert into raw.tasks (input) select * from unnest($1::jsonb[])', [inputs])
    return (now() - at) / 1000
  } finally {
    await client.end()
  }
}
