/** Decisions that are a line (`4`, `4/5`, `Strongly agree.`, `4 - Agree`) or that an answer begins with (`Agree, because …`). */

import { endsWell, valueAt } from './answer-scale.ts'
import type { ReadableScale, Value } from './answer-scale.ts'
import type { Token } from './answer-tokens.ts'
import { labelFollowers, outsidePhrases, outsiders, runUnits } from './answer-words.ts'
import type { Findings } from './decide.ts'

type Choice = Value & { kind: 'choice' }

export function fromLines(tokens: readonly Token[], scale: ReadableScale): Findings {
  const lines = linesOf(tokens, scale)
  const bare: Choice[] = []
  const pairs: Choice[] = []
  const starts: Choice[] = []
  const alone: Value[] = []
  for (const [number, { from, to }] of lines.entries()) {
    const place = afterName(tokens, from, to)
    const value = valueAt(tokens, place, scale)
    if (value === undefined || value.end > to) continue
    const whole = onlyMarks(tokens, value.end, to)
    if (value.kind !== 'choice') {
      if (whole && lines.length === 1) alone.push(value)
    } else if (value.named === 'both') {
      if (whole || isBoundary(tokens, value.end)) pairs.push(value)
    } else if (whole) bare.push(value)
    else if (number === 0 && beginsAnswer(tokens, value, lines)) starts.push(value)
  }
  // Several different lines are the scale told again, not decisions.
  const own = [bare, pairs].map((found) => (new Set(found.map(({ choice }) => choice)).size === 1 ? found : []))
  return { values: [...own.flat(), ...starts, ...alone] }
}

interface Line {
  /** The first token that is not decoration, and the end. */
  readonly from: number
  readonly to: number
}

function linesOf(tokens: readonly Token[], scale: ReadableScale): Line[] {
  const lines: Line[] = []
  let from: number | undefined
  for (let at = 0; at <= tokens.length; at++) {
    const token = tokens[at]
    if (token === undefined || token.kind === 'line') {
      if (from !== undefined) lines.push({ from, to: at })
      from = undefined
    } else if (from === undefined && (token.kind !== 'mark' || scale.wordings.has(token.text))) from = at
  }
  return lines
}

/** Skips what only announces a value: `Option B`, `Level 4`. */
function afterName(tokens: readonly Token[], from: number, to: number): number {
  let place = from
  while (
    place < to &&
    place < from + 2 &&
    ['option', 'choice', 'level', 'number', 'code', 'i'].includes(tokens[place]?.text ?? '')
  ) {
    if (tokens[place]?.text === 'i') return from
    place++
  }
  return place === to ? from : place
}

function onlyMarks(tokens: readonly Token[], end: number, to: number): boolean {
  const from = runUnits.has(tokens[end]?.text ?? '') ? end + 1 : end
  for (let at = from; at < to; at++)
    if (tokens[at]?.kind !== 'mark' || tokens[at]?.text === '?' || tokens[at]?.text === '%') return false
  return true
}

function isBoundary(tokens: readonly Token[], at: number): boolean {
  const token = tokens[at]
  return (
    token === undefined || token.kind === 'line' || (token.kind === 'mark' && token.text !== '?' && token.text !== '/')
  )
}

function beginsAnswer(tokens: readonly Token[], value: Choice, lines: readonly Line[]): boolean {
  const next = tokens[value.end]
  if (value.named === 'label') return isBoundary(tokens, value.end) || labelFollowers.has(next?.text ?? '')
  if (next?.glued === true && next.text === "'") return false
  if (next?.kind === 'word' && next.text !== 'because' && next.text !== 'since') return false
  if (!endsWell(tokens, value, false)) return false
  // `1. …`, `2. …`: a list, when another line goes on counting.
  const counted = Number(value.choice.code)
  return !(
    (next?.text === '.' || next?.text === ')') &&
    lines.some(({ from }) => tokens[from]?.value === counted + 1 && tokens[from + 1]?.text === next.text)
  )
}

/** Does the text from `from` to the line's end name something that no scale has, such as "none of the above"? */
export function nameOutsider(tokens: readonly Token[], from: number): boolean {
  let start = from
  while (tokens[start]?.kind === 'mark' && start < from + 4) start++
  const words: string[] = []
  for (let at = start; at < start + 6 && tokens[at] !== undefined && tokens[at]?.kind !== 'line'; at++)
    words.push(tokens[at]?.text ?? '')
  const text = words.join(' ')
  if (outsidePhrases.some((phrase) => text.startsWith(phrase))) return true
  const next = words[1]
  return (
    (outsiders.includes(words[0] ?? '') && (next === undefined || /^[^\p{L}\p{N}]/u.test(next))) ||
    text.startsWith('n / a')
  )
}

/** Is the whole answer one such name? */
export function isOutsider(tokens: readonly Token[]): boolean {
  const said = tokens.filter(({ kind }) => kind === 'word' || kind === 'number').length
  return said > 0 && said <= 5 && nameOutsider(tokens, 0)
}
