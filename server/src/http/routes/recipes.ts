/** Recipes: what each stage does with a card; checked before anything is kept, and tried without running anything. */
import { z } from 'zod'
import { previewGates } from '../../domains/stage/artifacts.ts'
import {
  checkChange,
  initializeRecipes,
  recipeOf,
  recipesOf,
  removeRecipe,
  saveRecipe,
  type CheckedStored,
} from '../../domains/stage/recipes/recipes.ts'
import type { Door } from '../door.ts'
import { given, id, small, who, workspaceAsked, type Opened } from '../house.ts'
import { gateResult, recipe, recipeValidation } from '../recipe-shapes.ts'

const tags = ['recipes']
const read = { right: 'board:read' } as const
const write = { right: 'board:write' } as const

const stage = z.string().min(1).max(40).describe('Key of a stage.')
const params = z.strictObject({ stage })
const workspaceId = id.optional().describe('Number of the workspace; the first of yours if left out.')
const asked = z.strictObject({ workspaceId })
const base = z.int().min(0).max(2_147_483_647).optional()
/** Its fields are checked by the recipe itself, which says everything that is wrong at once. */
const change = z
  .looseObject({
    workspaceId: z.int().min(1).optional(),
    baseVersion: base.describe(
      'The version that was looked at, 0 where there was none; another one meanwhile is a 409.',
    ),
  })
  .describe('Fields of a recipe and their new values; what is not named stays.')
const checked = z.object({ recipe, validation: recipeValidation })

export function recipeRoutes(door: Door, house: Opened): void {
  door.route({
    method: 'GET',
    url: '/api/stage-recipes',
    config: read,
    schema: {
      tags,
      operationId: 'listRecipes',
      summary: 'The recipes of a workspace, in the order of its stages.',
      querystring: asked,
      response: { 200: z.object({ recipes: z.array(recipe) }) },
    },
    async handler(request) {
      const workspace = workspaceAsked(request, request.query.workspaceId)
      const recipes = await house().engine.as(who(request), (tx) => recipesOf(tx, workspace))
      return { recipes: recipes as never }
    },
  })

  door.route({
    method: 'POST',
    url: '/api/stage-recipes',
    config: write,
    schema: {
      tags,
      operationId: 'initializeRecipes',
      summary: 'Write a useful recipe for each of the usual stages that has none; all of them, or none.',
      body: z.strictObject({
        action: z.literal('initialize'),
        workspaceId: z.int().min(1).optional(),
        provider: z.string().min(1).max(64).optional().describe('Who is asked; anthropic if left out.'),
      }),
      response: { 200: z.object({ created: z.array(z.string()), kept: z.array(z.string()) }) },
    },
    async handler(request) {
      const { workspaceId: named, provider } = request.body
      const { engine, catalogue } = house()
      const workspace = workspaceAsked(request, named)
      const made = await initializeRecipes(engine, who(request), workspace, catalogue, provider)
      return { created: [...made.created], kept: [...made.kept] }
    },
  })

  door.route({
    method: 'GET',
    url: '/api/stage-recipes/:stage',
    config: read,
    schema: {
      tags,
      operationId: 'getRecipe',
      summary: 'One recipe, with what is right and wrong with it now.',
      params,
      querystring: asked,
      response: { 200: checked },
    },
    async handler(request) {
      const { engine, catalogue } = house()
      const workspace = workspaceAsked(request, request.query.workspaceId)
      const found = await engine.as(who(request), (tx) => recipeOf(tx, workspace, request.params.stage, catalogue))
      return shown(found)
    },
  })

  door.route({
    method: 'PATCH',
    url: '/api/stage-recipes/:stage',
    config: write,
    schema: {
      tags,
      operationId: 'setRecipe',
      summary: 'Change a recipe, or make the first one of a stage.',
      description:
        'A recipe that cannot run is refused with INVALID_RECIPE, whose `validation` says everything that is wrong; then nothing was changed. Each step is pinned to the content that its skill has now.',
      params,
      body: change,
      response: { 200: checked },
    },
    async handler(request) {
      const { workspaceId: named, baseVersion, ...fields } = request.body
      const { engine, catalogue } = house()
      const workspace = workspaceAsked(request, named)
      const saved = await saveRecipe(
        engine,
        who(request),
        workspace,
        request.params.stage,
        fields,
        catalogue,
        baseVersion,
      )
      return shown(saved)
    },
  })

  door.route({
    method: 'DELETE',
    url: '/api/stage-recipes/:stage',
    config: write,
    schema: {
      tags,
      operationId: 'removeRecipe',
      summary: 'Take a recipe away; cards that come into its stage start nothing.',
      params,
      querystring: asked.extend({
        baseVersion: small.optional().describe('The version that was looked at; another one meanwhile is a 409.'),
      }),
      response: { 204: z.undefined().describe('It is gone.') },
    },
    async handler(request, reply) {
      const workspace = workspaceAsked(request, request.query.workspaceId)
      await removeRecipe(house().engine, who(request), workspace, request.params.stage, request.query.baseVersion)
      return reply.code(204).send()
    },
  })

  door.route({
    method: 'POST',
    url: '/api/stage-recipes/:stage/check',
    config: read,
    schema: {
      tags,
      operationId: 'checkRecipe',
      summary: 'What saving this change would say; nothing is kept.',
      params,
      body: change,
      response: { 200: recipeValidation },
    },
    async handler(request) {
      const { workspaceId: named, baseVersion: _, ...fields } = request.body
      const { engine, catalogue } = house()
      const workspace = workspaceAsked(request, named)
      const found = await engine.as(who(request), (tx) =>
        checkChange(tx, workspace, request.params.stage, fields, catalogue),
      )
      return validationOf(found)
    },
  })

  door.route({
    method: 'POST',
    url: '/api/stage-recipes/:stage/preview',
    config: read,
    schema: {
      tags,
      operationId: 'previewGates',
      summary: 'What the gates of a stage say of a card now; nothing is run, and no tool is asked.',
      params,
      body: z.strictObject({ cardId: z.int().min(1), workspaceId: z.int().min(1).optional() }),
      response: {
        200: z.object({ stage: z.string(), results: z.array(gateResult), blocked: z.boolean() }),
      },
    },
    async handler(request) {
      const { cardId, ...named } = request.body
      const { engine, catalogue } = house()
      const workspace = workspaceAsked(request, given(named).workspaceId)
      const found = await engine.as(who(request), async (tx) => {
        const { recipe: one } = await recipeOf(tx, workspace, request.params.stage, catalogue)
        return previewGates(tx, one.stage, one.gates, cardId)
      })
      return found as never
    },
  })
}

function shown({ recipe: one, validation }: CheckedStored): z.output<typeof checked> {
  return { recipe: one as never, validation: validationOf(validation) }
}

function validationOf(validation: CheckedStored['validation']): z.output<typeof recipeValidation> {
  const { valid, errors, warnings, skillsStatus } = validation
  return { valid, errors: [...errors], warnings: [...warnings], skillsStatus: [...skillsStatus] }
}
