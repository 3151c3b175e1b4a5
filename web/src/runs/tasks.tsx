/** The tasks of a run, and one of them with all that is known: input, output, attempts. */
import { ListChecks } from 'lucide-react'
import type { Task } from '../api.ts'
import { useAsked } from '../asked.ts'
import { useFilters } from '../filters.ts'
import { count } from '../shown.ts'
import {
  Badge,
  Card,
  Dialog,
  Empty,
  Facts,
  Filtered,
  JsonView,
  LoadMore,
  Select,
  States,
  Table,
  Time,
  usePages,
  type Column,
} from '../ui/index.ts'
import { tasks as words, words as ofRuns } from '../words/runs.ts'
import { isOver } from './live.ts'
import type { WholeRun } from './tabs.ts'

const STATES = ['ready', 'running', 'succeeded', 'failed', 'cancelled'] as const
const TONES = { ready: 'plain', running: 'busy', succeeded: 'good', failed: 'bad', cancelled: 'plain' } as const
const PAGE = 100
/** The way back leads out of a task, and to the states that were looked at. */
const STEP = { replace: false }

export default function Tasks({ run }: { run: WholeRun }) {
  const [filter, set] = useFilters('state', 'task')
  const state = STATES.find((one) => one === filter.state)
  const [asked, again, pages] = usePages(
    '/api/runs/{id}/tasks',
    { path: { id: run.id }, query: { limit: PAGE, ...(state === undefined ? {} : { state }) } },
    ({ n }) => n,
    { moves: !isOver(run), ...(isOver(run) ? {} : { every: 3_000 }) },
  )
  const open = filter.task
  const columns: readonly Column<Task>[] = [
    {
      id: 'n',
      name: words.number,
      fixed: true,
      by: ({ n }) => n,
      cell: ({ n }) => (
        <button type="button" className="text-accent hover:underline" onClick={() => set('task', String(n), STEP)}>
          #{n}
        </button>
      ),
    },
    {
      id: 'state',
      name: words.state,
      by: (one) => one.state,
      cell: (one) => <Badge tone={TONES[one.state]}>{words.states[one.state]}</Badge>,
    },
    {
      id: 'attempts',
      name: words.attempts,
      right: true,
      by: ({ attempt }) => attempt,
      cell: ({ attempt }) => count(attempt),
    },
    {
      id: 'failure',
      name: words.failure,
      cell: ({ failure }) =>
        failure === null ? null : (
          <span className="cut block max-w-96 text-bad" title={failure.code}>
            {failure.message}
          </span>
        ),
    },
    { id: 'kind', name: words.kind, wide: true, cell: ({ kind }) => <span className="text-dim">{kind}</span> },
    { id: 'key', name: words.key, wide: true, cell: (one) => <span className="text-dim">{one.key}</span> },
    { id: 'due', name: words.due, hidden: true, cell: ({ dueAt }) => <Time at={dueAt} /> },
  ]
  return (
    <Card
      flush
      title={
        <Select
          label={words.state}
          value={state ?? ''}
          onChange={(value) => set('state', value, STEP)}
          of={[{ value: '', label: words.any }, ...STATES.map((value) => ({ value, label: words.states[value] }))]}
        />
      }
    >
      <States
        of={asked}
        again={again}
        lines={8}
        isEmpty={({ items }) => items.length === 0}
        empty={
          state === undefined ? (
            <Empty icon={ListChecks} title={words.noTasks} />
          ) : (
            <Filtered title={words.none} clear={ofRuns.clear} onClear={() => set('state', '', STEP)} />
          )
        }
      >
        {() => (
          <>
            <Table name="tasks" label={words.table} columns={columns} rows={pages.items} idOf={({ n }) => n} />
            <LoadMore of={pages} />
          </>
        )}
      </States>
      <Dialog
        open={open !== undefined}
        onClose={() => set('task', '', STEP)}
        title={words.title(Number(open ?? 0))}
        wide
      >
        {open === undefined ? null : <One run={run.id} n={Number(open)} />}
      </Dialog>
    </Card>
  )
}

function One({ run, n }: { run: number; n: number }) {
  const [asked, again] = useAsked('/api/runs/{id}/tasks/{n}', { path: { id: run, n } })
  return (
    <States of={asked} again={again}>
      {(task) => (
        <div className="flex flex-col gap-4">
          <Facts
            of={[
              [
                words.state,
                <Badge key="state" tone={TONES[task.state]}>
                  {words.states[task.state]}
                </Badge>,
              ],
              [words.attempts, count(task.attempt)],
              [words.kind, task.kind],
              ...(task.key === '' ? [] : [[words.key, task.key] as const]),
              ...(task.failure === null
                ? []
                : [
                    [
                      words.failure,
                      <span key="failure" className="text-bad">
                        {task.failure.message}
                      </span>,
                    ] as const,
                  ]),
            ]}
          />
          {task.attempts.length === 0 ? null : (
            <div>
              <h3 className="mb-1 text-sm text-dim">{words.history}</h3>
              <ol className="flex flex-col gap-1">
                {task.attempts.map(({ attempt, worker, outcome, failure, endedAt }) => (
                  <li key={attempt} className="flex flex-wrap items-baseline gap-x-3">
                    <span className="font-medium">{words.attempt(attempt)}</span>
                    <Badge tone={outcome === 'failed' ? 'bad' : 'warn'}>{outcome}</Badge>
                    <span className="text-dim">{failure?.message}</span>
                    <span className="ml-auto text-sm text-faint">
                      {worker === null ? '' : `${words.worker(worker)} · `}
                      <Time at={endedAt} />
                    </span>
                  </li>
                ))}
              </ol>
            </div>
          )}
          <div>
            <h3 className="mb-1 text-sm text-dim">{words.input}</h3>
            <JsonView value={task.input} label={words.input} />
          </div>
          {task.output === null ? null : (
            <div>
              <h3 className="mb-1 text-sm text-dim">{words.output}</h3>
              <JsonView value={task.output} label={words.output} />
            </div>
          )}
        </div>
      )}
    </States>
  )
}
