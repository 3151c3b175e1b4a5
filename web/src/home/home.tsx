/** Home: what runs now, what waits for one, what failed, how everything is; and the first steps where nothing is yet. */
import { Sparkles } from 'lucide-react'
import { Suspense } from 'react'
import { useLocation } from 'wouter'
import example from '../../../examples/value-dilemma/definition.yaml?raw'
import { ask, fetched, type Definition, type Run } from '../api.ts'
import { askAgain, useAsked } from '../asked.ts'
import { isOver, useNewestRuns } from '../runs/live.ts'
import { may, narrowedTo, useMe } from '../shell/me.ts'
import { rooms } from '../shell/rooms.ts'
import { count } from '../shown.ts'
import {
  Button,
  ButtonLink,
  Card,
  Figure,
  Link,
  Page,
  Progress,
  ProgressCounts,
  States,
  StatusBadge,
  Time,
  useAct,
} from '../ui/index.ts'
import { words } from '../words/home.ts'
import { words as ofRuns } from '../words/runs.ts'

const MODELS = ['fake:a', 'fake:b']
const SHOWN = 6
/** Milliseconds. */
const HEALTH = 10_000
const LATELY = 86_400_000

export default function Home() {
  const [asked, again] = useNewestRuns(narrowedTo(useMe()))
  return (
    <Page title={words.title}>
      <States of={asked} again={again} lines={6} isEmpty={(runs) => runs.length === 0} empty={<FirstSteps />}>
        {(runs) => (
          <>
            <Health />
            <div className="grid gap-5 lg:grid-cols-5">
              <div className="flex flex-col gap-5 lg:col-span-3">
                <Card
                  title={words.now}
                  flush
                  actions={
                    <ButtonLink href="/runs" size="small" look="quiet">
                      {words.all}
                    </ButtonLink>
                  }
                >
                  <Now runs={runs.filter((run) => run.status === 'running' || run.status === 'queued')} />
                </Card>
                <Card title={words.ended} flush>
                  <Ended runs={runs.filter(isOver)} />
                </Card>
              </div>
              <div className="flex flex-col gap-5 lg:col-span-2">
                <Waits runs={runs.filter(({ status }) => status === 'paused' || status === 'awaiting_approval')} />
                <Card title={words.failures} flush>
                  <Failures runs={runs} />
                </Card>
              </div>
            </div>
          </>
        )}
      </States>
    </Page>
  )
}

function Health() {
  const [queue] = useAsked('/api/health/queue', {}, { every: HEALTH })
  const [workers] = useAsked('/api/workers', {}, { every: HEALTH })
  const q = queue.data
  const living = workers.data?.workers.filter(({ state }) => state === 'alive')
  const sum = (of: (one: NonNullable<typeof living>[number]) => number) =>
    count((living ?? []).reduce((n, one) => n + of(one), 0))
  const open = Object.values(q?.runs ?? {}).reduce((n, one) => n + one, 0)
  return (
    <section
      aria-label={words.health}
      className="grid grid-cols-2 gap-4 rounded-lg border border-line bg-box p-4 shadow-low md:grid-cols-4"
    >
      <Figure label={words.running} value={q === undefined ? '…' : count(open)} />
      <Figure
        label={words.tasks}
        value={q === undefined ? '…' : count(q.active)}
        remark={q === undefined ? ' ' : words.waiting(count(q.pending))}
      />
      <Figure
        label={words.hour}
        value={q === undefined ? '…' : count(q.completedLastHour + q.failedLastHour)}
        remark={q === undefined ? ' ' : words.failed(count(q.failedLastHour))}
      />
      <Figure
        label={words.workers}
        value={living === undefined ? '…' : living.length === 0 ? words.noWorker : count(living.length)}
        remark={
          living === undefined
            ? ' '
            : words.slots(
                sum(({ running }) => running),
                sum(({ slots }) => slots),
              )
        }
      />
    </section>
  )
}

const nameOf = ({ name, kind }: Run) => name ?? kind

function Now({ runs }: { runs: readonly Run[] }) {
  if (runs.length === 0) return <p className="p-4 text-dim">{words.nothingNow}</p>
  return (
    <ul>
      {runs.slice(0, SHOWN).map((run) => (
        <li key={run.id} className="border-b border-line px-4 py-3 last:border-b-0">
          <div className="flex items-center justify-between gap-3">
            <span className="cut min-w-0">
              <Link href={`/runs/${run.id}`}>{ofRuns.run(run.id)}</Link>
              <span className="text-dim"> · {nameOf(run)}</span>
            </span>
            <StatusBadge status={run.status} />
          </div>
          <div className="mt-2 flex items-center gap-3">
            <Progress label={ofRuns.run(run.id)} {...run.progress} moving={run.status === 'running'} />
            <ProgressCounts {...run.progress} />
          </div>
        </li>
      ))}
    </ul>
  )
}

