/** R17: claims, the list of runs and a run's progress when millions of tasks have ended and a million wait. */
import { statfs } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { openEngine } from '../../../engine/src/index.ts'
import { claim } from '../claims.ts'
import { now } from '../contender.ts'
import { WHO } from '../contenders/engine.ts'
import { median, round } from '../numbers.ts'
import type { Measured } from '../results.ts'
import { ask, settle, type Place } from '../server.ts'
import type { Stage } from '../stage.ts'

const FINISHED = 10_000_000
const WAITING = 1_000_000
const TASKS_A_RUN = 1_000
/** Minutes that the preparation may take, and bytes that a task needs on the disk with all that it leaves. */
const MINUTES = 6
const BYTES = 500

const ASKED = ['claim 1', 'claim 50', 'list', 'list of a kind', 'progress'] as const
type Times = Record<(typeof ASKED)[number], number>

export async function r17(stage: Stage): Promise<Measured[]> {
  const full = await stage.fresh('engine')
  const empty = await stage.fresh('engine')
  const rounds = stage.quick ? 1 : 5
  const calls = { one: stage.size(200), fifty: stage.size(40), reads: stage.size(200) }
  const tasks = rounds * (calls.one + calls.fifty * 50)
  try {
    await empty.contender.fill(empty.place, { tasks: Math.max(tasks, 100), shape: Math.max(1, Math.ceil(tasks / 100)) })
    const { finished, waiting, seconds, bytes } = await grow(stage, full.place)
    const all: { full: Times; empty: Times }[] = []
    const foreign: number[] = []
    for (let n = 0; n < rounds; n += 1) {
      await stage.quiet()
      const usage = stage.meter.start()
      const times: Times[] = []
      for (const side of n % 2 === 0 ? [0, 1] : [1, 0]) {
        times[side] = await measure([full, empty][side]?.place as Place, calls)
      }
      foreign.push(round(usage().foreign))
      all.push({ full: times[0] as Times, empty: times[1] as Times })
      stage.tell(`  ${n + 1}  ms, full and empty: ${JSON.stringify(times)}; foreign ${foreign[n]}`)
    }
    const each = (of: (one: (typeof all)[number], what: keyof Times) => number) =>
      Object.fromEntries(ASKED.map((what) => [what, round(median(all.map((one) => of(one, what))))])) as Times
    const ratios = each((one, what) => one.full[what] / one.empty[what])
    return [
      {
        id: 'R17',
        value: Math.max(...Object.values(ratios)),
        bound: { most: 1.5 },
        foreign: round(median(foreign)),
        ...(finished < FINISHED ? { lacks: `${finished} finished tasks instead of ${FINISHED}` } : {}),
        detail: {
          in: `time with ${finished} finished and ${waiting} waiting tasks / with ${tasks} waiting; the worst of`,
          ratios,
          ms: { full: each((one, what) => one.full[what]), empty: each((one, what) => one.empty[what]) },
          preparation: { seconds: Math.round(seconds), megabytes: Math.round(bytes / 1e6) },
        },
      },
    ]
  } finally {
    await stage.leave(full)
    await stage.leave(empty)
  }
}

