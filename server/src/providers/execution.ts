/**
 * A person's own provider: an object with a name and one function.  What is here
 * makes it one of the house's, so that a recipe may name it like any other: it is
 * asked once, its deadline is kept for it, and what it says is read by the schema.
 */
import { TaskFailed, type Failure } from '@millrace/engine'
import { estimatedUsage } from './answer.ts'
import { failureOf, fromAbort, fromThrown } from './failures.ts'
import { problemDetails, readJson, unusableSchema } from './json.ts'
import { askedSettings } from './provider.ts'
import type { Answer, JsonSchema, Listing, ModelEvent, ModelRequest, Provider } from './provider.ts'

/** For what a provider is asked.  The ids are empty where no card is concerned, as in a probe. */
export interface ExecutionContext {
  readonly runId: string
  readonly workspaceId: string
  readonly cardId: string
  readonly stage: string
  /** The folder to which the workspace's documents are exported. */
  readonly workspacePath?: string
  /** Paths of the card's documents, below that folder. */
  readonly contextFiles?: readonly string[]
  /** The values that the skill's prompt was made of. */
  readonly variables?: Readonly<Record<string, unknown>>
  /** What stands after the first colon of `name:model`. */
  readonly model?: string
  /** The output must be one JSON value that fits. */
  readonly schema?: JsonSchema
  /** Aborted at the deadline, or when the run is cancelled. */
  readonly signal?: AbortSignal
}

export interface ExecutionResult {
  readonly success: boolean
  /** The whole answer; without one there is no success. */
  readonly output?: string
  /** For the provider's own log: a failure that Millrace keeps never quotes it. */
  readonly error?: string
  readonly tokensUsed?: { readonly input: number; readonly output: number }
  readonly durationMs?: number
  /** Told in the run's log by their names. */
  readonly toolCalls?: readonly { readonly name: string; readonly input: unknown; readonly output: unknown }[]
}

export type ExecutionLevel = 'debug' | 'info' | 'warn' | 'error'

/** Whom a provider may tell something while it works. */
export interface StreamCallback {
  onLog(level: ExecutionLevel, message: string, stepKey?: string): void
  /** From 0 to 1. */
  onProgress(part: number, message?: string): void
  onArtifact(type: string, label: string, uri?: string, meta?: Readonly<Record<string, unknown>>): void
}

export interface ExecutionProvider {
  /** Lower-case letters, digits and hyphens; the part of `name:model` before the colon. */
  readonly name: string
  /** Names to show in lists; others may be asked for all the same. */
  readonly models?: readonly string[]
  /** Asked at most once an attempt; what it throws is a failure, `TaskFailed` one of its own making. */
  execute(
    systemPrompt: string,
    userPrompt: string,
    context: ExecutionContext,
    callbacks?: StreamCallback,
  ): Promise<ExecutionResult>
}

/** What goes with a request to such a provider, and to no other. */
export interface Execution {
  readonly context: ExecutionContext
  readonly callbacks?: StreamCallback
}

const NOWHERE: ExecutionContext = { runId: '', workspaceId: '', cardId: '', stage: '' }

/** A name that can stand before the colon. */
export const PROVIDER_NAME = /^[a-z][a-z0-9-]{0,39}$/

export function isExecutionProvider(it: unknown): it is ExecutionProvider {
  return (
    typeof it === 'object' &&
    it !== null &&
    'name' in it &&
    typeof it.name === 'string' &&
    'execute' in it &&
    typeof it.execute === 'function'
  )
}

export function asProvider(own: ExecutionProvider): Provider {
  return {
    id: own.name,
    name: own.name,
    stream: (request, signal) => stream(own, request, signal),
    check: async () => null,
    models: async (): Promise<Listing> => (own.models === undefined ? {} : { names: own.models }),
  }
}

async function* stream(
  own: ExecutionProvider,
  request: ModelRequest,
  signal: AbortSignal,
): AsyncGenerator<ModelEvent, void, undefined> {
  const obstacle = signal.aborted ? fromAbort(signal.reason) : unusableSchema(request)
  if (obstacle !== undefined) {
    yield { type: 'failed', failure: obstacle }
    return
  }
  const startedAt = new Date()
  const { context = NOWHERE, callbacks } = request.execution ?? {}
  const { model, schema } = request
  const about = { ...context, model, signal, ...(schema === undefined ? {} : { schema }) }
  let said: ExecutionResult
  try {
    said = await untilAborted(own.execute(systemOf(request), userOf(request), about, callbacks), signal)
  } catch (error) {
    yield { type: 'failed', failure: failureFrom(error, signal) }
    return
  }
  for (const { name } of said.toolCalls ?? []) callbacks?.onLog('info', `called ${name}`)
  const event = endOf(request, said, startedAt)
  if (event.type === 'done') yield { type: 'text', text: event.answer.text }
  yield event
}

function endOf(request: ModelRequest, said: ExecutionResult, startedAt: Date): ModelEvent {
  const text = typeof said.output === 'string' ? said.output : ''
  if (!said.success) return { type: 'failed', failure: failureOf('SERVER_ERROR') }
  if (text.trim() === '') return { type: 'failed', failure: failureOf('INVALID_RESPONSE') }
  const read = request.schema === undefined ? undefined : readJson(text, request.schema)
  if (read !== undefined && 'problem' in read) {
    return { type: 'failed', failure: failureOf('INVALID_RESPONSE', { details: problemDetails(read) }) }
  }
  const { tokensUsed, durationMs } = said
  const asked = askedSettings(request)
  const answer: Answer = {
    text,
    ...(read === undefined ? {} : { json: read.value }),
    modelVersion: null,
    finishReason: 'stop',
    truncated: false,
    usage:
      tokensUsed === undefined
        ? estimatedUsage(request, text)
        : {
            inputTokens: tokensUsed.input,
            outputTokens: tokensUsed.output,
            reasoningTokens: null,
            cachedTokens: null,
            source: 'reported',
          },
    // It takes two texts: whatever else was asked for did not reach it.
    settings: { asked, sent: {}, dropped: Object.keys(asked) },
    startedAt,
    completedAt: durationMs === undefined ? new Date() : new Date(startedAt.getTime() + durationMs),
  }
  return { type: 'done', answer }
}

/** A provider that does not listen to its signal is not waited for. */
async function untilAborted<T>(work: Promise<T>, signal: AbortSignal): Promise<T> {
  let stop = () => {}
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason as Error)
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

function failureFrom(error: unknown, signal: AbortSignal): Failure {
  return error instanceof TaskFailed && !signal.aborted ? error.failure : fromThrown(error, signal)
}

function systemOf({ messages }: ModelRequest): string {
  return messages
    .filter(({ role }) => role === 'system')
    .map(({ content }) => content)
    .join('\n\n')
}

/** A conversation has its roles; a single question is as it is. */
function userOf({ messages }: ModelRequest): string {
  const said = messages.filter(({ role }) => role !== 'system')
  if (said.length === 1) return said[0]?.content ?? ''
  return said.map(({ role, content }) => `${role === 'user' ? 'User' : 'Assistant'}:\n${content}`).join('\n\n')
}
