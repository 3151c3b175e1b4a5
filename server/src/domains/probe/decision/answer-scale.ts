/** A decision scale prepared for reading, and what an answer says at one place of it. */

import type { DecisionLabel, DecisionScale } from '../definition/definition-shape.ts'
import { isLatin, runsTogether, tokensOf } from './answer-tokens.ts'
import type { Token } from './answer-tokens.ts'
import { degrees, followers, maybes, percents, rangeWords, ratioWords, runCounters } from './answer-words.ts'

interface Wording {
  readonly choice: DecisionLabel
  readonly words: readonly string[]
  /** A code of one letter: `A` is also an article, so it must be a capital or stand alone. */
  readonly letter: boolean
  readonly label: boolean
}

export interface ReadableScale {
  readonly signed: boolean
  readonly numeric: ReadonlyMap<number, DecisionLabel>
  readonly smallest: number
  readonly largest: number
  /** Labels and codes by their first word, longest first: "strongly agree" is not "agree". */
  readonly wordings: ReadonlyMap<string, readonly Wording[]>
}

/** What stands at a place: a choice, something off the scale, or an undecided `3 or 4`. */
export type Value =
  | {
      readonly kind: 'choice'
      readonly choice: DecisionLabel
      readonly end: number
      readonly named: 'code' | 'label' | 'both' | 'ratio'
    }
  | { readonly kind: 'outside'; readonly end: number }
  | { readonly kind: 'undecided'; readonly end: number }

const prepared = new WeakMap<DecisionScale, ReadableScale>()

export function readable(scale: DecisionScale): ReadableScale {
  const known = prepared.get(scale)
  if (known !== undefined) return known
  const numeric = new Map<number, DecisionLabel>()
  const wordings = new Map<string, Wording[]>()
  const add = (text: string, choice: DecisionLabel, label: boolean): void => {
    const words = essence(tokensOf(text, false)).map((token) => token.text)
    const first = words[0]
    if (first === undefined) return
    const list = wordings.get(first) ?? []
    list.push({ choice, words, label, letter: !label && /^\p{L}$/u.test(text.trim()) })
    wordings.set(first, list)
  }
  for (const choice of scale.labels) {
    const value = Number(choice.code)
    if (choice.code.trim() !== '' && Number.isFinite(value)) numeric.set(value, choice)
    else add(choice.code, choice, false)
    if (!Number.isFinite(Number(choice.label))) add(choice.label, choice, true)
  }
  for (const list of wordings.values()) list.sort((a, b) => b.words.length - a.words.length)
  const values = [...numeric.keys()]
  const made: ReadableScale = {
    signed: values.some((value) => value < 0),
    numeric,
    smallest: Math.min(...values),
    largest: Math.max(...values),
    wordings,
  }
  prepared.set(scale, made)
  return made
}

/** Marks inside a label do not count, unless there is nothing else (👍). */
function essence(tokens: readonly Token[]): readonly Token[] {
  const words = tokens.filter(({ kind }) => kind === 'word' || kind === 'number')
  return words.length > 0 ? words : tokens.filter(({ kind }) => kind === 'mark')
}

/** What the tokens from `at` on say, or undefined when it is nothing that belongs to a decision. */
export function valueAt(tokens: readonly Token[], at: number, scale: ReadableScale): Value | undefined {
  const token = tokens[at]
  if (token === undefined || token.kind === 'line') return undefined
  // A label may begin with a number, so words are tried first.
  const worded = wordingAt(tokens, at, scale)
  if (worded !== undefined) return confirmed(tokens, worded, scale)
  return numberAt(tokens, at, scale)
}

/** The longest label or code that starts exactly here. */
export function wordingAt(
  tokens: readonly Token[],
  at: number,
  scale: ReadableScale,
): (Value & { kind: 'choice' }) | undefined {
  const token = tokens[at]
  if (token === undefined) return undefined
  for (const { choice, words, letter, label } of scale.wordings.get(token.text) ?? []) {
    const end = sameWords(tokens, at, words)
    if (end === undefined) continue
    const next = tokens[end]
    if (next?.glued === true && (isLatin(next) || next.kind === 'number') && isLatin(tokens[end - 1])) continue
    if (letter && !token.upper && next !== undefined && next.kind === 'word') continue
    if (degrees.has(next?.text ?? '')) continue
    return { kind: 'choice', choice, end, named: label ? 'label' : 'code' }
  }
  return undefined
}

function sameWords(tokens: readonly Token[], at: number, words: readonly string[]): number | undefined {
  let place = at
  for (const [i, word] of words.entries()) {
    for (let marks = 0; i > 0 && marks < 2 && tokens[place]?.kind === 'mark' && tokens[place]?.text !== word; marks++)
      place++
    if (tokens[place]?.text !== word) return undefined
    place++
  }
  return place
}

