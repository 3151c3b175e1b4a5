/** Structured answers: a JSON value out of a text, checked against the schema that was asked for. */
import type { z } from 'zod'
import type { Failure } from '@millrace/engine'
import { checkerOf, type Checker } from '../patterns.ts'
import { failureOf } from './failures.ts'
import type { JsonSchema, ModelRequest } from './provider.ts'

/**
 * `problem` says in one closed word what is wrong with the text, `fields` where: paths by
 * the names that the schema has, `title, problems.0.quote`.
 */
export type ReadJson =
  | { readonly value: unknown }
  | { readonly problem: 'not JSON' | 'does not fit the schema'; readonly fields?: string }

/** A schema is one object for a whole run; making a checker of it costs more than using it. */
const checkers = new WeakMap<JsonSchema, Checker>()

/** A fence around the value is taken off: models without a mode for JSON like to draw one. */
export function readJson(text: string, schema: JsonSchema): ReadJson {
  const bare = /^\s*```(?:json)?\s*\n([\s\S]*?)\n\s*```\s*$/.exec(text)?.[1] ?? text
  let value: unknown
  try {
    value = JSON.parse(bare)
  } catch {
    return { problem: 'not JSON' }
  }
  const read = checker(schema).safeParse(value)
  return read.success
    ? { value }
    : { problem: 'does not fit the schema', fields: fieldsOf(read.error.issues, namesIn(schema)) }
}

/** What a failure says of a text that is no such value. */
export function problemDetails({ problem, fields }: Extract<ReadJson, { problem: string }>): Record<string, string> {
  return { json: problem, ...(fields === undefined ? {} : { fields }) }
}

const MOST_FIELDS = 10
const LONGEST_NAME = 64

/** A model's own words may stand in the path to what is wrong: only what the schema names is repeated. */
function fieldsOf(issues: readonly z.core.$ZodIssue[], names: ReadonlySet<string>): string {
  const paths = issues.map(({ path }) =>
    path.length === 0
      ? '$'
      : path.map((step) => (typeof step === 'number' || names.has(String(step)) ? String(step) : '…')).join('.'),
  )
  return [...new Set(paths)].slice(0, MOST_FIELDS).join(', ')
}

function namesIn(schema: unknown, names = new Set<string>()): ReadonlySet<string> {
  if (typeof schema !== 'object' || schema === null) return names
  for (const [word, inner] of Object.entries(schema)) {
    if (word === 'properties' && typeof inner === 'object' && inner !== null) {
      for (const name of Object.keys(inner)) if (name.length <= LONGEST_NAME) names.add(name)
    }
    namesIn(inner, names)
  }
  return names
}

/** Of a schema that nobody can check an answer against: told before an answer is paid for. */
export function unusableSchema({ schema }: ModelRequest): Failure | undefined {
  try {
    if (schema !== undefined) checker(schema)
    return undefined
  } catch {
    return failureOf('CONFIGURATION', {
      message: 'The schema of the answer is no JSON schema that can be checked.',
      details: { setting: 'schema' },
    })
  }
}

function checker(schema: JsonSchema): Checker {
  const kept = checkers.get(schema)
  if (kept !== undefined) return kept
  const made = checkerOf(schema)
  checkers.set(schema, made)
  return made
}
