/**
 * What JSON can say and PostgreSQL cannot keep is refused before a handler sees
 * it: NUL, half characters, numbers without end, and nesting that only hurts.
 */
import { Refusal } from '@millrace/engine'

const DEEPEST = 64

/** @throws Refusal INVALID_TEXT, INVALID_REQUEST, TOO_DEEP */
export function refuseUnstorable(given: unknown): void {
  const open: [value: unknown, depth: number][] = [[given, 0]]
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [value, depth] = next
    if (typeof value === 'string') refuseText(value)
    else if (typeof value === 'number') refuseNumber(value)
    else if (typeof value === 'object' && value !== null && !Buffer.isBuffer(value)) {
      if (depth === DEEPEST) throw new Refusal('TOO_DEEP', `At most ${DEEPEST} levels may lie in one another.`)
      // Of what JSON made, all are its own; a list of pairs would cost more than the parsing did.
      for (const key in value) {
        refuseText(key)
        open.push([(value as Record<string, unknown>)[key], depth + 1])
      }
    }
  }
}

function refuseText(text: string): void {
  if (!text.includes('\0') && text.isWellFormed()) return
  throw new Refusal('INVALID_TEXT', 'A text holds NUL or half of a character.')
}

function refuseNumber(number: number): void {
  if (!Number.isFinite(number)) throw new Refusal('INVALID_REQUEST', 'A number is too large.')
}
