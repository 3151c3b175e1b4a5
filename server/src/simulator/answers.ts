/**
 * What a simulated model says: the fake's answers, with the usage that a provider
 * would report.  The same seed, model and messages give the same answer; how the
 * request was sent does not matter.
 */
import { hash } from 'node:crypto'
import { answerOf } from '../providers/fake-answers.ts'
import type { Asked, Ending, Said } from './dialect.ts'
import { fitting } from './fitting.ts'

/** Providers cache a beginning of at least this many tokens. */
const CACHED_FROM = 1024
/** In steps of this many. */
const CACHE_STEP = 128
/** Bytes of a token, about; a tokenizer would cost more than everything else here. */
const TOKEN_BYTES = 4
/** Tokens of a message beside its text. */
const AROUND_MESSAGE = 4

/** What an answer depends on, in 40 hexadecimal digits. */
export function digestOf(seed: string, provider: string, { model, turns, seed: asked }: Asked): string {
  return hash('sha1', JSON.stringify([seed, provider, model.id, turns, asked ?? null]))
}

export interface Wanted {
  /** Instead of the answer that the model would give. */
  readonly text?: string
  readonly ending?: Ending
}

/** The answer to a request. */
export function answerTo(asked: Asked, digest: string, wanted: Wanted = {}): Said {
  const { model, turns } = asked
  const messages = turns.map(({ role, content }) => ({ role, content }))
  const own = wanted.text ?? answerOf(model.temper, { model: model.id, messages }, digest)
  const whole =
    asked.schema === undefined || wanted.text !== undefined ? own : JSON.stringify(fitting(asked.schema, own))
  const counts = turns.map(({ content }) => tokensOf(content) + AROUND_MESSAGE)
  const input = sum(counts)
  // A follow-up begins with what was sent before it.
  const isFollowUp = turns.some(({ role }) => role === 'assistant')
  const before = isFollowUp ? sum(counts.slice(0, -2)) : 0
  const cached = before >= CACHED_FROM ? Math.floor(before / CACHE_STEP) * CACHE_STEP : 0

  let { text, ending } = ended(whole, wanted.ending ?? 'stop')
  const most = asked.maxTokens ?? Number.POSITIVE_INFINITY
  if (tokensOf(text) > most) {
    text = beginning(text, most)
    if (ending === 'stop') ending = 'length'
  }
  const visible = tokensOf(text)
  // Thinking is paid for out of the same limit; the answer comes first here, so that there is one.
  const reasoning = model.reasons === true ? Math.max(Math.min(visible * 3, most - visible), 0) : 0
  return {
    id: digest,
    at: Math.floor(Date.now() / 1000),
    model,
    text,
    thought: reasoning > 0 ? 'I look at what is asked, weigh the reasons on both sides, and settle on one.' : '',
    ending,
    usage: { input, cached, output: visible + reasoning, reasoning },
  }
}

/** What is left of a text when it ends so. */
function ended(text: string, ending: Ending): { text: string; ending: Ending } {
  if (ending === 'filter') return { text: '', ending }
  if (ending === 'stop') return { text, ending }
  return { text: text.slice(0, Math.ceil(text.length / 2)).toWellFormed(), ending }
}

/** At most twelve parts of a text, never cutting a surrogate pair; one empty part of nothing. */
export function pieces(text: string): string[] {
  const size = Math.max(24, Math.ceil(text.length / 12))
  const parts: string[] = []
  for (let from = 0; from < text.length;) {
    let to = Math.min(from + size, text.length)
    const last = text.charCodeAt(to - 1)
    if (last >= 0xd800 && last <= 0xdbff && to < text.length) to++
    parts.push(text.slice(from, to))
    from = to
  }
  return parts.length === 0 ? [''] : parts
}

function tokensOf(text: string): number {
  return Math.ceil(Buffer.byteLength(text) / TOKEN_BYTES)
}

/** The characters that so many tokens hold. */
function beginning(text: string, tokens: number): string {
  const bytes = Buffer.from(text).subarray(0, tokens * TOKEN_BYTES)
  // A character that was cut in two is left out.
  return new TextDecoder().decode(bytes, { stream: true })
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0)
}
