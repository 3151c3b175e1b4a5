/** A gate as a recipe says it: what must be there before a card goes on.  What is stored has one spelling of each. */
import { z } from 'zod'
import { wrongPath, wrongPattern } from '../documents/path.ts'
import { ARTIFACT_TYPES, METRIC_NAME, readSource, unitOf } from './mapping.ts'

export const GATE_TYPES = ['file_exists', 'content_check', 'artifact_exists', 'metric_threshold', 'custom'] as const
export type GateType = (typeof GATE_TYPES)[number]
export const OPERATORS = ['>=', '>', '<=', '<', '==', '!='] as const
export type Operator = (typeof OPERATORS)[number]

/** What the seed and its older half call the same. */
const ALIASES: Readonly<Record<string, GateType>> = { sections_exist: 'content_check', jury_score: 'metric_threshold' }

const label = z.string().trim().min(1).max(200)
const wrongly = (check: (text: string) => string | undefined) => (context: z.core.ParsePayload<string>) => {
  const wrong = check(context.value)
  if (wrong !== undefined) context.issues.push({ code: 'custom', message: wrong, input: context.value })
}
const head = {
  id: z.string().regex(/^[A-Za-z0-9_-]{1,64}$/, 'an id has 1 to 64 letters, digits, _ and -'),
  name: label.optional(),
  required: z.boolean().default(true),
  /** Told where it fails. */
  message: z.string().trim().min(1).max(500).optional(),
}
const file = z.string().check(wrongly(wrongPath))

const fileExists = z.strictObject({
  ...head,
  type: z.literal('file_exists'),
  config: z.strictObject({ pattern: z.string().check(wrongly(wrongPattern)) }),
})
const contentCheck = z.strictObject({
  ...head,
  type: z.literal('content_check'),
  config: z.strictObject({ file, requiredSections: z.array(label).min(1).max(50) }),
})
const artifactExists = z.strictObject({
  ...head,
  type: z.literal('artifact_exists'),
  config: z.strictObject({ artifactType: z.enum(ARTIFACT_TYPES), label: label.optional() }),
})
const metricThreshold = z.strictObject({
  ...head,
  type: z.literal('metric_threshold'),
  config: z
    .strictObject({
      metric: z.string().regex(METRIC_NAME, 'a metric is named in lower_snake'),
      threshold: z.number(),
      operator: z.enum(OPERATORS).default('>='),
      unit: z.string().optional(),
    })
    .transform((config, context) => {
      const unit = unitOf(config.metric, config.unit)
      if ('value' in unit) return { ...config, unit: unit.value }
      context.issues.push({ code: 'custom', message: unit.wrong, input: config, path: ['unit'] })
      return z.NEVER
    }),
})
const custom = z.strictObject({
  ...head,
  type: z.literal('custom'),
  config: z.strictObject({
    tool: z.string().regex(/^[a-z][a-z0-9_]{0,63}$/, 'a tool is named in lower_snake'),
    /** What the tool takes: names and sources, of the card, its documents, and literals. */
    input: z.record(z.string().min(1).max(64), z.string().max(2_000).check(wrongly(wrongInput))).default({}),
  }),
})

function wrongInput(text: string): string | undefined {
  const read = readSource(text)
  if ('wrong' in read) return read.wrong
  const { from } = read.value
  return from === 'steps' || from === 'params' ? 'a gate knows the card, its documents, and literals' : undefined
}

/** One spelling of what may be said in several ways; what is no object stays as it is. */
function spelled(given: unknown): unknown {
  if (typeof given !== 'object' || given === null || Array.isArray(given)) return given
  const { failureMessage, ...gate } = given as Record<string, unknown>
  const alias = typeof gate['type'] === 'string' ? ALIASES[gate['type']] : undefined
  const { config } = gate
  return {
    ...gate,
    ...(failureMessage === undefined || gate['message'] !== undefined ? {} : { message: failureMessage }),
    ...(alias === undefined ? {} : { type: alias }),
    ...(isRecord(config) ? { config: configOf(gate['type'], config) } : {}),
  }
}

function configOf(type: unknown, { sections, ...config }: Record<string, unknown>): Record<string, unknown> {
  if (type === 'jury_score') return { metric: 'jury_score', ...config }
  if (type === 'sections_exist' && sections !== undefined) return { requiredSections: sections, ...config }
  return sections === undefined ? config : { ...config, sections }
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

export const gateSchema = z.preprocess(
  spelled,
  z.discriminatedUnion('type', [fileExists, contentCheck, artifactExists, metricThreshold, custom]),
)
export type Gate = z.output<typeof gateSchema>
