/** One card: what it is about, what runs on it and waits for whom, what was written, and how it came where it is. */
import {
  Archive,
  ArchiveRestore,
  ArrowRightLeft,
  CircleCheck,
  CirclePause,
  CirclePlay,
  Ellipsis,
  FileQuestion,
  Trash2,
} from 'lucide-react'
import { Suspense, useMemo, useState } from 'react'
import { useLocation, useParams } from 'wouter'
import { ask, type Answer, type CardHead } from '../api.ts'
import { askAgain, useAsked } from '../asked.ts'
import { useCommands } from '../shell/keys.ts'
import { may, useMe } from '../shell/me.ts'
import {
  Badge,
  Button,
  ButtonLink,
  ConfirmDialog,
  Empty,
  IconButton,
  Menu,
  MenuItems,
  Page,
  Select,
  Skeleton,
  States,
  Tabs,
  tell,
  tellProblem,
} from '../ui/index.ts'
import { words as ofBoard } from '../words/board.ts'
import { words } from '../words/card.ts'
import { PRIORITY_CHOICES } from './add-card.tsx'
import { Documents } from './documents.tsx'
import { History } from './history.tsx'
import { useMoves } from './live.ts'
import { Priority, RunMark } from './marks.tsx'
import { useMover } from './moving.ts'
import { Overview } from './overview.tsx'
import { Work } from './work.tsx'

export type WholeCard = Answer<'get', '/api/cards/{id}'>
export type Stages = Answer<'get', '/api/board'>['columns']

export default function CardPage() {
  const { id = '' } = useParams()
  return /^\d{1,15}$/.test(id) ? <Known key={id} id={Number(id)} /> : <None />
}

const ABOVE = [[ofBoard.title, '/board']] as const

function None() {
  return (
    <Page title={words.none} above={ABOVE}>
      <Empty icon={FileQuestion} title={words.none}>
        <ButtonLink href="/board">{ofBoard.title}</ButtonLink>
      </Empty>
    </Page>
  )
}

function Known({ id }: { id: number }) {
  const [asked, again] = useAsked('/api/cards/{id}', { path: { id } }, { moves: true })
  const [board] = useAsked('/api/board', { query: { limit: 50 } })
  useMoves(() => {
    void again()
    askAgain(`/api/cards/${id}/`, `/api/runs?cardId=${id}`)
    if (asked.data?.run != null) askAgain(`/api/runs/${asked.data.run.id}`)
  }, id)
  if (asked.state === 'failed' && asked.problem.status === 404) return <None />
  if (asked.data === undefined) {
    return (
      <Page title={words.number(id)} above={ABOVE}>
        <States of={asked} again={again} lines={6}>
          {() => null}
        </States>
      </Page>
    )
  }
  return <Shown card={asked.data} stages={board.data?.columns ?? []} />
}

function Shown({ card, stages }: { card: WholeCard; stages: Stages }) {
  const { tab = '' } = useParams()
  const writes = may(useMe(), 'board:write')
  const at = `/board/${card.id}`
  const stage = stages.find(({ key }) => key === card.stage)?.name ?? card.stage
  return (
    <Page
      title={card.title}
      above={ABOVE}
      mark={
        <>
          <Badge tone="busy">{stage}</Badge>
          <RunMark run={card.run} />
          {card.status === 'active' ? null : <Badge tone="held">{ofBoard.statuses[card.status]}</Badge>}
        </>
      }
      lead={
        <span className="flex items-center gap-3">
          {words.number(card.id)} <Priority of={card.priority} named />
        </span>
      }
      actions={writes ? <Controls card={card} stages={stages} /> : undefined}
    >
      <Tabs
        label={words.parts}
        of={[
          {
            name: words.overview,
            href: at,
            mark: card.openQuestions > 0 ? <Badge tone="warn">{card.openQuestions}</Badge> : null,
          },
          { name: words.documents, href: `${at}/documents` },
          { name: words.work, href: `${at}/results` },
          { name: words.history, href: `${at}/history` },
        ]}
      />
      <Suspense fallback={<Skeleton lines={5} />}>
        {tab === '' ? (
          <Overview card={card} stage={stage} writes={writes} />
        ) : tab === 'documents' ? (
          <Documents card={card} writes={writes} />
        ) : tab === 'results' ? (
          <Work card={card} writes={writes} />
        ) : tab === 'history' ? (
          <History card={card} stages={stages} />
        ) : (
          <Empty icon={FileQuestion} title={words.none} />
        )}
      </Suspense>
    </Page>
  )
}

