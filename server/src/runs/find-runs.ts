/** Which runs?  By kind, status, definition, time and words; newest first. */
import type { Engine, Principal, Run, Tx } from '@millrace/engine'
import { NAME } from './names.ts'

export interface RunFilter {
  readonly kind?: string
  /** As a person sees it: the state, or `paused`, `awaiting_approval`; one of several. */
  readonly status?: string | readonly string[]
  readonly definition?: number
  /** As it was asked for, `provider:model[@version]`; or a part of that. */
  readonly model?: string
  readonly workspace?: number
  readonly parent?: number
  /** Only of these. */
  readonly ids?: readonly number[]
  readonly since?: Date
  readonly until?: Date
  /** In the name of the run or its kind; or the run's number. */
  readonly search?: string
  readonly before?: number
  readonly limit: number
  /** Of those, so many are passed over. */
  readonly offset?: number
}

/** What the rooms know about a run besides. */
export interface FoundRun extends Run {
  /** What it is called among others. */
  readonly name: string | null
  readonly definition: { readonly id: number; readonly version: number } | null
  readonly models: readonly string[] | null
  readonly lastAccessedAt: Date | null
}

interface Facts {
  readonly id: number
  readonly name: string | null
  readonly definition: FoundRun['definition']
  readonly models: readonly string[] | null
  readonly lastAccessedAt: Date | null
}

const FACTS = `
  select r.id, ${NAME} as name, p.models,
         case when p.definition_id is not null then json_build_object('id', p.definition_id, 'version', p.definition_version) end as definition,
         (select a.at from probe.accesses a where a.run_id = r.id and a.task is null and a.definition_id is null) as "lastAccessedAt"
    from engine.runs r left join probe.runs p on p.run_id = r.id`
/** By name: with all their walls they take longer to plan than to answer. */
const FACTS_OF = { name: 'facts_of_runs', text: `${FACTS} where r.id = any($1)` }

/** Those before a number, newest first, as many as are looked at; these filters leave little, or go by an index. */
const LOOKED = `
  select r.id, r.kind, r.workspace_id, engine.status(r) as status from engine.runs r
   where ($1::bigint is null or r.id in (select d.run_id from probe.runs d where d.definition_id = $1))
     and ($2::bigint is null or r.parent_id = $2)
     and ($3::timestamptz is null or r.created_at >= $3) and ($4::timestamptz is null or r.created_at < $4)
     and ($5::bigint is null or r.workspace_id = $5) and ($6::bigint[] is null or r.id = any($6))
     and ($7::bigint is null or r.id < $7)
   order by r.id desc limit $8`

/** What is known of a run only when it is looked at. */
const LIKE = `
         ($9::text is null or r.kind = $9) and ($10::text[] is null or r.status = any($10))
     and ($11::text is null or strpos(lower(coalesce(${NAME}, '') || ' ' || r.kind), lower($11)) > 0 or r.id::text = $11)
     and ($12::text is null or strpos(lower(array_to_string(p.models, ' ')), lower($12)) > 0)`

type Filter = Omit<RunFilter, 'limit'>

function looked(who: Principal, filter: Filter, most: number | null): unknown[] {
  const { definition, parent, since, until, workspace, ids, before } = filter
  // Whoever sees one workspace only finds his runs by its index, however many others have.
  const [only, ...others] = Object.keys(who.workspaces)
  const alone = only === undefined || others.length > 0 ? undefined : Number(only)
  return [definition, parent, since, until, workspace ?? alone, ids, before, most].map((value) => value ?? null)
}

const like = ({ kind, status, search, model }: Filter): unknown[] => [
  kind ?? null,
  status === undefined ? null : [status].flat(),
  search ?? null,
  model ?? null,
]

/** Runs that a page looks at, and fewer where words are compared: then it ends, however few it has found. */
const LOOKS = 20_000
const READS = 5_000

export interface RunPage {
  readonly items: FoundRun[]
  /** Where the next one goes on, as `before`; null at the end. */
  readonly next: number | null
}

