/**
 * The provider that needs no key: every example, demo and test can run on it.
 * The same model, messages and seed give the same answer on every machine.  What
 * it says is made in `fake-answers.ts`; here is how it behaves as a provider.
 */
import { createHash } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import { estimateTokenCount, sliceByTokens } from 'tokenx'
import type { Failure } from '@millrace/engine'
import { answerOf, fraction, type Temper } from './fake-answers.ts'
import { failureOf, fromThrown } from './failures.ts'
import { fakeJson } from './fake-json.ts'
import { materialIn } from './fake-material.ts'
import { problemDetails, readJson, unusableSchema } from './json.ts'
import { askedSettings } from './provider.ts'
import type { Answer, FinishReason, Listing, ModelEvent, ModelRequest, Provider, Usage } from './provider.ts'

interface FakeModel {
  /** One line, for people who choose a model. */
  readonly description: string
  readonly temper: Temper
  /** Milliseconds of every call, instead of the usual 20–80. */
  readonly latencyMs?: number
  /** A setting that this model does not take. */
  readonly drops?: string
  /** Fails before it answers. */
  readonly fails?: 'always' | 'first'
}

/** The models by name, each with its character. */
export const FAKE_MODELS: Readonly<Record<string, FakeModel>> = {
  a: { description: 'Friendly and steady: rates a little above the middle, rarely at the ends.', temper: 'warm' },
  b: { description: 'Sceptical: rates below the middle, wavers from sample to sample.', temper: 'wary' },
  c: {
    description: 'Decided: goes to the ends of a scale, reports reasoning tokens, does not take a temperature.',
    temper: 'bold',
    drops: 'temperature',
  },
  refuser: { description: 'Refuses about seven answers of ten.', temper: 'refusing' },
  flaky: {
    description:
      'Fails about every second request the first time it is asked (server error or rate limit), then answers.',
    temper: 'warm',
    fails: 'first',
  },
  down: { description: 'Always answers with a server error.', temper: 'warm', fails: 'always' },
  long: { description: 'Answers with about 200 kB of text.', temper: 'long' },
  odd: {
    description: 'Emoji, NUL, lone surrogates, right-to-left text, and no rating that can be read.',
    temper: 'odd',
  },
  slow: { description: 'Takes two seconds for every answer.', temper: 'warm', latencyMs: 2000 },
  empty: { description: 'Answers with nothing, which is an error.', temper: 'empty' },
}

/** What a script wants of one call; whatever is left out is as usual. */
export interface Scripted {
  readonly text?: string
  readonly failure?: Failure
  readonly finishReason?: FinishReason
  readonly modelVersion?: string | null
  readonly usage?: Usage
  readonly latencyMs?: number
  /** Never ends by itself: before the first text, or after all of it. */
  readonly hang?: 'before' | 'after'
}

/** A function of the request and the number of the call (from 0), or a list by number; beyond it, the usual answers. */
export type Script = readonly Scripted[] | ((request: ModelRequest, call: number) => Scripted | undefined)

export interface FakeOptions {
  /** Milliseconds of every call; otherwise `MILLRACE_FAKE_LATENCY_MS`, otherwise 20–80 by request. */
  readonly latencyMs?: number
  /** With a script every model name is known. */
  readonly script?: Script
}

export interface FakeProvider extends Provider {
  readonly id: 'fake'
  /** Calls of `stream` that were begun on this instance. */
  readonly calls: number
}

let begun = 0

/** Calls that were begun in this process, on all fakes. */
export function fakeCalls(): number {
  return begun
}

/** A fake of its own, with its own counter and script. */
export function createFake(options: FakeOptions = {}): FakeProvider {
  return new Fake(options)
}

/** Requests that have had their first failure, process-wide: a retry on another instance succeeds too. */
const failedOnce = new Set<string>()
const FAILED_ONCE_LIMIT = 50_000

class Fake implements FakeProvider {
  readonly id = 'fake'
  readonly name = 'Fake'
  calls = 0
  readonly #script: Script | undefined
  readonly #latencyMs: number | undefined

  constructor(options: FakeOptions) {
    this.#script = options.script
    this.#latencyMs = options.latencyMs ?? latencyFromEnvironment()
  }

  async check(model: string): Promise<Failure | null> {
    return this.#knows(model) ? null : unknownFakeModel(model)
  }

  async models(): Promise<Listing> {
    return { names: Object.keys(FAKE_MODELS) }
  }

  async *stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelEvent, void, undefined> {
    const call = this.calls++
    begun++
    try {
      yield* this.#answer(request, signal, call)
    } catch (error) {
      yield { type: 'failed', failure: fromThrown(error, signal) }
    }
  }

