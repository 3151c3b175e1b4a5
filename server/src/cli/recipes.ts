/** `millrace recipes`: what each stage does with a card. */
import { parse, stringify } from 'yaml'
import { Refusal } from '@millrace/engine'
import { operator, WORKSPACE } from '../app.ts'
import type { RecipeValidation } from '../domains/stage/recipes/check.ts'
import {
  checkChange,
  initializeRecipes,
  recipeOf,
  recipesOf,
  saveRecipe,
  type StoredRecipe,
} from '../domains/stage/recipes/recipes.ts'
import { readTextFile } from './read-file.ts'
import { dim, remark, say, table } from './screen.ts'
import { withApp } from './session.ts'

export function listRecipes(options: { json?: boolean }): Promise<number> {
  return withApp(async ({ engine }) => {
    const recipes = await engine.as(operator, (tx) => recipesOf(tx, WORKSPACE))
    if (options.json === true) {
      say(JSON.stringify({ recipes }))
      return 0
    }
    if (recipes.length === 0) {
      say('No stage has a recipe. `millrace recipes init` writes one for each of the usual stages.')
      return 0
    }
    const rows = recipes.map((one) => [
      one.stage,
      one.enabled ? one.automationLevel : `${one.automationLevel}, disabled`,
      one.provider,
      one.recipeSteps.length,
      one.gates.map(({ id, required }) => (required ? id : `(${id})`)).join(' '),
      one.onFailBehavior,
      one.version,
    ])
    say(table(['stage', 'level', 'provider', 'steps', 'gates', 'where one fails', 'version'], rows))
    return 0
  })
}

/** On standard output it is what `set` takes; what is wrong with it goes to standard error. */
export function showRecipe(stage: string, options: { json?: boolean }): Promise<number> {
  return withApp(async ({ engine, catalogue }) => {
    const { recipe, validation } = await engine.as(operator, (tx) => recipeOf(tx, WORKSPACE, stage, catalogue))
    if (options.json === true) say(JSON.stringify({ recipe, validation }))
    else {
      say(stringify(fileOf(recipe)).trimEnd())
      tellValidation(validation)
    }
    return 0
  })
}

function fileOf({ stage, automationLevel, enabled, provider, recipeSteps, gates, onFailBehavior }: StoredRecipe) {
  return { stage, automationLevel, enabled, provider, recipeSteps, gates, onFailBehavior }
}

export function initRecipes(options: { provider?: string }): Promise<number> {
  return withApp(async ({ engine, catalogue }) => {
    const { created, kept } = await initializeRecipes(engine, operator, WORKSPACE, catalogue, options.provider)
    say(created.length === 0 ? 'Every usual stage has a recipe already.' : `Written: ${created.join(', ')}.`)
    if (created.length > 0 && kept.length > 0) say(dim(`Left as they are: ${kept.join(', ')}.`))
    return 0
  })
}

/** All files are read before the first is kept. */
export async function setRecipes(
  files: readonly string[],
  options: { stage?: string; base?: number },
): Promise<number> {
  const { base } = options
  if (base !== undefined && files.length > 1) {
    throw new Refusal('INVALID_INPUT', '--base is the version of one recipe: name one file.')
  }
  const changes: Awaited<ReturnType<typeof changeOf>>[] = []
  for (const file of files) changes.push(await changeOf(file, options.stage))
  return withApp(async ({ engine, catalogue }) => {
    for (const { stage, change } of changes) {
      const { recipe, validation } = await saveRecipe(engine, operator, WORKSPACE, stage, change, catalogue, base)
      say(`The recipe of ${stage} is at version ${recipe.version}.`)
      tellValidation(validation)
    }
    return 0
  })
}

export async function checkRecipeFile(file: string, options: { stage?: string; json?: boolean }): Promise<number> {
  const { stage, change } = await changeOf(file, options.stage)
  return withApp(async ({ engine, catalogue }) => {
    const found = await engine.as(operator, (tx) => checkChange(tx, WORKSPACE, stage, change, catalogue))
    if (options.json === true) say(JSON.stringify(found))
    else {
      say(found.valid ? `The recipe of ${stage} can run.` : `The recipe of ${stage} cannot run.`)
      tellValidation(found)
    }
    return found.valid ? 0 : 1
  })
}

export function enableRecipe(stage: string, enabled: boolean): Promise<number> {
  return withApp(async ({ engine, catalogue }) => {
    // Only what is there is switched: nobody means a new recipe by this.
    await engine.as(operator, (tx) => recipeOf(tx, WORKSPACE, stage, catalogue))
    await saveRecipe(engine, operator, WORKSPACE, stage, { enabled }, catalogue)
    say(
      enabled
        ? `Cards that come into ${stage} are worked on again.`
        : `Cards that come into ${stage} start nothing now.`,
    )
    return 0
  })
}

function tellValidation({ errors, warnings }: RecipeValidation): void {
  for (const error of errors) remark(`wrong: ${error}`)
  for (const warning of warnings) remark(`note: ${warning}`)
}

async function changeOf(file: string, named: string | undefined) {
  const text = await readTextFile(file, {
    what: 'a recipe',
    missing: 'Name a file of YAML or JSON; `millrace recipes show prd` writes one.',
    tooLarge: 'A recipe names skills; their texts lie in the skills.',
  })
  let given: unknown
  try {
    given = parse(text, { maxAliasCount: 100 })
  } catch (error) {
    throw new Refusal('INVALID_YAML', `${file} is not YAML.`, {
      cause: error,
      causes: error instanceof Error ? [error.message.split('\n')[0] ?? ''] : [],
    })
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    throw new Refusal('INVALID_RECIPE', `${file} holds no recipe: it must have \`stage\` and fields.`)
  }
  const { stage: said, ...change } = given as Record<string, unknown>
  const stage = named ?? said
  if (typeof stage !== 'string' || stage === '') {
    throw new Refusal('INVALID_RECIPE', `${file} does not say of which stage it is.`, {
      remedy: 'Write `stage: prd` into it, or give --stage prd.',
    })
  }
  return { stage, change }
}
