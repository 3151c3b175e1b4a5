/** What is answered about recipes, documents, artifacts, metrics and gates, as schemas. */
import { z } from 'zod'
import { GATE_TYPES } from '../domains/stage/recipes/gate.ts'
import { ARTIFACT_TYPES } from '../domains/stage/recipes/mapping.ts'
import { LEVELS, ON_FAIL } from '../domains/stage/recipes/recipe.ts'

const mapping = z.record(z.string(), z.string())

const recipeStep = z.object({
  skillId: z.int(),
  skillVersion: z.int().describe('The content that it stands on, whatever the skill becomes.'),
  order: z.int(),
  params: z.record(z.string(), z.unknown()),
  inputsMapping: mapping,
  outputsMapping: mapping,
  timeout: z.int().describe('Milliseconds.'),
  retryCount: z.int(),
})

export const recipe = z
  .object({
    stage: z.string(),
    automationLevel: z.enum(LEVELS),
    recipeSteps: z.array(recipeStep),
    gates: z.array(
      z.looseObject({
        id: z.string(),
        name: z.string().optional(),
        type: z.string(),
        required: z.boolean(),
        message: z.string().optional(),
        config: z.record(z.string(), z.unknown()),
      }),
    ),
    onFailBehavior: z.enum(ON_FAIL),
    provider: z.string(),
    enabled: z.boolean(),
    version: z.int(),
    createdAt: z.date(),
    createdBy: z.string(),
    updatedAt: z.date(),
    updatedBy: z.string(),
  })
  .meta({ id: 'StageRecipe', description: 'What a stage does with a card.' })

export const recipeValidation = z
  .object({
    valid: z.boolean(),
    errors: z.array(z.string()),
    warnings: z.array(z.string()),
    skillsStatus: z.array(
      z.object({
        skillId: z.string(),
        name: z.string(),
        found: z.boolean(),
        trusted: z.boolean(),
        source: z.string(),
      }),
    ),
  })
  .meta({ id: 'RecipeValidation' })

export const gateResult = z
  .object({
    id: z.string(),
    name: z.string(),
    type: z.string().describe(`One of ${GATE_TYPES.join(', ')}; unknown: nobody can evaluate it.`),
    required: z.boolean(),
    passed: z.boolean().nullable().describe('Null: a tool answers this, and was not asked.'),
    message: z.string().nullable(),
    evidence: z.record(z.string(), z.unknown()).describe('What was looked for and what was found.'),
  })
  .meta({ id: 'GateResult' })

export const keptGateResult = gateResult
  .extend({ stage: z.string(), run: z.int().nullable(), task: z.int(), at: z.date() })
  .meta({ id: 'KeptGateResult' })

export const documentHead = z
  .object({
    path: z.string(),
    version: z.int().describe('The newest.'),
    bytes: z.int(),
    digest: z.string().describe('sha256 of the text, hex.'),
    by: z.string(),
    updatedAt: z.date(),
  })
  .meta({ id: 'DocumentHead' })

export const documentVersion = z
  .object({
    path: z.string(),
    version: z.int(),
    latest: z.int().describe('The newest.'),
    origin: z
      .enum(['run', 'person', 'file'])
      .describe('Who made it: a run, a person here, or somebody who changed the exported file.'),
    stage: z.string().nullable().describe('Of a run: the stage that it worked for.'),
    run: z.int().nullable(),
    by: z.string(),
    at: z.date(),
    bytes: z.int(),
    digest: z.string(),
  })
  .meta({ id: 'DocumentVersion' })

export const wholeDocument = documentVersion.extend({ content: z.string() }).meta({ id: 'Document' })

export const cardArtifact = z
  .object({
    id: z.int(),
    card: z.int(),
    type: z.enum(ARTIFACT_TYPES),
    label: z.string(),
    uri: z.string().nullable().describe('http or https.'),
    document: z.object({ path: z.string(), version: z.int() }).nullable(),
    meta: z.record(z.string(), z.unknown()),
    stage: z.string(),
    run: z.int().nullable(),
    task: z.int().nullable(),
    by: z.string(),
    at: z.date(),
  })
  .meta({ id: 'CardArtifact', description: 'What hangs on a card: a file is a version of a document.' })

export const metric = z
  .object({
    id: z.int(),
    name: z.string(),
    value: z.number(),
    unit: z.string(),
    stage: z.string(),
    run: z.int().nullable(),
    by: z.string(),
    at: z.date(),
  })
  .meta({ id: 'Metric' })
