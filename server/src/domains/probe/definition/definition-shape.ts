/**
 * A probe's definition: one prompt template, the dimensions that vary it, and
 * the scale by which a decision is read from an answer.  This file is its
 * shape; `definition.ts` reads and writes it as YAML and Markdown.
 */

import { createHash } from 'node:crypto'
import { Refusal } from '@millrace/engine'
import { z } from 'zod'
import { definitionProblems } from './definition-checks.ts'
import type { DefinitionProblem } from './definition-checks.ts'
import { describeIssue } from './definition-issues.ts'
import { nameKey, templateParts } from './placeholders.ts'

/** The only version there is; a blob without one is of version 1. */
export const definitionSchemaVersion = 1

export interface Level {
  /** What the level counts for in the analysis; unique within its dimension. */
  readonly score: number
  /** Its name in results; unique within its dimension, case not counting. */
  readonly label: string
  /** Wordings put into the template; each scenario gets one, chosen by the seed.  Never empty. */
  readonly options: readonly string[]
}

export interface Dimension {
  readonly name: string
  readonly levels: readonly Level[]
}

export interface Followup {
  readonly label: string
  readonly prompt: string
}

export interface DecisionLabel {
  /** Stored and exported; a number on a rating scale is its digits. */
  readonly code: string
  readonly label: string
}

export interface DecisionScale {
  /** Added to every prompt as a last paragraph. */
  readonly instruction?: string
  readonly labels: readonly DecisionLabel[]
}

export interface Definition {
  readonly schemaVersion: 1
  readonly name: string
  readonly preamble?: string
  /** Sent as system message, or put before the first user message. */
  readonly preambleAs: 'system' | 'user'
  readonly template: string
  readonly dimensions: readonly Dimension[]
  readonly followups: readonly Followup[]
  readonly decision?: DecisionScale
  readonly tags: readonly string[]
}

export const definitionLimits = {
  name: 200,
  dimensions: 50,
  levels: 1000,
  options: 1000,
  followups: 50,
  labels: 100,
  tags: 50,
} as const

/** Decisions are exported in one column with these outcomes, so no code may be one of them. */
export const reservedCodes: readonly string[] = ['refusal', 'other', 'unparsed']

const body = z
  .string()
  .refine((text) => text.trim() !== '', 'is empty; write a text or leave it out')
  .refine((text) => !text.includes('\0'), 'holds a NUL character, which cannot be stored; remove it')
  .refine((text) => text.isWellFormed(), 'holds half of a character (a lone surrogate); remove it')

const line = (longest: number) =>
  body
    .transform((text) => text.trim())
    .refine((text) => text.length <= longest, `is longer than ${longest} characters; shorten it`)
    .refine((text) => !/\p{Cc}|\p{Zl}|\p{Zp}/u.test(text), 'must be one line without control characters')

const dimensionName = line(80)
  .refine((name) => !/[[\]\\]/.test(name), 'must not hold brackets or backslashes; the template puts it in brackets')
  .refine((name) => name !== '__proto__', 'is a word that programs trip over; choose another name')

const score = z.number().transform((score) => (Object.is(score, -0) ? 0 : score))

const level = z
  .strictObject({
    score,
    label: line(200),
    options: z
      .array(body)
      .min(1, 'is empty; give at least one wording, or leave options out to use the label')
      .max(definitionLimits.options, `holds more than ${definitionLimits.options} wordings`)
      .optional(),
  })
  .transform(({ score, label, options }): Level => ({ score, label, options: options ?? [label] }))

const dimension = z
  .strictObject({
    name: dimensionName,
    levels: z
      .array(level)
      .min(1, 'is empty; give at least one level')
      .max(definitionLimits.levels, `holds more than ${definitionLimits.levels} levels`)
      .optional(),
    values: z
      .array(line(200))
      .min(1, 'is empty; give at least one value')
      .max(definitionLimits.levels, `holds more than ${definitionLimits.levels} values`)
      .optional(),
  })
  .transform(({ name, levels, values }): Dimension => {
    const short = (values ?? []).map((value, index): Level => ({ score: index + 1, label: value, options: [value] }))
    return { name, levels: levels ?? short }
  })

const code = z
  .union([z.string(), z.int()], 'must be a text or a whole number')
  .transform(String)
  .pipe(
    line(40).refine((code) => !reservedCodes.includes(nameKey(code)), 'is the name of an outcome; choose another code'),
  )

const decision = z
  .strictObject({
    instruction: body.optional(),
    labels: z
      .array(z.strictObject({ code, label: line(200) }))
      .min(2, 'needs at least two labels to decide between')
      .max(definitionLimits.labels, `holds more than ${definitionLimits.labels} labels`),
  })
  .transform(({ instruction, labels }): DecisionScale =>
    instruction === undefined ? { labels } : { instruction, labels },
  )

