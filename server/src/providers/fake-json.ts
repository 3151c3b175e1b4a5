/** What the fake says where a schema is asked for: JSON that fits it, of the sentences that it would have said. */
import { fraction } from './fake-answers.ts'
import type { Material } from './fake-material.ts'
import type { JsonSchema } from './provider.ts'

/** How deep a schema that contains itself is followed. */
const DEPTH = 8

/**
 * The text itself without a schema; an answer that says nothing stays so.
 * @param material what the prompt is about, where it says so: then texts are about that
 */
export function fakeJson(schema: JsonSchema | undefined, text: string, digest: string, material?: Material): string {
  if (schema === undefined || text === '') return text
  const sentences = text.split(/(?<=[.!?])\s+|\n+/).filter((line) => line.trim() !== '')
  let at = 0

  function value(of: unknown, place: string, depth: number): unknown {
    if (!isObject(of) || depth > DEPTH) return null
    if (of['const'] !== undefined) return of['const']
    if (Array.isArray(of['enum'])) {
      const words = of['enum'] as unknown[]
      return material?.choice(words, place) ?? words[Math.floor(fraction(digest, place) * words.length)]
    }
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
        const wanted = least + Math.round(fraction(digest, `${place}#`) * (most - least))
        // What comes before an item in its own list is all that it can depend on.
        const count = EARLIER.test(place) ? Math.min(wanted, indexIn(place)) : wanted
        return Array.from({ length: count }, (_, i) => value(of['items'], `${place}.${i}`, depth + 1))
      }
      case 'integer':
        if (EARLIER.test(place)) return 1 + Math.floor(fraction(digest, place) * indexIn(place))
        return Math.round(inRange(of, place))
      case 'number':
        return Math.round(inRange(of, place) * 100) / 100
      case 'boolean':
        return material?.flag(fieldIn(place), place) ?? fraction(digest, place) < 0.5
      case 'string': {
        const said =
          material?.text(fieldIn(place), place, indexIn(place)) ?? sentences[at++ % sentences.length] ?? 'Nothing.'
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

/** A list of numbers of items of the list around it. */
const EARLIER = /\.\d+\.depends_on(\.\d+)?$/

/** The name of the field at a place such as `$.tickets.2.title` or `$.risks.0`. */
function fieldIn(place: string): string {
  return /([^.]+?)(?:\.\d+)?$/.exec(place)?.[1] ?? ''
}

/** Which item of the nearest list the place is in; of a dependency, which item has it. */
function indexIn(place: string): number {
  const of = place.replace(/\.depends_on(\.\d+)?$/, '')
  return Number(/\.(\d+)(?!.*\.\d)/.exec(of)?.[1] ?? 0)
}

function numberOf(value: unknown, otherwise: number): number {
  return typeof value === 'number' ? value : otherwise
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
