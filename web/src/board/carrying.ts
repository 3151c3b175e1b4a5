/** A card that is carried by keys: picked up, put somewhere else, dropped or put back; each step is said. */
import { useCallback, useEffect, useRef, useState, type KeyboardEvent } from 'react'
import { useLocation } from 'wouter'
import type { CardHead } from '../api.ts'
import { words } from '../words/board.ts'
import type { Place } from './moving.ts'

export interface Lane {
  readonly key: string
  readonly name: string
  readonly cards: readonly CardHead[]
}

const STEPS: Readonly<Record<string, readonly [across: number, along: number]>> = {
  ArrowLeft: [-1, 0],
  ArrowRight: [1, 0],
  ArrowUp: [0, -1],
  ArrowDown: [0, 1],
}

export interface Carried {
  readonly card: CardHead
  readonly lane: number
  /** Among the other cards of the lane. */
  readonly at: number
}

export function useCarrying(lanes: readonly Lane[], drop: (card: CardHead, place: Place) => void, writes: boolean) {
  const [carried, setCarried] = useState<Carried>()
  const [said, say] = useState('')
  const [, go] = useLocation()
  const now = useRef({ lanes, carried, drop, writes })
  now.current = { lanes, carried, drop, writes }
  const dropped = useRef<number>(undefined)
  // It is drawn anew in its place, once as it is expected and once as the server says, and keeps the focus until somebody takes it away.
  useEffect(() => {
    if (dropped.current === undefined) return
    const { activeElement: active } = document
    if (active === null || active === document.body) focusOn(dropped.current)
    else if (!active.matches(`[data-card="${dropped.current}"]`)) dropped.current = undefined
  })
  useEffect(() => {
    const taken = () => (dropped.current = undefined)
    document.addEventListener('pointerdown', taken)
    return () => document.removeEventListener('pointerdown', taken)
  }, [])
  const onKey = useCallback((event: KeyboardEvent, card: CardHead) => {
    const { lanes: all, carried: held, drop: put, writes: may } = now.current
    if (event.altKey || event.ctrlKey || event.metaKey) return
    const step = STEPS[event.key]
    if (held === undefined) {
      if (event.key === ' ' && may) {
        event.preventDefault()
        const lane = all.findIndex(({ key }) => key === card.stage)
        const at = all[lane]?.cards.findIndex(({ id }) => id === card.id) ?? 0
        setCarried({ card, lane, at })
        say(words.picked(card.title, all[lane]?.name ?? '', at + 1, all[lane]?.cards.length ?? 1))
      } else if (step !== undefined) {
        event.preventDefault()
        focusBeside(all, card, step)
      }
      return
    }
    if (event.key === 'Escape' || event.key === 'Tab') {
      setCarried(undefined)
      say(words.putBack(held.card.title))
    } else if (event.key === ' ' || event.key === 'Enter') {
      event.preventDefault()
      setCarried(undefined)
      const lane = all[held.lane]
      if (lane === undefined) return
      say(words.dropped(held.card.title, lane.name))
      if (lane.key === held.card.stage && all[held.lane]?.cards[held.at]?.id === held.card.id) return
      dropped.current = held.card.id
      put(held.card, placeOf(held, all))
    } else if (step !== undefined) {
      event.preventDefault()
      const [across, along] = step
      const to = Math.max(0, Math.min(held.lane + across, all.length - 1))
      const room = others(all[to], held.card).length
      const at = Math.max(0, Math.min(to === held.lane ? held.at + along : held.at, room))
      setCarried({ ...held, lane: to, at })
      say(words.at(all[to]?.name ?? '', at + 1, room + 1))
      document.querySelector(`[data-lane="${all[to]?.key}"]`)?.scrollIntoView({ block: 'nearest', inline: 'nearest' })
    }
  }, [])
  const mark = carried === undefined ? undefined : placeOf(carried, lanes)
  return { carried, mark, said, say, onKey, open: go }
}

const others = (lane: Lane | undefined, { id }: CardHead) => (lane?.cards ?? []).filter((card) => card.id !== id)

function placeOf({ card, lane, at }: Carried, lanes: readonly Lane[]): Place {
  return { to: lanes[lane]?.key ?? card.stage, before: others(lanes[lane], card)[at]?.id ?? null }
}

const focusOn = (id: number | undefined) => document.querySelector<HTMLElement>(`[data-card="${id}"]`)?.focus()

/** The card above, below, or at the same height in the next column that has one. */
function focusBeside(lanes: readonly Lane[], card: CardHead, [across, along]: readonly [number, number]) {
  let lane = lanes.findIndex(({ key }) => key === card.stage)
  const at = lanes[lane]?.cards.findIndex(({ id }) => id === card.id) ?? 0
  if (along !== 0) return focusOn(lanes[lane]?.cards[at + along]?.id)
  for (lane += across; lane >= 0 && lane < lanes.length; lane += across) {
    const cards = lanes[lane]?.cards ?? []
    if (cards.length > 0) return focusOn(cards[Math.min(at, cards.length - 1)]?.id)
  }
  return undefined
}
