/** Reading what came in: values of unknown shape, keys, messages, models. */
import { Trouble } from './dialect.ts'
import type { Gauges, Json, Place, SimulatedModel, Turn } from './dialect.ts'

export function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export function headerOf(place: Place, name: string): string | undefined {
  const value = place.headers[name]
  const first = typeof value === 'string' || value === undefined ? value : value[0]
  return first?.trim() || undefined
}

export function bearer(place: Place): string | undefined {
  return /^Bearer\s+(\S.*)$/i.exec(headerOf(place, 'authorization') ?? '')?.[1]
}

/** A model by its name or by the dated name that it serves as. */
export function modelNamed(models: readonly SimulatedModel[], name: string): SimulatedModel | undefined {
  return models.find(({ id }) => id === name) ?? models.find(({ served }) => served === name)
}

/** The text of a content that is a string, or a list of parts with text. */
export function textOf(content: unknown): string | undefined {
  if (typeof content === 'string') return content
  if (!Array.isArray(content)) return undefined
  return content
    .map((part: unknown) => (isRecord(part) && typeof part['text'] === 'string' ? part['text'] : ''))
    .join('')
}

/** The first of these names that the body has. */
export function strangeIn(body: Json, names: readonly string[]): string | undefined {
  return names.find((name) => body[name] !== undefined)
}

/** A number of the body in its range; nothing when it is not there. @throws Trouble */
export function numberIn(
  body: Json,
  name: string,
  [low, high]: readonly [number, number],
  complain: (message: string, name: string) => Trouble,
): number | undefined {
  const value = body[name]
  if (value === undefined || value === null) return undefined
  if (typeof value !== 'number') return fail(complain(`Invalid type for '${name}': expected a number.`, name))
  if (value < low)
    return fail(complain(`Invalid '${name}': expected a value >= ${low}, but got ${value} instead.`, name))
  if (value > high)
    return fail(complain(`Invalid '${name}': expected a value <= ${high}, but got ${value} instead.`, name))
  return value
}

/** The messages of a chat, with the roles of the OpenAI family. @throws Trouble */
export function chatTurns(
  messages: unknown,
  roles: Readonly<Record<string, Turn['role']>>,
  complain: (message: string, about: string) => Trouble,
): Turn[] {
  if (messages === undefined) throw complain("Missing required parameter: 'messages'.", 'messages')
  if (!Array.isArray(messages)) throw complain("Invalid type for 'messages': expected an array of objects.", 'messages')
  if (messages.length === 0)
    throw complain("Invalid 'messages': empty array. Expected at least one message.", 'messages')
  return messages.map((message: unknown, at) => {
    const given = isRecord(message) ? message['role'] : undefined
    const role = typeof given === 'string' && Object.hasOwn(roles, given) ? roles[given] : undefined
    if (!isRecord(message) || role === undefined) {
      const known = Object.keys(roles)
        .map((name) => `'${name}'`)
        .join(', ')
      throw complain(
        `Invalid value: '${typeof given === 'string' ? given : ''}'. Supported values are: ${known}.`,
        `messages[${at}].role`,
      )
    }
    const content = textOf(message['content'])
    if (content === undefined)
      throw complain(`Invalid type for 'messages[${at}].content': expected a string.`, `messages[${at}].content`)
    return { role, content }
  })
}

/** `json_schema` and `json_object` of `response_format`. */
export function schemaOf(format: unknown): unknown {
  if (!isRecord(format)) return undefined
  if (format['type'] === 'json_object') return true
  if (format['type'] !== 'json_schema') return undefined
  const inner = format['json_schema']
  return (isRecord(inner) ? (inner['schema'] ?? inner['schema_definition']) : format['schema']) ?? true
}

/** `x-ratelimit-*` as OpenAI and xAI send them. */
export function ratelimitHeaders({ requests, tokens }: Gauges): Record<string, string> {
  return {
    'x-ratelimit-limit-requests': String(requests.limit),
    'x-ratelimit-limit-tokens': String(tokens.limit),
    'x-ratelimit-remaining-requests': String(requests.remaining),
    'x-ratelimit-remaining-tokens': String(tokens.remaining),
    'x-ratelimit-reset-requests': goDuration(requests.fullIn),
    'x-ratelimit-reset-tokens': goDuration(tokens.fullIn),
  }
}

/** Go's way to write a time: `12ms`, `1.2s`, `6m0s`. */
function goDuration(seconds: number): string {
  if (seconds < 1) return `${Math.ceil(seconds * 1000)}ms`
  if (seconds < 60) return `${Math.round(seconds * 1000) / 1000}s`
  return `${Math.floor(seconds / 60)}m${Math.round(seconds % 60)}s`
}

export function retryAfterHeader(retryAfter: number | undefined): Record<string, string> {
  return retryAfter === undefined ? {} : { 'retry-after': String(Math.max(Math.ceil(retryAfter), 0)) }
}

/** One frame of a stream, without and with the name of its event. */
export const data = (value: unknown): string => `data: ${JSON.stringify(value)}\n\n`

export const named = (event: string, value: unknown): string => `event: ${event}\ndata: ${JSON.stringify(value)}\n\n`

function fail(trouble: Trouble): never {
  throw trouble
}
