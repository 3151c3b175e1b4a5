/**
 * Names of documents: relative paths with plain names, so that a document can be
 * exported as a file and never leaves the card's folder.
 */
import { posix } from 'node:path'

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

export function matchesPattern(path: string, pattern: string): boolean {
  return posix.matchesGlob(path, pattern)
}
