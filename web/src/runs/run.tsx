/** One run: what it is and does now, what can be done about it, and its parts. */
import { CirclePause, CirclePlay, CircleX, FileQuestion, RotateCcw, RefreshCw } from 'lucide-react'
import { Suspense, useEffect, useMemo, useRef, useState } from 'react'
import { useLocation, useParams } from 'wouter'
import { ask, type Run } from '../api.ts'
import { askAgain, setAsked, useAsked } from '../asked.ts'
import { useFollowed, useMovingRuns } from '../feed.ts'
import { useCommands } from '../shell/keys.ts'
import { may, useMe } from '../shell/me.ts'
import { count } from '../shown.ts'
import {
  Badge,
  Button,
  ButtonLink,
  ConfirmDialog,
  CopyButton,
  Empty,
  Link,
  Page,
  Skeleton,
  States,
  StatusBadge,
  Tabs,
  tell,
  useAct,
} from '../ui/index.ts'
import { useStart } from '../start/open.tsx'
import { inside, words } from '../words/runs.ts'
import { linesOf } from './lines.ts'
import { isOver, newer, useThrottled } from './live.ts'
import { CAN, steer, type Verb } from './steer.ts'
import { tabs, type WholeRun } from './tabs.ts'

// The part that the address names comes beside what is known of the run.
tabs.find(({ id }) => id === (location.pathname.split('/')[3] ?? ''))?.page.load()

/** Milliseconds between two askings for what moves all the time. */
const PAUSE = 1_000

export default function RunPage() {
  const { id = '' } = useParams()
  if (!/^\d{1,15}$/.test(id)) return <None />
  return <Known id={Number(id)} />
}

function None() {
  return (
    <Page title={inside.none} above={[[words.title, '/runs']]}>
      <Empty icon={FileQuestion} title={inside.none}>
        <ButtonLink href="/runs">{words.title}</ButtonLink>
      </Empty>
    </Page>
  )
}

function Known({ id }: { id: number }) {
  const given = { path: { id } }
  // What has ended moves no more, until it is taken up again, which is told by who does it.
  const ended = useRef(false)
  const [asked, again] = useAsked('/api/runs/{id}', given, { moves: !ended.current })
  const run = asked.data
  const over = run !== undefined && isOver(run)
  ended.current = over
  const parts = useThrottled(PAUSE, () =>
    askAgain(`/api/runs/${id}/progress`, `/api/runs/${id}/why`, `/api/runs/${id}/failures`, `/api/runs/${id}/timeline`),
  )
  useMovingRuns((runs) => {
    const moved = runs.find((one) => one.id === id)
    if (moved === undefined) return
    // Its output is not in what the feed tells.
    if (isOver(moved) !== over) void again()
    else setAsked('/api/runs/{id}', given, (before) => ({ ...before, ...newer(before, moved) }))
    parts()
  })
  const follows = run !== undefined && !over
  useFollowed(follows ? id : null, run?.lastEvent ?? 0, (events, ended) => {
    linesOf(id).add(events)
    if (ended || events.some(({ kind }) => kind.startsWith('run.'))) void again()
    parts()
  })
  useEffect(() => {
    if (run !== undefined) linesOf(id).reach(run.lastEvent)
  }, [id, run?.lastEvent])
  // What was asked while it ran is asked once more when it has ended.
  useEffect(() => {
    if (over) askAgain(`/api/runs/${id}/`)
  }, [over, id])
  if (asked.state === 'failed' && asked.problem.status === 404) return <None />
  if (run === undefined) {
    return (
      <Page title={words.run(id)} above={[[words.title, '/runs']]}>
        <States of={asked} again={again} lines={6}>
          {() => null}
        </States>
      </Page>
    )
  }
  return <Shown run={run} />
}

