/** What pruning would throw away. */
import type { Engine, Principal } from '@millrace/engine'

export interface OldRuns {
  readonly runs: number
  readonly oldest: { readonly id: number; readonly kind: string; readonly at: Date } | null
}

/** Runs that ended before then, of those that the reader sees. */
export async function oldRuns(
  engine: Engine,
  who: Principal,
  { before, kind, workspace }: { before: Date; kind?: string | undefined; workspace?: number | undefined },
): Promise<OldRuns> {
  const { rows } = await engine.as(who, (tx) =>
    tx.query<{ runs: number; id: number; kind: string; at: Date }>(
      `select count(*) over () as runs, id, kind, finished_at as at from engine.runs
        where finished_at < $1 and ($2::text is null or kind = $2) and ($3::bigint is null or workspace_id = $3)
        order by finished_at limit 1`,
      [before, kind ?? null, workspace ?? null],
    ),
  )
  const [first] = rows
  return first === undefined
    ? { runs: 0, oldest: null }
    : { runs: first.runs, oldest: { id: first.id, kind: first.kind, at: first.at } }
}
