/** `j` and `k` in a list: the link of the next row gets the focus, and of the one before. */
import type { Command } from './keys.ts'

/** For `useCommands`, the same however often it is drawn. */
export const stepping = ({ next, previous }: { readonly next: string; readonly previous: string }): Command[] => [
  { name: next, keys: 'j', quiet: true, run: () => step(1) },
  { name: previous, keys: 'k', quiet: true, run: () => step(-1) },
]

function step(by: number): void {
  const all = [...document.querySelectorAll<HTMLElement>('[data-row]')]
  const at = all.findIndex((row) => row.contains(document.activeElement))
  all[at === -1 ? 0 : Math.max(0, Math.min(at + by, all.length - 1))]?.querySelector<HTMLElement>('a')?.focus()
}
