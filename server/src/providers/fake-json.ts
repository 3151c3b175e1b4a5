/** What the fake says where a schema is asked for: JSON that fits it, of the sentences that it would have said. */
import { fraction } from './fake-answers.ts'
import type { JsonSchema } from './provider.ts'

/** How deep a schema that contains itself is followed. */
const DEPTH = 8

/** The text itself without a schema; an answer that says nothing stays so. */
export function fakeJson(schema: JsonSchema | undefined, text: string, digest: string): string {
  if (schema === undefined || text === '') return text
  const sentences = text.split(/(?<=[.!?])\s+|\n+/).filter((line) => line.trim() !== '')
  let at = 0

  function value(of: unknown, place: string, depth: number): unknown {
    if (!isObject(of) || depth > DEPTH) return null
    if (of['const'] !== undefined) return of['const']
    if (Array.isArray(of['enum'])) return of['enum'][Math.floor(fraction(digest, place) * of['enum'].length)]
    const choice = of['anyOf'] ?? of['oneOf']
    if (Array.isArray(choice)) return value(choice[0], place, depth + 1)
    switch (of['type']) {
      case 'object': {
        const members = Object.entries(isObject(of['properties']) ? of['properties'] : {})
        return Object.fromEntries(members.map(([name, member]) => [name, value(member, `${place}.${name}`, depth + 1)]))
      }
      case 'array': {
        const least = numberOf(of['minItems'], 0)
        const most = Math.min(numberOf(of['maxItems'], 3), least + 3)
        const count = least + Math.round(fraction(digest, `${place}#`) * (most - least))
        return Array.from({ length: count }, (_, i) => value(of['items'], `${place}.${i}`, depth + 1))
      }
      case 'integer':
        return Math.round(inRange(of, place))
      case 'number':
        return Math.round(inRange(of, place) * 100) / 100
      case 'boolean':
        return fraction(digest, place) < 0.5
      case 'string': {
        const said = sentences[at++ % sentences.length] ?? 'Nothing.'
        return said.padEnd(numberOf(of['minLength'], 0), '.').slice(0, numberOf(of['maxLength'], 10_000))
      }
      default:
        return null
    }
  }

  function inRange(of: Record<string, unknown>, place: string): number {
    const least = numberOf(of['minimum'], 0)
    return least + fraction(digest, place) * (numberOf(of['maximum'], least + 1) - least)
  }

  return JSON.stringify(value(schema, '$', 0))
}

function numberOf(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
