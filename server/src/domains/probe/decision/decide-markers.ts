/** Decisions that an answer marks as such: `Rating: 4`, `**Decision:** agree`, `{"score": 4}`, `\boxed{4}`, `## Answer`. */

import { endsWell, valueAt } from './answer-scale.ts'
import type { ReadableScale, Value } from './answer-scale.ts'
import { runsTogether } from './answer-tokens.ts'
import type { Token } from './answer-tokens.ts'
import {
  copulas,
  corrections,
  fillers,
  finalWords,
  foreignWords,
  markerTails,
  markerWords,
  negations,
  runFinals,
  runMarkers,
} from './answer-words.ts'
import type { Findings } from './decide.ts'
import { nameOutsider } from './decide-lines.ts'

export function fromMarkers(tokens: readonly Token[], scale: ReadableScale): Findings {
  const all: Value[] = []
  const final: Value[] = []
  let outsider = false
  for (const at of tokens.keys()) {
    if (!isMarker(tokens, at)) continue
    const place = afterConnector(tokens, at)
    if (place === undefined) continue
    const value = markedValue(tokens, place, scale)
    if (value !== undefined) (isFinal(tokens, at) ? final : all).push(value)
    else if (nameOutsider(tokens, place)) outsider = true
  }
  return { values: final.length > 0 ? final : all, outsider }
}

/** Is the token a word that names the decision, and not somebody else's or the scale's? */
export function isMarker(tokens: readonly Token[], at: number): boolean {
  const token = tokens[at]
  if (token?.kind !== 'word') return false
  if (!markerWords.has(token.text)) {
    if (!runsTogether(token)) return false
    const named = token.text.replace(/[是为為は는은]$/, '')
    return runMarkers.some((marker) => named.endsWith(marker))
  }
  for (let back = at - 1, words = 0; back >= 0 && back >= at - 5 && words < 2; back--) {
    const before = tokens[back]
    if (
      before === undefined ||
      before.kind === 'line' ||
      before.text === '.' ||
      before.text === ',' ||
      before.text === '{'
    )
      return true
    if (foreignWords.has(before.text)) return false
    if (before.kind === 'word') words++
  }
  return true
}

function isFinal(tokens: readonly Token[], at: number): boolean {
  const near = tokens.slice(Math.max(0, at - 2), at + 2)
  return (
    near.some(({ text }) => finalWords.has(text)) || runFinals.some((run) => tokens[at]?.text.includes(run) === true)
  )
}

/** The place after `:` (or what serves as such), or undefined when the marker is just a word in a sentence. */
function afterConnector(tokens: readonly Token[], at: number): number | undefined {
  let place = at + 1
  while (place < at + 4 && markerTails.has(tokens[place]?.text ?? '') && !isMarkerEnd(tokens, place)) place++
  place = afterScaleNote(tokens, place)
  while (place < at + 24 && tokens[place]?.kind === 'mark' && '"\'])}'.includes(tokens[place]?.text ?? '')) place++
  const connector = tokens[place]
  if (connector === undefined) return undefined
  if (connector.kind === 'line') return isHeading(tokens, at, place) ? place : undefined
  if (connector.kind !== 'mark')
    return place === at + 1 && isHeading(tokens, at, place) && endsLine(tokens, place) ? place : undefined
  if (':={|>→⇒'.includes(connector.text)) return place + 1
  return connector.text === '-' && (!connector.glued || tokens[place + 1]?.text === '>') ? place + 1 : undefined
}

function isMarkerEnd(tokens: readonly Token[], place: number): boolean {
  return tokens[place]?.text === 'is' && tokens[place + 1]?.text !== ':'
}

/** Skips `(1-5)` and `on a scale of 1 to 5` between a marker and its colon. */
function afterScaleNote(tokens: readonly Token[], from: number): number {
  const first = tokens[from]?.text
  if (first !== '(' && first !== '[' && first !== 'on' && first !== 'from' && first !== 'out') return from
  for (let place = from + 1; place < from + 20; place++) {
    const token = tokens[place]
    if (token === undefined || token.kind === 'line') return from
    if (first === '(' && token.text === ')') return place + 1
    if (first === '[' && token.text === ']') return place + 1
    if (token.text === ':' && first !== '(' && first !== '[') return place
  }
  return from
}

/** A marker alone on its line, with the value under it. */
function isHeading(tokens: readonly Token[], at: number, end: number): boolean {
  if (end > at + 2) return false
  for (let back = at - 1; back >= Math.max(0, at - 4); back--) {
    const token = tokens[back]
    if (token?.kind === 'line') return true
    if (token?.kind === 'mark' ? token.text !== '#' : !isQualifier(token)) return false
  }
  return at <= 4
}

/** `Rating 4` is a line of two words. */
function endsLine(tokens: readonly Token[], place: number): boolean {
  const after = tokens[place + 1]?.text === '.' ? tokens[place + 2] : tokens[place + 1]
  return after === undefined || after.kind === 'line'
}

function isQualifier(token: Token | undefined): boolean {
  return token !== undefined && (finalWords.has(token.text) || markerWords.has(token.text) || fillers.has(token.text))
}

function markedValue(tokens: readonly Token[], from: number, scale: ReadableScale): Value | undefined {
  let place = from
  let lines = 0
  let negated = false
  for (; place < from + 14; place++) {
    const token = tokens[place]
    if (token === undefined) return undefined
    if (negated ? corrections.has(token.text) : negations.has(token.text)) {
      negated = !negated
      continue
    }
    if (token.kind === 'line') {
      if (++lines > 2 || negated) return undefined
      continue
    }
    if (negated) continue
    const value = valueAt(tokens, place, scale)
    if (value !== undefined) {
      if (!endsWell(tokens, value, true)) return undefined
      return lines > 0 && isNumbering(tokens, value) ? undefined : value
    }
    // The scale has no negative codes, or the sign would be in the number.
    const below = token.text === '-' && !token.glued && place === from && tokens[place + 1]?.kind === 'number'
    if (below && tokens[place + 1]?.glued === true) return { kind: 'outside', end: place + 2 }
    if (token.kind === 'number' || (token.kind === 'word' && !fillers.has(token.text) && !copulas.has(token.text)))
      return undefined
    if (token.kind === 'mark' && '.;?!'.includes(token.text)) return undefined
  }
  return undefined
}

/** On a line of its own `1. First, …` begins a list. */
function isNumbering(tokens: readonly Token[], value: Value): boolean {
  if (value.kind !== 'choice' || value.named !== 'code') return false
  const [mark, after] = [tokens[value.end], tokens[value.end + 1]]
  return (mark?.text === '.' || mark?.text === ')') && after !== undefined && after.kind !== 'line'
}
