/**
 * The one stream of a browser.  It lives in a shared worker, where all tabs reach it;
 * where there is none, each tab has its own.  The newest runs come always, the events
 * of a run while some tab follows it.  After a break it goes on exactly where it was.
 */
import type { Event as RunEvent, Run } from './contract.d.ts'

export type FeedState = 'connecting' | 'open' | 'lost'

/** From a tab. */
export type Wish =
  | { readonly kind: 'follow' | 'leave'; readonly run: number; readonly after: number }
  /** The tab was asleep, or the network is back: look whether the stream still lives. */
  | { readonly kind: 'wake' }

/** To a tab. */
export type News =
  | { readonly kind: 'state'; readonly state: FeedState }
  | { readonly kind: 'runs'; readonly runs: readonly Run[] }
  | { readonly kind: 'events'; readonly run: number; readonly events: readonly RunEvent[]; readonly ended: boolean }
  | { readonly kind: 'gone'; readonly run: number }

export interface Seat {
  hear(wish: Wish): void
  leave(): void
}

/** Milliseconds. */
const GATHER = 40
const FIRST_PAUSE = 1_000
const LONGEST_PAUSE = 10_000
const SILENCE = 45_000
const REMEMBERED = 200

export function openHub(connect: (address: string) => EventSource = (address) => new EventSource(address)) {
  const seats = new Map<object, { tell: (news: News) => void; runs: Set<number> }>()
  /** How far each followed run was read. */
  const places = new Map<number, number>()
  const runs = new Map<number, Run>()
  let state: FeedState = 'connecting'
  let source: EventSource | undefined
  let pause = FIRST_PAUSE
  let timer: ReturnType<typeof setTimeout> | undefined
  let heardAt = 0
  let moved = new Map<number, Run>()
  let telling: ReturnType<typeof setTimeout> | undefined

  function tell(news: News, whom: (runs: ReadonlySet<number>) => boolean = () => true) {
    for (const seat of seats.values()) if (whom(seat.runs)) seat.tell(news)
  }

  function become(next: FeedState) {
    if (state === next) return
    state = next
    tell({ kind: 'state', state })
  }

  function tellRuns() {
    telling = undefined
    const news = [...moved.values()]
    moved = new Map()
    tell({ kind: 'runs', runs: news })
  }

  function later(milliseconds: number) {
    clearTimeout(timer)
    timer = setTimeout(open, milliseconds)
  }

  function open() {
    source?.close()
    source = undefined
    if (seats.size === 0) return
    const followed = Array.from(places, ([run, after]) => `${run}:${after}`).join(',')
    const mine = connect(`/api/feed?stream=true${followed === '' ? '' : `&runs=${followed}`}`)
    source = mine
    const on = (name: string, take: (data: unknown) => void) =>
      mine.addEventListener(name, (message: MessageEvent<string>) => {
        heardAt = Date.now()
        take(JSON.parse(message.data))
      })
    mine.addEventListener('open', () => {
      heardAt = Date.now()
      pause = FIRST_PAUSE
      become('open')
    })
    mine.addEventListener('error', () => {
      become('lost')
      if (mine.readyState !== mine.CLOSED || source !== mine) return
      later(pause)
      pause = Math.min(pause * 2, LONGEST_PAUSE)
    })
    on('run', (data) => {
      const run = data as Run
      runs.delete(run.id)
      runs.set(run.id, run)
      moved.set(run.id, run)
      const [oldest] = runs.keys()
      if (runs.size > REMEMBERED && oldest !== undefined) runs.delete(oldest)
      telling ??= setTimeout(tellRuns, GATHER)
    })
    on('events', (data) => {
      const { run, events, ended } = data as { run: number; events: readonly RunEvent[]; ended: boolean }
      const last = events.at(-1)?.n
      if (last !== undefined && places.has(run)) places.set(run, last)
      if (ended) places.delete(run)
      tell({ kind: 'events', run, events, ended }, (some) => some.has(run))
    })
    on('gone', (data) => {
      const { run } = data as { run: number }
      places.delete(run)
      tell({ kind: 'gone', run }, (some) => some.has(run))
    })
    on('cut', () => {
      mine.close()
      become('lost')
      later(pause)
      pause = Math.min(pause * 2, LONGEST_PAUSE)
    })
  }

  const wanted = () => new Set(Array.from(seats.values(), ({ runs: some }) => [...some]).flat())

  return {
    join(tellSeat: (news: News) => void): Seat {
      const seat = { tell: tellSeat, runs: new Set<number>() }
      seats.set(seat, seat)
      tellSeat({ kind: 'state', state })
      if (runs.size > 0) tellSeat({ kind: 'runs', runs: [...runs.values()] })
      if (seats.size === 1) later(0)
      return {
        hear(wish) {
          if (wish.kind === 'wake') {
            if (state === 'lost' || Date.now() - heardAt > SILENCE) later(0)
          } else if (wish.kind === 'follow') {
            seat.runs.add(wish.run)
            if (places.has(wish.run)) return
            places.set(wish.run, wish.after)
            later(GATHER)
          } else {
            seat.runs.delete(wish.run)
            // The line goes on with one run too many until it is opened anew.
            if (!wanted().has(wish.run)) places.delete(wish.run)
          }
        },
        leave() {
          seats.delete(seat)
          const some = wanted()
          for (const run of places.keys()) if (!some.has(run)) places.delete(run)
          if (seats.size > 0) return
          clearTimeout(timer)
          source?.close()
          source = undefined
        },
      }
    },
  }
}
