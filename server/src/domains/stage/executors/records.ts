/**
 * Records: what of a skill's output is kept as rows that can be asked for, beside its
 * documents.  A skill says which in its folder (`records.yaml`): a kind of record, and
 * the field of the output that it is in.
 */
import { parse } from 'yaml'
import { z } from 'zod'
import { stepFailed } from '../steps/failures.ts'

export const RECORDS_FILE = 'records.yaml'

const line = (most: number) => z.string().min(1).max(most)
const list = z.array(z.string().max(4_000)).max(100)

const hypothesis = z.object({
  title: line(300),
  belief: line(4_000),
  audience: line(4_000),
  because: line(4_000),
  metric: line(4_000),
  evidence: list,
  against: z.string().max(4_000).optional(),
  confidence: z.enum(['high', 'medium', 'low']),
})

const prototype = z.object({
  name: line(300),
  question: line(4_000),
  chosen: line(4_000),
  components: z.array(z.looseObject({ name: line(300) })).max(100),
  stories: z.array(z.looseObject({ name: line(300) })).max(100),
})

const ticket = z.object({
  title: line(300),
  type: z.enum(['feature', 'bug', 'chore', 'spike']),
  description: line(20_000),
  acceptance: list.min(1),
  points: z.int().min(1).max(100),
  priority: z.enum(['urgent', 'high', 'medium', 'low']),
  depends_on: z.array(z.int().min(1)).max(100).optional(),
})

const score = z.number().min(0).max(100)
const jury = z.object({
  score,
  low: score,
  high: score,
  method: line(200),
  verdict: z.enum(['pass', 'conditional', 'fail']),
  personas: z
    .array(
      z.object({
        name: line(200),
        weight: z.number().min(0).max(1),
        score,
        approve: z.int().min(0),
        conditional: z.int().min(0),
        reject: z.int().min(0),
      }),
    )
    .min(1),
  concerns: z.array(
    z.object({ concern: line(2_000), raised_by: z.string(), blocking: z.boolean(), weight: z.number().min(0).max(1) }),
  ),
  suggestions: z.array(z.object({ suggestion: line(2_000), raised_by: z.string() })),
  ballots: z
    .array(
      z.object({
        persona: line(200),
        vote: z.int().min(1),
        stance: z.enum(['approve', 'conditional', 'reject']),
        reason: z.string(),
        concern: z.string(),
        blocking: z.boolean(),
        suggestion: z.string(),
      }),
    )
    .min(1),
})

const KINDS = { hypotheses: hypothesis, prototypes: prototype, tickets: ticket, jury } as const
export type RecordKind = keyof typeof KINDS

/** Rows by kind, as `stage.keep_records` takes them. */
export type MadeRecords = { readonly [Kind in RecordKind]?: readonly z.output<(typeof KINDS)[Kind]>[] }

/** Kinds of records, and the field of the output that each is in; `$` is all of it. */
export const recordKinds = z.partialRecord(
  z.enum(Object.keys(KINDS) as [RecordKind, ...RecordKind[]]),
  z.string().regex(/^(\$|[\p{L}_][\p{L}\p{N}_-]{0,63})$/u),
)
type Declared = z.output<typeof recordKinds>

/** @throws TaskFailed INVALID_RECORDS with the kinds or fields that are wrong */
export function readRecords(given: string): Declared {
  let said: unknown
  try {
    said = parse(given, { maxAliasCount: 0 })
  } catch {
    throw stepFailed('INVALID_RECORDS', [RECORDS_FILE])
  }
  const read = recordKinds.safeParse(said)
  if (read.success) return read.data
  throw stepFailed(
    'INVALID_RECORDS',
    read.error.issues.flatMap((issue) =>
      issue.code === 'unrecognized_keys' ? issue.keys : [issue.path.map(String).join('.') || RECORDS_FILE],
    ),
  )
}

/**
 * One object is one row, a list is as many; what is not there is none.
 * @throws TaskFailed INVALID_RECORDS with the places that do not fit, `tickets.0.points`
 */
export function recordsOf(output: unknown, kinds: Declared): MadeRecords {
  const made: Partial<Record<RecordKind, readonly unknown[]>> = {}
  for (const [kind, field] of Object.entries(kinds) as [RecordKind, string][]) {
    const value = field === '$' ? output : fieldOf(output, field)
    if (value === undefined || value === null) continue
    const read = z
      .array(KINDS[kind])
      .max(500)
      .safeParse(Array.isArray(value) ? value : [value])
    if (!read.success) {
      throw stepFailed(
        'INVALID_RECORDS',
        read.error.issues.map(({ path }) => [kind, ...path.map(String)].join('.')),
      )
    }
    made[kind] = read.data
  }
  refuseCircles(made.tickets as MadeRecords['tickets'])
  return made as MadeRecords
}

/** Whoever takes the first ticket must be able to begin. */
function refuseCircles(tickets: MadeRecords['tickets'] = []): void {
  const wrong = tickets.flatMap(({ depends_on = [] }, i) =>
    depends_on.some((number) => number > i) ? [`tickets.${i}.depends_on`] : [],
  )
  if (wrong.length > 0) throw stepFailed('INVALID_RECORDS', wrong)
}

function fieldOf(output: unknown, field: string): unknown {
  return typeof output === 'object' && output !== null && Object.hasOwn(output, field)
    ? (output as Record<string, unknown>)[field]
    : undefined
}
