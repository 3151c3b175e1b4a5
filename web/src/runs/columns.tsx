/** What is told of a run in a list of runs. */
import type { Run } from '../api.ts'
import { duration } from '../shown.ts'
import { Link, Progress, ProgressCounts, StatusBadge, Time, type Column } from '../ui/index.ts'
import { words } from '../words/runs.ts'
import { words as states } from '../words/ui.ts'

export const COLUMNS: readonly Column<Run>[] = [
  {
    id: 'run',
    name: words.number,
    fixed: true,
    by: ({ id }) => id,
    cell: ({ id, name, kind, status, progress }) => (
      <>
        <div className="flex max-w-[min(21rem,68vw)] items-baseline gap-2">
          <Link href={`/runs/${id}`}>#{id}</Link>
          <span className="cut" title={name ?? kind}>
            {name ?? kind}
          </span>
        </div>
        {/* On a phone the columns beside it are out of sight. */}
        <div className="mt-1 flex items-center gap-2 sm:hidden">
          <StatusBadge status={status} />
          <ProgressCounts {...progress} />
        </div>
      </>
    ),
  },
  {
    id: 'status',
    name: words.status,
    width: 'max-sm:hidden',
    by: ({ status }) => status,
    cell: ({ status }) => <StatusBadge status={status} />,
  },
  {
    id: 'progress',
    name: words.progress,
    width: 'w-52 max-sm:hidden',
    by: ({ progress }) => progress.percentComplete,
    cell: ({ id, status, progress }) => (
      <div className="flex min-w-40 items-center gap-2">
        <Progress label={words.run(id)} {...progress} moving={status === 'running'} />
        <ProgressCounts {...progress} />
      </div>
    ),
  },
  {
    id: 'kind',
    name: words.kind,
    wide: true,
    by: ({ kind }) => kind,
    cell: ({ kind }) => <span className="text-dim">{kind}</span>,
  },
  {
    id: 'models',
    name: words.models,
    wide: true,
    cell: ({ models }) => (
      <span className="cut block max-w-52 text-dim" title={models?.join(', ')}>
        {models === null ? states.unknown : models.join(', ')}
      </span>
    ),
  },
  {
    id: 'created',
    name: words.created,
    wide: true,
    right: true,
    by: ({ id }) => id,
    cell: ({ createdAt }) => <Time at={createdAt} />,
  },
  {
    id: 'took',
    name: words.took,
    wide: true,
    right: true,
    by: (run) => tookOf(run) ?? -1,
    cell: (run) => <span className="whitespace-nowrap text-dim">{shownTook(run)}</span>,
  },
  {
    id: 'ended',
    name: words.ended,
    hidden: true,
    right: true,
    by: ({ finishedAt }) => finishedAt ?? '',
    cell: ({ finishedAt }) => <Time at={finishedAt} />,
  },
  {
    id: 'priority',
    name: words.priority,
    hidden: true,
    right: true,
    by: ({ priority }) => priority,
    cell: ({ priority }) => priority,
  },
  { id: 'round', name: words.round, hidden: true, right: true, by: ({ round }) => round, cell: ({ round }) => round },
  {
    id: 'parent',
    name: words.parent,
    hidden: true,
    right: true,
    cell: ({ parent }) => (parent === null ? states.unknown : <Link href={`/runs/${parent}`}>#{parent}</Link>),
  },
]

function tookOf({ startedAt, finishedAt }: Run): number | undefined {
  if (startedAt === null || finishedAt === null) return undefined
  return Math.max(0, (Date.parse(finishedAt) - Date.parse(startedAt)) / 1_000)
}

function shownTook(run: Run): string {
  const took = tookOf(run)
  return took === undefined ? states.unknown : duration(took)
}