const shape = z
  .strictObject({
    schemaVersion: z
      .literal(definitionSchemaVersion, 'is a version that this Millrace does not know; it reads version 1')
      .default(1),
    name: line(definitionLimits.name),
    preamble: body.optional(),
    preambleAs: z.enum(['system', 'user'], 'must be "system" or "user"').default('system'),
    template: body,
    dimensions: z
      .array(dimension)
      .max(definitionLimits.dimensions, `holds more than ${definitionLimits.dimensions} dimensions`)
      .default([]),
    followups: z
      .array(z.strictObject({ label: line(200), prompt: body }))
      .max(definitionLimits.followups, `holds more than ${definitionLimits.followups} follow-ups`)
      .default([]),
    decision: decision.optional(),
    tags: z
      .array(line(50).refine((tag) => !tag.includes(','), 'must not hold a comma; give each tag on its own'))
      .max(definitionLimits.tags, `holds more than ${definitionLimits.tags} tags`)
      .default([]),
  })
  .transform(({ preamble, decision, ...rest }): Definition => ({
    ...rest,
    ...(preamble === undefined ? {} : { preamble }),
    ...(decision === undefined ? {} : { decision }),
  }))

/**
 * The definition as a zod schema, for routes and snapshots.  Takes what a file
 * may hold as plain data, gives the normal form; the normal form passes unchanged.
 */
export const definitionSchema = shape.superRefine((definition, context) => {
  for (const { path, message } of definitionProblems(definition))
    context.addIssue({ code: 'custom', path: [...path], message })
})

/** Either a definition or everything that is wrong with it. */
export type CheckedDefinition =
  | { readonly definition: Definition; readonly problems: readonly [] }
  | { readonly definition?: never; readonly problems: readonly DefinitionProblem[] }

/** Checks plain data; unlike the schema it goes on to the meaning when the shape is wrong, to tell everything at once. */
export function checkDefinition(value: unknown): CheckedDefinition {
  const result = shape.safeParse(value)
  const problems = result.success
    ? []
    : result.error.issues.slice(0, 200).flatMap((issue) => describeIssue(issue, value))
  problems.push(...definitionProblems(value))
  return result.success && problems.length === 0 ? { definition: result.data, problems: [] } : { problems }
}

/**
 * A definition from plain data (a request's body, a stored version).
 * @throws Refusal INVALID_DEFINITION, one cause a problem, each with its path
 */
export function parseDefinition(value: unknown): Definition {
  const { definition, problems } = checkDefinition(value)
  if (definition !== undefined) return definition
  throw invalidDefinition(
    'The definition',
    problems.map(({ path, message }) => `${pathText(path)} ${message}`),
  )
}

/** One refusal for everything that is wrong; `subject` starts the sentence. */
export function invalidDefinition(subject: string, causes: readonly string[]): Refusal {
  const shown = causes.slice(0, 50)
  if (causes.length > shown.length) shown.push(`… and ${causes.length - shown.length} more`)
  const count = causes.length === 1 ? 'a problem' : `${causes.length} problems`
  return new Refusal('INVALID_DEFINITION', `${subject} has ${count}.`, {
    remedy: 'Correct what is listed and try again.',
    causes: shown,
  })
}

/** `dimensions[1].levels[0].label`; the whole is "the definition". */
export function pathText(path: readonly (string | number)[]): string {
  if (path.length === 0) return 'the definition'
  return path.map((step, i) => (typeof step === 'number' ? `[${step}]` : i === 0 ? step : `.${step}`)).join('')
}

/** What is probably a mistake though it can be run, one sentence each. */
export function definitionWarnings(definition: Definition): string[] {
  const used = new Set<string>()
  for (const part of templateParts(definition.template)) if (part.kind === 'placeholder') used.add(nameKey(part.name))
  const warnings: string[] = []
  for (const { name, levels } of definition.dimensions) {
    if (used.has(nameKey(name))) continue
    warnings.push(
      `Dimension "${name}" is not in the template: its ${levels.length} levels repeat the same prompts. Put [${name}] there or remove it.`,
    )
  }
  const known = new Set(definition.dimensions.map(({ name }) => nameKey(name)))
  const elsewhere: [string, string | undefined][] = [
    ['preamble', definition.preamble],
    ['decision.instruction', definition.decision?.instruction],
    ...definition.followups.map(({ prompt }, i): [string, string] => [`followups[${i}].prompt`, prompt]),
  ]
  for (const [where, text] of elsewhere) {
    for (const part of templateParts(text ?? '')) {
      if (part.kind === 'placeholder' && known.has(nameKey(part.name))) {
        warnings.push(`${part.raw} in ${where} is sent as it stands: only the template has placeholders.`)
      }
    }
  }
  return warnings
}

/** The same for the same definition, however it was written down: sha256 over canonical JSON, 64 hex digits. */
export function definitionHash(definition: Definition): string {
  return createHash('sha256').update(canonicalJson(definition)).digest('hex')
}

/** JSON with sorted keys and no spaces; an absent key and an undefined one are the same. */
function canonicalJson(value: unknown): string {
  if (Array.isArray(value)) return `[${value.map(canonicalJson).join(',')}]`
  if (typeof value !== 'object' || value === null) return JSON.stringify(value)
  const entries = Object.entries(value).filter(([, item]) => item !== undefined)
  entries.sort(([a], [b]) => (a < b ? -1 : 1))
  return `{${entries.map(([key, item]) => `${JSON.stringify(key)}:${canonicalJson(item)}`).join(',')}}`
}
