/**
 * A definition while somebody writes it: whatever is there is taken into its shape,
 * everything that is wrong is told at its place, and the file is written as it would be.
 */
import { definitionWarnings, readFile, writeDefinition, type Definition } from './definition.ts'
import { checkDefinition, pathText } from './definition-shape.ts'
import { countScenarios, openExpansion, type Scenario } from './expand.ts'
import { Refusal } from '@millrace/engine'

export interface DraftProblem {
  /** `dimensions[0].levels[1].label`; empty for the whole. */
  readonly path: string
  /** In the file, from 1; null where no file was given. */
  readonly line: number | null
  readonly column: number | null
  readonly message: string
}

export interface Draft {
  /** In the shape of a definition, valid or not; null where the file cannot be read at all. */
  readonly draft: Definition | null
  readonly problems: readonly DraftProblem[]
  /** The draft as a file. */
  readonly yaml: string | null
  /** Digits, however many; null while it is not valid. */
  readonly scenarios: string | null
  readonly warnings: readonly string[]
  /** The first of them. */
  readonly first: readonly Scenario[]
}

const SHOWN = 5
const PROBLEMS = 200

export function draftOf(given: { definition: Definition } | { yaml: string }): Draft {
  if ('yaml' in given) {
    const { value, definition, problems } = readFile(given.yaml, { file: 'definition.yaml' })
    const draft = definition ?? (value === undefined ? null : shaped(value))
    return told(
      definition,
      draft,
      problems.map(({ path, position, message }) => ({ path: path ?? '', ...position, message })),
    )
  }
  const { definition, problems } = checkDefinition(given.definition)
  return told(
    definition,
    given.definition,
    problems.map(({ path, message }) => ({
      path: path.length === 0 ? '' : pathText(path),
      line: null,
      column: null,
      message,
    })),
  )
}

function told(definition: Definition | undefined, draft: Definition | null, problems: DraftProblem[]): Draft {
  const about = { draft, yaml: draft === null ? null : writeDefinition(draft, 'yaml') }
  const shown = problems.slice(0, PROBLEMS)
  if (definition === undefined) return { ...about, problems: shown, scenarios: null, warnings: [], first: [] }
  const scenarios = countScenarios(definition).toString()
  try {
    const expansion = openExpansion(definition, { seed: 0n })
    const first = Array.from({ length: Math.min(SHOWN, expansion.count) }, (_, index) => expansion.at(index))
    const warnings = [...definitionWarnings(definition), ...expansion.warnings]
    return { ...about, problems: shown, scenarios, warnings, first }
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const tooMany = { path: 'dimensions', line: null, column: null, message: error.message }
    return { ...about, problems: [...shown, tooMany], scenarios, warnings: definitionWarnings(definition), first: [] }
  }
}

const text = (value: unknown): string =>
  typeof value === 'string' ? value : typeof value === 'number' || typeof value === 'boolean' ? String(value) : ''
const list = (value: unknown): readonly unknown[] => (Array.isArray(value) ? value : [])
const fields = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {}

/** What can be understood of anything at all; what cannot is among the problems. */
function shaped(value: unknown): Definition {
  const { name, preamble, preambleAs, template, dimensions, followups, decision, tags } = fields(value)
  const scale = fields(decision)
  return {
    schemaVersion: 1,
    name: text(name),
    ...(preamble === undefined || preamble === null ? {} : { preamble: text(preamble) }),
    preambleAs: preambleAs === 'user' ? 'user' : 'system',
    template: text(template),
    dimensions: list(dimensions).map((one) => {
      const { name: called, levels, values } = fields(one)
      return {
        name: text(called),
        levels: Array.isArray(levels) ? levels.map(levelOf) : list(values).map((label, i) => plain(text(label), i + 1)),
      }
    }),
    followups: list(followups).map((one) => ({
      label: text(fields(one)['label']),
      prompt: text(fields(one)['prompt']),
    })),
    ...(decision === undefined || decision === null
      ? {}
      : {
          decision: {
            ...(scale['instruction'] === undefined ? {} : { instruction: text(scale['instruction']) }),
            labels: list(scale['labels']).map((one) => ({
              code: text(fields(one)['code']),
              label: text(fields(one)['label']),
            })),
          },
        }),
    tags: list(tags).map(text),
  }
}

const plain = (label: string, score: number) => ({ score, label, options: [label] })

function levelOf(value: unknown, i: number) {
  const { score, label, options } = fields(value)
  const called = text(label)
  return {
    score: typeof score === 'number' && Number.isFinite(score) ? score : i + 1,
    label: called,
    options: Array.isArray(options) ? options.map(text) : [called],
  }
}
