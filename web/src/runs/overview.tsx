/** A run at a glance: how far it is, each model for itself, why it waits, how it went over time. */
import { useMemo } from 'react'
import type { Answer } from '../api.ts'
import { useAsked } from '../asked.ts'
import { Actor } from '../shell/actor.tsx'
import { count, duration, exactly } from '../shown.ts'
import { Card, Facts, Figure, JsonView, Link, Problem, Progress, ProgressCounts, States, Time } from '../ui/index.ts'
import { inside, words } from '../words/runs.ts'
import { isOver } from './live.ts'
import type { WholeRun } from './tabs.ts'

export default function Overview({ run }: { run: WholeRun }) {
  const over = isOver(run)
  return (
    <div className="grid gap-5 lg:grid-cols-3">
      <div className="flex min-w-0 flex-col gap-5 lg:col-span-2">
        {run.failure === null ? null : (
          <Card title={inside.failedWith} flush>
            <Problem
              problem={{
                type: 'about:blank',
                title: run.failure.message,
                status: 0,
                code: run.failure.code,
                instance: '',
                correlationId: '',
              }}
            />
          </Card>
        )}
        <HowFar run={run} />
        {over ? null : <Why run={run} />}
        <OverTime run={run} />
      </div>
      <div className="flex min-w-0 flex-col gap-5">
        <About run={run} />
        {run.output === null ? null : (
          <Card title={inside.output}>
            <JsonView value={run.output} label={inside.output} />
          </Card>
        )}
      </div>
    </div>
  )
}

function HowFar({ run }: { run: WholeRun }) {
  const over = isOver(run)
  const models = run.models !== null
  const [asked, again] = useAsked(
    '/api/runs/{id}/progress',
    { path: { id: run.id }, query: models ? { by: 'model' } : {} },
    { moves: !over },
  )
  const { progress } = run
  return (
    <Card title={inside.progress}>
      <div className="flex items-baseline justify-between gap-4 pb-2">
        <span className="text-2xl font-semibold tracking-tight">{inside.percent(progress.percentComplete)}</span>
        <span className="text-dim">
          {count(progress.completed + progress.failed + progress.cancelled)} / {count(progress.total)}
        </span>
      </div>
      <Progress label={inside.progress} {...progress} thick moving={run.status === 'running'} />
      <States of={asked} again={again} lines={3}>
        {(now) => (
          <>
            <div className="grid grid-cols-2 gap-4 pt-4 sm:grid-cols-5">
              {over ? (
                <Figure label={inside.took} value={tookOf(run)} />
              ) : (
                <Figure
                  label={inside.left}
                  value={
                    now.secondsLeft === null || run.status !== 'running'
                      ? '—'
                      : inside.leftAbout(duration(now.secondsLeft))
                  }
                />
              )}
              <Figure
                label={inside.rate}
                value={
                  now.rate === null ? '—' : inside.perSecond(now.rate < 10 ? now.rate.toFixed(1) : count(now.rate))
                }
              />
              {over ? null : <Figure label={inside.inFlight} value={count(now.inFlight)} />}
              <Figure label={inside.retries} value={count(now.retries)} />
              <Figure
                label={inside.failedOf}
                value={<span className={progress.failed > 0 ? 'text-bad' : ''}>{count(progress.failed)}</span>}
              />
            </div>
            {now.byModel === undefined || now.byModel.length === 0 ? null : (
              <div className="mt-5 border-t border-line pt-4">
                <h3 className="mb-2 text-sm text-dim">{inside.models}</h3>
                <ul className="flex flex-col gap-2.5">
                  {now.byModel.map(({ model, ...of }) => (
                    <li key={model} className="flex flex-wrap items-center gap-x-4 gap-y-1.5">
                      <span className="cut w-44 max-sm:flex-1" title={model}>
                        {model}
                      </span>
                      <div className="flex-1 max-sm:order-last max-sm:basis-full">
                        <Progress
                          label={model}
                          {...of}
                          moving={run.status === 'running' && of.completed + of.failed + of.cancelled < of.total}
                        />
                      </div>
                      <span className="min-w-28 text-right">
                        <ProgressCounts {...of} />
                      </span>
                    </li>
                  ))}
                </ul>
              </div>
            )}
          </>
        )}
      </States>
    </Card>
  )
}

function tookOf({ startedAt, finishedAt }: WholeRun): string {
  return startedAt === null || finishedAt === null
    ? '—'
    : duration(Math.max(0, Date.parse(finishedAt) - Date.parse(startedAt)) / 1_000)
}

/** A sentence for each part that waits; nothing while all goes on as it should. */
function Why({ run }: { run: WholeRun }) {
  const [asked] = useAsked('/api/runs/{id}/why', { path: { id: run.id } }, { every: 5_000 })
  const all = asked.data?.waiting ?? []
  // To be next in turn while it goes on is nothing to tell.
  const waiting = run.status === 'running' ? all.filter(({ reason }) => reason !== 'turn') : all
  if (waiting.length === 0) return null
  return (
    <Card title={inside.whyTitle}>
      <ul className="flex flex-col gap-1.5">
        {waiting.map(({ kind, key, sentence }) => (
          <li key={`${kind} ${key}`}>{sentence}</li>
        ))}
      </ul>
    </Card>
  )
}

