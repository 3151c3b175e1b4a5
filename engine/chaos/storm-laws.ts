/**
 * The storm's laws.  Each asks for what may not be, in the runs after $1: a row is
 * a violation.  Beside it stands what makes it false in a picture that was true,
 * so that a test can see every law refuse something.
 */
export interface Law {
  readonly says: string
  readonly asks: string
  readonly broken: readonly string[]
}

const one = (of: string) => `(select ctid from ${of} limit 1)`
const SUCCEEDED = one("engine.tasks where n > 0 and state = 'succeeded'")
/** A picture that the tables would refuse as well. */
const UNCHECKED = 'alter table engine.runs drop constraint every_task_is_counted_once'
const WAITING = 'alter table engine.tasks drop constraint a_running_task_has_its_worker_and_only_a_ready_one_waits'

/** True at every moment, also in the middle of everything. */
export const ALWAYS: readonly Law[] = [
  {
    says: 'counters equal counts',
    asks: `
      select r.id from engine.runs r left join engine.tasks t on t.run_id = r.id where r.id > $1
       group by r.id having (r.total, r.succeeded, r.failed, r.cancelled, r.open) is distinct from
         (count(*) filter (where t.n > 0), count(*) filter (where t.n > 0 and t.state = 'succeeded'),
          count(*) filter (where t.n > 0 and t.state = 'failed'), count(*) filter (where t.n > 0 and t.state = 'cancelled'),
          count(*) filter (where t.state in ('ready', 'running')))`,
    broken: [
      `update engine.tasks set state = 'cancelled' where ctid = ${SUCCEEDED}`,
      `delete from engine.tasks where ctid = ${SUCCEEDED}`,
      `${UNCHECKED}; update engine.runs set succeeded = succeeded + 1 where ctid = ${one('engine.runs')}`,
    ],
  },
  {
    says: 'what is performed is owned by somebody who is there, or whose things are still to be taken back',
    asks: `
      select t.run_id, t.n, t.worker from engine.tasks t left join engine.workers w on w.id = t.worker
       where t.run_id > $1 and t.state = 'running' and (w.id is null or w.emptied)`,
    broken: [
      `update engine.tasks set state = 'running', worker = -1 where ctid = ${SUCCEEDED}`,
      `insert into engine.workers (id, name, kinds, slots, registered_at, seen_at, lease_until, gone_at, gone_why, emptied)
         values (-2, 'gone', '{}', 1, now(), now(), now(), now(), 'left', true);
       update engine.tasks set state = 'running', worker = -2 where ctid = ${SUCCEEDED}`,
    ],
  },
  {
    says: 'nothing waits without a reason: what is ready waits for its time, is stopped, or stands where a claim looks',
    asks: `
      select t.run_id, t.n, l.idle, l.stop, r.held from engine.tasks t join engine.lanes l on l.id = t.lane_id
        join engine.runs r on r.id = t.run_id
       where t.run_id > $1 and t.state = 'ready'
         and ((t.due_at is null and l.idle)
           or (l.stop is distinct from case when t.n > 0 then r.held::text end))`,
    broken: [
      `update engine.tasks set state = 'ready' where ctid = ${SUCCEEDED}; update engine.lanes set idle = true`,
      `update engine.tasks set state = 'ready' where ctid = ${SUCCEEDED}; update engine.lanes set idle = false, stop = 'paused'`,
    ],
  },
  {
    says: 'events are numbered without gaps',
    asks: `
      select r.id, r.last_event, count(e.n), max(e.n) from engine.runs r left join engine.events e on e.run_id = r.id
       where r.id > $1 group by r.id
      having count(e.n) <> r.last_event or max(e.n) <> r.last_event or min(e.n) <> 1`,
    broken: [
      `delete from engine.events where ctid = ${one('engine.events where n = 2')}`,
      `update engine.runs set last_event = last_event + 1 where ctid = ${one('engine.runs')}`,
    ],
  },
]

