/**
 * What the simulator needs to know of a provider: where its paths are, how a
 * request is read, how an answer, a stream and a refusal look on its wire.  Each
 * provider has a file of its own that is written from that provider's documentation.
 */

/** The first part of a path, and the name in settings and statistics. */
export const PROVIDERS = ['openai', 'anthropic', 'google', 'xai', 'deepseek', 'mistral', 'compatible'] as const
export type ProviderName = (typeof PROVIDERS)[number]

export interface SimulatedModel {
  /** The name that is asked for. */
  readonly id: string
  /** The dated name that answers. */
  readonly served: string
  /** How it decides; see the tempers of the fake. */
  readonly temper: 'warm' | 'wary' | 'bold' | 'refusing'
  /** Thinks before it answers, and says how many tokens that took. */
  readonly reasons?: boolean
  /** Refuses a request that names a temperature. */
  readonly fixedTemperature?: boolean
}

/** One message, whatever the wire calls its role. */
export interface Turn {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

export type Json = Readonly<Record<string, unknown>>

/** A request that was read and found good. */
export interface Asked {
  readonly model: SimulatedModel
  readonly turns: readonly Turn[]
  readonly stream: boolean
  /** Upper limit of the output, in tokens. */
  readonly maxTokens?: number
  /** A JSON schema that the answer must fit, or `true` for any JSON. */
  readonly schema?: unknown
  readonly seed?: number
  /** A stream ends with its usage. */
  readonly streamUsage?: boolean
  /** The prompt is marked to be cached, where a wire knows that. */
  readonly marksCache?: boolean
  /** The request as it came in. */
  readonly body: Json
}

/** Why an answer ended; each wire has its own word for it. */
export type Ending = 'stop' | 'length' | 'filter' | 'resources'

/** An answer, before it is put on a wire. */
export interface Said {
  /** Hexadecimal, 40 digits; ids are made of it. */
  readonly id: string
  /** Seconds since the epoch. */
  readonly at: number
  readonly model: SimulatedModel
  readonly text: string
  /** What it thought, in words; empty for a model that does not. */
  readonly thought: string
  readonly ending: Ending
  readonly usage: {
    /** Cached tokens included. */
    readonly input: number
    readonly cached: number
    /** Reasoning tokens included. */
    readonly output: number
    readonly reasoning: number
  }
}

/** Everything that a provider can say no with. */
export type TroubleKind =
  | 'missing-key'
  | 'wrong-key'
  | 'unknown-model'
  | 'unknown-path'
  | 'invalid'
  | 'rate-limit'
  | 'quota'
  | 'payment'
  | 'bad-key'
  | 'forbidden'
  | 'not-found'
  | 'timeout'
  | 'conflict'
  | 'too-large'
  | 'unprocessable'
  | 'server-error'
  | 'unavailable'
  | 'overloaded'

/** A request that is refused; the dialect finds the words. */
export class Trouble extends Error {
  readonly kind: TroubleKind
  /** The parameter, or the model, that it is about. */
  readonly about: string | undefined
  /** A code of the vendor's, where one kind has several. */
  readonly code: string | undefined
  /** Seconds after which it may be tried again. */
  readonly retryAfter: number | undefined

  constructor(kind: TroubleKind, facts: { message?: string; about?: string; code?: string; retryAfter?: number } = {}) {
    super(facts.message ?? kind)
    this.kind = kind
    this.about = facts.about
    this.code = facts.code
    this.retryAfter = facts.retryAfter
  }
}

/** What is left of a limit. */
export interface Gauge {
  readonly limit: number
  readonly remaining: number
  /** Seconds until it is full again. */
  readonly fullIn: number
}

export interface Gauges {
  readonly requests: Gauge
  readonly tokens: Gauge
}

export interface Refusal {
  readonly status: number
  readonly body: unknown
  readonly headers?: Readonly<Record<string, string>>
}

/** One way of asking: a path and the bodies that belong to it. */
export interface Format {
  /** @throws Trouble for what the provider would refuse */
  read(body: Json, place: Place): Asked
  /** The whole answer, as one document. */
  whole(asked: Asked, said: Said): unknown
  /** The frames of a stream, in order; `pieces` are the text of the answer in parts. */
  frames(asked: Asked, said: Said, pieces: readonly string[]): string[]
  /** A frame that says that the stream failed. */
  brokenFrame(said: Said): string
}

/** Where a request arrived, without the provider's prefix. */
export interface Place {
  readonly method: string
  readonly path: string
  readonly query: URLSearchParams
  readonly headers: Readonly<Record<string, string | string[] | undefined>>
}

export type Route =
  | { readonly kind: 'list' }
  | { readonly kind: 'model'; readonly id: string }
  | { readonly kind: 'generate'; readonly format: Format }

export interface Dialect {
  readonly name: ProviderName
  readonly models: readonly SimulatedModel[]
  /** What stands behind the address of the simulator, to make a base URL. */
  readonly basePath: string
  key(place: Place): string | undefined
  route(place: Place): Route | undefined
  /** What every response carries. */
  headers(requestId: string, gauges: Gauges, elapsedMs: number): Record<string, string>
  refuse(trouble: Trouble, requestId: string): Refusal
  list(): unknown
  describe(model: SimulatedModel): unknown
}
