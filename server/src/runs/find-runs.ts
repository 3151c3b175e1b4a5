/** Which runs?  By kind, status, definition, time and words; newest first. */
import type { Engine, Principal, Run } from '@millrace/engine'
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

const WHERE = `
        where ($1::text is null or r.kind = $1) and ($2::text[] is null or engine.status(r) = any($2))
          and ($3::bigint is null or p.definition_id = $3) and ($4::bigint is null or r.parent_id = $4)
          and ($5::timestamptz is null or r.created_at >= $5) and ($6::timestamptz is null or r.created_at < $6)
          and ($7::text is null or strpos(lower(coalesce(${NAME}, '') || ' ' || r.kind), lower($7)) > 0 or r.id::text = $7)
          and ($8::bigint is null or r.workspace_id = $8)
          and ($9::text is null or strpos(lower(array_to_string(p.models, ' ')), lower($9)) > 0)
          and ($10::bigint[] is null or r.id = any($10))`

const valuesOf = (filter: Omit<RunFilter, 'limit'>) => [
  filter.kind ?? null,
  filter.status === undefined ? null : [filter.status].flat(),
  filter.definition ?? null,
  filter.parent ?? null,
  filter.since ?? null,
  filter.until ?? null,
  filter.search ?? null,
  filter.workspace ?? null,
  filter.model ?? null,
  filter.ids ?? null,
]

export async function findRuns(engine: Engine, who: Principal, filter: RunFilter): Promise<FoundRun[]> {
  const { rows } = await engine.as(who, (tx) =>
    tx.query(`${FACTS} ${WHERE} and ($11::bigint is null or r.id < $11) order by r.id desc limit $12 offset $13`, [
      ...valuesOf(filter),
      filter.before ?? null,
      filter.limit,
      filter.offset ?? 0,
    ]),
  )
  const facts = rows as unknown as Facts[]
  if (facts.length === 0) return []
  const runs = new Map((await engine.runs(who, { ids: facts.map(({ id }) => id) })).map((run) => [run.id, run]))
  // One that was pruned between the two is left out.
  return facts.flatMap((fact) => {
    const run = runs.get(fact.id)
    return run === undefined ? [] : [{ ...run, ...fact }]
  })
}

/** Runs that are counted at most, the newest; who has more is told so. */
const MOST_COUNTED = 100_000

export interface RunCounts {
  readonly counts: Readonly<Record<string, number>>
  readonly capped: boolean
}

/** How many runs of each status a filter leaves. */
export async function countRuns(
  engine: Engine,
  who: Principal,
  filter: Omit<RunFilter, 'limit' | 'status'>,
): Promise<RunCounts> {
  const { rows } = await engine.as(who, (tx) =>
    tx.query<{ status: string; n: number }>(
      `select status, count(*)::integer as n from (
         select engine.status(r) as status from engine.runs r left join probe.runs p on p.run_id = r.id
         ${WHERE} order by r.id desc limit ${MOST_COUNTED}) q
        group by status`,
      valuesOf(filter),
    ),
  )
  const counts = Object.fromEntries(rows.map(({ status, n }) => [status, n]))
  return { counts, capped: rows.reduce((sum, { n }) => sum + n, 0) >= MOST_COUNTED }
}

/** @throws Refusal NO_SUCH_RUN */
export async function foundRun(engine: Engine, who: Principal, id: number): Promise<FoundRun> {
  const run = await engine.run(who, id)
  const { rows } = await engine.as(who, (tx) => tx.query(`${FACTS} where r.id = $1`, [id]))
  const [fact] = rows as unknown as Facts[]
  return { ...run, ...(fact ?? { name: null, definition: null, models: null, lastAccessedAt: null }) }
}
