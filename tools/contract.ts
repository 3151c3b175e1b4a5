/**
 * The contract as types for the console: `web/src/contract.d.ts`, made from what the
 * routes say of themselves.  What goes over the wire is JSON, so a date is a string here.
 */
import type { Door } from '../server/src/http/door.ts'

interface Schema {
  readonly $ref?: string
  readonly type?: string | readonly string[]
  readonly enum?: readonly unknown[]
  readonly const?: unknown
  readonly anyOf?: readonly Schema[]
  readonly oneOf?: readonly Schema[]
  readonly allOf?: readonly Schema[]
  readonly properties?: Readonly<Record<string, Schema>>
  readonly required?: readonly string[]
  readonly items?: Schema
  readonly additionalProperties?: boolean | Schema
}

interface Operation {
  readonly summary?: string
  readonly parameters?: readonly { name: string; in: string; required?: boolean; schema: Schema }[]
  readonly requestBody?: { readonly content: Readonly<Record<string, { schema: Schema }>> }
  readonly responses: Readonly<Record<string, { content?: Readonly<Record<string, { schema: Schema }>> }>>
}

interface Contract {
  readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>
  readonly components?: { readonly schemas?: Readonly<Record<string, Schema>> }
}

const HEAD = `/**
 * What the server's routes take and give, as they say themselves.
 * Made by \`node tools/reference.ts --write\`; never changed by hand.
 */
`

export function contractTypes(door: Door): string {
  const { paths, components } = door.swagger() as unknown as Contract
  const shapes = Object.entries(components?.schemas ?? {}).map(
    ([name, one]) => `export type ${name} = ${typeOf(one)}\n`,
  )
  const routes = Object.entries(paths).map(
    ([path, methods]) =>
      `  '${path}': {\n${Object.entries(methods)
        .map(([method, operation]) => `    ${method}: ${operationOf(operation)}\n`)
        .join('')}  }\n`,
  )
  return `${HEAD}${shapes.join('')}export interface Paths {\n${routes.join('')}}\n`
}

function operationOf({ parameters = [], requestBody, responses }: Operation): string {
  const place = (where: string) => {
    const some = parameters.filter((one) => one.in === where)
    if (some.length === 0) return []
    const optional = where === 'query' && some.every(({ required }) => required !== true) ? '?' : ''
    const fields = some.map(({ name, required, schema }) => {
      const type = where === 'path' ? 'string | number' : typeOf(schema)
      return `${keyOf(name)}${required === true ? '' : '?'}: ${type}${required === true ? '' : ' | undefined'}`
    })
    return [`${where}${optional}: { ${fields.join('; ')} }`]
  }
  const body = requestBody?.content['application/json']
  const answers = Object.entries(responses)
    .filter(([status]) => status.startsWith('2'))
    .map(([, { content }]) => {
      if (content === undefined) return 'undefined'
      const json = content['application/json']
      return json === undefined ? 'never' : typeOf(json.schema)
    })
  const answer = [...new Set(answers)].filter((one, _, all) => one !== 'never' || all.length === 1).join(' | ')
  const parts = [
    ...place('path'),
    ...place('query'),
    ...(body === undefined ? [] : [`body${needed(body.schema) ? '' : '?'}: ${typeOf(body.schema)}`]),
    `answer: ${answer}`,
  ]
  return `{ ${parts.join('; ')} }`
}

/** A body that may be null may also be left out. */
function needed({ type, anyOf = [] }: Schema): boolean {
  return [type ?? []].flat().every((one) => one !== 'null') && anyOf.every(needed)
}

function typeOf(schema: Schema): string {
  if (schema.$ref !== undefined) return schema.$ref.split('/').at(-1) ?? 'unknown'
  if (schema.const !== undefined) return literal(schema.const)
  if (schema.enum !== undefined) return schema.enum.map(literal).join(' | ')
  const some = schema.anyOf ?? schema.oneOf
  if (some !== undefined) return `(${[...new Set(some.map(typeOf))].join(' | ')})`
  if (schema.allOf !== undefined) return `(${schema.allOf.map(typeOf).join(' & ')})`
  if (typeof schema.type === 'object') return schema.type.map((type) => typeOf({ ...schema, type })).join(' | ')
  switch (schema.type) {
    case 'integer':
    case 'number':
      return 'number'
    case 'string':
    case 'boolean':
    case 'null':
      return schema.type
    case 'array':
      return `readonly (${schema.items === undefined ? 'unknown' : typeOf(schema.items)})[]`
    case 'object':
      return objectOf(schema)
    default:
      return 'unknown'
  }
}

function objectOf({ properties, required = [], additionalProperties }: Schema): string {
  const fields = Object.entries(properties ?? {}).map(([name, one]) =>
    required.includes(name)
      ? `readonly ${keyOf(name)}: ${typeOf(one)}`
      : `readonly ${keyOf(name)}?: ${typeOf(one)} | undefined`,
  )
  if (fields.length > 0) return `{ ${fields.join('; ')} }`
  if (additionalProperties === false) return 'Record<string, never>'
  const values = typeof additionalProperties === 'object' ? typeOf(additionalProperties) : 'unknown'
  return `Readonly<Record<string, ${values}>>`
}

const literal = (value: unknown) => (typeof value === 'string' ? `'${value.replaceAll("'", "\\'")}'` : String(value))

const keyOf = (name: string) => (/^[A-Za-z_$][\w$]*$/.test(name) ? name : `'${name}'`)
