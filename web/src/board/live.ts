/**
 * The board as it changes.  One tab of the browser holds the stream of cards and tells
 * the others; when it is closed the next one takes it over.
 */
import { useCallback, useEffect, useRef } from 'react'
import type { CardHead } from '../api.ts'
import { askAgain, useAsked } from '../asked.ts'
import { useMovingRuns } from '../feed.ts'
import { useThrottled } from '../runs/live.ts'
import { useMe, workspaceOf } from '../shell/me.ts'

/** Milliseconds between two askings for what moves all the time, and until a lost stream is opened again. */
const PAUSE = 700
const LOST = 3_000
/** Cards of each stage that the board asks for first. */
const LIMIT = 50

/** Cards that changed, whole, as they come; the newest ones at first. */
export function useMovingCards(take: (card: CardHead) => void): void {
  const workspace = workspaceOf(useMe())?.id
  const latest = useRef(take)
  latest.current = take
  useEffect(() => {
    if (workspace === undefined) return undefined
    const name = `millrace-board-${workspace}`
    const channel = new BroadcastChannel(name)
    const given = new AbortController()
    channel.addEventListener('message', ({ data }: MessageEvent<CardHead>) => latest.current(data))
    const hold = () =>
      new Promise<void>((leave) => {
        let source: EventSource | undefined
        let timer: ReturnType<typeof setTimeout> | undefined
        const open = () => {
          source?.close()
          source = new EventSource(`/api/board?stream=true&workspaceId=${workspace}`)
          source.addEventListener('card', ({ data }: MessageEvent<string>) => {
            const card = JSON.parse(data) as CardHead
            latest.current(card)
            // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a channel has none
            channel.postMessage(card)
          })
          // The browser opens it again by itself, unless the server has refused it.
          source.addEventListener('error', () => {
            if (source?.readyState === EventSource.CLOSED) timer = setTimeout(open, LOST)
          })
        }
        open()
        const end = () => {
          clearTimeout(timer)
          source?.close()
          leave()
        }
        if (given.signal.aborted) end()
        else given.signal.addEventListener('abort', end)
      })
    if ('locks' in navigator) navigator.locks.request(name, { signal: given.signal }, hold).catch(() => {})
    else void hold()
    return () => {
      given.abort()
      channel.close()
    }
  }, [workspace])
}

/** The whole board; asked again when a card is another than the one that is shown. */
export function useBoard(archived = false) {
  const given = { query: { limit: LIMIT, ...(archived ? { archived: 'true' as const } : {}) } }
  const [asked, again] = useAsked('/api/board', given, { moves: true })
  const soon = useThrottled(PAUSE, () => {
    void again()
    askAgain('/api/cards?')
  })
  const shown = useRef(new Map<number, CardHead>())
  shown.current = new Map(asked.data?.columns.flatMap(({ cards }) => cards.map((card) => [card.id, card] as const)))
  useMovingCards(
    useCallback(
      (card: CardHead) => {
        const before = shown.current.get(card.id)
        if (before === undefined ? card.status !== 'archived' : !same(before, card)) soon()
      },
      [soon],
    ),
  )
  return [asked, again, given] as const
}

const same = (a: CardHead, b: CardHead) =>
  a.version === b.version &&
  a.status === b.status &&
  a.openQuestions === b.openQuestions &&
  a.run?.id === b.run?.id &&
  a.run?.status === b.run?.status &&
  a.run?.awaits === b.run?.awaits &&
  a.run?.percent === b.run?.percent

/** Calls, not too often, when a run or a card has moved. */
export function useMoves(call: () => void, ofCard?: number): void {
  const soon = useThrottled(PAUSE, call)
  const stamp = useRef('')
  useMovingRuns((runs) => {
    if (runs.some(({ kind }) => kind === 'stage')) soon()
  })
  useMovingCards((card) => {
    if (ofCard === undefined) return
    const now = JSON.stringify(card)
    if (card.id !== ofCard || now === stamp.current) return
    stamp.current = now
    soon()
  })
}
