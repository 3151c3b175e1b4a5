/** What a model has to say, and how it is checked: a reply that is not this is told by places, never by contents. */
import { z } from 'zod'
import type { JsonSchema } from '../../providers/provider.ts'

const text = (most: number) => z.string().min(1).max(most)

/** What is asked of the model; `confidence` is its own, from 0 to 1. */
export const replySchema = z.strictObject({
  diagnosis: z.strictObject({
    summary: text(4_000),
    findings: z.array(z.strictObject({ finding: text(1_000), question_ids: z.array(z.string()) })).max(30),
    differential: z
      .array(
        z.strictObject({ condition: text(300), rationale: text(2_000), likelihood: z.enum(['low', 'medium', 'high']) }),
      )
      .max(10),
    red_flags: z
      .array(z.strictObject({ flag: text(500), urgency: z.enum(['routine', 'soon', 'urgent']), action: text(1_000) }))
      .max(10),
    next_steps: z.array(z.strictObject({ step: text(1_000), priority: z.enum(['low', 'medium', 'high']) })).max(20),
  }),
  confidence: z.number().min(0).max(1),
})
export type Reply = z.output<typeof replySchema>

/** As it is kept and shown. */
export const resultSchema = replySchema.extend({
  metadata: z.strictObject({
    model: z.string(),
    model_version: z.string().nullable(),
    prompt_version: z.string(),
    usage: z.strictObject({ input_tokens: z.number(), output_tokens: z.number() }),
    latency_ms: z.number(),
    created_at: z.iso.datetime(),
  }),
})
export type DiagnosisResult = z.output<typeof resultSchema>

/** Below it a result is shown as uncertain. */
const CONFIDENT = 0.6

export function isUncertain({ confidence }: Pick<DiagnosisResult, 'confidence'>): boolean {
  return confidence < CONFIDENT
}

const BOUNDS = new Set(['$schema', 'minLength', 'maxLength', 'minItems', 'maxItems', 'minimum', 'maximum'])

/** For the provider, which checks the shape; how long and how many is checked here, so that the place can be told. */
export const replyShape: JsonSchema = withoutBounds(z.toJSONSchema(replySchema)) as JsonSchema

function withoutBounds(schema: unknown): unknown {
  if (Array.isArray(schema)) return schema.map(withoutBounds)
  if (typeof schema !== 'object' || schema === null) return schema
  return Object.fromEntries(
    Object.entries(schema).flatMap(([name, value]) => (BOUNDS.has(name) ? [] : [[name, withoutBounds(value)]])),
  )
}

/** The reply without questions that nobody asked: a finding is tied to what was answered. */
export function tied(reply: Reply, asked: ReadonlySet<string>): Reply {
  const findings = reply.diagnosis.findings.map((one) => ({
    ...one,
    question_ids: one.question_ids.filter((id) => asked.has(id)),
  }))
  return { ...reply, diagnosis: { ...reply.diagnosis, findings } }
}

/** Where a value is not a reply; a field that our schema does not name is told by what it stands in. */
export function checkReply(value: unknown): { readonly reply: Reply } | { readonly paths: readonly string[] } {
  const parsed = replySchema.safeParse(value)
  if (parsed.success) return { reply: parsed.data }
  return { paths: [...new Set(parsed.error.issues.map(({ path }) => path.map(String).join('.') || '$'))].slice(0, 20) }
}