/** A page; it may be short and yet have a next one: what is rare among very many is not looked for in one go. */
export async function findPage(engine: Engine, who: Principal, filter: RunFilter): Promise<RunPage> {
  const { kind, status, search, model, limit } = filter
  const text = search !== undefined || model !== undefined
  const most = text ? READS : kind !== undefined || status !== undefined ? LOOKS : null
  const { ids, next } = await engine.as(who, async (tx) => {
    const found = await lookFor(tx, who, { ...filter, limit: limit + 1 }, most)
    const page = found.slice(0, limit)
    if (found.length > limit) return { ids: page, next: page.at(-1) ?? null }
    if (most === null) return { ids: page, next: null }
    const { rows } = await tx.query<{ last: number | null; n: number }>(
      `select min(q.id) as last, count(*)::integer as n from (${LOOKED}) q`,
      looked(who, filter, most),
    )
    return { ids: page, next: rows[0]?.n === most ? rows[0].last : null }
  })
  return { items: await known(engine, who, ids), next }
}

export async function findRuns(engine: Engine, who: Principal, filter: RunFilter): Promise<FoundRun[]> {
  return known(engine, who, await engine.as(who, (tx) => lookFor(tx, who, filter, null)))
}

async function lookFor(tx: Tx, who: Principal, filter: RunFilter, most: number | null): Promise<number[]> {
  const { rows } = await tx.query<{ id: number }>(
    `select r.id from (${LOOKED}) r left join probe.runs p on p.run_id = r.id where ${LIKE}
      order by r.id desc limit $13 offset $14`,
    [...looked(who, filter, most), ...like(filter), filter.limit, filter.offset ?? 0],
  )
  return rows.map(({ id }) => id)
}

/** What is known of these, in their order; one that was pruned meanwhile is left out. */
async function known(engine: Engine, who: Principal, ids: readonly number[]): Promise<FoundRun[]> {
  if (ids.length === 0) return []
  const { rows } = await engine.as(who, (tx) => tx.query(FACTS_OF, [ids]))
  const facts = new Map((rows as unknown as Facts[]).map((fact) => [fact.id, fact]))
  const runs = new Map((await engine.runs(who, { ids })).map((run) => [run.id, run]))
  return ids.flatMap((id) => {
    const run = runs.get(id)
    const fact = facts.get(id)
    return run === undefined || fact === undefined ? [] : [{ ...run, ...fact }]
  })
}

/** Runs that are counted at most, the newest; who has more is told so. */
const MOST_COUNTED = 100_000

export interface RunCounts {
  readonly counts: Readonly<Record<string, number>>
  readonly capped: boolean
}

/** How many runs of each status a filter leaves. */
export async function countRuns(engine: Engine, who: Principal, filter: Omit<Filter, 'status'>): Promise<RunCounts> {
  const { rows } = await engine.as(who, (tx) =>
    tx.query<{ counts: Record<string, number> | null; n: number }>(
      `with looked as materialized (${LOOKED})
       select (select count(*)::integer from looked) as n, (select jsonb_object_agg(q.status, q.n) from (
         select r.status, count(*)::integer as n from looked r left join probe.runs p on p.run_id = r.id
          where ${LIKE} group by r.status) q) as counts`,
      [...looked(who, filter, MOST_COUNTED), ...like(filter)],
    ),
  )
  const [row] = rows
  return { counts: row?.counts ?? {}, capped: (row?.n ?? 0) >= MOST_COUNTED }
}

/** @throws Refusal NO_SUCH_RUN */
export async function foundRun(engine: Engine, who: Principal, id: number): Promise<FoundRun> {
  const run = await engine.run(who, id)
  const { rows } = await engine.as(who, (tx) => tx.query(FACTS_OF, [[id]]))
  const [fact] = rows as unknown as Facts[]
  return { ...run, ...(fact ?? { name: null, definition: null, models: null, lastAccessedAt: null }) }
}
