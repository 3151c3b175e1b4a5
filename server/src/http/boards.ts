/**
 * What moves in a workspace: its newest runs, its cards, or what people are told, read
 * once per view and wake, and given to each reader as far as they are others than
 * those he has.  Every message is a whole one, so a reader that was away misses
 * nothing by it.
 */
import type { Engine, Principal } from '@millrace/engine'

/** Runs that a board speaks of. */
export const NEWEST = 200
/** Milliseconds between two readings, and after which a board looks by itself. */
const PAUSE = 250
const LOOK_AGAIN = 2_000

export interface Boards<T> {
  /** First all of them, then those that have changed. */
  read(who: Principal, signal: AbortSignal): AsyncIterable<T[]>
  close(): Promise<void>
}

/** What a board is of: how it is read, and what says that one is another than it was. */
export interface BoardOf<T> {
  /** All that it speaks of, as far as this reader sees it; not what is his alone. */
  readonly find: (who: Principal) => Promise<readonly T[]>
  readonly stamp: (one: T) => string
}

interface Board<T> {
  all: readonly T[]
  readonly waiting: Set<() => void>
  readonly abort: AbortController
  readers: number
  /** Its first reading; fails where that does. */
  readonly begun: Promise<void>
  readonly done: Promise<void>
}

export function openBoards<T extends { readonly id: number }>(engine: Engine, { find, stamp }: BoardOf<T>): Boards<T> {
  const boards = new Map<string, Board<T>>()

  function open(key: string, who: Principal): Board<T> {
    const abort = new AbortController()
    const { signal } = abort
    const read = async () => {
      board.all = await find(who)
      for (const resolve of board.waiting) resolve()
      board.waiting.clear()
    }
    const begun = Promise.resolve().then(read)
    const board: Board<T> = { all: [], waiting: new Set(), abort, readers: 0, begun, done: begun.then(goOn, () => {}) }
    async function goOn() {
      let rung = false
      let ring = () => {}
      const off = await engine.onChange(() => {
        rung = true
        ring()
      })
      while (!signal.aborted) {
        await new Promise<void>((resolve) => setTimeout(resolve, PAUSE))
        if (!rung && !signal.aborted) {
          await new Promise<void>((resolve) => {
            const timer = setTimeout(resolve, LOOK_AGAIN)
            ring = () => {
              clearTimeout(timer)
              resolve()
            }
            signal.addEventListener('abort', ring, { once: true })
          })
        }
        rung = false
        ring = () => {}
        // A database that is away is asked again.
        if (!signal.aborted) await read().catch(() => {})
      }
      off()
    }
    boards.set(key, board)
    return board
  }

  return {
    async *read(who, signal) {
      const key = Object.keys(who.workspaces).sort().join(',')
      const board = boards.get(key) ?? open(key, who)
      board.readers += 1
      const given = new Map<number, string>()
      try {
        await board.begun
        while (!signal.aborted) {
          const others = board.all.filter((one) => given.get(one.id) !== stamp(one))
          for (const one of others) given.set(one.id, stamp(one))
          if (others.length > 0) yield others
          else await changed(board, signal)
        }
      } finally {
        board.readers -= 1
        if (board.readers === 0) {
          if (boards.get(key) === board) boards.delete(key)
          board.abort.abort()
        }
      }
    },
    async close() {
      const all = [...boards.values()]
      for (const { abort } of all) abort.abort()
      await Promise.all(all.map(({ done }) => done))
    },
  }
}

function changed(board: Pick<Board<unknown>, 'waiting'>, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      board.waiting.delete(go)
      signal.removeEventListener('abort', go)
      resolve()
    }
    board.waiting.add(go)
    signal.addEventListener('abort', go, { once: true })
  })
}
