/** The board: stages side by side, cards that move between them, and what runs on each. */
import { monitorForElements } from '@atlaskit/pragmatic-drag-and-drop/element/adapter'
import { Plus, Sparkles, SquareKanban, TriangleAlert } from 'lucide-react'
import { useEffect, useMemo, useRef, useState } from 'react'
import { ask, type Answer, type CardHead } from '../api.ts'
import { useAsked } from '../asked.ts'
import { useFilters } from '../filters.ts'
import { useCommands } from '../shell/keys.ts'
import { may, useMe } from '../shell/me.ts'
import { count } from '../shown.ts'
import {
  Button,
  ButtonLink,
  ConfirmDialog,
  Empty,
  Filtered,
  Link,
  Page,
  SearchInput,
  Select,
  States,
  Switch,
  tellProblem,
} from '../ui/index.ts'
import { words } from '../words/board.ts'
import { AddCard, PRIORITY_CHOICES } from './add-card.tsx'
import { useCarrying } from './carrying.ts'
import { ColumnView } from './column.tsx'
import { useBoard } from './live.ts'
import { stateOf } from './marks.tsx'
import { useMover, type Board, type Place } from './moving.ts'
import { Parts } from './parts.tsx'

export default function BoardPage() {
  const me = useMe()
  const [{ archived, stage }] = useFilters('archived', 'stage')
  const [asked, again] = useBoard(archived !== undefined)
  const [adding, setAdding] = useState<string>()
  const writes = may(me, 'board:write')
  const columns = asked.data?.columns ?? []
  const total = columns.reduce((n, column) => n + column.count, 0)
  const first = stage ?? columns[0]?.key ?? ''
  useCommands(
    useMemo(
      () => [
        ...(writes && first !== '' ? [{ name: words.add, keys: 'n', run: () => setAdding(first) }] : []),
        {
          name: words.search,
          keys: '/',
          quiet: true,
          run: () => document.querySelector<HTMLInputElement>('#content input[type=search]')?.focus(),
        },
      ],
      [writes, first],
    ),
  )
  return (
    <Page
      title={words.title}
      lead={asked.data === undefined ? ' ' : words.lead(words.cards(count(total)), columns.length)}
      actions={
        writes ? (
          <Button look="primary" icon={Plus} disabled={first === ''} onClick={() => setAdding(first)}>
            {words.add}
          </Button>
        ) : undefined
      }
    >
      <Parts />
      <States
        of={asked}
        again={again}
        lines={8}
        isEmpty={() => total === 0 && archived === undefined}
        empty={<FirstCard writes={writes} onAdd={() => setAdding(first)} />}
      >
        {(board) => <Lanes board={board} writes={writes} onAdd={setAdding} />}
      </States>
      {adding === undefined ? null : <AddCard stage={adding} stages={columns} onClose={() => setAdding(undefined)} />}
    </Page>
  )
}

interface LanesProps {
  readonly board: Board
  readonly writes: boolean
  readonly onAdd: (stage: string) => void
}

