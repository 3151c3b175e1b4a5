/** A stage on the board with its cards: picked up by mouse or by key, dropped before another card or at the end. */
import { draggable, dropTargetForElements } from '@atlaskit/pragmatic-drag-and-drop/element/adapter'
import { combine } from '@atlaskit/pragmatic-drag-and-drop/combine'
import { ArrowRightLeft, CircleHelp, Plus } from 'lucide-react'
import { memo, useEffect, useRef, useState, type KeyboardEvent } from 'react'
import { Link as Way } from 'wouter'
import type { CardHead, StageRecipe } from '../api.ts'
import { count } from '../shown.ts'
import { Badge, Button, IconButton, Menu, MenuItems, Time } from '../ui/index.ts'
import { words } from '../words/board.ts'
import { LevelMark, Priority, RunMark } from './marks.tsx'
import type { Board, Place } from './moving.ts'

type Column = Board['columns'][number]

interface ColumnProps {
  readonly column: Column
  readonly cards: readonly CardHead[]
  readonly recipe: StageRecipe | undefined
  readonly recipesKnown: boolean
  readonly stages: readonly Pick<Column, 'key' | 'name'>[]
  readonly writes: boolean
  /** The place into which the picked-up card would come, if it is here. */
  readonly mark: Place | undefined
  readonly held: number | undefined
  readonly more: number
  readonly onMore: () => void
  readonly onAdd: () => void
  readonly onMove: (card: CardHead, to: string) => void
  readonly onKey: (event: KeyboardEvent, card: CardHead) => void
}

export function ColumnView(props: ColumnProps) {
  const { column, cards, recipe, recipesKnown, stages, writes, mark, held, more, onMore, onAdd, onMove, onKey } = props
  const box = useRef<HTMLElement>(null)
  useEffect(() => {
    const element = box.current
    if (element === null || !writes) return undefined
    return dropTargetForElements({
      element,
      getData: () => ({ to: column.key, before: null }),
      canDrop: ({ source }) => 'card' in source.data,
    })
  }, [column.key, writes])
  return (
    <section
      ref={box}
      aria-label={column.name}
      className={`flex w-full shrink-0 flex-col rounded-lg border bg-sunk sm:min-h-[calc(100dvh-16.5rem)] ${cards.length === 0 ? 'sm:w-40' : 'sm:w-68'} ${mark === undefined ? 'border-line' : 'border-accent'}`}
    >
      <header className="flex items-start justify-between gap-2 px-3 pt-2.5 pb-2">
        <div className="min-w-0">
          <h2 className="flex items-center gap-2 text-base">
            <span className="cut" title={column.name}>
              {column.name}
            </span>
            <span className="rounded-full bg-line px-1.5 text-xs font-medium text-dim">{count(column.count)}</span>
          </h2>
          <Way href={`/board/recipes/${column.key}`} className="flex h-5 items-center hover:underline">
            {recipesKnown ? <LevelMark recipe={recipe} /> : null}
            <span className="sr-only"> {words.recipeOf(column.name)}</span>
          </Way>
        </div>
        {writes ? <IconButton label={words.addHere(column.name)} icon={Plus} size="small" onClick={onAdd} /> : null}
      </header>
      <ul className="flex min-h-24 flex-1 flex-col gap-2 px-2 pb-2">
        {cards.map((card) => (
          <li key={card.id} className="relative">
            {mark?.before === card.id ? <Line /> : null}
            <CardView
              card={card}
              stages={stages}
              writes={writes}
              held={held === card.id}
              onMove={onMove}
              onKey={onKey}
            />
          </li>
        ))}
        {mark?.before === null ? (
          <li className="relative h-2">
            <Line />
          </li>
        ) : null}
        {cards.length === 0 && mark === undefined ? (
          <li className="rounded-md border border-dashed border-edge px-3 py-6 text-center text-xs text-faint">
            {words.emptyColumn}
          </li>
        ) : null}
        {more > 0 ? (
          <li className="flex justify-center">
            <Button size="small" look="quiet" onClick={onMore}>
              {words.more(more)}
            </Button>
          </li>
        ) : null}
      </ul>
    </section>
  )
}

const Line = () => <span aria-hidden className="absolute inset-x-0 -top-[5px] h-0.5 rounded-full bg-accent" />

interface CardProps {
  readonly card: CardHead
  readonly stages: ColumnProps['stages']
  readonly writes: boolean
  readonly held: boolean
  readonly onMove: ColumnProps['onMove']
  readonly onKey: ColumnProps['onKey']
}

const CardView = memo(function CardView({ card, stages, writes, held, onMove, onKey }: CardProps) {
  const box = useRef<HTMLElement>(null)
  const [dragged, setDragged] = useState(false)
  useEffect(() => {
    const element = box.current
    if (element === null || !writes) return undefined
    return combine(
      draggable({
        element,
        getInitialData: () => ({ card }),
        onDragStart: () => setDragged(true),
        onDrop: () => setDragged(false),
      }),
      dropTargetForElements({
        element,
        canDrop: ({ source }) => 'card' in source.data,
        // Above its middle: before it.  Below: before the next one.
        getData: ({ input }) => {
          const { top, height } = element.getBoundingClientRect()
          const next = element.closest('li')?.nextElementSibling?.querySelector<HTMLElement>('[data-card]')
          const after = input.clientY > top + height / 2
          return { to: card.stage, before: after ? Number(next?.dataset['card'] ?? 0) || null : card.id }
        },
      }),
    )
  }, [card, writes])
  const { run } = card
  return (
    <article
      ref={box}
      className={`group relative rounded-md border bg-box shadow-low ${held ? 'border-accent ring-2 ring-accent' : 'border-line hover:border-edge'} ${dragged ? 'opacity-40' : ''} ${card.status === 'active' ? '' : 'opacity-75'}`}
    >
      <Way
        href={`/board/${card.id}`}
        data-card={card.id}
        draggable={false}
        onKeyDown={(event) => onKey(event, card)}
        className="block rounded-md p-2.5 pr-9"
      >
        <span dir="auto" className="line-clamp-3 font-medium [overflow-wrap:anywhere]">
          {card.title}
        </span>
        <span className="mt-1.5 flex flex-wrap items-center gap-x-2 gap-y-1 text-xs text-faint">
          <Priority of={card.priority} />
          <RunMark run={run} />
          {card.status === 'active' ? null : <Badge tone="held">{words.statuses[card.status]}</Badge>}
          {card.openQuestions === 0 ? null : (
            <span className="inline-flex items-center gap-1 text-warn" title={words.questions(card.openQuestions)}>
              <CircleHelp aria-hidden size={13} />
              {card.openQuestions}
              <span className="sr-only">{words.questions(card.openQuestions)}</span>
            </span>
          )}
          <Time at={card.enteredAt} />
        </span>
        {run?.status === 'running' ? (
          <span className="mt-2 block h-1 overflow-clip rounded-full bg-line">
            <span className="pulse block h-full bg-accent" style={{ width: `${Math.max(4, run.percent)}%` }} />
          </span>
        ) : null}
      </Way>
      {writes ? (
        <div className="absolute top-1 right-1">
          <Menu trigger={<IconButton label={words.moveMenu(card.title)} icon={ArrowRightLeft} size="small" />}>
            <MenuItems
              of={stages.map(({ key, name }) => ({
                name,
                disabled: key === card.stage,
                onSelect: () => onMove(card, key),
              }))}
            />
          </Menu>
        </div>
      ) : null}
    </article>
  )
})
