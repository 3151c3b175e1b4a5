/**
 * What a shape cannot say about a definition: names that must differ, and
 * placeholders that must name a dimension.  It looks at any data at all, so that
 * these problems are told together with those of the shape.
 */

import { nearestName } from './nearest-name.ts'
import { nameKey, templateParts } from './placeholders.ts'
import type { Path } from './yaml-source.ts'

export interface DefinitionProblem {
  readonly path: Path
  readonly message: string
  /** The problem is this key of the map at `path`. */
  readonly key?: string
  /** The problem is the n-th (from 0) occurrence of this text in the string at `path`. */
  readonly inside?: { readonly text: string; readonly nth: number }
}

export function definitionProblems(value: unknown): DefinitionProblem[] {
  const definition = fields(value)
  const problems: DefinitionProblem[] = []
  const dimensions = list(definition['dimensions']).slice(0, 1000)
  const names = dimensions.map((dimension) => fields(dimension)['name'])

  problems.push(...repeats(names, (i) => ['dimensions', i, 'name'], 'dimension', nameKey))
  for (const [i, dimension] of dimensions.entries()) {
    if (typeof dimension !== 'object' || dimension === null || Array.isArray(dimension)) continue
    const { levels, values } = fields(dimension)
    if (levels === undefined && values === undefined) {
      problems.push({ path: ['dimensions', i], message: 'has no levels; give levels, or values for the short form' })
    } else if (levels !== undefined && values !== undefined) {
      problems.push({ path: ['dimensions', i], key: 'values', message: 'has both levels and values; keep one of them' })
    }
    const level = list(levels).map(fields)
    const inLevel =
      (key: string) =>
      (j: number): Path => ['dimensions', i, 'levels', j, key]
    problems.push(
      ...repeats(
        level.map(({ label }) => label),
        inLevel('label'),
        'level',
        nameKey,
      ),
    )
    problems.push(
      ...repeats(
        level.map(({ score }) => score),
        inLevel('score'),
        'score',
        String,
      ),
    )
    problems.push(...repeats(list(values), (j) => ['dimensions', i, 'values', j], 'value', nameKey))
  }

  const followups = list(definition['followups']).map((followup) => fields(followup)['label'])
  problems.push(...repeats(followups, (i) => ['followups', i, 'label'], 'follow-up', nameKey))
  const labels = list(fields(definition['decision'])['labels']).map(fields)
  const inLabel =
    (key: string) =>
    (i: number): Path => ['decision', 'labels', i, key]
  problems.push(
    ...repeats(
      labels.map(({ code }) => code),
      inLabel('code'),
      'code',
      nameKey,
    ),
  )
  problems.push(
    ...repeats(
      labels.map(({ label }) => label),
      inLabel('label'),
      'label',
      nameKey,
    ),
  )
  problems.push(...repeats(list(definition['tags']), (i) => ['tags', i], 'tag', nameKey))

  if (typeof definition['template'] === 'string') problems.push(...strangers(definition['template'], names))
  return problems
}

/** Placeholders that name no dimension. */
function strangers(template: string, names: readonly unknown[]): DefinitionProblem[] {
  const known = names.filter((name) => typeof name === 'string')
  const keys = new Set(known.map(nameKey))
  const problems: DefinitionProblem[] = []
  for (const part of templateParts(template)) {
    if (part.kind === 'text') continue
    if (keys.has(nameKey(part.name)) || problems.length >= 200) continue
    const near = nearestName(part.name, known)
    const shown = part.name.length > 60 ? `${part.name.slice(0, 60)}…` : part.name
    const remedy = near === undefined ? `add it, or write \\[ for a bracket that is text` : `did you mean [${near}]?`
    problems.push({
      path: ['template'],
      message: `has the placeholder [${shown}], which names no dimension; ${remedy}`,
      inside: { text: part.raw, nth: occurrencesBefore(template, part.raw, part.offset) },
    })
  }
  return problems
}

function occurrencesBefore(text: string, wanted: string, offset: number): number {
  let count = 0
  for (let at = text.indexOf(wanted); at !== -1 && at < offset; at = text.indexOf(wanted, at + wanted.length)) count++
  return count
}

function repeats(
  values: readonly unknown[],
  pathOf: (index: number) => Path,
  what: string,
  keyOf: (value: string) => string,
): DefinitionProblem[] {
  const first = new Map<string, number>()
  const problems: DefinitionProblem[] = []
  for (const [i, value] of values.entries()) {
    if (typeof value !== 'string' && typeof value !== 'number') continue
    const key = keyOf(String(value))
    const before = first.get(key)
    if (before === undefined) first.set(key, i)
    else
      problems.push({
        path: pathOf(i),
        message: `repeats the ${what} "${String(value).slice(0, 60)}" (number ${before + 1}); name each once`,
      })
  }
  return problems
}

function fields(value: unknown): Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? { ...value } : {}
}

function list(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : []
}
