/**
 * What moves, as this tab sees it: runs that changed, and the events of a run that
 * somebody here follows.  One stream serves all tabs (`feed-hub.ts`).
 */
import { useEffect, useRef, useSyncExternalStore } from 'react'
import type { Event as RunEvent, Run } from './contract.d.ts'
import { openHub, type FeedState, type News, type Wish } from './feed-hub.ts'

interface Following {
  readonly events: (events: readonly RunEvent[], ended: boolean) => void
}

let state: FeedState = 'connecting'
let say: ((wish: Wish) => void) | undefined
const stateListeners = new Set<() => void>()
const runListeners = new Set<(runs: readonly Run[]) => void>()
const followers = new Map<number, Set<Following>>()

function hear(news: News) {
  if (news.kind === 'state') {
    state = news.state
    for (const listener of stateListeners) listener()
  } else if (news.kind === 'runs') {
    for (const listener of runListeners) listener(news.runs)
  } else if (news.kind === 'events') {
    for (const one of followers.get(news.run) ?? []) one.events(news.events, news.ended)
  }
}

/** Begun when somebody is signed in, once. */
export function openFeed(): void {
  if (say !== undefined) return
  if (typeof SharedWorker === 'function' && 'locks' in navigator) {
    const worker = new SharedWorker(new URL('./feed-worker.ts', import.meta.url), { type: 'module', name: 'millrace' })
    const { port } = worker
    port.addEventListener('message', ({ data }: MessageEvent<News>) => hear(data))
    port.start()
    const lock = `millrace-tab-${crypto.randomUUID()}`
    void navigator.locks.request(lock, () => {
      port.postMessage({ lock })
      return new Promise<never>(() => {})
    })
    say = (wish) => port.postMessage(wish)
  } else {
    const seat = openHub().join(hear)
    addEventListener('pagehide', () => seat.leave())
    say = (wish) => seat.hear(wish)
  }
  const wake = () => {
    if (document.visibilityState === 'visible') say?.({ kind: 'wake' })
  }
  addEventListener('online', wake)
  addEventListener('pageshow', wake)
  document.addEventListener('visibilitychange', wake)
}

export function useFeedState(): FeedState {
  return useSyncExternalStore(
    (listener) => {
      stateListeners.add(listener)
      return () => stateListeners.delete(listener)
    },
    () => state,
  )
}

/** Runs that changed, whole, as they come. */
export function useMovingRuns(take: (runs: readonly Run[]) => void): void {
  const latest = useRef(take)
  latest.current = take
  useEffect(() => {
    const listener = (runs: readonly Run[]) => latest.current(runs)
    runListeners.add(listener)
    return () => void runListeners.delete(listener)
  }, [])
}

/**
 * The events of a run after a number, while it is not null.  Another tab may follow
 * it already: then they begin later, and what lies between is asked for by its numbers.
 */
export function useFollowed(
  run: number | null,
  after: number,
  take: (events: readonly RunEvent[], ended: boolean) => void,
): void {
  const latest = useRef(take)
  latest.current = take
  const from = useRef(after)
  from.current = after
  useEffect(() => {
    if (run === null) return undefined
    const one: Following = { events: (events, ended) => latest.current(events, ended) }
    const all = followers.get(run) ?? new Set()
    followers.set(run, all.add(one))
    say?.({ kind: 'follow', run, after: from.current })
    return () => {
      all.delete(one)
      if (all.size === 0 && followers.get(run) === all) {
        followers.delete(run)
        say?.({ kind: 'leave', run, after: 0 })
      }
    }
  }, [run])
}
