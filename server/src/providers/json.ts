/** Structured answers: a JSON value out of a text, checked against the schema that was asked for. */
import { z } from 'zod'
import type { Failure } from '@millrace/engine'
import { failureOf } from './failures.ts'
import type { JsonSchema, ModelRequest } from './provider.ts'

/** `problem` says in one closed word what is wrong with the text. */
export type ReadJson = { readonly value: unknown } | { readonly problem: 'not JSON' | 'does not fit the schema' }

/** A schema is one object for a whole run; making a checker of it costs more than using it. */
const checkers = new WeakMap<JsonSchema, z.ZodType>()

/** A fence around the value is taken off: models without a mode for JSON like to draw one. */
export function readJson(text: string, schema: JsonSchema): ReadJson {
  const bare = /^\s*```(?:json)?\s*\n([\s\S]*?)\n\s*```\s*$/.exec(text)?.[1] ?? text
  let value: unknown
  try {
    value = JSON.parse(bare)
  } catch {
    return { problem: 'not JSON' }
  }
  return checkerOf(schema).safeParse(value).success ? { value } : { problem: 'does not fit the schema' }
}

/** Of a schema that nobody can check an answer against: told before an answer is paid for. */
export function unusableSchema({ schema }: ModelRequest): Failure | undefined {
  try {
    if (schema !== undefined) checkerOf(schema)
    return undefined
  } catch {
    return failureOf('CONFIGURATION', {
      message: 'The schema of the answer is no JSON schema that can be checked.',
      details: { setting: 'schema' },
    })
  }
}

function checkerOf(schema: JsonSchema): z.ZodType {
  const kept = checkers.get(schema)
  if (kept !== undefined) return kept
  const made = z.fromJSONSchema(schema)
  checkers.set(schema, made)
  return made
}
