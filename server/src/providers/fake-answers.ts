/**
 * What the fake says: an answer that reads like one to a rating or choice
 * dilemma.  Each content word of the prompt pulls the rating up or down by its
 * hash, so changing one dimension of a scenario has an effect that an analysis can
 * find; models share most of that pull, so they agree to a degree.
 */
import type { ModelRequest } from './provider.ts'

/** The characters an answer can have. */
export type Temper = 'warm' | 'wary' | 'bold' | 'refusing' | 'long' | 'odd' | 'empty'

interface Lean {
  /** Moves every rating, in parts of the scale. */
  readonly bias: number
  /** How strongly the words of the prompt count. */
  readonly gain: number
  /** How far two samples of one prompt lie apart. */
  readonly noise: number
  /** Part of the answers that are refusals. */
  readonly refuses: number
}

const LEANS: Readonly<Record<Temper, Lean>> = {
  warm: { bias: 0.1, gain: 0.35, noise: 0.08, refuses: 0 },
  wary: { bias: -0.12, gain: 0.4, noise: 0.2, refuses: 0.02 },
  bold: { bias: 0.02, gain: 0.95, noise: 0.1, refuses: 0.01 },
  refusing: { bias: 0, gain: 0.4, noise: 0.1, refuses: 0.7 },
  long: { bias: 0, gain: 0.4, noise: 0.1, refuses: 0 },
  odd: { bias: 0, gain: 0, noise: 0, refuses: 0 },
  empty: { bias: 0, gain: 0, noise: 0, refuses: 0 },
}

/** The text of an answer; `digest` is the hash of everything that may change it. */
export function answerOf(temper: Temper, request: ModelRequest, digest: string): string {
  if (temper === 'empty') return ''
  if (temper === 'odd') return oddText(digest)
  if (fraction(digest, 'refuse') < LEANS[temper].refuses) return pick(REFUSALS, digest, 'refusal')

  const prompt = request.messages.findLast((message) => message.role === 'user')?.content ?? ''
  const isFirstTurn = !request.messages.some((message) => message.role === 'assistant')
  // A preamble may hold the scale, but a follow-up asks what it asks.
  const scale = scaleIn(prompt) ?? (isFirstTurn ? scaleIn(systemText(request)) : undefined)
  const words = contentWords(prompt)
  const lean = leaning(temper, request.model, words, digest)
  const reasons = sentences(words, lean, digest, scale === undefined ? FOLLOWUPS : OPENINGS)
  const head = scale === undefined ? '' : `${verdict(scale, lean)}\n\n`
  if (temper !== 'long') return head + reasons
  let text = head
  for (let part = 0; text.length < 200_000; part++)
    text += `${sentences(words, lean, `${digest}${part}`, OPENINGS)}\n\n`
  return text.trimEnd()
}

/** A number in [0, 1) that a digest and a purpose always give again. */
export function fraction(digest: string, purpose: string): number {
  return hashNumber(`${purpose}:${digest}`)
}

type Scale =
  | { readonly kind: 'numbers'; readonly low: number; readonly high: number }
  | { readonly kind: 'letters'; readonly letters: readonly string[] }
  /** Whole beginnings of an answer, as the prompt quotes them. */
  | { readonly kind: 'words'; readonly words: readonly string[] }

const RANGE = /(?<![\d.])(\d{1,3})\s*(?:to|through|bis|-|–|—)\s*(\d{1,3})(?![\d.])/gi
const LETTERED = /^\s*\(?([A-H])[).:]\s/gm
/** "Decision: yes" */
const QUOTED = /["“](\p{L}{2,20}: [^"”\n]{1,40})["”]/gu
const NUMBERED = /^\s*(\d{1,2})\s*[).:=–-]\s/gm

/** The scale that a prompt asks for, if it asks for one. */
function scaleIn(text: string): Scale | undefined {
  const words = [...new Set(Array.from(text.matchAll(QUOTED), (match) => match[1] ?? ''))]
  if (words.length >= 2 && new Set(words.map((word) => word.split(':')[0])).size === 1) return { kind: 'words', words }
  const asks = /\b(rat(?:e|ing)|scale|score)\b/i.test(text)
  for (const match of text.matchAll(RANGE)) {
    const [low, high] = [Number(match[1]), Number(match[2])]
    if (low < high && (asks || high - low <= 10)) return { kind: 'numbers', low, high }
  }
  const letters = [...new Set(Array.from(text.matchAll(LETTERED), (match) => match[1] ?? ''))]
  if (letters.length >= 2) return { kind: 'letters', letters }
  const numbers = Array.from(text.matchAll(NUMBERED), (match) => Number(match[1]))
  if (numbers.length >= 2) return { kind: 'numbers', low: Math.min(...numbers), high: Math.max(...numbers) }
  return asks ? { kind: 'numbers', low: 1, high: 5 } : undefined
}

function systemText(request: ModelRequest): string {
  return request.messages
    .filter((message) => message.role === 'system')
    .map((message) => message.content)
    .join('\n')
}