function Ended({ runs }: { runs: readonly Run[] }) {
  if (runs.length === 0) return <p className="p-4 text-dim">{words.nothingEnded}</p>
  return (
    <ul>
      {runs.slice(0, SHOWN).map((run) => (
        <li key={run.id} className="flex items-center gap-3 border-b border-line px-4 py-2.5 last:border-b-0">
          <span className="cut min-w-0 flex-1">
            <Link href={`/runs/${run.id}`}>{ofRuns.run(run.id)}</Link>
            <span className="text-dim"> · {nameOf(run)}</span>
          </span>
          <span className="text-sm text-dim max-sm:hidden">
            <Time at={run.finishedAt} />
          </span>
          <StatusBadge status={run.status} />
        </li>
      ))}
    </ul>
  )
}

function Waits({ runs: all }: { runs: readonly Run[] }) {
  const me = useMe()
  // What waits on a card is told by the board's room, with its card.
  const runs = all.filter(({ kind, status }) => kind !== 'stage' || status !== 'awaiting_approval')
  const others = rooms.filter((room) => room.may?.(me) !== false)
  return (
    <Card title={words.waits} flush>
      {/* Unless another room has something below it. */}
      {runs.length === 0 ? <p className="p-4 text-dim not-last:hidden">{words.nothingWaits}</p> : null}
      {runs.length === 0 ? null : (
        <ul>
          {runs.slice(0, SHOWN).map((run) => (
            <li
              key={run.id}
              className="flex items-center justify-between gap-3 border-b border-line px-4 py-2.5 last:border-b-0"
            >
              <span className="cut min-w-0">
                <Link href={`/runs/${run.id}`}>{ofRuns.run(run.id)}</Link>
                <span className="text-dim"> · {nameOf(run)}</span>
              </span>
              <StatusBadge status={run.status} />
            </li>
          ))}
        </ul>
      )}
      <Suspense>{others.map(({ name, waits: More }) => (More === undefined ? null : <More key={name} />))}</Suspense>
    </Card>
  )
}

function Failures({ runs }: { runs: readonly Run[] }) {
  const failed = runs.filter(
    (run) =>
      isOver(run) &&
      (run.status === 'failed' || run.progress.failed > 0) &&
      Date.now() - Date.parse(run.finishedAt ?? '') < LATELY,
  )
  if (failed.length === 0) return <p className="p-4 text-dim">{words.noFailures}</p>
  return (
    <ul>
      {failed.slice(0, SHOWN).map((run) => (
        <li key={run.id} className="border-b border-line px-4 py-2.5 last:border-b-0">
          <div className="flex items-center justify-between gap-3">
            <span className="cut min-w-0">
              <Link href={`/runs/${run.id}/failures`}>{ofRuns.run(run.id)}</Link>
              <span className="text-dim"> · {nameOf(run)}</span>
            </span>
            <span className="text-sm text-dim">
              <Time at={run.finishedAt} />
            </span>
          </div>
          <p className="cut text-sm text-bad">{run.failure?.message ?? words.failed(count(run.progress.failed))}</p>
        </li>
      ))}
    </ul>
  )
}

function FirstSteps() {
  const me = useMe()
  const [, go] = useLocation()
  const [busy, act] = useAct()
  const run = () =>
    act(async () => {
      const kept = (await fetched('/api/definitions/import', {
        method: 'POST',
        body: example,
        type: 'application/yaml',
      })) as Definition
      const { run: started } = await ask('post', '/api/runs', { body: { definitionId: kept.id, models: MODELS } })
      askAgain('/api/feed', '/api/runs', '/api/definitions')
      go(`/runs/${started.id}`)
    })
  return (
    <section className="overflow-clip rounded-lg border border-line bg-box shadow-low">
      <div className="border-b border-line bg-wash px-6 py-8 sm:px-10">
        <h2 className="text-xl">{words.first.title}</h2>
        <p className="mt-1 max-w-prose text-dim">{words.first.lead}</p>
        <div className="mt-5">
          <Button look="primary" icon={Sparkles} busy={busy} disabled={!may(me, 'runs:write')} onClick={run}>
            {words.first.run}
          </Button>
        </div>
      </div>
      <dl className="grid gap-6 px-6 py-7 sm:grid-cols-3 sm:px-10">
        {words.first.what.map(([name, text]) => (
          <div key={name}>
            <dt className="font-semibold">{name}</dt>
            <dd className="text-dim">{text}</dd>
          </div>
        ))}
      </dl>
      <p className="px-6 pb-6 text-sm text-faint sm:px-10">{words.first.next}</p>
    </section>
  )
}
