/**
 * Two of the house's providers in the shape of `ExecutionProvider`, for programs
 * that ask a model themselves, or that put something of their own around one.
 */
import type { Failure } from '@millrace/engine'
import { createCommands } from './command.ts'
import { generate, type Message, type Provider } from './provider.ts'
import type { ExecutionContext, ExecutionProvider, ExecutionResult, StreamCallback } from './execution.ts'
import { VENDORS } from './vendors.ts'
import { createWire } from './wire.ts'

/** Milliseconds for one answer. */
const TIMEOUT = 600_000

export interface AnthropicOptions {
  /** Default: ANTHROPIC_BASE_URL, otherwise Anthropic's own. */
  readonly baseUrl?: string
  /** Milliseconds. Default: ten minutes. */
  readonly timeoutMs?: number
}

/** Anthropic's API. Without a key every answer is a failure, and nobody is asked. */
export class AnthropicProvider implements ExecutionProvider {
  readonly name = 'anthropic'
  readonly #provider: Provider
  readonly #model: string
  readonly #timeoutMs: number

  /** @param apiKey default: ANTHROPIC_API_KEY */
  constructor(apiKey?: string, model = 'claude-sonnet-4-5-20250929', options: AnthropicOptions = {}) {
    const vendor = VENDORS.find(({ id }) => id === 'anthropic')
    if (vendor === undefined) throw new Error('the vendors have no anthropic')
    const [keySetting] = vendor.keys
    this.#provider = createWire(vendor, {
      baseUrl: options.baseUrl ?? (process.env[vendor.address] || vendor.baseUrl),
      keyOf: () => apiKey ?? (process.env[keySetting] || undefined),
      keySetting,
      needsKey: true,
      streams: true,
    })
    this.#model = model
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT
  }

  execute(
    systemPrompt: string,
    userPrompt: string,
    context: ExecutionContext,
    callbacks?: StreamCallback,
  ): Promise<ExecutionResult> {
    const model = context.model ?? this.#model
    return executeBy(this.#provider, model, [systemPrompt, userPrompt], context, this.#timeoutMs, callbacks)
  }
}

export interface CLIOptions {
  /** Words after the program's name. */
  readonly args?: readonly string[]
  /** Milliseconds, after which the program and all that it started are killed. Default: ten minutes. */
  readonly timeoutMs?: number
}

/** A program as a model: the prompt goes to its standard input, what it writes to standard output is the answer. */
export class CLIProvider implements ExecutionProvider {
  readonly name = 'cli'
  readonly #provider: Provider
  readonly #timeoutMs: number

  constructor(command = 'claude', options: CLIOptions = {}) {
    // `claude` talks with a person unless it is told to print.
    const args = options.args ?? (command === 'claude' ? ['--print'] : [])
    this.#provider = createCommands({ commands: new Map([['program', [command, ...args]]]) })
    this.#timeoutMs = options.timeoutMs ?? TIMEOUT
  }

  execute(
    systemPrompt: string,
    userPrompt: string,
    context: ExecutionContext,
    callbacks?: StreamCallback,
  ): Promise<ExecutionResult> {
    return executeBy(this.#provider, 'program', [systemPrompt, userPrompt], context, this.#timeoutMs, callbacks)
  }
}

async function executeBy(
  provider: Provider,
  model: string,
  [system, user]: readonly [string, string],
  { schema, signal }: ExecutionContext,
  timeoutMs: number,
  callbacks?: StreamCallback,
): Promise<ExecutionResult> {
  const messages: Message[] = [
    ...(system === '' ? [] : [{ role: 'system' as const, content: system }]),
    { role: 'user', content: user },
  ]
  const request = { model, messages, live: true, ...(schema === undefined ? {} : { schema }) }
  const deadline = AbortSignal.timeout(timeoutMs)
  const begun = performance.now()
  const { answer, failure } = await generate(
    provider,
    request,
    signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
    (piece) => callbacks?.onLog('debug', piece),
  )
  const durationMs = Math.round(performance.now() - begun)
  if (failure !== undefined) return { success: false, error: told(failure), durationMs }
  const tokensUsed = { input: answer.usage.inputTokens, output: answer.usage.outputTokens }
  if (answer.truncated) {
    return { success: false, output: answer.text, error: 'The answer was cut before its end.', tokensUsed, durationMs }
  }
  return { success: true, output: answer.text, tokensUsed, durationMs }
}

function told({ code, message }: Failure): string {
  return `${code}: ${message}`
}
