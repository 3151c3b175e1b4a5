/**
 * Sensitive kinds: what the engine stores of them is numbers, ids and codes.  The
 * schemas are read when the kind is defined, so that no word of a person can be
 * stored by a slip; what has no schema is sifted when it is written.
 */
import type { z } from 'zod'
import type { Failure } from './errors.ts'
import type { AnyTaskKind, Sensitive, TaskSpec } from './kinds.ts'

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

/** The same tasks, their inputs as the kinds' schemas leave them.  @throws Error naming the kind, never the input */
export function siftSpecs(tasks: readonly AnyTaskKind[], specs: readonly TaskSpec[]): TaskSpec[] {
  return specs.map((spec) => {
    const parsed = tasks.find((task) => task.name === spec.kind)?.input.safeParse(spec.input)
    if (parsed?.success !== true)
      throw new Error(`a task of ${spec.kind} was planned with an input that its kind refuses`)
    return { ...spec, input: parsed.data }
  })
}

const ID = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/i

/** Is there nothing in it but numbers, truth values and ids? */
export function holdsNoContent(value: unknown): boolean {
  if (value === null || typeof value === 'number' || typeof value === 'boolean') return true
  if (typeof value === 'string') return ID.test(value)
  if (Array.isArray(value)) return value.every(holdsNoContent)
  return false
}

/** The fields that hold no content; the others are left out. */
export function sift(data: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
  return Object.fromEntries(Object.entries(data).filter(([, value]) => holdsNoContent(value)))
}

const CODE = /^[A-Z][A-Z0-9_]{0,63}$/

/** A failure without its sentence: the code stays, numbers and ids of the details stay. */
export function siftFailure(failure: Failure): Failure {
  const { retryable, retryAfter, details, origin } = failure
  const code = CODE.test(failure.code) ? failure.code : 'UNKNOWN'
  return {
    code,
    message: `The task failed: ${code}.`,
    retryable,
    origin,
    ...(retryAfter === undefined ? {} : { retryAfter }),
    ...(details === undefined ? {} : { details: sift(details) as NonNullable<Failure['details']> }),
  }
}
