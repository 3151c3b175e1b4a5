/**
 * The context pack: what a model is told about a patient.  Typed answers with the
 * labels of the version that was answered, ids instead of names.  A patient's own
 * name, address and numbers are taken out of free text; what else he tells stays.
 */
import { toJson } from '@millrace/engine'
import { z } from 'zod'
import { fail } from './errors.ts'

const option = z.object({ value: z.string(), label: z.string() })
const score = z.object({ name: z.string(), score: z.number(), level: z.enum(['low', 'moderate', 'high']) })

/** What `diagnosis.begin` gives to the attempt that holds the task. */
export const materialSchema = z.object({
  round: z.number(),
  assessment: z
    .object({ id: z.uuid(), status: z.enum(['in_progress', 'completed']), created_at: z.string() })
    .nullable(),
  funnel: z.object({ funnel: z.string(), funnel_id: z.uuid(), version: z.number() }).nullable(),
  answers: z.array(
    z.object({
      question_id: z.string(),
      label: z.string(),
      type: z.enum(['scale', 'number', 'choice', 'choices', 'text']),
      options: z.array(option).nullable(),
      value: z.json(),
    }),
  ),
  patient: z
    .object({ id: z.uuid(), created_at: z.string(), sex: z.string().nullable(), age: z.number().nullable() })
    .nullable(),
  identity: z.record(z.string(), z.string().nullable()).nullable(),
  scores: z.array(score),
  notes: z.array(z.object({ type: z.string(), content: z.string(), created_at: z.string() })),
  earlier: z.array(
    z.object({ assessment_id: z.uuid(), funnel: z.string(), completed_at: z.string(), scores: z.array(score) }),
  ),
})
export type Material = z.output<typeof materialSchema>
type Answered = Material['answers'][number]

export interface ContextPack {
  readonly assessment_data: {
    readonly id: string
    readonly answers: readonly { readonly question_id: string; readonly label: string; readonly value: unknown }[]
    readonly created_at: string
  }
  readonly funnel_config: { readonly funnel: string; readonly funnel_id: string; readonly version: number }
  readonly patient_context: {
    readonly patient_id: string
    readonly patient_created_at: string
    /** Ten years: `40-49`. */
    readonly age_band?: string
    readonly sex?: string
  }
  readonly scores?: Material['scores']
  readonly history?: { readonly notes: Material['notes']; readonly earlier: Material['earlier'] }
}

/** @throws TaskFailed CONTEXT_FETCH_ERROR: not there, not finished, empty, or an answer of another type than its question's */
export function buildPack(material: Material): ContextPack {
  const { assessment, funnel, answers, patient, scores, earlier } = material
  if (assessment === null || funnel === null || patient === null) throw fail('CONTEXT_FETCH_ERROR')
  if (assessment.status !== 'completed' || answers.length === 0) throw fail('CONTEXT_FETCH_ERROR')
  const hidden = hiderOf(material.identity)
  const notes = material.notes.map((note) => ({ ...note, content: hidden(note.content) }))
  const pack: ContextPack = {
    assessment_data: {
      id: assessment.id,
      answers: answers.map((one) => ({ question_id: one.question_id, label: one.label, value: valueOf(one, hidden) })),
      created_at: assessment.created_at,
    },
    funnel_config: funnel,
    patient_context: {
      patient_id: patient.id,
      patient_created_at: patient.created_at,
      ...(patient.age === null ? {} : { age_band: ageBand(patient.age) }),
      ...(patient.sex === null ? {} : { sex: patient.sex }),
    },
    ...(scores.length === 0 ? {} : { scores }),
    ...(notes.length + earlier.length === 0 ? {} : { history: { notes, earlier } }),
  }
  // As the database keeps it, so that what is sent is what is kept.
  return JSON.parse(toJson(pack)) as ContextPack
}

function valueOf({ type, value, options }: Answered, hidden: (text: string) => string): unknown {
  const labelOf = (word: string) => options?.find((one) => one.value === word)?.label
  switch (type) {
    case 'scale':
    case 'number':
      if (typeof value === 'number') return value
      break
    case 'choice':
      if (typeof value === 'string' && labelOf(value) !== undefined) return labelOf(value)
      break
    case 'choices': {
      if (!Array.isArray(value)) break
      const labels = value.map((word) => (typeof word === 'string' ? labelOf(word) : undefined))
      if (labels.every((label) => label !== undefined)) return labels
      break
    }
    case 'text':
      if (typeof value === 'string') return hidden(value)
  }
  throw fail('CONTEXT_FETCH_ERROR')
}

/** By ten years; the very old are one band, as they are few. */
function ageBand(age: number): string {
  if (age >= 90) return '90+'
  const from = Math.max(0, Math.floor(age / 10) * 10)
  return `${from}-${from + 9}`
}

const EMAIL = /[\p{L}\p{N}._%+-]+@[\p{L}\p{N}-]+(?:\.[\p{L}\p{N}-]+)+/gu
const PHONE = /(?<![\p{L}\p{N}])\+?\d(?:[\s()/.-]{0,2}\d){6,14}(?![\p{L}\p{N}])/gu
const DATE = /(?<!\d)(?:\d{4}-\d{2}-\d{2}|\d{1,2}[./]\d{1,2}[./]\d{2,4})(?!\d)/g

/**
 * Takes out what is known to name this patient, and what looks like an address, a number
 * or a date of somebody.  A name is also found in part, in the genitive, and in letters
 * that are put together of two; one of two letters only where it begins with a capital.
 */
function hiderOf(identity: Material['identity']): (text: string) => string {
  const of = (field: string) =>
    [identity?.[field] ?? ''].map((one) => one.normalize('NFC').trim()).filter((one) => one.length > 2)
  const parts = of('name').flatMap((name) => name.split(/[\s-]+/))
  const patterns = [
    ...['email', 'phone', 'address', 'birth_date'].flatMap(of).map((one) => wordsOf(one, 'giu')),
    ...[...of('name'), ...parts.filter((part) => part.length > 2)].map((one) => wordsOf(one, 'giu', GENITIVE)),
    ...parts.filter((part) => /^\p{Lu}\p{L}$/u.test(part)).map((one) => wordsOf(one, 'gu', GENITIVE)),
    EMAIL,
    DATE,
    PHONE,
  ]
  return (text) => patterns.reduce((said, pattern) => said.replace(pattern, '[removed]'), text.normalize('NFC'))
}

const GENITIVE = "(?:['’]?s)?"

/** These words one after another, whatever space is between them, and not as parts of others. */
function wordsOf(text: string, flags: string, ending = ''): RegExp {
  const words = text.split(/\s+/).map((word) => word.replaceAll(/[\^$.*+?()[\]{}|/]/g, String.raw`\$&`))
  return new RegExp(`(?<![\\p{L}\\p{N}])${words.join(String.raw`\s+`)}${ending}(?![\\p{L}\\p{N}])`, flags)
}
