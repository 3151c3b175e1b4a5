/** What users put on a queue while it is broken: bursts, load that goes on, readers that overlap; and a restart in order. */
import { setTimeout as pause } from 'node:timers/promises'
import pg from 'pg'
import type { Scene } from './storm-faults.ts'
import { look, type World } from './storm-world.ts'

/** Runs at one moment, tasks of each; and tasks that must have waited at once for it to be a burst. */
const BURST = 24
const TASKS = 25
const HEAPED = 120

/** Many people start something at the same moment. */
export async function burst({ world, people }: Scene): Promise<string[] | undefined> {
  const begun = people.startMany(BURST, TASKS)
  const phases = phasesOf(world)
  const heaped = await look(async () => ((await waiting(world)) >= HEAPED ? phases : undefined), 8_000)
  await begun
  return heaped
}

/** Milliseconds of it; no tenth of it may pass without anything being done. */
const SUSTAINED = 5_000

/** There is always more than all slots can take, and it flows. */
export async function sustainedLoad(scene: Scene): Promise<string[] | undefined> {
  const { world, people, violations } = scene
  const phases = phasesOf(world)
  const [first] = await world.sql(DONE)
  let [seen, movedAt, longest] = [Number(first?.['done']), Date.now(), 0]
  for (const end = Date.now() + SUSTAINED; Date.now() < end; await pause(50)) {
    if ((await waiting(world)) < HEAPED) await people.startMany(Math.ceil(HEAPED / TASKS), TASKS)
    const [row] = await world.sql(DONE)
    if (Number(row?.['done']) > seen) movedAt = Date.now()
    seen = Number(row?.['done'])
    longest = Math.max(longest, Date.now() - movedAt)
  }
  // Who was killed just before may be away; nobody is for so long.
  if (longest > 4_000) violations.push(`“what can be done is done”: nothing was for ${longest} ms`)
  return seen - Number(first?.['done']) > HEAPED ? phases : undefined
}

const READERS = 4

/** At every moment somebody reads what was, each of them for a while: what is old is never free to be cleaned up. */
export async function activeReaders({ world }: Scene): Promise<string[] | undefined> {
  const phases = phasesOf(world)
  let read = 0
  const end = Date.now() + 4_000
  const reader = async (at: number) => {
    await pause(at * 150)
    while (Date.now() < end) {
      const client = new pg.Client({ ...world.api, application_name: 'storm reader' })
      client.on('error', () => {})
      try {
        await client.connect()
        await client.query('begin isolation level repeatable read')
        await client.query('select count(*) from engine.runs')
        await pause(600)
        await client.query('select count(*) from engine.tasks')
        await client.query('commit')
        read += 1
      } catch {
        // The server falls for readers too: they come again.
        await pause(50)
      } finally {
        await client.end().catch(() => {})
      }
    }
  }
  await Promise.all(Array.from({ length: READERS }, (_, at) => reader(at)))
  return read > READERS ? phases : undefined
}

const DONE = "select count(*) as done from engine.tasks where state in ('succeeded', 'failed')"

async function waiting(world: World): Promise<number> {
  const [row] = await world.sql("select count(*) as n from engine.tasks where state = 'ready'")
  return Number(row?.['n'])
}

const phasesOf = (world: World) => world.fleet.living().flatMap((worker) => worker.phases())
