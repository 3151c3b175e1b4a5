/** JSON Schema as far as a form can be made of it; what it cannot is filled in as JSON. */
import { words } from '../words/tools.ts'

export interface JsonSchema {
  readonly type?: string | readonly string[]
  readonly properties?: Readonly<Record<string, JsonSchema>>
  readonly required?: readonly string[]
  readonly enum?: readonly unknown[]
  readonly description?: string
  readonly default?: unknown
  readonly items?: JsonSchema
  readonly anyOf?: readonly JsonSchema[]
  readonly oneOf?: readonly JsonSchema[]
  readonly maxLength?: number
  readonly minimum?: number
  readonly maximum?: number
  readonly format?: string
}

export const schemaOf = (value: unknown): JsonSchema =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value : {}

type Sort = 'text' | 'number' | 'switch' | 'choice' | 'lines' | 'group' | 'json'

/** How a value of it is filled in. */
export function sortOf(schema: JsonSchema): Sort {
  if (schema.enum?.every((one) => typeof one === 'string') === true) return 'choice'
  if (schema.type === 'string') return 'text'
  if (schema.type === 'number' || schema.type === 'integer') return 'number'
  if (schema.type === 'boolean') return 'switch'
  if (schema.type === 'array' && schema.items?.type === 'string' && schema.items.enum === undefined) return 'lines'
  if (schema.type === 'object' && schema.properties !== undefined) return 'group'
  return 'json'
}

/** In words: `text`, `list of number`, `one of a, b`. */
export function saidOf(schema: JsonSchema): string {
  if (schema.enum !== undefined) return words.oneOf(schema.enum.map((one) => JSON.stringify(one)).join(', '))
  const others = schema.anyOf ?? schema.oneOf
  if (others !== undefined) return [...new Set(others.map(saidOf))].join(' | ')
  if (schema.type === 'array') return words.listOf(saidOf(schema.items ?? {}))
  if (Array.isArray(schema.type)) return schema.type.join(' | ')
  return typeof schema.type === 'string' ? schema.type : words.anything
}

export interface Line {
  readonly path: string
  readonly name: string
  readonly depth: number
  readonly schema: JsonSchema
  readonly required: boolean
}

/** Its fields, those inside of others after them. */
export function linesOf(schema: JsonSchema, depth = 0, above = ''): readonly Line[] {
  const inside = schema.type === 'array' ? (schema.items ?? {}) : schema
  return Object.entries(inside.properties ?? {}).flatMap(([name, one]) => [
    { path: `${above}/${name}`, name, depth, schema: one, required: inside.required?.includes(name) === true },
    ...(depth < 4 ? linesOf(one, depth + 1, `${above}/${name}`) : []),
  ])
}

/** What a tool says is wrong, by the pointer of the field: `/csv: must be …`. */
export function issuesAt(issues: unknown): ReadonlyMap<string, string> {
  const found = new Map<string, string>()
  for (const line of typeof issues === 'string' ? issues.split('\n') : []) {
    const [, pointer = '/', message = line] = /^(\/\S*): (.*)$/.exec(line) ?? []
    // What was left out is no wrong type to who fills in a form.
    const said = message.endsWith('received undefined') ? words.mustBeGiven : message
    found.set(pointer, [found.get(pointer), said].filter((one) => one !== undefined).join('; '))
  }
  return found
}
