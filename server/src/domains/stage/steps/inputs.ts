/** From a step's mapping to the inputs of its skill. */
import { checkerOf } from '../../../patterns.ts'
import { isPattern, matchesPattern } from '../documents/path.ts'
import { ASKING } from '../recipes/check.ts'
import { readSource, valueAt, type Source } from '../recipes/mapping.ts'
import { requiredOf, type JsonSchema } from '../recipes/schema-paths.ts'
import { stepFailed } from './failures.ts'

export interface DocumentText {
  readonly path: string
  readonly content: string
}

/** What mappings may name. */
export interface Surroundings {
  readonly card: Readonly<Record<string, unknown>>
  readonly documents: readonly DocumentText[]
  /** Outputs of earlier steps, by their order and by their skill's name. */
  readonly steps: ReadonlyMap<string, unknown>
  readonly params: Readonly<Record<string, unknown>>
}

export interface Mapped {
  readonly params: Readonly<Record<string, unknown>>
  readonly inputsMapping: Readonly<Record<string, string>>
}

/**
 * What is not there is left out, unless the skill needs it.
 * @throws TaskFailed MISSING_INPUT, INVALID_INPUT with the names of inputs
 */
export function inputsOf(
  step: Mapped,
  around: Omit<Surroundings, 'params'>,
  schema: JsonSchema | null,
): Record<string, unknown> {
  const asking = new Set<string>(ASKING)
  const params = Object.fromEntries(Object.entries(step.params).filter(([name]) => !asking.has(name)))
  const inputs: Record<string, unknown> = { ...params }
  for (const [name, text] of Object.entries(step.inputsMapping)) {
    const source = readSource(text)
    const value = 'value' in source ? resolve(source.value, { ...around, params: step.params }) : undefined
    if (value === undefined || value === null) delete inputs[name]
    else inputs[name] = value
  }
  const missing = requiredOf(schema ?? {}).filter((name) => !Object.hasOwn(inputs, name))
  if (missing.length > 0) throw stepFailed('MISSING_INPUT', missing)
  if (schema === null) return inputs
  const read = checkerOf(schema).safeParse(inputs)
  // Names of inputs are the skill's own.
  if (!read.success)
    throw stepFailed(
      'INVALID_INPUT',
      read.error.issues.map(({ path }) => String(path[0] ?? '$')),
    )
  return read.data as Record<string, unknown>
}

export function resolve(source: Source, around: Surroundings): unknown {
  switch (source.from) {
    case 'literal':
      return source.value
    case 'card':
      return around.card[source.field]
    case 'params':
      return valueAt(around.params, source.path)
    case 'steps':
      return valueAt(around.steps.get(source.step), source.path)
    default:
      return documentText(source.path, around.documents)
  }
}

/** Documents that some source names: for who has to read them. */
export function documentsNamed(sources: readonly string[]): readonly string[] {
  return sources.flatMap((text) => {
    const source = readSource(text)
    return 'value' in source && source.value.from === 'documents' ? [source.value.path] : []
  })
}

/** All that match stand one after the other, each under its name. */
function documentText(path: string, documents: readonly DocumentText[]): string | undefined {
  if (!isPattern(path)) return documents.find((one) => one.path === path)?.content
  const found = documents.filter((one) => matchesPattern(one.path, path))
  if (found.length === 0) return undefined
  return found
    .toSorted((a, b) => (a.path < b.path ? -1 : 1))
    .map((one) => `<!-- ${one.path} -->\n${one.content.trimEnd()}\n`)
    .join('\n')
}
