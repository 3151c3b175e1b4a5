/** The doctor's look at the work: who performs, what waits for nobody, and which keys are stopped or unlimited. */
import type { Tx } from '@millrace/engine'
import type { Finding } from './doctor.ts'
import { duration, grouped } from './screen.ts'
import { workersSeen } from '../runs/workers.ts'

export async function lookAtWork(tx: Tx): Promise<Finding[]> {
  const workers = (await workersSeen(tx)).filter(({ state }) => state !== 'gone')
  const served = workers.filter(({ state }) => state === 'alive').flatMap(({ kinds }) => kinds)
  const seen: Finding[] = workers.map(({ id, name, slots, state, seenAgo }) =>
    state === 'alive'
      ? { what: 'worker', state: 'well', says: `${id} (${name}), ${slots} slots` }
      : {
          what: 'worker',
          state: 'wrong',
          says: `${id} (${name}) was last seen ${duration(Math.max(0, seenAgo))} ago and has not said that it goes`,
          remedy: 'The next worker takes its tasks back; look at that process, or start another: `millrace worker`.',
        },
  )
  if (workers.length === 0) {
    seen.push({
      what: 'worker',
      state: 'note',
      says: 'none is running; `millrace up` and `millrace probe` bring their own',
    })
  }
  return [
    ...(await waitingForNobody(tx, served)),
    ...seen,
    ...(await stoppedKeys(tx)),
    ...(await unlimitedKeys(tx)),
    ...(await forgottenRuns(tx)),
  ]
}

async function waitingForNobody(tx: Tx, served: readonly string[]): Promise<Finding[]> {
  const { rows } = await tx.query<{ kind: string; ready: number; runs: number[] }>(
    `select l.kind, count(*) as ready, array_agg(distinct l.run_id order by l.run_id) as runs
       from engine.lanes l join engine.tasks t on t.lane_id = l.id and t.state = 'ready' and t.due_at is null
      where not l.idle and l.stop is null and l.kind <> all($1::text[]) group by l.kind order by l.kind`,
    [served],
  )
  return rows.map(({ kind, ready, runs }) => ({
    what: 'waiting',
    state: 'wrong',
    says: `${ready} tasks of kind ${kind} in ${runs.length} ${runs.length === 1 ? 'run' : 'runs'} have no worker`,
    remedy: `Start one that knows it: \`millrace worker\`, or \`millrace up\`. The first of them is run ${runs[0]}.`,
  }))
}

async function stoppedKeys(tx: Tx): Promise<Finding[]> {
  const { rows } = await tx.query<{ key: string; stop: string; since: number; waiting: number }>(
    `select x.key, x.stop, extract(epoch from engine.clock() - x.stopped_at)::float8 as since,
            (select count(*) from engine.lanes l join engine.tasks t on t.lane_id = l.id and t.state = 'ready'
              where l.limit_id = x.id) as waiting
       from engine.limits x where x.stop is not null order by x.key`,
  )
  return rows.map(({ key, stop, since, waiting }) => ({
    what: 'stopped',
    state: 'wrong',
    says: `nothing begins under ${key} (${stop}) for ${duration(Math.max(0, since))}; ${grouped(waiting)} tasks wait`,
    remedy: `${stop === 'PAUSED' ? 'Somebody said so.' : 'Look at the account there.'} Then: \`millrace limits release ${key}\`.`,
  }))
}

async function unlimitedKeys(tx: Tx): Promise<Finding[]> {
  const { rows } = await tx.query<{ key: string; refused: number }>(
    `select x.key, count(*) as refused
       from engine.attempts a
       join engine.tasks t on t.run_id = a.run_id and t.n = a.n
       join engine.lanes l on l.id = t.lane_id
       join engine.limits x on x.id = l.limit_id
      where a.ended_at > engine.clock() - interval '1 hour'
        and (a.outcome = 'throttled' or a.failure ->> 'code' = 'RATE_LIMIT')
        and x.concurrency is null and x.requests_per_minute is null and x.tokens_per_minute is null
      group by x.key order by x.key`,
  )
  return rows.map(({ key, refused }) => ({
    what: 'limit',
    state: 'note',
    says: `${key} was refused ${grouped(refused)} times in the last hour for its rate, and has no limit`,
    remedy: `Set the account's: \`millrace limits set ${key} --requests N --tokens N\`.`,
  }))
}

async function forgottenRuns(tx: Tx): Promise<Finding[]> {
  const { rows } = await tx.query<{ id: number; held: string; since: number }>(
    `select r.id, r.held, extract(epoch from engine.clock() - e.at)::float8 as since
       from engine.runs r cross join lateral (
         select e.at from engine.events e
          where e.run_id = r.id and (e.kind = 'run.held' or e.n = 1) order by e.n desc limit 1) e
      where r.held is not null and r.finished_at is null and e.at < engine.clock() - interval '1 day' order by r.id limit 20`,
  )
  return rows.map(({ id, held, since }) => ({
    what: 'held',
    state: 'note',
    says: `run ${id} ${held === 'paused' ? 'is paused' : 'waits for an approval'} for ${duration(since)}`,
    remedy: `\`millrace runs resume ${id}\` lets it go on, \`millrace runs cancel ${id}\` ends it.`,
  }))
}