function Controls({ card, stages }: { card: WholeCard; stages: Stages }) {
  const [, go] = useLocation()
  const { move, asking, answered, nameOf } = useMover({ query: { limit: 50 } }, stages)
  const [removing, setRemoving] = useState(false)
  const [ending, setEnding] = useState<CardHead['status']>()
  async function change(body: Partial<Pick<CardHead, 'priority' | 'status'>>, cancelActiveRun = false) {
    try {
      await ask('patch', '/api/cards/{id}', {
        path: { id: card.id },
        body: { version: card.version, cancelActiveRun, ...body },
      })
    } catch (error) {
      if (card.activeRun !== null && body.status !== undefined && !cancelActiveRun) setEnding(body.status)
      else tellProblem(error)
    }
    askAgain(`/api/cards/${card.id}`, '/api/board', '/api/cards?')
  }
  async function remove() {
    try {
      await ask('delete', '/api/cards/{id}', { path: { id: card.id } })
      tell(words.removed)
      askAgain('/api/board', '/api/cards?')
      go('/board')
    } catch (error) {
      tellProblem(error)
    }
  }
  const status = (to: CardHead['status']) => () => void change({ status: to })
  useCommands(
    useMemo(
      () =>
        stages
          .filter(({ key }) => key !== card.stage)
          .map(({ key, name }) => ({
            name: `${ofBoard.move}: ${name}`,
            run: () => void move(card, { to: key, before: null }),
          })),
      [stages, card.version, card.stage],
    ),
  )
  return (
    <>
      <Select
        label={ofBoard.priority}
        value={card.priority}
        onChange={(priority) => void change({ priority })}
        of={PRIORITY_CHOICES}
      />
      <Menu trigger={<Button icon={ArrowRightLeft}>{ofBoard.moveTo}</Button>}>
        <MenuItems
          of={stages.map(({ key, name }) => ({
            name,
            disabled: key === card.stage,
            onSelect: () => void move(card, { to: key, before: null }),
          }))}
        />
      </Menu>
      <Menu trigger={<IconButton label={words.more} icon={Ellipsis} look="plain" />}>
        <MenuItems
          of={
            card.status === 'archived'
              ? [
                  { name: words.unarchive, icon: ArchiveRestore, onSelect: status('active') },
                  { name: words.remove, icon: Trash2, danger: true, onSelect: () => setRemoving(true) },
                ]
              : [
                  card.status === 'paused'
                    ? { name: words.resume, icon: CirclePlay, onSelect: status('active') }
                    : { name: words.pause, icon: CirclePause, onSelect: status('paused') },
                  { name: words.complete, icon: CircleCheck, onSelect: status('completed') },
                  { name: words.archive, icon: Archive, onSelect: status('archived') },
                ]
          }
        />
      </Menu>
      <ConfirmDialog
        open={removing}
        onClose={() => setRemoving(false)}
        title={words.removeAsk}
        lead={words.removeLead}
        confirm={words.remove}
        onConfirm={() => void remove()}
      />
      <ConfirmDialog
        open={asking !== undefined}
        onClose={answered}
        title={ofBoard.underWay}
        lead={asking === undefined ? '' : ofBoard.underWayLead(card.title, nameOf(asking.to))}
        confirm={ofBoard.cancelAndMove}
        onConfirm={() => asking === undefined || void move(asking.card, asking, true)}
      />
      <ConfirmDialog
        open={ending !== undefined}
        onClose={() => setEnding(undefined)}
        title={words.ask.cancel}
        lead={words.ask.cancelLead}
        confirm={words.cancel}
        onConfirm={() => ending === undefined || void change({ status: ending }, true)}
      />
    </>
  )
}
