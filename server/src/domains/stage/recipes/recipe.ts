/**
 * What a stage does with a card: steps, gates, how much by itself.  This is the shape
 * alone; whether its skills, mappings and stage are there is asked in `check.ts`.
 */
import { z } from 'zod'
import { gateSchema } from './gate.ts'

export const LEVELS = ['fully_auto', 'auto_notify', 'human_approval', 'manual'] as const
export type Level = (typeof LEVELS)[number]
export const ON_FAIL = ['stay', 'revert', 'create_questions', 'review_required'] as const

/** Milliseconds that a step may take: the longest, and what it is without a word. */
export const LONGEST_STEP = 1_800_000
export const STEP_TIMEOUT = 300_000
const MOST_STEPS = 50
const MOST_GATES = 50

const mapping = z.record(z.string().min(1).max(300), z.string().min(1).max(2_000))

const step = z.preprocess(
  spelled,
  z.strictObject({
    /** The number of a skill, or its name where one alone has it. */
    skillId: z.union([z.int().min(1), z.string().min(1).max(400)]),
    /** The version that it stands on; the one in use when it is saved, if nobody says. */
    skillVersion: z.int().min(1).max(2_147_483_647).optional(),
    order: z.int().min(1).max(1_000),
    params: z.record(z.string().min(1).max(64), z.unknown()).default({}),
    inputsMapping: mapping.default({}),
    outputsMapping: mapping.default({}),
    /** Milliseconds. */
    timeout: z.int().min(1_000).max(LONGEST_STEP).default(STEP_TIMEOUT),
    retryCount: z.int().min(0).max(10).default(1),
  }),
)
export type RecipeStep = z.output<typeof step>

/** `paramsJson` is the seed's other word for `params`; as text it is JSON. */
function spelled(given: unknown): unknown {
  if (typeof given !== 'object' || given === null || !('paramsJson' in given)) return given
  const { paramsJson, ...rest } = given as Record<string, unknown>
  if (rest['params'] !== undefined) return given
  return { ...rest, params: typeof paramsJson === 'string' ? parsed(paramsJson) : paramsJson }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text) as unknown
  } catch {
    return text
  }
}

export const recipeSchema = z
  .strictObject({
    automationLevel: z.enum(LEVELS),
    recipeSteps: z.array(step).max(MOST_STEPS),
    gates: z.array(gateSchema).max(MOST_GATES),
    onFailBehavior: z.enum(ON_FAIL),
    /** Who is asked: the first part of a model's name, `anthropic` in `anthropic:claude-…`. */
    provider: z.string().regex(/^[a-z0-9][a-z0-9._-]{0,63}$/, 'a provider is named in lower case'),
    enabled: z.boolean(),
  })
  .check((context) => {
    const { recipeSteps, gates } = context.value
    repeated(recipeSteps.map(({ order }) => order)).forEach((order) =>
      context.issues.push({
        code: 'custom',
        message: `two steps have the order ${order}`,
        input: order,
        path: ['recipeSteps'],
      }),
    )
    repeated(gates.map(({ id }) => id)).forEach((id) =>
      context.issues.push({ code: 'custom', message: `two gates have the id ${id}`, input: id, path: ['gates'] }),
    )
  })
export type Recipe = z.output<typeof recipeSchema>

/** What a recipe is where nobody has said anything else of it. */
export const EMPTY_RECIPE: Recipe = {
  automationLevel: 'human_approval',
  recipeSteps: [],
  gates: [],
  onFailBehavior: 'stay',
  provider: 'anthropic',
  enabled: true,
}

export type ReadRecipe = { readonly recipe: Recipe } | { readonly errors: readonly string[] }

/** Everything that is wrong at once, each with its place: `gates.0.config.pattern: …`. */
export function readRecipe(given: unknown): ReadRecipe {
  const read = recipeSchema.safeParse(given)
  if (!read.success) return { errors: read.error.issues.flatMap(sentences) }
  const { recipeSteps, ...recipe } = read.data
  return { recipe: { ...recipe, recipeSteps: recipeSteps.toSorted((a, b) => a.order - b.order) } }
}

function sentences(issue: z.core.$ZodIssue): string[] {
  const place = issue.path.map(String).join('.')
  const at = place === '' ? '' : `${place}: `
  if (issue.code === 'unrecognized_keys') return issue.keys.map((key) => `${at}there is no field ${quoted(key)} here`)
  if (issue.code === 'invalid_union' && place.endsWith('type')) {
    return [`${at}a gate is file_exists, content_check, artifact_exists, metric_threshold or custom`]
  }
  return [`${at}${issue.message}`]
}

const quoted = (text: string) => JSON.stringify(text.slice(0, 60))

function repeated<T>(values: readonly T[]): T[] {
  return [...new Set(values.filter((value, i) => values.indexOf(value) !== i))]
}
