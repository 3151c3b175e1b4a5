/**
 * What a tool may ask of its caller before it goes on: a form for a person, an answer of
 * the caller's model, the folders that he works in.  Who asks ends the call; it is made
 * anew with the answers, so nothing waits and nothing is held meanwhile.
 */
import { z } from 'zod'
import { checkerOf, type Checker } from '../patterns.ts'
import type { JsonSchema } from './schemas.ts'

export const QUESTION_KINDS = ['form', 'model', 'folders'] as const
export type QuestionKind = (typeof QUESTION_KINDS)[number]

/** A form has fields of one value each, or a choice of several. */
const field = z.looseObject({ type: z.enum(['string', 'number', 'integer', 'boolean', 'array']) })
const form = z.strictObject({
  kind: z.literal('form'),
  message: z.string().min(1).max(2_000),
  schema: z.looseObject({
    type: z.literal('object'),
    properties: z.record(z.string(), field),
    required: z.array(z.string()).readonly().optional(),
  }),
})
const model = z.strictObject({
  kind: z.literal('model'),
  prompt: z.string().min(1).max(64_000),
  system: z.string().max(16_000).optional(),
  mostTokens: z.int().min(1).max(100_000),
})
const folders = z.strictObject({ kind: z.literal('folders') })
const question = z.discriminatedUnion('kind', [form, model, folders])
export type Question = z.output<typeof question>

const KEY = /^[A-Za-z_][\w-]{0,63}$/
const MOST = 20
/** Characters of all the questions of one call. */
const LARGEST = 64 * 1024
export const questions = z
  .record(z.string().regex(KEY), question)
  .refine((all) => Object.keys(all).length <= MOST && JSON.stringify(all).length <= LARGEST)
export type Questions = z.output<typeof questions>

const formAnswer = z.object({
  action: z.enum(['accept', 'decline', 'cancel']),
  content: z.record(z.string(), z.unknown()).optional(),
})
const modelAnswer = z.object({ text: z.string().max(1_000_000), model: z.string().max(200) })
const foldersAnswer = z.object({
  folders: z.array(z.object({ uri: z.string().max(2_000), name: z.string().max(500).optional() })).max(1_000),
})

interface AnswerOf {
  /** Declined: a person said no; cancelled: he went away. */
  readonly form: z.output<typeof formAnswer>
  readonly model: z.output<typeof modelAnswer>
  readonly folders: z.output<typeof foldersAnswer>
}
export type Answers<Q extends Questions> = { readonly [K in keyof Q]: AnswerOf[Q[K]['kind']] }

/** What a caller can be asked, and what he has answered so far. */
export interface Askable {
  readonly asks: readonly QuestionKind[]
  readonly answers: Readonly<Record<string, unknown>>
}

const asked = new WeakMap<object, unknown>()

/** The questions that ended a call; undefined for anything else that was thrown. */
export function questionsOf(thrown: unknown): { readonly asked: unknown } | undefined {
  return typeof thrown === 'object' && thrown !== null && asked.has(thrown) ? { asked: asked.get(thrown) } : undefined
}

/** What ends a call with questions, wherever they were asked. */
export function asking(all: unknown): Error {
  const end = new Error('the caller is asked')
  asked.set(end, all)
  return end
}

/** The answers, if all are there and fit; otherwise the call ends here. */
export function ask<const Q extends Questions>(all: Q, { answers }: Askable): Answers<Q> {
  const read = new Map<string, unknown>()
  for (const [key, one] of Object.entries(all)) {
    const answer = Object.hasOwn(answers, key) ? answerTo(one, answers[key]) : undefined
    if (answer !== undefined) read.set(key, answer)
  }
  if (read.size === Object.keys(all).length) return Object.fromEntries(read) as Answers<Q>
  throw asking(all)
}

/** Undefined for what is no answer to it: it is asked once more. */
function answerTo(one: Question, given: unknown): unknown {
  if (one.kind === 'model') return modelAnswer.safeParse(given).data
  if (one.kind === 'folders') return foldersAnswer.safeParse(given).data
  const answer = formAnswer.safeParse(given).data
  if (answer?.action !== 'accept') return answer
  const content = fieldsOf(one.schema).safeParse(answer.content ?? {})
  return content.success ? { action: 'accept', content: content.data } : undefined
}

/** Titles of choices in the older way of writing them mean nothing to a value. */
function fieldsOf(schema: JsonSchema): Checker {
  return checkerOf(JSON.parse(JSON.stringify(schema, (key, part: unknown) => (key === 'enumNames' ? undefined : part))))
}
