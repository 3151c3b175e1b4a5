/**
 * How well a run used its time, from what is recorded anyway: events, the ledger's
 * intents and receipts, attempts, transcripts.  What these cannot tell is said.
 */
import { readWhole, type Engine, type Principal, type Tx } from '@millrace/engine'
import { probeOf } from '../analysis/facts.ts'

/** Times are in seconds. */
export interface Efficiency {
  readonly run: number
  /** From being asked for to the end (or now), of all rounds; the time between rounds does not count. */
  readonly makespan: number
  /** Of that: paused, or awaiting approval. */
  readonly paused: number
  /** Of that: no call was under way. */
  readonly idle: number
  /** From being asked for to the first call; null without one. */
  readonly beforeFirst: number | null
  /** From the end of the last call to the end of the run: its last transcripts, its analysis; null before that. */
  readonly afterLast: number | null
  /** The larger of `longestSlot` and `callTime / peak`. */
  readonly ideal: number | null
  /** makespan / ideal. */
  readonly ratio: number | null
  /** Of all answered calls together. */
  readonly callTime: number
  /** Answered calls of the slot that had the most; its turns follow one another. */
  readonly longestSlot: number
  /** Calls under way at once: at most, and on average over the makespan. */
  readonly peak: number
  readonly average: number | null
  readonly providers: readonly ProviderTime[]
  readonly drift: readonly Drift[]
  /** What is not known, one sentence each. */
  readonly unknown: readonly string[]
}

export interface ProviderTime {
  /** The limiter key: what stands before the colon. */
  readonly provider: string
  readonly calls: number
  readonly answered: number
  readonly callTime: number
  readonly medianCall: number | null
  readonly p95Call: number | null
  /** In calls that brought no answer. */
  readonly failedTime: number
  /** Attempts that ended otherwise than well, by failure code; `WORKER_GONE` and `DRAINED` without one. */
  readonly failures: Readonly<Record<string, number>>
  /** Attempts that were followed by another, and the task-seconds between: they may overlap. */
  readonly lost: Readonly<Record<Loss, Lost>>
}

/** A pause that grows after a failure; a limit of the provider's; a stopped key; a worker that went. */
export type Loss = 'backoff' | 'limits' | 'stopped' | 'workers'
export interface Lost {
  readonly attempts: number
  readonly seconds: number
}

/** Which snapshots answered under one model's name. */
export interface Drift {
  readonly model: string
  /** Answers whose snapshot is known. */
  readonly answers: number
  /** The commonest first. */
  readonly versions: readonly { readonly version: string; readonly answers: number }[]
  /** Answers that came from another snapshot than the commonest. */
  readonly others: number
  /** Answers that did not say. */
  readonly unsaid: number
}

/** Each call: begun with its intent, ended with its receipt, or with its attempt when nothing came. */
const CALLS = `call as (
    select i.input ->> 'model' as model, split_part(i.input ->> 'model', ':', 1) as provider, l.n, l.at as begun,
           coalesce(r.at, a.ended_at) as ended, r.at is not null as answered
      from engine.ledger l
      join engine.inputs i on i.run_id = l.run_id and i.n = l.n
      left join engine.ledger r on r.run_id = l.run_id and r.n = l.n and r.name = l.name and r.attempt = l.attempt
                               and r.entry = 'receipt'
      left join engine.attempts a on a.run_id = l.run_id and a.n = l.n and a.attempt = l.attempt
     where l.run_id = $1 and l.n > 0 and l.entry = 'intent')`

const OVERLAP = `with ${CALLS},
  edge as (select begun as at, 1 as step from call where ended is not null
           union all select ended, -1 from call where ended is not null),
  level as (select sum(e.step) over w as under_way, lead(e.at) over w - e.at as lasting
              from edge e window w as (order by e.at, e.step))
  select coalesce(max(under_way), 0)::integer as peak,
         coalesce(extract(epoch from sum(lasting) filter (where under_way > 0)), 0)::float8 as busy,
         (select coalesce(max(q.seconds), 0)::float8 from (
            select extract(epoch from sum(c.ended - c.begun)) as seconds from call c where c.answered group by c.n) q) as longest,
         (select count(*) from call c where c.ended is null) as open,
         (select min(c.begun) from call c) as first, (select max(c.ended) from call c) as last
    from level`

