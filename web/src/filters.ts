/** Filters that stand in the address: whoever follows a link or loads the page again finds the same. */
import { useSearchParams } from 'wouter'

/** What is no filter but opened is a step that leads back: it is set with `{ replace: false }`. */
type Set<Name> = (name: Name, value: string, how?: { readonly replace: boolean }) => void

/** Those of these names that the address has; one is set, or taken away by nothing in it; and all are taken away. */
export function useFilters<Name extends string>(
  ...names: readonly Name[]
): [filter: { readonly [name in Name]?: string }, set: Set<Name>, clear: () => void] {
  const [params, setParams] = useSearchParams()
  const filter: { [name in Name]?: string } = {}
  for (const name of names) {
    const value = params.get(name)
    if (value !== null) filter[name] = value
  }
  const set: Set<Name> = (name, value, how = { replace: true }) =>
    setParams((before) => {
      const next = new URLSearchParams(before)
      if (value === '') next.delete(name)
      else next.set(name, value)
      return next
    }, how)
  return [filter, set, () => setParams({}, { replace: true })]
}
