/** Many closers at the same runs, in no order, while others hold, cancel, sweep and write lines: who waits in a circle? */
import pg from 'pg'
import { apiSettings, workerSettings } from '../../engine/src/database.ts'
import { wait } from './contender.ts'
import { WHO } from './contenders/engine.ts'
import type { Place } from './server.ts'

export interface Stormed {
  readonly seconds: number
  readonly closed: number
  readonly holds: number
  readonly lines: number
  readonly sweeps: number
  readonly cancels: number
  /** By SQLSTATE; 40P01 is a deadlock. */
  readonly errors: Readonly<Record<string, number>>
}

const CLOSERS = 8
const BATCH = 60
/** How a shuffled batch ends: mostly well. */
const OUTCOMES = ['succeeded', 'succeeded', 'succeeded', 'succeeded', 'again', 'later', 'released', 'failed'] as const

type Attempt = readonly [run: number, n: number, attempt: number, ...rest: unknown[]]

export async function storm(place: Place, seconds: number): Promise<Stormed> {
  const counts = { closed: 0, holds: 0, lines: 0, sweeps: 0, cancels: 0 }
  const errors: Record<string, number> = {}
  const runs = new Set<number>()
  const until = Date.now() + seconds * 1000
  const over = () => Date.now() >= until

  /** Repeats until the storm is over; an error is counted, not thrown. */
  async function during(settings: pg.ClientConfig, prepare: (client: pg.Client) => Promise<() => Promise<void>>) {
    const client = new pg.Client(settings)
    await client.connect()
    const step = await prepare(client)
    while (!over()) {
      await step().catch((error: unknown) => {
        const state = error instanceof pg.DatabaseError ? (error.code ?? 'none') : String(error)
        errors[state] = (errors[state] ?? 0) + 1
      })
    }
    await client.end()
  }

  async function closer(client: pg.Client) {
    const registered = await client.query<{ id: number }>(
      "select engine.register('closer', array['bench.answer'], null, 10000) as id",
    )
    const worker = registered.rows[0]?.id
    let held: readonly Attempt[] = []
    let extended = Date.now()
    return async () => {
      if (Date.now() - extended > 3_000) {
        await client.query("select engine.extend($1, array['bench.answer'])", [worker])
        extended = Date.now()
      }
      const ended = shuffle(held)
      held = []
      const lines = ended.slice(0, 5)
      await client.query('select engine.emit($1, $2, $3, $4, $5)', [
        ...identities(lines),
        lines.map(() => 'log'),
        lines.map(() => '{"text": "a line"}'),
      ])
      counts.lines += lines.length
      const { rows } = await client.query<{ claimed: Attempt[] | null }>({
        name: 'turn',
        text: 'select closed, claimed from engine.turn($1, $2, $3, $4, $5, $6, $7, $8)',
        values: [
          worker,
          BATCH,
          ...identities(ended),
          ended.map(() => one(OUTCOMES)),
          ended.map(() => '{"code": "STORM"}'),
          ended.map(() => (Math.random() < 0.5 ? 0 : 0.2)),
        ],
      })
      counts.closed += ended.length
      held = rows[0]?.claimed ?? []
      for (const [run] of held) runs.add(run)
      if (held.length === 0) await wait(5)
    }
  }

  async function stopper(client: pg.Client) {
    await client.query("select set_config('request.jwt.claims', $1, false)", [JSON.stringify(WHO)])
    async function stop(run: number) {
      await client.query('select engine.hold($1)', [run])
      await wait(3)
      await client.query('select engine.release($1)', [run])
      counts.holds += 1
      // Ten runs in the storm's second half.
      if (Date.now() < until - seconds * (500 - 50 * counts.cancels)) return
      await client.query('select engine.cancel($1)', [run])
      counts.cancels += 1
    }
    return async () => {
      await wait(2)
      const run = one([...runs])
      if (run === undefined) return
      await stop(run).catch((error: unknown) => {
        // It has ended, and may not be stopped any more.
        if (!(error instanceof pg.DatabaseError) || error.code !== 'MR004') throw error
        runs.delete(run)
      })
    }
  }

  async function sweeper(client: pg.Client) {
    return async () => {
      for (const verb of ['expire', 'rescue', 'withdraw', 'promote'])
        await client.query(`select * from engine.${verb}()`)
      counts.sweeps += 1
      await wait(10)
    }
  }

  await Promise.all([
    ...Array.from({ length: CLOSERS }, () => during(workerSettings(place.worker), closer)),
    during(apiSettings(place.api), stopper),
    during(workerSettings(place.worker), sweeper),
    during(workerSettings(place.worker), sweeper),
  ])
  return { seconds, ...counts, errors }
}

function identities(attempts: readonly Attempt[]) {
  return [attempts.map(([run]) => run), attempts.map(([, n]) => n), attempts.map(([, , attempt]) => attempt)]
}

const one = <T>(all: readonly T[]): T | undefined => all[Math.floor(Math.random() * all.length)]

function shuffle<T>(all: readonly T[]): T[] {
  return all
    .map((item) => ({ item, by: Math.random() }))
    .toSorted((a, b) => a.by - b.by)
    .map(({ item }) => item)
}