const BY_PROVIDER = `with ${CALLS}
  select provider, count(*) as calls, count(*) filter (where answered) as answered,
         coalesce(extract(epoch from sum(ended - begun) filter (where answered)), 0)::float8 as call_time,
         percentile_cont(0.5) within group (order by extract(epoch from ended - begun)) filter (where answered) as median,
         percentile_cont(0.95) within group (order by extract(epoch from ended - begun)) filter (where answered) as p95,
         coalesce(extract(epoch from sum(ended - begun) filter (where not answered)), 0)::float8 as failed_time
    from call group by provider order by provider`

/** From the end of an attempt to the next sign of life of its task. */
const LOSSES = `
  select split_part(i.input ->> 'model', ':', 1) as provider, a.outcome, a.failure ->> 'code' as code,
         count(*) as attempts, count(next.at) as followed,
         coalesce(extract(epoch from sum(next.at - a.ended_at)), 0)::float8 as seconds
    from engine.attempts a
    join engine.inputs i on i.run_id = a.run_id and i.n = a.n
    left join lateral (select min(l.at) as at from engine.ledger l
                        where l.run_id = a.run_id and l.n = a.n and l.attempt > a.attempt and l.entry = 'intent') next on true
   where a.run_id = $1 and a.n > 0 group by 1, 2, 3`

const VERSIONS = `
  select t.provider || ':' || t.model || coalesce('@' || t.version_asked, '') as model, u ->> 'modelVersion' as version,
         count(*) as answers
    from probe.transcripts t cross join lateral jsonb_array_elements(t.turns) u
   where t.run_id = $1 group by 1, 2 order by 1, 3 desc, 2`

const LOSS: Readonly<Record<string, Loss>> = {
  again: 'backoff',
  later: 'limits',
  throttled: 'limits',
  stopped: 'stopped',
  released: 'workers',
  expired: 'workers',
}

/** @throws Refusal NO_SUCH_RUN, NOT_A_PROBE */
export async function efficiencyOf(engine: Engine, who: Principal, run: number): Promise<Efficiency> {
  return engine.as(who, async (tx) => {
    await probeOf((text, values) => tx.query(text, values), run)
    await readWhole(tx)
    const { makespan, paused, asked, ended } = await spansOf(tx, run)
    const overlap = await tx.query<Overlap & Record<string, unknown>>(OVERLAP, [run])
    const { peak, busy, longest, open, first, last } = overlap.rows[0] ?? NO_CALLS
    const providers = await providersOf(tx, run)
    const drift = await driftOf(tx, run)
    const callTime = providers.reduce((sum, one) => sum + one.callTime, 0)
    const ideal = peak === 0 ? null : Math.max(longest, callTime / peak)
    return {
      run,
      makespan,
      paused,
      idle: Math.max(0, makespan - busy),
      beforeFirst: asked === undefined || first === null ? null : first.getTime() / 1000 - asked,
      afterLast: ended === undefined || last === null ? null : Math.max(0, ended - last.getTime() / 1000),
      ideal,
      ratio: ideal === null || ideal === 0 ? null : makespan / ideal,
      callTime,
      longestSlot: longest,
      peak,
      average:
        makespan === 0 ? null : providers.reduce((sum, one) => sum + one.callTime + one.failedTime, 0) / makespan,
      providers,
      drift,
      unknown: unknownOf(open, drift),
    }
  })
}

interface Overlap {
  peak: number
  busy: number
  longest: number
  open: number
  first: Date | null
  last: Date | null
}

const NO_CALLS: Overlap = { peak: 0, busy: 0, longest: 0, open: 0, first: null, last: null }

