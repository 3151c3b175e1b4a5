/**
 * Sensitive kinds: what the engine stores of them is numbers, ids and codes.  The
 * schemas are read when the kind is defined, so that no word of a person can be
 * stored by a slip; what has no schema is sifted when it is written.
 */
import { createHash } from 'node:crypto'
import type { z } from 'zod'
import { TaskFailed, type Failure } from './errors.ts'
import type { AnyRunKind, Hand, Sensitive, TaskSpec } from './kinds.ts'

interface Part {
  readonly type: string
  readonly format?: string
  readonly checks?: readonly { readonly _zod: { readonly def: { readonly format?: string } } }[]
  readonly shape?: Readonly<Record<string, z.ZodType>>
  readonly catchall?: z.ZodType
  readonly element?: z.ZodType
  readonly innerType?: z.ZodType
  readonly options?: readonly z.ZodType[]
  readonly items?: readonly z.ZodType[]
  readonly keyType?: z.ZodType
  readonly valueType?: z.ZodType
}

const CLOSED = new Set([
  'number',
  'int',
  'bigint',
  'boolean',
  'null',
  'undefined',
  'literal',
  'enum',
  'date',
  'never',
  'void',
])
const IDS = new Set(['uuid', 'guid', 'ulid', 'datetime', 'date'])

/** @throws Error naming each part of a sensitive kind's schemas that may hold any text */
export function refuseContent(kind: {
  readonly name: string
  readonly input: z.ZodType
  readonly sensitive?: Sensitive
}): void {
  if (kind.sensitive === undefined) return
  const open = [...openParts(kind.input, 'input'), ...openParts(kind.sensitive.kept, 'kept')]
  if (open.length > 0) {
    throw new Error(
      `${kind.name} is sensitive, and ${open.join(', ')} may hold any text: use numbers, ids, enums, dates`,
    )
  }
}

function openParts(schema: z.ZodType, path: string): string[] {
  const part = schema._zod.def as unknown as Part
  if (CLOSED.has(part.type)) return []
  switch (part.type) {
    case 'string': {
      const formats = [part.format, ...(part.checks ?? []).map((check) => check._zod.def.format)]
      return formats.some((format) => format !== undefined && IDS.has(format)) ? [] : [path]
    }
    case 'object':
      return [
        ...Object.entries(part.shape ?? {}).flatMap(([key, inner]) => openParts(inner, `${path}.${key}`)),
        ...(part.catchall === undefined ? [] : openParts(part.catchall, `${path}.*`)),
      ]
    case 'array':
      return part.element === undefined ? [path] : openParts(part.element, `${path}[]`)
    case 'tuple':
      return (part.items ?? []).flatMap((item, index) => openParts(item, `${path}[${index}]`))
    case 'record':
      return [part.keyType, part.valueType].flatMap((inner) =>
        inner === undefined ? [path] : openParts(inner, `${path}.*`),
      )
    case 'union':
      return (part.options ?? []).flatMap((option) => openParts(option, path))
    case 'optional':
    case 'nullable':
    case 'default':
    case 'readonly':
      return part.innerType === undefined ? [path] : openParts(part.innerType, path)
    default:
      return [path]
  }
}

type SensitiveRun = Pick<AnyRunKind, 'name' | 'tasks' | 'sensitive'>

/**
 * Of a sensitive kind: the same tasks, their inputs as the kinds' schemas leave them.
 * @throws Error naming the task kind, never what was given to it
 */
export function siftSpecs({ tasks, sensitive }: SensitiveRun, specs: readonly TaskSpec[]): readonly TaskSpec[] {
  if (sensitive === undefined) return specs
  return specs.map((spec) => {
    const parsed = tasks.find((task) => task.name === spec.kind)?.input.safeParse(spec.input)
    if (parsed?.success !== true)
      throw new Error(`a task of ${spec.kind} was planned with an input that its kind refuses`)
    const keys = [spec.key, spec.bound].filter((key) => key !== undefined)
    if (!keys.every((key) => sensitive.words.includes(key)))
      throw new Error(`a task of ${spec.kind} was planned under a key that is none of its words`)
    return { ...spec, input: parsed.data }
  })
}

/** An idempotency key is the asker's own text: of a sensitive kind its digest is kept. */
export function keyOf({ sensitive }: SensitiveRun, key: string): string {
  return sensitive === undefined ? key : createHash('sha256').update(key).digest('hex')
}

/** The hand of a sensitive kind: what it writes down holds no content. */
export function discreetHand(hand: Hand<unknown>, words: readonly string[]): Hand<unknown> {
  return {
    ...hand,
    log: (text, data) => hand.log(words.includes(text) ? text : '(withheld)', sift(data, words)),
    progress: (data) => hand.progress(sift(data, words)),
    async remember(name, request, call, options) {
      if (!words.includes(name)) throw new TaskFailed(WITHHELD)
      if (options?.vault !== undefined) return hand.remember(name, request, call, options)
      const checked = async () => {
        const value = await call()
        if (!holdsNoContent(value)) throw new TaskFailed(WITHHELD)
        return value
      }
      return hand.remember(name, request, checked, options)
    },
    artifact: () => Promise.reject(new TaskFailed(WITHHELD)),
  }
}

const WITHHELD: Failure = {
  code: 'CONTENT_WITHHELD',
  message: 'A sensitive kind keeps content in its own tables only.',
  retryable: false,
  origin: 'task',
}

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Is there nothing in it but numbers, truth values and ids? */
function holdsNoContent(value: unknown): boolean {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return true
  if (typeof value === 'string') return ID.test(value)
  if (Array.isArray(value)) return value.every(holdsNoContent)
  return false
}

/** The fields that are words of the kind and hold no content; the others are left out. */
function sift(data: Readonly<Record<string, unknown>> = {}, words: readonly string[]): Record<string, unknown> {
  return Object.fromEntries(
    Object.entries(data).filter(([name, value]) => words.includes(name) && holdsNoContent(value)),
  )
}

const CODE = /^[A-Z][A-Z0-9_]{0,63}$/

/** A failure without its sentence: the code stays, and of the details what `sift` leaves. */
export function siftFailure(failure: Failure, words: readonly string[]): Failure {
  const { retryable, retryAfter, details, origin } = failure
  const code = CODE.test(failure.code) ? failure.code : 'UNKNOWN'
  return {
    code,
    message: `The task failed: ${code}.`,
    retryable,
    origin,
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...(details === undefined ? {} : { details: sift(details, words) as NonNullable<Failure['details']> }),
  }
}

const PLACE = /^ {4}at [^\s].*:\d+:\d+\)?$/

/** What was thrown, without its text: its places in the code. */
export function discreetError(error: unknown): Error {
  const discreet = new Error('what was thrown is withheld: the kind is sensitive')
  const text = error instanceof Error ? `${error.name}: ${error.message}` : ''
  const stack = error instanceof Error && error.stack?.startsWith(text) === true ? error.stack.slice(text.length) : ''
  const places = stack.split('\n').filter((line) => PLACE.test(line))
  discreet.stack = [discreet.message, ...places].join('\n')
  return discreet
}