function numberAt(tokens: readonly Token[], at: number, scale: ReadableScale): Value | undefined {
  const token = tokens[at]
  if (token === undefined || !Number.isFinite(token.value) || isPartOfSomething(tokens, at)) return undefined
  const choice = scale.numeric.get(token.value)
  const ratio = ratioAt(tokens, at)
  if (ratio !== undefined) {
    if (ratio.of === scale.largest && choice !== undefined) {
      return confirmed(tokens, { kind: 'choice', choice, end: ratio.end, named: 'ratio' }, scale)
    }
    return { kind: 'outside', end: ratio.end }
  }
  const range = rangeAt(tokens, at)
  if (range !== undefined) {
    // The scale itself, told again.
    if (token.value === scale.smallest && range.to === scale.largest) return undefined
    return range.list ? undefined : { kind: 'undecided', end: range.end }
  }
  if (choice === undefined) return { kind: 'outside', end: at + 1 }
  return confirmed(tokens, { kind: 'choice', choice, end: at + 1, named: 'code' }, scale)
}

/** Money, percentages, times, ordinals, counts glued to letters. */
function isPartOfSomething(tokens: readonly Token[], at: number): boolean {
  const [before, next, second] = [tokens[at - 1], tokens[at + 1], tokens[at + 2]]
  // The far end of a range.
  if (before !== undefined && joinsRange(before) && Number.isFinite(tokens[at - 2]?.value)) return true
  if (before !== undefined && tokens[at]?.glued === true) {
    if (isLatin(before) || before.kind === 'number' || '$€£¥#'.includes(before.text)) return true
    if (before.text === '/' && tokens[at - 2]?.kind === 'number') return true
  }
  if (next === undefined) return false
  if (next.text === '%' || next.text === '°' || percents.has(next.text)) return true
  if (next.glued && isLatin(next)) return true
  if (runsTogether(next) && runCounters.some((counter) => next.text.startsWith(counter))) return true
  return (
    next.glued &&
    second?.kind === 'number' &&
    second.glued &&
    (next.text === ':' || next.text === '.' || next.text === ',')
  )
}

function ratioAt(tokens: readonly Token[], at: number): { of: number; end: number } | undefined {
  let place = at + 1
  if (tokens[place]?.text === '/') place++
  else {
    while (place < at + 3 && ratioWords.has(tokens[place]?.text ?? '')) place++
    if (place === at + 1) return undefined
  }
  const of = tokens[place]
  if (of?.kind !== 'number' || !Number.isFinite(of.value)) return undefined
  const third = tokens[place + 1]
  // 4/5/2024 is a date.
  if (third?.text === '/' && tokens[place + 2]?.kind === 'number') return undefined
  return { of: of.value, end: place + 1 }
}

function rangeAt(tokens: readonly Token[], at: number): { to: number; end: number; list: boolean } | undefined {
  let place = at + 1
  const connector = tokens[place]
  if (connector === undefined) return undefined
  const list = connector.text === ','
  if (!list && connector.text !== '/' && !joinsRange(connector)) return undefined
  place++
  while (place < at + 4 && (maybes.has(tokens[place]?.text ?? '') || rangeWords.has(tokens[place]?.text ?? ''))) place++
  const second = tokens[place]
  if (second === undefined || !Number.isFinite(second.value)) return undefined
  // `4, 3 people …` and `4 - 2 reasons …` go on with a count, not with a second value.
  const after = tokens[place + 1]
  if ((list || connector.text === '-') && !second.glued && after?.kind === 'word' && !followers.has(after.text))
    return undefined
  return { to: second.value, end: place + 1, list }
}

function joinsRange(token: Token): boolean {
  return token.text === '-' || token.text === '~' || rangeWords.has(token.text)
}

/** A code with its label (`4 (agree)`) is one choice; with another's label it is none. */
function confirmed(tokens: readonly Token[], value: Value & { kind: 'choice' }, scale: ReadableScale): Value {
  let place = value.end
  while (place < value.end + 3 && tokens[place]?.kind === 'mark' && '(-=:,["\'|'.includes(tokens[place]?.text ?? ''))
    place++
  const joined = place === value.end && (tokens[place]?.text === '/' || rangeWords.has(tokens[place]?.text ?? ''))
  if (joined) place++
  if (joined || (place > value.end && value.named !== 'label')) {
    const other = wordingAt(tokens, place, scale)
    if (other !== undefined && (other.named === 'label' || joined)) {
      if (other.choice !== value.choice) return { kind: 'undecided', end: other.end }
      return { ...value, end: other.end, named: 'both' }
    }
  } else if (place > value.end && '(=:'.includes(tokens[place - 1]?.text ?? ' ')) {
    const number = tokens[place]
    const code =
      number?.kind === 'number' && tokens[place + 1]?.text === ')' ? scale.numeric.get(number.value) : undefined
    if (code !== undefined) {
      return code === value.choice ? { ...value, end: place + 1, named: 'both' } : { kind: 'undecided', end: place + 1 }
    }
  }
  return value
}

/** May this value be a decision here, judged by what follows it? `4 people` may not. */
export function endsWell(tokens: readonly Token[], value: Value, capitals: boolean): boolean {
  const next = tokens[value.end]
  if (next === undefined || next.kind === 'line') return true
  if (next.kind === 'mark') return next.text !== '?' && next.text !== '%'
  if (next.kind === 'number') return false
  if (value.kind === 'choice' && value.named !== 'code' && value.named !== 'ratio') return true
  if (runsTogether(next)) return !runCounters.some((counter) => next.text.startsWith(counter))
  if (!isLatin(next)) return true
  if (value.kind === 'choice' && value.named === 'ratio' && next.text === 'of') return false
  return followers.has(next.text) || (capitals && next.capital)
}
