/** `millrace kinds`: what can be started, what it is made of, and what it is started with. */
import type { AnyRunKind } from '@millrace/engine'
import { z } from 'zod'
import { servedKinds } from '../app.ts'
import { readConfig } from '../config.ts'
import { bold, say } from './screen.ts'

export async function listKinds(options: { json?: boolean }): Promise<number> {
  const config = readConfig()
  const { kinds } = await servedKinds(config)
  if (options.json === true) {
    say(JSON.stringify(kinds.map(described)))
    return 0
  }
  for (const kind of kinds) {
    const { name, tasks, input } = described(kind)
    say(bold(name))
    say(`  tasks  ${tasks.map((task) => task.name).join(', ')}`)
    say(`  input  ${shapeOf(input)}`)
  }
  if (config.ownKinds === undefined) {
    say()
    say('MILLRACE_KINDS adds your own: docs/guides/write-a-kind-of-run.md.')
  }
  return 0
}

type Schema = z.core.JSONSchema.BaseSchema

function described({ name, tasks, input }: AnyRunKind) {
  return {
    name,
    tasks: tasks.map((task) => ({ name: task.name, input: schemaOf(task.input), output: schemaOf(task.output) })),
    input: schemaOf(input),
  }
}

/** As a person gives it; what JSON cannot say, and what another zod made, is anything. */
function schemaOf(type: z.ZodType): Schema {
  try {
    return z.toJSONSchema(type, { io: 'input', unrepresentable: 'any' })
  } catch {
    return {}
  }
}

const DEEPEST = 2

/** A schema in the words of a type, the inner parts of large ones left out. */
export function shapeOf(schema: Schema | boolean, depth = 0): string {
  if (typeof schema === 'boolean') return 'anything'
  if (schema.enum !== undefined) return schema.enum.map((value) => JSON.stringify(value)).join(' | ')
  if (schema.const !== undefined) return JSON.stringify(schema.const)
  const choices = schema.anyOf ?? schema.oneOf
  if (choices !== undefined) return choices.map((one) => shapeOf(one, depth)).join(' | ')
  if (schema.type === 'array') {
    const items = Array.isArray(schema.items) || schema.items === undefined ? 'anything' : shapeOf(schema.items, depth)
    return items.includes(' | ') ? `(${items})[]` : `${items}[]`
  }
  if (schema.type !== 'object') return typeof schema.type === 'string' ? schema.type : 'anything'
  const fields = Object.entries(schema.properties ?? {})
  if (depth >= DEEPEST || fields.length === 0) return 'object'
  const required = new Set(schema.required)
  return `{ ${fields.map(([name, of]) => `${name}${required.has(name) ? '' : '?'}: ${shapeOf(of, depth + 1)}`).join(', ')} }`
}
