/** Decisions stated in a sentence: `I choose 4`, `my rating would be a 4`, `4 out of 5`, 我选择4. Cautious: a number needs somebody who chooses it. */

import { endsWell, valueAt, wordingAt } from './answer-scale.ts'
import type { ReadableScale, Value } from './answer-scale.ts'
import { runsTogether } from './answer-tokens.ts'
import type { Token } from './answer-tokens.ts'
import {
  choiceVerbs,
  comparisons,
  conditions,
  copulas,
  corrections,
  fillers,
  forcedWords,
  labelFollowers,
  negations,
  ownVerbs,
  runCopulas,
  runMarkers,
  runNegations,
  runVerbs,
  runVerbsAfter,
  stemsAfter,
  subjects,
  verbsAfter,
} from './answer-words.ts'
import type { Findings } from './decide.ts'
import { isMarker } from './decide-markers.ts'

export function fromSentences(tokens: readonly Token[], scale: ReadableScale): Findings {
  const values: Value[] = []
  for (const at of tokens.keys()) {
    const value =
      chosen(tokens, at, scale) ??
      said(tokens, at, scale) ??
      stated(tokens, at, scale) ??
      ratio(tokens, at, scale) ??
      inRun(tokens, at, scale)
    if (value !== undefined) values.push(value)
  }
  // `between 3 and 4 … I choose 4`: the choice counts, the hesitation before it does not.
  const choices = values.filter(({ kind }) => kind === 'choice')
  return { values: choices.length > 0 ? choices : values }
}

/** `I would choose option 4`, `Ich wähle 4`. */
function chosen(tokens: readonly Token[], at: number, scale: ReadableScale): Value | undefined {
  const verb = tokens[at]
  if (verb?.kind !== 'word') return undefined
  const own = ownVerbs.has(verb.text)
  if (!own && !choiceVerbs.has(verb.text)) return undefined
  if (!own && !hasSubject(tokens, at)) return undefined
  return follow(tokens, at + 1, scale, isNegated(tokens, at))
}

/** `My rating is 4`, `the answer would be B`. */
function stated(tokens: readonly Token[], at: number, scale: ReadableScale): Value | undefined {
  if (!isMarker(tokens, at)) return undefined
  let place = at + 1
  // `my rating for this action is 4`
  while (place < at + 7 && tokens[place]?.kind === 'word' && !copulas.has(tokens[place]?.text ?? '')) place++
  if (!copulas.has(tokens[place]?.text ?? '')) return undefined
  if (tokens.slice(Math.max(0, at - 4), at).some(({ text }) => conditions.has(text))) return undefined
  return follow(tokens, place + 1, scale, false)
}

/** `I strongly agree with …`, `I am neutral on …`. */
function said(tokens: readonly Token[], at: number, scale: ReadableScale): Value | undefined {
  const text = tokens[at]?.text ?? ''
  if (text !== 'i' && text !== "i'm") return undefined
  if (
    tokens.slice(Math.max(0, at - 4), at).some(({ text }) => conditions.has(text) || text === 'do' || text === 'would')
  )
    return undefined
  let place = at + 1
  while (
    place < at + 4 &&
    ['am', 'would', 'do', 'therefore', 'must', 'have', 'to', 'personally'].includes(tokens[place]?.text ?? '')
  )
    place++
  const value = wordingAt(tokens, place, scale)
  if (value === undefined || value.named !== 'label') return undefined
  const next = tokens[value.end]
  if (next?.kind === 'word' && !labelFollowers.has(next.text)) return undefined
  return next?.text === '?' ? undefined : value
}

/** `4/5` and `4 out of 5`, wherever they stand. */
function ratio(tokens: readonly Token[], at: number, scale: ReadableScale): Value | undefined {
  if (tokens[at]?.kind !== 'number' || tokens[at - 1]?.text === '/') return undefined
  const value = valueAt(tokens, at, scale)
  if (value?.kind !== 'choice' || value.named !== 'ratio' || !endsWell(tokens, value, false)) return undefined
  const before = tokens.slice(Math.max(0, at - 4), at).map(({ text }) => text)
  if (before.some((text) => negations.has(text) || comparisons.has(text) || conditions.has(text))) return undefined
  return value
}

