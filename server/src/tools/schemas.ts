/** JSON Schema on both sides of a tool: what it takes, what it gives, and what is wrong with a value. */
import { z } from 'zod'

export type JsonSchema = Readonly<Record<string, unknown>>

/** Lines that are told of one value. */
const MOST_ISSUES = 20
/** A field's name is repeated only where it looks like one: it may be somebody's data. */
const FIELD = /^[A-Za-z_][A-Za-z0-9_-]{0,39}$/

/** @throws Error where it holds what JSON Schema cannot say */
export function schemaOf(type: z.ZodType, side: 'input' | 'output'): JsonSchema {
  const { $schema: _, ...schema } = z.toJSONSchema(type, { io: side, unrepresentable: 'throw' })
  return schema
}

/** One line each: a JSON pointer and a sentence, without the values. */
export function issuesOf(issues: readonly z.core.$ZodIssue[]): string {
  return issues
    .slice(0, MOST_ISSUES)
    .map((issue) => `${pointerOf(issue.path)}: ${sentenceOf(issue)}`)
    .join('\n')
}

function pointerOf(path: readonly PropertyKey[]): string {
  if (path.length === 0) return '/'
  return path.map((step) => `/${typeof step === 'number' || FIELD.test(String(step)) ? String(step) : '…'}`).join('')
}

function sentenceOf(issue: z.core.$ZodIssue): string {
  if (issue.code === 'unrecognized_keys') {
    const names = issue.keys.filter((key) => FIELD.test(key)).slice(0, 5)
    return names.length === 0 ? 'there is no such field here' : `there is no field ${names.join(', ')} here`
  }
  // A refinement's sentence is its author's, and may repeat what it was given.
  return issue.code === 'custom' ? 'is not valid' : issue.message
}