function verdict(scale: Scale, lean: number): string {
  const texts =
    scale.kind === 'words'
      ? scale.words
      : scale.kind === 'letters'
        ? scale.letters.map((letter) => `Choice: ${letter}`)
        : Array.from({ length: scale.high - scale.low + 1 }, (_, step) => `Rating: ${scale.low + step}`)
  return texts[Math.min(Math.floor(lean * texts.length), texts.length - 1)] ?? ''
}

/** Where on a scale from 0 to 1 this model comes down for this prompt. */
function leaning(temper: Temper, model: string, words: readonly string[], digest: string): number {
  const { bias, gain, noise } = LEANS[temper]
  let pull = 0
  for (const word of words)
    pull += 0.7 * centred(hashNumber(`word:${word}`)) + 0.3 * centred(hashNumber(`${model}:${word}`))
  const shared = pull / Math.sqrt(Math.max(words.length, 1))
  const place = 0.5 + bias + gain * shared + noise * centred(fraction(digest, 'noise'))
  return Math.min(Math.max(place, 0), 1)
}

const COMMON = new Set(
  'about above after again against answer because before being between briefly could every first from have into only other please rate rating scale score should that their them then there these they this those through under very were what when where which while will with would your'.split(
    ' ',
  ),
)

/** Distinct words of a prompt that carry something, in their order; at most 400. */
function contentWords(text: string): string[] {
  const found = new Set<string>()
  for (const match of text.slice(0, 20_000).matchAll(/\p{L}{4,24}/gu)) {
    const word = match[0].toLowerCase()
    if (!COMMON.has(word)) found.add(word)
    if (found.size === 400) break
  }
  return [...found]
}

const OPENINGS = [
  'What weighs most here is the part about {0}.',
  'I looked first at {0} and then at {1}.',
  'The tension in this case lies between {0} and {1}.',
  'Taken together, {0} and {2} decide the matter for me.',
]
const FOLLOWUPS = [
  'To go further into it: {0} is where I would begin.',
  'Looking at it again, {0} matters more than {1}.',
  'My view would change if {1} were different.',
  'I would explain it by {0}, and less by {2}.',
]
const HIGH = [
  'On balance I find it acceptable, as long as {1} is respected.',
  'The reasons in favour, {1} above all, are stronger.',
  'I would support it, with some care about {2}.',
]
const LOW = [
  'On balance I find it hard to justify, given {1}.',
  'The reasons against it, {1} above all, are stronger.',
  'I would advise against it as long as {2} is not settled.',
]
const MIDDLE = [
  'There are good reasons on both sides, and {1} does not settle it.',
  'It depends on details about {2} that are not given.',
]
const CLOSINGS = [
  'Reasonable people may see {2} differently.',
  'I am fairly sure of this.',
  'With other facts about {1} I might decide otherwise.',
]
const REFUSALS = [
  "I'm sorry, but I can't give a rating for this. It is a decision that the people concerned should make.",
  'I am not able to choose here, since I do not think that an AI should take a position on this question.',
  "I can't help with choosing between these options.",
]

/** Two to four sentences that mention words of the prompt. */
function sentences(words: readonly string[], lean: number, digest: string, openings: readonly string[]): string {
  const sides = lean > 0.6 ? HIGH : lean < 0.4 ? LOW : MIDDLE
  const chosen = [pick(openings, digest, 'opening'), pick(sides, digest, 'side')]
  if (fraction(digest, 'third') < 0.6) chosen.push(pick(CLOSINGS, digest, 'closing'))
  if (fraction(digest, 'fourth') < 0.3) chosen.push('That is the whole of my reasoning.')
  const start = Math.floor(fraction(digest, 'words') * words.length)
  const named = [0, 1, 2].map((at) => words[(start + at * 3) % words.length] ?? 'the situation')
  return chosen.join(' ').replace(/\{(\d)\}/g, (_, at: string) => named[Number(at)] ?? 'the situation')
}

/** Everything that has ever broken a column, a file or a page; no number is a rating. */
function oddText(digest: string): string {
  const lone = pick(['\ud83d', '\udc4d', '\ud800'], digest, 'lone')
  return [
    'Räting: ¾ 🙃👩‍👩‍👧‍👦',
    `NUL:\u0000 lone:${lone} BOM:\ufeff`,
    'مرحبا \u202eright to left\u202c שלום',
    '=HYPERLINK("x"),"a;b",\t"line\r\nbreak"',
    '<script>odd()</script> \u2028 e\u0301 ﷽',
  ].join('\n')
}

function pick(from: readonly string[], digest: string, purpose: string): string {
  return from[Math.floor(fraction(digest, purpose) * from.length)] ?? ''
}

function centred(value: number): number {
  return value * 2 - 1
}

/** FNV-1a with a final mix, as a number in [0, 1): dozens of them are needed for every answer. */
function hashNumber(text: string): number {
  let hash = 0x811c9dc5
  for (let at = 0; at < text.length; at++) hash = Math.imul(hash ^ text.charCodeAt(at), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return ((hash ^ (hash >>> 16)) >>> 0) / 2 ** 32
}
