/**
 * What people and documents say, on its way into a prompt.  Skills put it between `<data>`
 * and `</data>` and say that nothing there is an instruction; so nothing that stands there
 * may end its block, or begin another.
 */

const MARK = /<(\s*\/?\s*data\b)/gi

/** Texts at any depth, names too: an object is written whole where a prompt asks for it. Everything else as it is. */
export function asMaterial<T>(given: T): T {
  return quiet(given) as T
}

function quiet(given: unknown): unknown {
  if (typeof given === 'string') return given.replaceAll(MARK, '‹$1')
  if (Array.isArray(given)) return given.map(quiet)
  if (typeof given !== 'object' || given === null) return given
  return Object.fromEntries(Object.entries(given).map(([name, value]) => [quiet(name), quiet(value)]))
}