/** Written past the verbs, which would take an hour: as they would have left it. */
async function grow(stage: Stage, place: Place) {
  const began = now()
  const { bavail, bsize } = await statfs(tmpdir())
  const fits = Math.floor((bavail * bsize * 0.7) / BYTES / TASKS_A_RUN)
  const waiting = stage.size(WAITING) / TASKS_A_RUN
  const wanted = Math.min(stage.size(FINISHED) / TASKS_A_RUN, fits - waiting)
  let runs = 0
  async function add(amount: number, done: boolean) {
    const from = runs + 1
    runs += amount
    const given = [from, runs, TASKS_A_RUN, done]
    // Beside one another: they are most of the work.
    await Promise.all([ask(place.owner, TASKS, given), ask(place.owner, INPUTS, given.slice(0, 3))])
    for (const text of [RUNS, BODIES, LANES, EVENTS]) {
      await ask(place.owner, text, text === BODIES ? given.slice(0, 2) : text === EVENTS ? [from, runs, done] : given)
    }
  }
  while (runs < wanted && now() - began < MINUTES * 60_000) {
    await add(Math.min(500, wanted - runs), true)
    if (runs % 2_000 === 0) stage.tell(`     ${(runs * TASKS_A_RUN) / 1e6} M finished, ${seconds(began)} s`)
  }
  const finished = runs
  await add(waiting, false)
  await ask(
    place.owner,
    `select setval(pg_get_serial_sequence('engine.runs', 'id'), $1), setval(pg_get_serial_sequence('engine.lanes', 'id'), $1)`,
    [runs],
  )
  await settle(place)
  const [size] = await ask<{ bytes: string }>(place.owner, 'select pg_database_size(current_database()) as bytes')
  stage.tell(`     prepared in ${seconds(began)} s, ${Math.round(Number(size?.bytes) / 1e6)} MB`)
  return {
    finished: finished * TASKS_A_RUN,
    waiting: waiting * TASKS_A_RUN,
    seconds: (now() - began) / 1000,
    bytes: Number(size?.bytes),
  }
}

const seconds = (began: number) => Math.round((now() - began) / 1000)

const RUNS = `
  insert into engine.runs (id, workspace_id, kind, state, has_next, total, open, succeeded, last_event,
                           created_at, started_at, finished_at)
  select r, 1, 'bench', (case when $4 then 'succeeded' else 'queued' end)::engine.run_state, false, $3,
         case when $4 then 0 else $3 end, case when $4 then $3 else 0 end, case when $4 then 2 else 1 end,
         now(), case when $4 then now() end, case when $4 then now() end
    from generate_series($1::bigint, $2) r`
const BODIES = `
  insert into engine.run_bodies (run_id, workspace_id, input) select r, 1, '{}' from generate_series($1::bigint, $2) r`
const LANES = `
  insert into engine.lanes (id, run_id, workspace_id, kind, priority, last, idle)
  select r, r, 1, 'bench.answer', 5, $3, $4 from generate_series($1::bigint, $2) r`
const EVENTS = `
  insert into engine.events (run_id, n, workspace_id, at, kind)
  select r, n, 1, now(), case n when 1 then 'run.queued' else 'run.succeeded' end
    from generate_series($1::bigint, $2) r, generate_series(1, case when $3 then 2 else 1 end) n`
const TASKS = `
  insert into engine.tasks (run_id, n, workspace_id, lane_id, state, attempt)
  select r, n, 1, r, (case when $4 then 'succeeded' else 'ready' end)::engine.task_state, $4::integer
    from generate_series($1::bigint, $2) r, generate_series(1, $3::integer) n`
const INPUTS = `
  insert into engine.inputs (run_id, n, workspace_id, input)
  select r, n, 1, '{"n": 1}' from generate_series($1::bigint, $2) r, generate_series(1, $3::integer) n`

async function measure(place: Place, calls: { one: number; fifty: number; reads: number }): Promise<Times> {
  const claims = await claim(place, calls)
  const engine = openEngine(place.api)
  async function read(look: () => Promise<unknown>): Promise<number> {
    const took: number[] = []
    for (let n = 0; n < calls.reads; n += 1) {
      const at = now()
      await look()
      took.push(now() - at)
    }
    return median(took)
  }
  try {
    const [newest] = await engine.runs(WHO, { limit: 1 })
    const times: Times = {
      'claim 1': claims.one,
      'claim 50': claims.fifty,
      list: await read(() => engine.runs(WHO)),
      'list of a kind': await read(() => engine.runs(WHO, { kind: 'bench' })),
      progress: await read(() => engine.run(WHO, newest?.id ?? 0)),
    }
    return Object.fromEntries(ASKED.map((what) => [what, round(times[what])])) as Times
  } finally {
    await engine.close()
  }
}
