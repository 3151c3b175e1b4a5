/**
 * Keys and commands.  Who is on the page says what he offers; `?` lists the keys, and
 * the palette the commands.  Single keys can be turned off, for who dictates.
 */
import { useLayoutEffect, useSyncExternalStore } from 'react'
import { kept } from '../kept.ts'

export interface Command {
  readonly name: string
  /** One key, or two one after the other: `n`, `g r`. */
  readonly keys?: string
  readonly run: () => void
  /** Only a key, such as the next row; not in the palette. */
  readonly quiet?: boolean
}

let offered: readonly (readonly Command[])[] = []
const listeners = new Set<() => void>()

function change(next: typeof offered) {
  offered = next
  for (const listener of listeners) listener()
}

/** What can be done while this is shown; the newest that has a key gets it. */
export function useCommands(commands: readonly Command[]): void {
  // With what is drawn: a key does what stands there, also where it is pressed at once.
  useLayoutEffect(() => {
    change([...offered, commands])
    return () => change(offered.filter((one) => one !== commands))
  }, [commands])
}

export function useOffered(): readonly Command[] {
  return useSyncExternalStore(
    (listener) => {
      listeners.add(listener)
      return () => listeners.delete(listener)
    },
    () => offered,
  ).flat()
}

/** Milliseconds in which the second key comes. */
const PATIENCE = 1_000
let first = ''
let firstAt = 0

const inField = (target: EventTarget | null) =>
  target instanceof HTMLElement &&
  (target.isContentEditable ||
    /^(input|textarea|select)$/i.test(target.tagName) ||
    target.closest('[role=menu],[role=listbox],[role=dialog],[role=alertdialog]') !== null)

/** The keys of the palette, as this machine's are called. */
export const PALETTE = /mac|iphone|ipad/i.test(navigator.userAgent) ? '⌘K' : 'Ctrl K'

/** Heard for the whole page, once. */
export function hearKeys(open: { palette: () => void; help: () => void }): () => void {
  const hear = (event: KeyboardEvent) => {
    if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === 'k') {
      event.preventDefault()
      open.palette()
      return
    }
    if (event.metaKey || event.ctrlKey || event.altKey || event.defaultPrevented || inField(event.target)) return
    if (kept<boolean>('keys').read() === false) return
    if (event.key === '?') return open.help()
    const both = Date.now() - firstAt < PATIENCE ? `${first} ${event.key}` : ''
    const all = offered.flat().toReversed()
    const found = all.find(({ keys }) => keys === both) ?? all.find(({ keys }) => keys === event.key)
    first = event.key
    firstAt = found === undefined ? Date.now() : 0
    if (found === undefined) return
    event.preventDefault()
    found.run()
  }
  document.addEventListener('keydown', hear)
  return () => document.removeEventListener('keydown', hear)
}