  async *#answer(
    request: ModelRequest,
    signal: AbortSignal,
    call: number,
  ): AsyncGenerator<ModelEvent, void, undefined> {
    const startedAt = new Date()
    signal.throwIfAborted()
    const obstacle = this.#knows(request.model) ? unusableSchema(request) : unknownFakeModel(request.model)
    if (obstacle !== undefined) {
      yield { type: 'failed', failure: obstacle }
      return
    }
    const model = FAKE_MODELS[request.model] ?? { description: '', temper: 'warm' }
    const scripted = (typeof this.#script === 'function' ? this.#script(request, call) : this.#script?.[call]) ?? {}
    const digest = digestOf(request)

    const latencyMs =
      scripted.latencyMs ?? model.latencyMs ?? this.#latencyMs ?? 20 + Math.floor(fraction(digest, 'latency') * 60)
    await pause(latencyMs / 2, signal)

    const failure = scripted.failure ?? (scripted.text === undefined ? ownFailure(model, digest) : undefined)
    if (failure !== undefined) {
      yield { type: 'failed', failure }
      return
    }
    if (scripted.hang === 'before') await forever(signal)

    const whole = scripted.text ?? fakeText(model.temper, request, digest)
    const cut = request.maxTokens !== undefined && estimateTokenCount(whole) > request.maxTokens
    const text = cut ? sliceByTokens(whole, 0, request.maxTokens) : whole
    const finishReason = scripted.finishReason ?? (cut ? 'length' : 'stop')
    for (const piece of pieces(text)) {
      signal.throwIfAborted()
      yield { type: 'text', text: piece }
    }
    if (scripted.hang === 'after') await forever(signal)
    await pause(latencyMs / 2, signal)

    if (text.trim() === '') {
      yield {
        type: 'failed',
        failure: failureOf(finishReason === 'content_filter' ? 'CONTENT_FILTER' : 'INVALID_RESPONSE'),
      }
      return
    }
    const read = request.schema === undefined ? undefined : readJson(text, request.schema)
    if (read !== undefined && 'problem' in read) {
      yield {
        type: 'failed',
        failure: failureOf('INVALID_RESPONSE', { details: { ...problemDetails(read), finishReason } }),
      }
      return
    }
    const asked = askedSettings(request)
    const sent = Object.fromEntries(Object.entries(asked).filter(([name]) => name !== model.drops))
    const answer: Answer = {
      text,
      ...(read === undefined ? {} : { json: read.value }),
      modelVersion: scripted.modelVersion === undefined ? `fake-${request.model}-2026-01` : scripted.modelVersion,
      finishReason,
      truncated: finishReason === 'length' || finishReason === 'content_filter',
      usage: scripted.usage ?? usageOf(request, text, model.temper === 'bold'),
      settings: { asked, sent, dropped: Object.keys(asked).filter((name) => !(name in sent)) },
      startedAt,
      completedAt: new Date(),
    }
    yield { type: 'done', answer }
  }

  #knows(model: string): boolean {
    return this.#script !== undefined || Object.hasOwn(FAKE_MODELS, model)
  }
}

function fakeText(temper: Temper, request: ModelRequest, digest: string): string {
  const said = answerOf(temper, request, digest)
  const prompt = request.messages.findLast(({ role }) => role === 'user')?.content ?? ''
  const material = request.schema === undefined ? undefined : materialIn(prompt, temper, digest)
  return fakeJson(request.schema, said, digest, material)
}

/** `UNKNOWN_MODEL`, with the names that exist in `details.known`. */
export function unknownFakeModel(model: string): Failure {
  return failureOf('UNKNOWN_MODEL', {
    details: { provider: 'fake', model, known: Object.keys(FAKE_MODELS).join(', ') },
  })
}

function ownFailure(model: FakeModel, digest: string): Failure | undefined {
  if (model.fails === 'always') return failureOf('SERVER_ERROR', { status: 500 })
  if (model.fails !== 'first' || fraction(digest, 'flaky') >= 0.5 || failedOnce.has(digest)) return undefined
  failedOnce.add(digest)
  if (failedOnce.size > FAILED_ONCE_LIMIT) {
    const oldest = failedOnce.values().next()
    if (oldest.done !== true) failedOnce.delete(oldest.value)
  }
  return fraction(digest, 'kind') < 0.5
    ? failureOf('SERVER_ERROR', { status: 503 })
    : failureOf('RATE_LIMIT', { status: 429, retryAfter: 0.1 })
}

function usageOf(request: ModelRequest, text: string, reasons: boolean): Usage {
  const visible = estimateTokenCount(text)
  const reasoningTokens = reasons ? visible * 3 : null
  const inputTokens = request.messages.reduce((sum, message) => sum + estimateTokenCount(message.content) + 4, 0)
  return {
    inputTokens,
    outputTokens: visible + (reasoningTokens ?? 0),
    reasoningTokens,
    cachedTokens: null,
    source: 'reported',
  }
}

function digestOf(request: ModelRequest): string {
  const said = request.messages.map((message) => [message.role, message.content])
  return createHash('sha256')
    .update(JSON.stringify([request.model, said, request.seed ?? null, request.label ?? null]))
    .digest('hex')
}

function latencyFromEnvironment(): number | undefined {
  const text = process.env['MILLRACE_FAKE_LATENCY_MS']
  const value = Number(text)
  return text === undefined || text.trim() === '' || !Number.isFinite(value) || value < 0 ? undefined : value
}

async function pause(milliseconds: number, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted()
  if (milliseconds > 0) await sleep(milliseconds, undefined, { signal })
}

async function forever(signal: AbortSignal): Promise<never> {
  for (;;) await sleep(2 ** 31 - 1, undefined, { signal })
}

/** About twenty pieces of a text, never cutting a surrogate pair. */
function* pieces(text: string): Generator<string> {
  const size = Math.max(24, Math.ceil(text.length / 20))
  for (let from = 0; from < text.length;) {
    let to = Math.min(from + size, text.length)
    const last = text.charCodeAt(to - 1)
    const next = text.charCodeAt(to)
    if (last >= 0xd800 && last <= 0xdbff && next >= 0xdc00 && next <= 0xdfff) to++
    yield text.slice(from, to)
    from = to
  }
}
