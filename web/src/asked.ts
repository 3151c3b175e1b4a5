/**
 * What was asked and came, kept while the page lives: one answer for all who ask the
 * same, shown at once when one comes back, and asked again behind it.  What moves is
 * told by the feed; where the feed is lost, it is asked again every five seconds.
 */
import { useCallback, useEffect, useRef, useSyncExternalStore } from 'react'
import { addressOf, ask, problemIn, type Answer, type Given, type PathOf, type Problem } from './api.ts'
import { useFeedState } from './feed.ts'

/** Milliseconds. */
const POLL = 5_000
const FRESH = 1_000
const MOST = 300

export type Asked<T> =
  | { readonly state: 'loading'; readonly data?: undefined; readonly problem?: undefined }
  | { readonly state: 'ready'; readonly data: T; readonly problem?: undefined }
  /** With what came before, if something did. */
  | { readonly state: 'failed' | 'offline' | 'not_allowed'; readonly data?: T | undefined; readonly problem: Problem }

interface Entry {
  asked: Asked<unknown>
  at: number
  under?: Promise<void> | undefined
  /** Asked again once more when what is under way has come. */
  again: boolean
  /** How often it was said here what the answer is from now on. */
  said: number
  readonly load: () => Promise<unknown>
  readonly listeners: Set<() => void>
}

const LOADING: Asked<never> = { state: 'loading' }
const entries = new Map<string, Entry>()

function entryOf(key: string, load: () => Promise<unknown>): Entry {
  const found = entries.get(key)
  if (found !== undefined) return found
  if (entries.size >= MOST) {
    for (const [old, { listeners }] of entries) if (listeners.size === 0) entries.delete(old)
  }
  const entry: Entry = { asked: LOADING, at: 0, again: false, said: 0, load, listeners: new Set() }
  entries.set(key, entry)
  return entry
}

function put(entry: Entry, asked: Asked<unknown>) {
  entry.asked = asked
  for (const listener of entry.listeners) listener()
}

function refresh(entry: Entry): Promise<void> {
  if (entry.under !== undefined) {
    entry.again = true
    return entry.under
  }
  entry.under = (async () => {
    do {
      entry.again = false
      const { said } = entry
      try {
        const data = await entry.load()
        // Older than what was said meanwhile; who said it asks again.
        if (said !== entry.said) continue
        entry.at = Date.now()
        // The same once more is no reason to draw.
        if (entry.asked.state !== 'ready' || JSON.stringify(entry.asked.data) !== JSON.stringify(data)) {
          put(entry, { state: 'ready', data })
        }
      } catch (error) {
        const problem = problemIn(error)
        put(entry, { state: stateOf(problem), data: entry.asked.data, problem })
        // Whoever is not signed in any more is shown so, wherever he is.
        if (problem.status === 401 && entry !== entries.get('/api/me')) askAgain('/api/me')
      }
    } while (entry.again)
  })().finally(() => (entry.under = undefined))
  return entry.under
}

function stateOf({ code, status }: Problem): 'failed' | 'offline' | 'not_allowed' {
  if (code === 'OFFLINE' || code === 'STARTING' || status === 502 || status === 504) return 'offline'
  return status === 403 || status === 401 ? 'not_allowed' : 'failed'
}

export interface How {
  /** False: not asked now. */
  readonly when?: boolean
  /** It changes by itself, and the feed is what tells so: while that is lost, it is asked again and again. */
  readonly moves?: boolean
  /** Milliseconds after which it is asked again in any case. */
  readonly every?: number
}

/** An answer of the server, kept up to date; the second is to ask again now. */
export function useAsked<P extends PathOf<'get'>>(
  path: P,
  given: Given<'get', P>,
  { when = true, moves = false, every }: How = {},
): [Asked<Answer<'get', P>>, () => Promise<void>] {
  const key = addressOf(path, given)
  const latest = useRef(given)
  latest.current = given
  const entry = useCallback(() => {
    const asked = latest.current
    return entryOf(key, () => ask('get', path, asked))
  }, [key, path])
  const feed = useFeedState()
  const again = useCallback(() => refresh(entry()), [entry])
  useEffect(() => {
    if (when && Date.now() - entry().at > FRESH) void again()
  }, [when, entry, again])
  const lost = moves && feed !== 'open'
  const pause = lost ? POLL : every
  useEffect(() => {
    if (!when || pause === undefined) return undefined
    const timer = setInterval(() => {
      if (document.visibilityState === 'visible') void again()
    }, pause)
    return () => clearInterval(timer)
  }, [when, pause, again])
  // What was missed while the feed was lost is asked for when it is back.
  const was = useRef(feed)
  useEffect(() => {
    if (when && moves && feed === 'open' && was.current === 'lost') void again()
    was.current = feed
  }, [when, moves, feed, again])
  const subscribe = useCallback(
    (listener: () => void) => {
      const { listeners } = entry()
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    [entry],
  )
  const asked = useSyncExternalStore(subscribe, () => entry().asked) as Asked<Answer<'get', P>>
  return [asked, again]
}

/** Whatever was asked under these beginnings is asked again, if somebody looks at it, and else when next looked at. */
export function askAgain(...beginnings: readonly string[]): void {
  for (const [key, entry] of entries) {
    if (!beginnings.some((beginning) => key.startsWith(beginning))) continue
    if (entry.listeners.size > 0) void refresh(entry)
    else entry.at = 0
  }
}

/** The answer is this from now on: what was just told by the server, or is expected of it. */
export function setAsked<P extends PathOf<'get'>>(
  path: P,
  given: Given<'get', P>,
  change: (before: Answer<'get', P>) => Answer<'get', P>,
): void {
  const entry = entries.get(addressOf(path, given))
  if (entry?.asked.data === undefined) return
  entry.said += 1
  put(entry, { state: 'ready', data: change(entry.asked.data as Answer<'get', P>) })
}