/** Where words run together: 我选择4, 私は4を選びます, 제 점수는 4점입니다. */
function inRun(tokens: readonly Token[], at: number, scale: ReadableScale): Value | undefined {
  const [before, token] = [tokens[at - 1], tokens[at]]
  if (runsTogether(token) && (token?.text.startsWith('我') || token?.text.startsWith('私は')))
    return labelInRun(token.text, at, scale)
  if (token?.kind !== 'number') return undefined
  const value = valueAt(tokens, at, scale)
  if (value === undefined || !endsWell(tokens, value, false)) return undefined
  const left = runsTogether(before) ? before?.text : undefined
  const right: Token[] = []
  for (let place = value.end; place < value.end + 3; place++) {
    const next = tokens[place]
    if (next === undefined || next.kind === 'line' || (next.kind === 'mark' && next.text !== "'")) break
    right.push(next)
  }
  const after = right.map(({ text }) => text).join('')
  if (runNegations.some((word) => left?.includes(word) === true || after.includes(word))) return undefined
  const verbBefore = left !== undefined && runVerbs.some((verb) => left.endsWith(verb))
  const verbAfter = runsTogether(right[0]) && runVerbsAfter.some((verb) => after.includes(verb))
  const named =
    left !== undefined &&
    runCopulas.some((word) => left.endsWith(word)) &&
    runMarkers.some((marker) => left.includes(marker))
  const spaced = right.some(({ text }) => verbsAfter.has(text) || stemsAfter.some((stem) => text.startsWith(stem)))
  return verbBefore || verbAfter || named || spaced ? value : undefined
}

function labelInRun(text: string, at: number, scale: ReadableScale): Value | undefined {
  for (const prefix of ['我的选择是', '我的回答是', '我会选择', '我选择', '我選擇', '我选', '私は', '我']) {
    if (!text.startsWith(prefix)) continue
    const rest = text.slice(prefix.length)
    for (const ending of ['', 'します', 'です', 'を選びます', 'を選択します', '这个说法', '这一说法', '这个观点']) {
      if (!rest.endsWith(ending)) continue
      const wording = scale.wordings.get(rest.slice(0, rest.length - ending.length))?.[0]
      if (wording?.words.length === 1) return { kind: 'choice', choice: wording.choice, end: at + 1, named: 'label' }
    }
  }
  return undefined
}

/** From after the verb to the value, over words that say nothing; `not 5, but 4` goes on to the 4. */
function follow(tokens: readonly Token[], from: number, scale: ReadableScale, negatedVerb: boolean): Value | undefined {
  let negated = negatedVerb
  for (let place = from; place < from + 12; place++) {
    const token = tokens[place]
    if (token === undefined || token.kind === 'line' || '.;?!'.includes(token.text)) return undefined
    if (negated ? corrections.has(token.text) : negations.has(token.text)) {
      negated = !negated
      continue
    }
    if (comparisons.has(token.text)) return undefined
    if (negated) continue
    const scaled = afterScale(tokens, place, scale)
    if (scaled !== undefined) {
      place = scaled - 1
      continue
    }
    const value = valueAt(tokens, place, scale)
    if (
      value !== undefined &&
      !(
        value.kind === 'choice' &&
        value.named === 'code' &&
        token.kind === 'word' &&
        !token.upper &&
        fillers.has(token.text)
      )
    ) {
      return endsWell(tokens, value, false) ? value : undefined
    }
    if (token.kind === 'number' || (token.kind === 'word' && !fillers.has(token.text) && !copulas.has(token.text)))
      return undefined
  }
  return undefined
}

/** Skips `scale of 1 to 5` and `1-5 scale`. */
function afterScale(tokens: readonly Token[], at: number, scale: ReadableScale): number | undefined {
  let place = at
  if (tokens[at]?.text === 'scale') while (place < at + 4 && tokens[place]?.value !== scale.smallest) place++
  if (tokens[place]?.value !== scale.smallest || tokens[place + 2]?.value !== scale.largest) return undefined
  return tokens[place + 3]?.text === 'scale' ? place + 4 : place + 3
}

function sentenceBefore(tokens: readonly Token[], at: number, reach: number): readonly Token[] {
  let from = at
  while (from > 0 && from > at - reach && !isStop(tokens[from - 1])) from--
  return tokens.slice(from, at)
}

function isStop(token: Token | undefined): boolean {
  return token === undefined || token.kind === 'line' || (token.kind === 'mark' && '.;!?'.includes(token.text))
}

const hypothetical: ReadonlySet<string> = new Set(['if', 'unless', 'suppose'])

function hasSubject(tokens: readonly Token[], at: number): boolean {
  const clause = sentenceBefore(tokens, at, 16)
  const before = clause.slice(clause.findLastIndex(({ text }) => text === 'but') + 1)
  const subject = before.findLastIndex(({ text }) => subjects.has(text))
  // `Going with 4.` begins the sentence and means the speaker.
  if (subject === -1)
    return before.length === 0 && ['going', 'choosing', 'picking', 'selecting'].includes(tokens[at]?.text ?? '')
  if (before.length - subject > 6) return false
  const forced = before.some(({ text }) => forcedWords.has(text))
  return !before.some(({ text }, i) => conditions.has(text) && (i > subject || (!forced && hypothetical.has(text))))
}

function isNegated(tokens: readonly Token[], at: number): boolean {
  return sentenceBefore(tokens, at, 5).some(({ text }) => negations.has(text))
}