function Lanes({ board, writes, onAdd }: LanesProps) {
  const [filter, set, clear] = useFilters('q', 'priority', 'state', 'archived', 'stage')
  const { q = '', priority, state } = filter
  const archived = filter.archived !== undefined
  const given = useMemo(
    () => ({ query: { limit: 50, ...(archived ? { archived: 'true' as const } : {}) } }),
    [archived],
  )
  const [recipes] = useAsked('/api/stage-recipes', {})
  const { move, asking, answered, nameOf } = useMover(given, board.columns)
  const [found] = useAsked('/api/cards', { query: { search: q.slice(0, 200), limit: 200 } }, { when: q !== '' })
  const [more, setMore] = useState<Readonly<Record<string, { cards: readonly CardHead[]; next: string | null }>>>({})
  const fits = (card: CardHead) =>
    (q === '' || card.title.toLowerCase().includes(q.toLowerCase())) &&
    (priority === undefined || card.priority === priority) &&
    (state === undefined || stateOf(card) === state)
  const lanes = board.columns.map((column) => {
    const further = [...(more[column.key]?.cards ?? []), ...(q === '' ? [] : (found.data?.items ?? []))]
    const here = new Set(board.columns.flatMap(({ cards }) => cards.map(({ id }) => id)))
    const all = [...column.cards, ...further.filter(({ id, stage }) => stage === column.key && !here.has(id))]
    return { ...column, all: uniquely(all), cards: uniquely(all).filter(fits) }
  })
  const { carried, mark: byKey, said, onKey } = useCarrying(lanes, (card, place) => void move(card, place), writes)
  const byMouse = useDropPlace((card, place) => void move(card, place))
  const mark = byKey ?? byMouse
  const filtered = (filter.q ?? priority ?? state) !== undefined
  const shown = filter.stage ?? lanes.find(({ cards }) => cards.length > 0)?.key ?? lanes[0]?.key ?? ''

  async function load(stage: string, next: string) {
    try {
      const page = await ask('get', '/api/cards', { query: { stage, cursor: next, limit: 50 } })
      setMore((before) => ({
        ...before,
        [stage]: { cards: [...(before[stage]?.cards ?? []), ...page.items], next: page.next },
      }))
    } catch (error) {
      tellProblem(error)
    }
  }

  return (
    <>
      <Warnings columns={board.columns} />
      <div className="flex flex-wrap items-center gap-2">
        <div className="w-56 max-sm:w-full">
          <SearchInput label={words.search} value={q} onChange={(value) => set('q', value)} />
        </div>
        <Select
          label={words.priority}
          value={priority ?? ''}
          onChange={(value) => set('priority', value)}
          of={[{ value: '', label: words.any }, ...PRIORITY_CHOICES]}
        />
        <Select
          label={words.state}
          value={state ?? ''}
          onChange={(value) => set('state', value)}
          of={[
            { value: '', label: words.any },
            ...Object.entries(words.states).map(([value, label]) => ({ value, label })),
          ]}
        />
        <Switch label={words.archived} checked={archived} onChange={(on) => set('archived', on ? 'true' : '')} />
        {filtered ? (
          <Button look="quiet" size="small" onClick={clear}>
            {words.clear}
          </Button>
        ) : null}
      </div>
      <div className="sm:hidden">
        <Select
          label={words.stage}
          value={shown}
          onChange={(value) => set('stage', value)}
          of={lanes.map(({ key, name, cards }) => ({ value: key, label: `${name} (${cards.length})` }))}
        />
      </div>
      {filtered && lanes.every(({ cards }) => cards.length === 0) ? (
        <Filtered title={words.filtered} clear={words.clear} onClear={clear} />
      ) : (
        <div className="-mx-4 overflow-x-auto px-4 pb-3 sm:-mx-6 sm:px-6 lg:-mx-8 lg:px-8">
          <p id="board-keys" className="sr-only">
            {words.hold}
          </p>
          <div
            aria-describedby="board-keys"
            role="group"
            aria-label={words.title}
            className="flex min-w-full items-stretch gap-3 sm:w-max"
          >
            {lanes.map((lane) => (
              <div
                key={lane.key}
                data-lane={lane.key}
                className={`flex max-sm:w-full ${lane.key === shown ? '' : 'max-sm:hidden'}`}
              >
                <ColumnView
                  column={lane}
                  cards={lane.cards}
                  recipe={recipes.data?.recipes.find(({ stage }) => stage === lane.key)}
                  recipesKnown={recipes.data !== undefined}
                  stages={board.columns}
                  writes={writes}
                  mark={mark?.to === lane.key ? mark : undefined}
                  held={carried?.card.id}
                  more={more[lane.key]?.next === null || lane.next === null ? 0 : lane.count - lane.all.length}
                  onMore={() => void load(lane.key, more[lane.key]?.next ?? lane.next ?? '')}
                  onAdd={() => onAdd(lane.key)}
                  onMove={(card, to) => void move(card, { to, before: null })}
                  onKey={onKey}
                />
              </div>
            ))}
          </div>
        </div>
      )}
      <div aria-live="assertive" className="sr-only">
        {said}
      </div>
      <ConfirmDialog
        open={asking !== undefined}
        onClose={answered}
        title={words.underWay}
        lead={asking === undefined ? '' : words.underWayLead(asking.card.title, nameOf(asking.to))}
        confirm={words.cancelAndMove}
        onConfirm={() => asking === undefined || void move(asking.card, asking, true)}
      />
    </>
  )
}

const uniquely = (cards: readonly CardHead[]) => [...new Map(cards.map((card) => [card.id, card])).values()]

/** Where the card that is dragged by mouse would come; dropped there, it goes there. */
function useDropPlace(drop: (card: CardHead, place: Place) => void): Place | undefined {
  const [place, setPlace] = useState<Place>()
  const latest = useRef(drop)
  latest.current = drop
  useEffect(() => {
    const placeIn = (targets: readonly { data: Record<string | symbol, unknown> }[]) => {
      const [target] = targets
      return target === undefined ? undefined : (target.data as unknown as Place)
    }
    return monitorForElements({
      canMonitor: ({ source }) => 'card' in source.data,
      onDrag: ({ location }) =>
        setPlace((before) => {
          const next = placeIn(location.current.dropTargets)
          return before?.to === next?.to && before?.before === next?.before ? before : next
        }),
      onDrop({ source, location }) {
        setPlace(undefined)
        const card = source.data['card'] as CardHead
        const next = placeIn(location.current.dropTargets)
        if (next !== undefined && next.before !== card.id) latest.current(card, { to: next.to, before: next.before })
      },
    })
  }, [])
  return place
}

/** What keeps cards from being worked on, and what to do about it. */
function Warnings({ columns }: { columns: Answer<'get', '/api/board'>['columns'] }) {
  const [settings] = useAsked('/api/board/settings', {})
  const [workers] = useAsked('/api/workers', {}, { every: 10_000 })
  const queued = columns.flatMap(({ cards }) => cards).filter(({ run }) => run?.status === 'queued').length
  const none = workers.data?.workers.every(({ state }) => state !== 'alive') === true
  const off = settings.data?.aiExecutionMode === 'off'
  const stopped = settings.data?.workerEnabled === false
  const said = off ? words.off : stopped ? words.workerOff : none && queued > 0 ? words.noWorker(queued) : undefined
  if (said === undefined) return null
  return (
    <div role="status" className="flex flex-wrap items-center gap-x-3 gap-y-1 rounded-lg bg-warn-wash px-4 py-2.5">
      <TriangleAlert aria-hidden size={16} className="shrink-0 text-warn" />
      <span className="font-medium">{said}</span>
      {off || stopped ? (
        <Link href="/board/settings">{words.change}</Link>
      ) : (
        <span className="text-dim">{words.noWorkerDo}</span>
      )}
    </div>
  )
}

function FirstCard({ writes, onAdd }: { writes: boolean; onAdd: () => void }) {
  return (
    <section className="rounded-lg border border-line bg-box shadow-low">
      <Empty icon={SquareKanban} title={words.first.title} lead={words.first.lead}>
        {writes ? (
          <>
            <Button look="primary" icon={Plus} onClick={onAdd}>
              {words.add}
            </Button>
            <ButtonLink href="/board/recipes" icon={Sparkles}>
              {words.first.recipes}
            </ButtonLink>
          </>
        ) : null}
      </Empty>
    </section>
  )
}
