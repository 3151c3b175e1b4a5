/**
 * Names of documents: relative paths with plain names, so that a document can be
 * exported as a file and never leaves the card's folder.
 */
const PART = /^[A-Za-z0-9_][A-Za-z0-9_.-]{0,99}$/
const LONGEST = 200
const DEEPEST = 6

/** What is wrong with a path, in a few words; undefined: nothing. */
export function wrongPath(path: string): string | undefined {
  if (path === '' || path.length > LONGEST) return `a path has 1 to ${LONGEST} characters`
  const parts = path.split('/')
  if (parts.length > DEEPEST) return `at most ${DEEPEST} folders may lie in one another`
  if (parts.every((part) => PART.test(part) && !part.endsWith('.'))) return undefined
  return 'a path has names of letters, digits, _, - and . between slashes; none begins or ends with a dot'
}

/** As `wrongPath`, for a path that may hold `*`, `**`, `?` and `{a,b}`. */
export function wrongPattern(pattern: string): string | undefined {
  const plain = pattern.replaceAll(/\*\*?/g, 'x').replaceAll('?', 'x')
  return wrongPath(plain.replaceAll(/\{[A-Za-z0-9_.,-]+\}/g, 'x'))
}

export function isPattern(path: string): boolean {
  return /[*?{]/.test(path)
}

/**
 * Step by step over the pattern, with all the places in the path that it may have come
 * to: so many steps as both are long, whatever the pattern.  Node's own makes a regular
 * expression of it, on which six stars are half a minute and ten are for ever.
 */
export function matchesPattern(path: string, pattern: string): boolean {
  let places = new Set([0])
  for (const [step, list, folders] of pattern.matchAll(STEP)) {
    const words = list?.split(',')
    const next = new Set<number>()
    for (const at of places) {
      if (words !== undefined) {
        for (const word of words) if (path.startsWith(word, at)) next.add(at + word.length)
      } else if (folders !== undefined) {
        next.add(folders === '' ? path.length : at)
        for (let to = path.indexOf('/', at); to !== -1 && folders !== ''; to = path.indexOf('/', to + 1))
          next.add(to + 1)
      } else if (step.startsWith('*')) {
        for (let to = at; to <= endOfName(path, at); to += 1) next.add(to)
      } else if (step === '?' ? at < endOfName(path, at) : path[at] === step) next.add(at + 1)
    }
    places = next
  }
  return places.has(path.length)
}

/** A list of words; folders, any number of them, or all that follows; letters of one name; one letter. */
const STEP = /\{([A-Za-z0-9_.,-]+)\}|(?<=^|\/)\*\*(\/|$)|\*+|[^]/g

function endOfName(path: string, at: number): number {
  const end = path.indexOf('/', at)
  return end === -1 ? path.length : end
}