function Shown({ run }: { run: WholeRun }) {
  const { tab: wanted = '' } = useParams()
  const mine = tabs.filter(({ when }) => when?.(run) !== false)
  const tab = mine.find(({ id }) => id === wanted)
  return (
    <Page
      title={run.name ?? run.kind}
      above={[[words.title, '/runs']]}
      mark={
        <>
          <StatusBadge status={run.status} />
          {run.cancelAsked && !isOver(run) ? <Badge tone="warn">{inside.cancelling}</Badge> : null}
        </>
      }
      lead={
        <span className="flex flex-wrap items-center gap-x-1.5">
          {words.run(run.id)}
          <CopyButton text={String(run.id)} label={inside.copyId} />
          {run.kind}
          {run.round > 1 ? ` · ${words.round} ${run.round}` : ''}
          {run.parent === null ? null : (
            <>
              ·<Link href={`/runs/${run.parent}`}>{inside.repeats(run.parent)}</Link>
            </>
          )}
        </span>
      }
      actions={<Controls run={run} />}
    >
      <Tabs
        label={inside.tabs}
        of={mine.map(({ id, name, count: counted }) => {
          const n = counted?.(run) ?? 0
          return {
            name,
            href: id === '' ? `/runs/${run.id}` : `/runs/${run.id}/${id}`,
            mark: n === 0 ? null : <Badge tone="bad">{count(n)}</Badge>,
          }
        })}
      />
      <Suspense fallback={<Skeleton lines={5} />}>
        {tab === undefined ? <Empty icon={FileQuestion} title={inside.none} /> : <tab.page run={run} />}
      </Suspense>
    </Page>
  )
}

function Controls({ run }: { run: WholeRun }) {
  const me = useMe()
  const [, go] = useLocation()
  const [asking, setAsking] = useState(false)
  const [busy, act] = useAct()
  const allowed = may(me, 'runs:write')
  const can = (verb: Verb) => allowed && CAN[verb].includes(run.status) && !run.cancelAsked
  const redo = allowed && isOver(run) && run.progress.failed + run.progress.cancelled > 0
  const retry = () =>
    act(async () => {
      await ask('post', '/api/runs/{id}/retry', { path: { id: run.id } })
      tell(words.done.retry(run.id))
      askAgain(`/api/runs/${run.id}`)
    })
  const start = useStart()
  // What a probe asks can be filled in otherwise; anything else is repeated as it was.
  const rerun = () =>
    run.kind === 'probe'
      ? start({ run: run.id })
      : act(async () => {
          const { run: next } = await ask('post', '/api/runs/{id}/rerun', { path: { id: run.id } })
          go(`/runs/${next.id}`)
        })
  const latest: Run = run
  useCommands(
    useMemo(
      () => [
        ...(can('pause') ? [{ name: words.pause, keys: 'p', run: () => void steer(latest, 'pause') }] : []),
        ...(can('resume') ? [{ name: words.resume, keys: 'p', run: () => void steer(latest, 'resume') }] : []),
        ...(can('cancel') ? [{ name: words.cancel, keys: 'c', run: () => setAsking(true) }] : []),
        ...tabs
          .filter(({ when }) => when?.(run) !== false)
          .map(({ id, name }, i) => ({
            name,
            keys: String(i + 1),
            run: () => go(`/runs/${run.id}${id === '' ? '' : `/${id}`}`),
          })),
      ],
      [run.id, run.status, run.cancelAsked, allowed],
    ),
  )
  if (!allowed) return null
  return (
    <>
      {can('pause') ? (
        <Button icon={CirclePause} onClick={() => void steer(run, 'pause')}>
          {words.pause}
        </Button>
      ) : null}
      {can('resume') ? (
        <Button icon={CirclePlay} look="primary" onClick={() => void steer(run, 'resume')}>
          {words.resume}
        </Button>
      ) : null}
      {can('cancel') ? (
        <Button icon={CircleX} look="danger" onClick={() => setAsking(true)}>
          {words.cancel}
        </Button>
      ) : null}
      {redo ? (
        <Button icon={RotateCcw} busy={busy} onClick={retry}>
          {words.retry}
        </Button>
      ) : null}
      {isOver(run) ? (
        <Button icon={RefreshCw} busy={busy} onClick={rerun}>
          {words.rerun}
        </Button>
      ) : null}
      <ConfirmDialog
        open={asking}
        onClose={() => setAsking(false)}
        title={words.cancelAsk(1)}
        lead={inside.cancelLead}
        confirm={words.cancel}
        onConfirm={() => void steer(run, 'cancel')}
      />
    </>
  )
}