/** True when every run has ended. */
export const AT_THE_END: readonly Law[] = [
  {
    says: 'every run has ended, and every slot of it is there and has ended',
    asks: `
      select r.id, r.state, r.total from engine.runs r left join engine.tasks t on t.run_id = r.id where r.id > $1
       group by r.id having r.finished_at is null or count(*) filter (where t.n > 0) <> r.total or max(t.n) <> r.total
          or bool_or(t.state in ('ready', 'running'))`,
    broken: [
      `delete from engine.tasks where ctid = ${SUCCEEDED}`,
      `update engine.tasks set state = 'ready' where ctid = ${SUCCEEDED}`,
    ],
  },
  {
    says: 'nobody holds a task',
    asks: 'select run_id, n, worker from engine.tasks where run_id > $1 and worker is not null',
    broken: [`${WAITING}; update engine.tasks set worker = 1 where ctid = ${SUCCEEDED}`],
  },
  {
    says: 'every slot that succeeded has exactly one domain row, of the attempt that counted',
    asks: `
      select t.run_id, t.n, t.attempt, count(s.task) as rows, max(s.attempt) as of from engine.tasks t
        left join storm.rows s on s.run_id = t.run_id and s.task = t.n
       where t.run_id > $1 and t.n > 0 and t.state = 'succeeded'
       group by t.run_id, t.n, t.attempt having count(s.task) <> 1 or max(s.attempt) <> t.attempt`,
    broken: [
      'insert into storm.rows select * from storm.rows limit 1',
      `delete from storm.rows where ctid = ${one('storm.rows')}`,
      `update storm.rows set attempt = attempt + 1 where ctid = ${one('storm.rows')}`,
    ],
  },
  {
    says: 'a fenced attempt has left no row',
    asks: `
      select s.* from storm.rows s join engine.tasks t on t.run_id = s.run_id and t.n = s.task
       where s.run_id > $1 and (t.state <> 'succeeded' or s.attempt <> t.attempt)`,
    broken: [
      `insert into storm.rows select run_id, task, workspace_id, attempt - 1, word from storm.rows limit 1`,
      `insert into storm.rows select run_id, n, workspace_id, attempt, 'fine' from engine.tasks
        where n > 0 and state in ('failed', 'cancelled') limit 1`,
    ],
  },
  {
    says: 'every success has its output, and nothing else has one',
    asks: `
      select t.run_id, t.n, t.state from engine.tasks t left join engine.outputs o on o.run_id = t.run_id and o.n = t.n
       where t.run_id > $1 and (o.n is not null) <> (t.state = 'succeeded')`,
    broken: [
      `delete from engine.outputs where ctid = ${one('engine.outputs')}`,
      `insert into engine.outputs select run_id, n, workspace_id, '{}' from engine.tasks
        where n > 0 and state in ('failed', 'cancelled') limit 1`,
    ],
  },
  {
    says: 'every slot is answered once: a failure stands beside a failed one, and beside no other',
    asks: `
      select t.run_id, t.n, t.state, count(a.attempt) from engine.tasks t
        left join engine.attempts a on a.run_id = t.run_id and a.n = t.n and a.outcome = 'failed'
       where t.run_id > $1 group by t.run_id, t.n
      having count(a.attempt) <> (t.state = 'failed')::integer or max(a.attempt) <> t.attempt`,
    broken: [
      "update engine.attempts set outcome = 'again' where outcome = 'failed'",
      `insert into engine.attempts select run_id, n, attempt, workspace_id, 1, 'failed', '{}', now() from engine.tasks
        where n > 0 and state = 'succeeded' limit 1`,
    ],
  },
  {
    says: 'no attempt ended twice',
    asks: `
      select a.run_id, a.n, a.attempt, a.outcome from engine.attempts a
        join engine.tasks t on t.run_id = a.run_id and t.n = a.n
       where a.run_id > $1 and (a.attempt > t.attempt or (a.attempt = t.attempt and t.state = 'succeeded'))`,
    broken: [
      `insert into engine.attempts select run_id, n, attempt, workspace_id, 1, 'expired', null, now() from engine.tasks
        where n > 0 and state = 'succeeded' limit 1`,
    ],
  },
  {
    says: 'a try is spent by a failure alone, and a crash is counted by a death alone',
    asks: `
      select t.run_id, t.n, t.tries, t.crashes from engine.tasks t
        left join engine.attempts a on a.run_id = t.run_id and a.n = t.n
       where t.run_id > $1 group by t.run_id, t.n
      having t.tries <> count(*) filter (where a.outcome in ('again', 'failed'))
          or t.crashes <> count(*) filter (where a.outcome = 'expired')`,
    broken: [
      `update engine.tasks set tries = tries + 1 where ctid = ${SUCCEEDED}`,
      `update engine.tasks set crashes = crashes + 1 where ctid = ${SUCCEEDED}`,
    ],
  },
  {
    says: 'a try is spent only by what was to fail',
    asks: `
      select run_id, n, attempt, failure from engine.attempts
       where run_id > $1 and outcome = 'again' and failure ->> 'code' is distinct from 'TWICE'`,
    broken: [
      `insert into engine.attempts select run_id, n, attempt, workspace_id, 1, 'again', '{"code": "UNKNOWN"}', now()
         from engine.tasks where state = 'succeeded' limit 1`,
    ],
  },
  {
    says: 'who went in order counts as no death',
    asks: `
      select a.run_id, a.n, a.attempt, a.worker from engine.attempts a join engine.workers w on w.id = a.worker
       where a.run_id > $1 and a.outcome = 'expired' and w.gone_why = 'left'`,
    broken: ["update engine.workers set gone_at = now(), gone_why = 'left'"],
  },
  {
    says: 'a run begins with its start and ends once, as what it is',
    asks: `
      select r.id, r.state, array_agg(e.kind order by e.n) from engine.runs r join engine.events e on e.run_id = r.id
       where r.id > $1 group by r.id
      having (array_agg(e.kind order by e.n))[1] <> 'run.queued'
          or (array_agg(e.kind order by e.n desc))[1] <> 'run.' || r.state
          or count(*) filter (where e.kind in ('run.succeeded', 'run.failed', 'run.cancelled')) <> 1`,
    broken: [
      "update engine.events set kind = 'run.failed' where n = 2",
      "update engine.events set kind = 'log' where kind = 'run.cancelled'",
      "update engine.events set kind = 'log' where n = 1",
    ],
  },
  {
    says: 'only what was to fail failed',
    asks: `
      select t.run_id, t.n, i.input ->> 'ends' as ends, a.failure ->> 'code' as code
        from engine.tasks t join engine.inputs i on i.run_id = t.run_id and i.n = t.n
        join engine.attempts a on a.run_id = t.run_id and a.n = t.n and a.attempt = t.attempt
       where t.run_id > $1 and t.n > 0 and t.state = 'failed' and not (a.failure ->> 'code' = 'QUARANTINED' and t.crashes = 2)
         and (i.input ->> 'ends', a.failure ->> 'code') not in (('badly', 'BAD'), ('poison', 'PERSISTENCE_ERROR'))`,
    broken: [
      `update engine.attempts set failure = '{"code": "UNKNOWN"}' where outcome = 'failed'`,
      `update engine.inputs set input = '{"ends": "well"}'`,
    ],
  },
  {
    says: 'what was to fail did not succeed',
    asks: `
      select t.run_id, t.n from engine.tasks t join engine.inputs i on i.run_id = t.run_id and i.n = t.n
       where t.run_id > $1 and t.state = 'succeeded' and i.input ->> 'ends' in ('badly', 'poison')`,
    broken: [`update engine.inputs set input = '{"ends": "badly"}'`],
  },
  {
    says: 'a run that somebody cancelled ended cancelled, and no other has a cancelled task',
    asks: `
      select r.id, r.state from engine.runs r where r.id > $1 and case when r.cancel_asked_at is not null
         then r.state <> 'cancelled'
         else r.state = 'cancelled' or exists (select from engine.tasks t where t.run_id = r.id and t.state = 'cancelled') end`,
    broken: [
      "update engine.runs set state = 'succeeded' where state = 'cancelled'",
      "update engine.runs set cancel_asked_at = null where state = 'cancelled'",
    ],
  },
  {
    says: 'a run asks what comes next as often as it has rounds',
    asks: `
      select r.id, r.decisions from engine.runs r where r.id > $1 and r.kind = 'storm.rounds' and r.cancel_asked_at is null
         and (r.decisions <> 2 or r.state <> 'succeeded')`,
    broken: ["update engine.runs set decisions = 3 where kind = 'storm.rounds'"],
  },
  {
    says: 'what a slot keeps is what it bought: a receipt of its own in the ledger',
    asks: `
      select t.run_id, t.n, o.output ->> 'paid' as paid from engine.tasks t
        join engine.inputs i on i.run_id = t.run_id and i.n = t.n
        join engine.outputs o on o.run_id = t.run_id and o.n = t.n
       where t.run_id > $1 and t.n > 0 and (i.input ->> 'buys')::boolean
         and not exists (select from engine.ledger g where g.run_id = t.run_id and g.n = t.n and g.entry = 'receipt'
                            and g.receipt -> 'value' ->> 'token' = o.output ->> 'paid')`,
    broken: [
      "delete from engine.ledger where entry = 'receipt'",
      `update engine.outputs set output = '{"word": "fine", "paid": "by nobody"}'`,
    ],
  },
]
