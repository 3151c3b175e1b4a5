/**
 * Any server that speaks OpenAI's chat completions: Ollama, vLLM, LM Studio,
 * OpenRouter, our own gateway.
 */
import { speakCompletions } from './completions.ts'
import type { Provider } from './provider.ts'
import { CHAT, type Wire } from './vendors.ts'
import type { WayOut } from './way-out.ts'
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
      ...(config.limits === undefined ? {} : { limits: config.limits }),
    },
  )
}

const COMPATIBLE: Omit<Wire, 'name'> = {
  ...CHAT,
  id: 'openai-compatible',
  headers: (key) => (key === undefined ? {} : { authorization: `Bearer ${key}` }),
  models: { path: '/models' },
  speak: speakCompletions,
}
