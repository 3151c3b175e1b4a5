/**
 * Reads the decision out of an answer by the definition's scale: first where the
 * answer marks it (`Rating: 4`), then where it is the line (`4`, `Strongly
 * agree.`), then where a sentence states it (`I choose 4`).  What contradicts
 * itself or is only nearly a decision stays unparsed: a person can decide it,
 * and a wrong number in the results would be seen by nobody.
 */

import type { DecisionScale } from '../definition/definition-shape.ts'
import { declines } from './answer-refusal.ts'
import { readable } from './answer-scale.ts'
import type { ReadableScale, Value } from './answer-scale.ts'
import { tokensOf } from './answer-tokens.ts'
import type { Token } from './answer-tokens.ts'
import { fromLines, isOutsider } from './decide-lines.ts'
import { fromMarkers } from './decide-markers.ts'
import { fromSentences } from './decide-sentences.ts'

export type Outcome =
  | {
      readonly kind: 'decision'
      readonly code: string
      readonly label: string
      readonly by: 'marker' | 'label' | 'pattern'
    }
  /** The model declines to decide. */
  | { readonly kind: 'refusal' }
  /** It decides for something that is not on the scale. */
  | { readonly kind: 'other' }
  /** Nothing was found, or things that contradict each other. */
  | { readonly kind: 'unparsed' }

/** What one way of reading found. */
export interface Findings {
  readonly values: readonly Value[]
  /** Names something off the scale in words: `Decision: none of the above`. */
  readonly outsider?: boolean
}

/** The outcome of one answer; null when the definition has no scale. Takes linear time. */
export function decide(answer: string, scale: DecisionScale | undefined): Outcome | null {
  if (scale === undefined) return null
  const prepared = readable(scale)
  const tokens = tokensOf(answer, prepared.signed)
  const unquoted = withoutQuotes(tokens)
  const outcome = outcomeOf(unquoted, prepared)
  return outcome.kind === 'unparsed' && unquoted.length < tokens.length ? outcomeOf(tokens, prepared) : outcome
}

/** What the export's column `decision` says of an outcome. */
export function decisionText(outcome: Outcome | null): string | null {
  if (outcome === null) return null
  return outcome.kind === 'decision' ? outcome.code : outcome.kind
}

function outcomeOf(tokens: readonly Token[], scale: ReadableScale): Outcome {
  const ways = [
    ['marker', fromMarkers],
    ['label', fromLines],
    ['pattern', fromSentences],
  ] as const
  let outsider = false
  let undecided = false
  for (const [by, read] of ways) {
    const found = read(tokens, scale)
    outsider ||= found.outsider === true
    const verdict = agreement(found.values)
    if (verdict === 'contradiction') return { kind: 'unparsed' }
    if (verdict === 'outside') return { kind: 'other' }
    if (verdict === 'undecided') undecided = true
    else if (verdict !== undefined) return { kind: 'decision', code: verdict.code, label: verdict.label, by }
    // A marked hesitation is the answer; sentences around it are its considerations.
    if (undecided && by !== 'pattern') break
  }
  if (declines(tokens)) return { kind: 'refusal' }
  if (!undecided && (outsider || isOutsider(tokens))) return { kind: 'other' }
  return { kind: 'unparsed' }
}

function agreement(
  values: readonly Value[],
): { code: string; label: string } | 'outside' | 'undecided' | 'contradiction' | undefined {
  const choices = new Set(values.map((value) => (value.kind === 'choice' ? value.choice : value.kind)))
  const [first, second] = choices
  if (first === undefined) return undefined
  if (second !== undefined) return 'contradiction'
  return first
}

/** Without the lines that quote (`> …`), where there are others: the quoted is the question. */
function withoutQuotes(tokens: readonly Token[]): readonly Token[] {
  let quoting = false
  const kept = tokens.filter((token, i) => {
    if (i === 0 || tokens[i - 1]?.kind === 'line') quoting = token.text === '>'
    return !quoting
  })
  return kept.some(({ kind }) => kind === 'word' || kind === 'number') ? kept : tokens
}
