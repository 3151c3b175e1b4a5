/** Looks into the JSON Schemas of skills: is there such a field, and what is it?  What a schema leaves open is there. */

export type JsonSchema = Readonly<Record<string, unknown>>

/** The schemas that a path may lead to; empty: it leads nowhere; undefined: nobody says. */
export function schemasAt(schema: JsonSchema, path: readonly string[]): readonly JsonSchema[] | undefined {
  let here: readonly JsonSchema[] | undefined = unfolded(schema, schema)
  for (const step of path) {
    if (here === undefined) return undefined
    const next: JsonSchema[] = []
    for (const one of here) {
      const inner = inside(one, step)
      if (inner === 'open') return undefined
      if (inner !== undefined) next.push(...unfolded(inner, schema))
    }
    here = next
  }
  return here
}

/** Every type that a schema allows by name; empty where it names none. */
export function typesOf(schemas: readonly JsonSchema[]): ReadonlySet<string> {
  const names = schemas.flatMap(({ type }) => (Array.isArray(type) ? (type as unknown[]) : [type]))
  return new Set(names.filter((name) => typeof name === 'string'))
}

export function propertiesOf(schema: JsonSchema): readonly string[] {
  return isSchema(schema['properties']) ? Object.keys(schema['properties']) : []
}

/** Fields that must be there and have no default. */
export function requiredOf(schema: JsonSchema): readonly string[] {
  const names = Array.isArray(schema['required']) ? schema['required'].filter((name) => typeof name === 'string') : []
  const properties = isSchema(schema['properties']) ? schema['properties'] : {}
  return names.filter((name) => !(isSchema(properties[name]) && Object.hasOwn(properties[name], 'default')))
}

const CHOICES = ['anyOf', 'oneOf', 'allOf'] as const
const DEEPEST = 8

/** A schema and all that it may be instead; references are followed inside of the whole. */
function unfolded(schema: JsonSchema, whole: JsonSchema, depth = 0): JsonSchema[] {
  if (depth > DEEPEST) return []
  const reference = schema['$ref']
  if (typeof reference === 'string') {
    const found = referred(whole, reference)
    return found === undefined ? [] : unfolded(found, whole, depth + 1)
  }
  const inner = CHOICES.flatMap((word) => (Array.isArray(schema[word]) ? (schema[word] as unknown[]) : []))
  return inner.length === 0 ? [schema] : inner.filter(isSchema).flatMap((one) => unfolded(one, whole, depth + 1))
}

function referred(whole: JsonSchema, reference: string): JsonSchema | undefined {
  if (!reference.startsWith('#/')) return undefined
  let found: unknown = whole
  for (const step of reference.slice(2).split('/')) found = isSchema(found) ? found[step] : undefined
  return isSchema(found) ? found : undefined
}

function inside(schema: JsonSchema, step: string): JsonSchema | 'open' | undefined {
  const { properties, additionalProperties, items, type } = schema
  if (/^\d+$/.test(step)) {
    if (isSchema(items)) return items
    return type === undefined || type === 'array' ? 'open' : undefined
  }
  if (isSchema(properties)) {
    const found = properties[step]
    if (found !== undefined) return isSchema(found) ? found : 'open'
    return isSchema(additionalProperties) ? additionalProperties : undefined
  }
  return type === undefined || type === 'object' ? 'open' : undefined
}

function isSchema(value: unknown): value is JsonSchema {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
