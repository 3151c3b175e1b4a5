/** zod's issues told to a person: what is wrong at the path, and what to do. */

import type { z } from 'zod'
import type { DefinitionProblem } from './definition-checks.ts'
import { nearestName } from './nearest-name.ts'
import type { Path } from './yaml-source.ts'

const knownKeys: Record<string, readonly string[]> = {
  '': ['schemaVersion', 'name', 'preamble', 'preambleAs', 'template', 'dimensions', 'followups', 'decision', 'tags'],
  dimensions: ['name', 'levels', 'values'],
  levels: ['score', 'label', 'options'],
  followups: ['label', 'prompt'],
  decision: ['instruction', 'labels'],
  labels: ['code', 'label'],
}

const remedies: Record<string, string> = {
  name: 'give it a short name',
  template: 'write the prompt, with [Dimension] where it varies',
  label: 'say what it is called in results',
  score: 'give the number it counts for',
  prompt: 'write what is asked next',
  code: 'give what is stored for it, such as 1',
  labels: 'list what the model may decide, each with code and label',
}

const expected: Record<string, string> = {
  string: 'a text',
  number: 'a number',
  int: 'a whole number',
  array: 'a list',
  object: 'a set of keys and values',
}

/** One problem for most issues, one for each key when keys are unknown. */
export function describeIssue(issue: z.core.$ZodIssue, whole: unknown): DefinitionProblem[] {
  const path = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))
  switch (issue.code) {
    case 'unrecognized_keys': {
      const known = knownKeys[path.findLast((step) => typeof step === 'string') ?? ''] ?? []
      return issue.keys.slice(0, 20).map((key) => ({ path, key, message: unknownKey(key, known) }))
    }
    case 'invalid_type': {
      const value = valueAt(whole, path)
      const last = path.at(-1)
      if (value === undefined) {
        const remedy = typeof last === 'string' ? remedies[last] : undefined
        return [{ path, message: `is missing${remedy === undefined ? '' : `; ${remedy}`}` }]
      }
      const quotes = issue.expected === 'string' && typeof value !== 'object' ? '; put it in quotes' : ''
      return [
        { path, message: `must be ${expected[issue.expected] ?? issue.expected}, but is ${sort(value)}${quotes}` },
      ]
    }
    case 'invalid_union':
    case 'invalid_value':
      return [{ path, message: `${valueAt(whole, path) === undefined ? 'is missing; it ' : ''}${issue.message}` }]
    default:
      return [{ path, message: issue.message }]
  }
}

function unknownKey(key: string, known: readonly string[]): string {
  const near = nearestName(key, known)
  const shown = key.length > 60 ? `${key.slice(0, 60)}…` : key
  return `has an unknown key "${shown}"; ${near === undefined ? `known are ${known.join(', ')}` : `did you mean "${near}"?`}`
}

function valueAt(whole: unknown, path: Path): unknown {
  let value = whole
  for (const step of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, step)) return undefined
    value = (value as Record<string | number, unknown>)[step]
  }
  return value
}

function sort(value: unknown): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'object') return 'a set of keys and values'
  if (typeof value === 'number' || typeof value === 'bigint') return `the number ${value}`
  if (typeof value === 'boolean') return `the truth value ${value}`
  return 'a text'
}