/** Seconds; `asked` and `ended` since 1970, the latter of the last round that has ended. */
async function spansOf(tx: Tx, run: number) {
  const { rows } = await tx.query<{ kind: string; at: Date }>(
    `select e.kind, e.at from engine.events e
      where e.run_id = $1 and e.kind in ('run.queued', 'run.reopened', 'run.held', 'run.released',
                                         'run.succeeded', 'run.failed', 'run.cancelled')
      union all select 'now', engine.clock() order by at`,
    [run],
  )
  let makespan = 0
  let paused = 0
  let asked: number | undefined
  let ended: number | undefined
  let begun: number | undefined
  let held: number | undefined
  for (const { kind, at } of rows) {
    const now = at.getTime() / 1000
    if (kind === 'run.queued' || kind === 'run.reopened') {
      begun = now
      asked ??= now
      ended = undefined
    } else if (kind === 'run.held') held ??= now
    else {
      // A release, an end, or now: what was paused was paused until here; who was never held was started so.
      const since = held ?? (kind === 'run.released' ? begun : undefined)
      if (since !== undefined) paused += now - since
      held = undefined
      if (kind === 'run.released') continue
      if (begun !== undefined) makespan += now - begun
      begun = undefined
      if (kind !== 'now') ended = now
    }
  }
  return { makespan, paused, asked, ended }
}

interface Called {
  provider: string
  calls: number
  answered: number
  call_time: number
  median: number | null
  p95: number | null
  failed_time: number
}

interface Ended {
  provider: string
  outcome: string
  code: string | null
  attempts: number
  followed: number
  seconds: number
}

async function providersOf(tx: Tx, run: number): Promise<ProviderTime[]> {
  const calls = await tx.query<Called & Record<string, unknown>>(BY_PROVIDER, [run])
  const ended = await tx.query<Ended & Record<string, unknown>>(LOSSES, [run])
  const names = new Set([...calls.rows, ...ended.rows].map(({ provider }) => provider))
  return [...names].toSorted().map((provider) => {
    const called = calls.rows.find((row) => row.provider === provider)
    const attempts = ended.rows.filter((row) => row.provider === provider)
    const failures: Record<string, number> = {}
    for (const { outcome, code, attempts: amount } of attempts) {
      const name = code ?? WITHOUT_CODE[outcome] ?? outcome.toUpperCase()
      failures[name] = (failures[name] ?? 0) + amount
    }
    const lost = (loss: Loss): Lost => {
      const of = attempts.filter(({ outcome }) => LOSS[outcome] === loss)
      return {
        attempts: of.reduce((sum, row) => sum + row.followed, 0),
        seconds: of.reduce((sum, row) => sum + row.seconds, 0),
      }
    }
    return {
      provider,
      calls: called?.calls ?? 0,
      answered: called?.answered ?? 0,
      callTime: called?.call_time ?? 0,
      medianCall: called?.median ?? null,
      p95Call: called?.p95 ?? null,
      failedTime: called?.failed_time ?? 0,
      failures,
      lost: { backoff: lost('backoff'), limits: lost('limits'), stopped: lost('stopped'), workers: lost('workers') },
    }
  })
}

const WITHOUT_CODE: Readonly<Record<string, string>> = {
  expired: 'WORKER_GONE',
  released: 'DRAINED',
  cancelled: 'CANCELLED',
}

async function driftOf(tx: Tx, run: number): Promise<Drift[]> {
  const { rows } = await tx.query<{ model: string; version: string | null; answers: number }>(VERSIONS, [run])
  return [...Map.groupBy(rows, ({ model }) => model)].map(([model, of]) => {
    const versions = of.flatMap(({ version, answers }) => (version === null ? [] : [{ version, answers }]))
    const answers = versions.reduce((sum, one) => sum + one.answers, 0)
    return {
      model,
      answers,
      versions,
      others: answers - (versions[0]?.answers ?? 0),
      unsaid: of.find(({ version }) => version === null)?.answers ?? 0,
    }
  })
}

function unknownOf(open: number, drift: readonly Drift[]): string[] {
  const unsaid = drift.filter((one) => one.unsaid > 0).map((one) => `${one.model} (${one.unsaid})`)
  return [
    'How long a task waited before it first began is not recorded by cause: for a limit, or for a free worker.',
    'Which limits were set while it ran is not recorded: the ideal goes by the calls that were under way at once.',
    ...(open > 0 ? [`${open} calls have no end yet: their time is not counted.`] : []),
    ...(unsaid.length > 0 ? [`Answers that did not say from which snapshot they came: ${unsaid.join(', ')}.`] : []),
  ]
}