function About({ run }: { run: WholeRun }) {
  return (
    <Card title={inside.facts}>
      <Facts
        of={[
          [words.created, <Time key="created" at={run.createdAt} />],
          [inside.started, <Time key="started" at={run.startedAt} />],
          [inside.ended, <Time key="ended" at={run.finishedAt} />],
          [words.priority, run.priority],
          ...(run.definition === null
            ? []
            : [[inside.definition, `#${run.definition.id}, ${inside.version(run.definition.version)}`] as const]),
          ...(run.models === null ? [] : [[words.models, run.models.join(', ')] as const]),
          ...(run.parent === null
            ? []
            : [
                [
                  words.parent,
                  <Link key="parent" href={`/runs/${run.parent}`}>
                    {words.run(run.parent)}
                  </Link>,
                ] as const,
              ]),
          [inside.seen, <Time key="seen" at={run.lastAccessedAt} />],
        ]}
      />
    </Card>
  )
}

type Timeline = Answer<'get', '/api/runs/{id}/timeline'>

function OverTime({ run }: { run: WholeRun }) {
  const [asked, again] = useAsked('/api/runs/{id}/timeline', { path: { id: run.id } }, { moves: !isOver(run) })
  return (
    <Card title={inside.timeline}>
      <States of={asked} again={again} lines={4}>
        {(timeline) => (
          <>
            <Pace of={timeline} total={run.progress.total} />
            <ol className="flex flex-col gap-1.5">
              {timeline.moments.map(({ n, kind, at, data }, i) => {
                const before = timeline.moments[i - 1]
                const since = before === undefined ? undefined : (Date.parse(at) - Date.parse(before.at)) / 1_000
                return (
                  <li key={n} className="flex items-baseline gap-3">
                    <span aria-hidden className="size-2 shrink-0 self-center rounded-full bg-edge" />
                    <span className="font-medium">{inside.moments[kind] ?? kind}</span>
                    {typeof data['by'] === 'string' ? (
                      <span className="text-dim">
                        {inside.by} <Actor of={data['by']} />
                      </span>
                    ) : null}
                    <span className="ml-auto text-sm text-dim">{since === undefined ? '' : `+${duration(since)}`}</span>
                    <span className="w-28 text-right text-sm text-dim">
                      <Time at={at} />
                    </span>
                  </li>
                )
              })}
            </ol>
          </>
        )}
      </States>
    </Card>
  )
}

const WIDE = 640
const HIGH = 96

/** How many tasks had ended when, failures on top; with the numbers behind it. */
function Pace({ of: { pace, moments }, total }: { of: Timeline; total: number }) {
  const drawn = useMemo(() => {
    const first = moments[0]?.at ?? pace[0]?.at
    const last = pace.at(-1)?.at
    if (first === undefined || last === undefined || pace.length < 2) return undefined
    const from = Date.parse(first)
    const span = Math.max(1, Date.parse(last) - from)
    const x = (at: string) => (WIDE * (Date.parse(at) - from)) / span
    const y = (n: number) => HIGH - (HIGH * n) / Math.max(1, total)
    const area = (top: (one: Timeline['pace'][number]) => number) =>
      `M0,${HIGH} ${pace.map((one) => `L${x(one.at).toFixed(1)},${y(top(one)).toFixed(1)}`).join(' ')} L${WIDE},${HIGH} Z`
    return {
      all: area(({ completed, failed, cancelled }) => completed + failed + cancelled),
      bad: area(({ completed, failed }) => completed + failed),
      good: area(({ completed }) => completed),
    }
  }, [pace, moments, total])
  if (drawn === undefined) return null
  return (
    <figure className="mb-4">
      <svg
        viewBox={`0 0 ${WIDE} ${HIGH}`}
        preserveAspectRatio="none"
        role="img"
        aria-label={inside.pace}
        className="h-24 w-full rounded-md bg-sunk"
      >
        <path d={drawn.all} className="fill-edge" />
        <path d={drawn.bad} className="fill-bad" />
        <path d={drawn.good} className="fill-accent" />
      </svg>
      <details className="mt-1 text-sm text-dim">
        <summary>{inside.paceTable}</summary>
        <div className="max-h-56 overflow-y-auto" tabIndex={0} role="region" aria-label={inside.pace}>
          <table className="w-full text-right">
            <thead>
              <tr>
                <th scope="col" className="text-left font-medium">
                  {inside.at}
                </th>
                <th scope="col" className="font-medium">
                  {inside.completed}
                </th>
                <th scope="col" className="font-medium">
                  {inside.failed}
                </th>
                <th scope="col" className="font-medium">
                  {inside.cancelled}
                </th>
              </tr>
            </thead>
            <tbody>
              {pace.map(({ at, completed, failed, cancelled }) => (
                <tr key={at}>
                  <td className="text-left">{exactly(new Date(at))}</td>
                  <td>{count(completed)}</td>
                  <td>{count(failed)}</td>
                  <td>{count(cancelled)}</td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      </details>
    </figure>
  )
}
