/**
 * Any server that speaks OpenAI's chat completions: Ollama, vLLM, LM Studio,
 * OpenRouter, our own gateway.
 */
import { z } from 'zod'
import { isRecord } from './answer.ts'
import type { WayOut } from './fetch.ts'
import type { Provider } from './provider.ts'
import { CHAT, type Wire } from './vendors.ts'
import { createWire } from './wire.ts'

export interface OpenAICompatibleConfig {
  /** With the path, http or https: `http://127.0.0.1:11434/v1`. */
  readonly baseUrl: string
  /** Sent as a bearer token, and nowhere else; a function is asked at each request. */
  readonly apiKey?: string | (() => string | undefined)
  /** For people; otherwise the address's host. */
  readonly name?: string
  /** `false` asks for whole answers: half of the CPU, but a long answer is one long silence. */
  readonly streams?: boolean
  /** Limits of time (milliseconds) and size (bytes), each with a default. */
  readonly limits?: Partial<WayOut>
}

/** Opens no connection. `baseUrl` must be a URL. */
export function createOpenAICompatible(config: OpenAICompatibleConfig): Provider {
  const { apiKey } = config
  return createWire(
    { ...COMPATIBLE, name: config.name ?? new URL(config.baseUrl).host },
    {
      baseUrl: config.baseUrl,
      keyOf: typeof apiKey === 'function' ? apiKey : () => apiKey,
      keySetting: 'OPENAI_COMPATIBLE_API_KEY',
      streams: config.streams ?? true,
      look: async (response, streamed) => (streamed ? await asEventStream(response) : response),
      ...(config.limits === undefined ? {} : { limits: config.limits }),
    },
  )
}

const ErrorInside = z.object({ error: z.unknown() })

const COMPATIBLE: Omit<Wire, 'name'> = {
  ...CHAT,
  id: 'openai-compatible',
  headers: (key) => (key === undefined ? {} : { authorization: `Bearer ${key}` }),
  models: { path: '/models' },
  open: async ({ baseURL, fetch }) => {
    const { OpenAICompatibleChatLanguageModel } = await import('@ai-sdk/openai-compatible')
    return (model) =>
      new OpenAICompatibleChatLanguageModel(model, {
        provider: 'millrace',
        url: ({ path }) => `${baseURL}${path}`,
        headers: {},
        fetch,
        includeUsage: true,
        supportsStructuredOutputs: true,
        errorStructure: { errorSchema: ErrorInside, errorToMessage: () => '' },
      })
  },
}

/**
 * Some servers answer a request for a stream with one document.  It is read as a
 * stream of one chunk, so that an error inside of a 200 goes the same way as the others.
 */
async function asEventStream(response: Response): Promise<Response> {
  if (response.headers.get('content-type')?.includes('text/event-stream') === true) return response
  const text = await response.text()
  let chunk: unknown
  try {
    chunk = JSON.parse(text)
  } catch {
    // Perhaps a stream without its content type; if not, the parser finds nothing in it.
    return new Response(text, { status: 200 })
  }
  if (isRecord(chunk) && Array.isArray(chunk['choices'])) {
    const choices = (chunk['choices'] as unknown[]).map((choice) =>
      isRecord(choice) ? { ...choice, delta: choice['message'] } : choice,
    )
    chunk = { ...chunk, choices }
  }
  return new Response(`data: ${JSON.stringify(chunk)}\n\n`, { status: 200 })
}
