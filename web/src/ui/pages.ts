/** Lists that come page by page: the first page kept fresh, what was loaded below it kept while the question is the same. */
import { useRef, useState } from 'react'
import { addressOf, ask, type Answer, type Given, type PathOf } from '../api.ts'
import { useAsked, type Asked, type How } from '../asked.ts'
import { useAct } from './act.ts'

interface Page<Item> {
  readonly items: readonly Item[]
  /** Where the next one begins; null: this was the last. */
  readonly next: string | number | null
}
/** The paths that answer with a page. */
type PagedPath = { [P in PathOf<'get'>]: Answer<'get', P> extends Page<unknown> ? P : never }[PathOf<'get'>]
type ItemOf<P extends PagedPath> = Answer<'get', P> extends Page<infer Item> ? Item : never

export interface Pages<Item> {
  /** Of all pages that are here, each once. */
  readonly items: readonly Item[]
  readonly more: boolean
  readonly busy: boolean
  readonly load: () => void
  /** What is known of an item below the first page, which is not asked again; undefined: it is here no more. */
  readonly change: (as: (item: Item) => Item | undefined) => void
}

/**
 * @param idOf what makes an item itself
 * @param how `by`: the name under which the path is told where a page begins
 */
export function usePages<P extends PagedPath>(
  path: P,
  given: Given<'get', P>,
  idOf: (item: ItemOf<P>) => number | string,
  { by = 'cursor', ...how }: How & { readonly by?: 'cursor' | 'before' } = {},
): [Asked<Answer<'get', P>>, () => Promise<void>, Pages<ItemOf<P>>] {
  const [asked, again] = useAsked(path, given, how)
  const [busy, act] = useAct()
  const [loaded, setLoaded] = useState<Page<ItemOf<P>> & { readonly key: string }>()
  const key = addressOf(path, given)
  const latest = useRef(key)
  latest.current = key
  const first = asked.data as Page<ItemOf<P>> | undefined
  const kept = loaded?.key === key && first !== undefined && first.next !== null ? loaded : undefined
  const items = joined(first?.items ?? [], kept?.items ?? [], idOf)
  const next = (kept ?? first)?.next ?? null
  const load = () => {
    if (next === null) return
    act(async () => {
      const { query }: { query?: object } = given
      const page = (await ask('get', path, { ...given, query: { ...query, [by]: next } })) as Page<ItemOf<P>>
      if (latest.current !== key) return
      setLoaded({ key, items: [...items, ...page.items], next: page.next })
    })
  }
  const change = (as: (item: ItemOf<P>) => ItemOf<P> | undefined) =>
    setLoaded((was) => was && { ...was, items: was.items.flatMap((item) => as(item) ?? []) })
  return [asked, again, { items, more: next !== null, busy, load, change }]
}

/**
 * The first page as it is now, and what lies below it of all that was here when a page was
 * loaded: what newer ones have pushed out of the first page is not lost, and what has left
 * it otherwise does not stay.
 */
export function joined<Item>(
  first: readonly Item[],
  before: readonly Item[],
  idOf: (item: Item) => number | string,
): Item[] {
  const at = new Map(before.map((item, i) => [idOf(item), i]))
  const last = first.findLast((item) => at.has(idOf(item)))
  const below = before.slice(last === undefined ? 0 : (at.get(idOf(last)) ?? 0) + 1)
  const known = new Set<number | string>()
  return [...first, ...below].filter((item) => !known.has(idOf(item)) && known.add(idOf(item)))
}
