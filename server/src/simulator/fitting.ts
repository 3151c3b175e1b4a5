/** JSON that fits a JSON schema, filled from the text of an answer: always the same for the same answer. */
import { isRecord } from './reading.ts'
import type { Json } from './dialect.ts'

/** How deep a schema that contains itself is followed. */
const DEPTH = 8

/** A document that fits `schema`; with `true`, the answer in a JSON object. */
export function fitting(schema: unknown, text: string): unknown {
  if (!isRecord(schema)) return { answer: text.trim(), rating: numberIn(text) ?? null }
  const sentences = text.split(/(?<=[.!?])\s+|\n+/).filter((line) => line.trim() !== '')
  let at = 0
  const nextSentence = () => sentences[at++ % Math.max(sentences.length, 1)]?.trim() ?? 'none'

  function value(of: unknown, depth: number): unknown {
    if (of === true || !isRecord(of) || depth > DEPTH) return null
    const target = typeof of['$ref'] === 'string' ? followed(schema as Json, of['$ref']) : of
    if (target !== of) return value(target, depth + 1)
    if (of['const'] !== undefined) return of['const']
    if (Array.isArray(of['enum'])) return of['enum'][(numberIn(text) ?? text.length) % of['enum'].length]
    for (const choice of ['anyOf', 'oneOf']) {
      const list = of[choice]
      // Any of them fits; one that says more than null says something.
      if (Array.isArray(list))
        return value((list as unknown[]).find((one) => isRecord(one) && kindOf(one) !== 'null') ?? list[0], depth + 1)
    }
    if (Array.isArray(of['allOf'])) return Object.assign({}, ...of['allOf'].map((one) => value(one, depth + 1)))
    return ofKind(of, kindOf(of), depth)
  }

  function ofKind(of: Json, kind: string, depth: number): unknown {
    switch (kind) {
      case 'object':
        return members(of, depth)
      case 'array': {
        const count = Math.max(limit(of['minItems']) ?? 1, 1)
        return Array.from({ length: count }, () => value(of['items'] ?? { type: 'string' }, depth + 1))
      }
      case 'integer':
        return Math.round(inRange(of))
      case 'number':
        return inRange(of)
      case 'boolean':
        return text.length % 2 === 0
      case 'null':
        return null
      default:
        return string(of)
    }
  }

  function members(of: Json, depth: number): Json {
    const properties = isRecord(of['properties']) ? of['properties'] : {}
    const required = Array.isArray(of['required']) ? (of['required'] as unknown[]) : Object.keys(properties)
    // Deep in a schema that contains itself only what must be there is written.
    const names = Object.keys(properties).filter((name) => depth < 4 || required.includes(name))
    return Object.fromEntries(names.map((name) => [name, value(properties[name], depth + 1)]))
  }

  function inRange(of: Json): number {
    const low = limit(of['minimum']) ?? limit(of['exclusiveMinimum'], 1) ?? Number.NEGATIVE_INFINITY
    const high = limit(of['maximum']) ?? limit(of['exclusiveMaximum'], -1) ?? Number.POSITIVE_INFINITY
    return Math.min(Math.max(numberIn(text) ?? 1, low), high)
  }

  function string(of: Json): string {
    if (of['format'] === 'date-time') return '2026-01-01T00:00:00Z'
    if (of['format'] === 'date') return '2026-01-01'
    const least = limit(of['minLength']) ?? 0
    const most = limit(of['maxLength']) ?? 10_000
    return nextSentence().padEnd(least, '.').slice(0, most)
  }

  return value(schema, 0)
}

/** Google writes its kinds in capitals; a list of kinds means any of them. */
function kindOf(of: Json): string {
  const type = of['type']
  const first = Array.isArray(type) ? (type as unknown[]).find((one) => one !== 'null') : type
  if (typeof first === 'string') return first.toLowerCase()
  return of['properties'] === undefined ? 'string' : 'object'
}

function followed(root: Json, pointer: string): unknown {
  return pointer
    .replace(/^#\/?/, '')
    .split('/')
    .filter(Boolean)
    .reduce<unknown>((at, name) => (isRecord(at) ? at[name] : undefined), root)
}

function limit(value: unknown, beside = 0): number | undefined {
  return typeof value === 'number' ? value + beside : undefined
}

/** The rating that an answer gives. */
function numberIn(text: string): number | undefined {
  const found = /\bRating: (\d+)/.exec(text)?.[1]
  return found === undefined ? undefined : Number(found)
}
