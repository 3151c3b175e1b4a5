/** Recipes that are kept, one for a stage: checked whole before anything is saved, pinned to the content of their skills. */
import { Refusal, toJson, type Engine, type Principal, type Tx } from '@millrace/engine'
import type { Catalogue } from '../../../providers/catalogue.ts'
import { skillFor, type UsableSkill } from '../../../skills/skill.ts'
import { placeProductSkills } from '../../../skills/sync.ts'
import { declaredFaults, declaredFiles } from '../executors/declared-faults.ts'
import { templateFor } from '../steps/outputs.ts'
import { checkRecipe, modelOf, type Known, type KnownSkill, type RecipeValidation } from './check.ts'
import { DEFAULT_RECIPES } from './default-recipes.ts'
import { EMPTY_RECIPE, readRecipe, type Recipe, type RecipeStep } from './recipe.ts'

export interface StoredRecipe extends Recipe {
  readonly stage: string
  readonly version: number
  readonly createdAt: Date
  readonly createdBy: string
  readonly updatedAt: Date
  readonly updatedBy: string
}

export interface CheckedStored {
  readonly recipe: StoredRecipe
  readonly validation: RecipeValidation
}

/** A recipe that was not saved, and everything that is wrong with it. */
export class InvalidRecipe extends Refusal {
  readonly validation: RecipeValidation
  constructor(validation: RecipeValidation) {
    super('INVALID_RECIPE', 'This recipe cannot run; nothing was changed.', { causes: validation.errors })
    this.validation = validation
  }
}

const COLUMNS = `stage, automation_level as "automationLevel", recipe_steps as "recipeSteps", gates,
  on_fail_behavior as "onFailBehavior", provider, enabled, version, created_at as "createdAt", created_by as "createdBy",
  updated_at as "updatedAt", updated_by as "updatedBy"`

/** In the order of the board. */
export async function recipesOf(tx: Tx, workspace: number): Promise<StoredRecipe[]> {
  const { rows } = await tx.query(
    `select ${COLUMNS} from stage.stage_recipes r where r.workspace_id = $1
      order by (select s.position from stage.stages s where s.workspace_id = r.workspace_id and s.key = r.stage)`,
    [workspace],
  )
  return rows as unknown as StoredRecipe[]
}

async function recipeAt(tx: Tx, workspace: number, stage: string): Promise<StoredRecipe | undefined> {
  const { rows } = await tx.query(`select ${COLUMNS} from stage.stage_recipes where workspace_id = $1 and stage = $2`, [
    workspace,
    stage,
  ])
  return rows[0] as unknown as StoredRecipe | undefined
}

/** With what is right and wrong with it now. @throws Refusal NO_SUCH_RECIPE */
export async function recipeOf(tx: Tx, workspace: number, stage: string, catalogue: Catalogue): Promise<CheckedStored> {
  const recipe = await recipeAt(tx, workspace, stage)
  if (recipe === undefined) throw noSuchRecipe(stage)
  const known = await knownTo(tx, workspace, recipe.recipeSteps, catalogue)
  return { recipe, validation: checkRecipe(recipe, known).validation }
}

/** Fields and their new values; what is not named stays. */
export type RecipeChange = Readonly<Partial<Record<keyof Recipe, unknown>>>

/**
 * Changes a recipe, or makes it where there is none.
 * @param base the version that was looked at, 0 for none; left out: whichever is there is changed
 * @throws InvalidRecipe; Refusal NO_SUCH_STAGE, RECIPE_CHANGED, NOT_ALLOWED
 */
export function saveRecipe(
  engine: Pick<Engine, 'as'>,
  who: Principal,
  workspace: number,
  stage: string,
  change: RecipeChange,
  catalogue: Catalogue,
  base?: number,
): Promise<CheckedStored> {
  return engine.as(who, async (tx) => {
    const before = await recipeAt(tx, workspace, stage)
    if (base !== undefined && base !== (before?.version ?? 0)) throw recipeChanged(stage, base, before)
    await save(tx, workspace, stage, before, change, catalogue)
    return recipeOf(tx, workspace, stage, catalogue)
  })
}

/** What saving it would say; nothing is kept. @throws Refusal NO_SUCH_STAGE */
export async function checkChange(
  tx: Tx,
  workspace: number,
  stage: string,
  change: RecipeChange,
  catalogue: Catalogue,
): Promise<RecipeValidation> {
  const { rows } = await tx.query('select 1 from stage.stages where workspace_id = $1 and key = $2', [workspace, stage])
  const { validation } = await checked(tx, workspace, await recipeAt(tx, workspace, stage), change, catalogue)
  if (rows.length > 0) return validation
  return { ...validation, valid: false, errors: [`stage: there is no ${stage} on this board`, ...validation.errors] }
}

async function checked(
  tx: Tx,
  workspace: number,
  before: StoredRecipe | undefined,
  change: RecipeChange,
  catalogue: Catalogue,
) {
  const read = readRecipe({ ...(before === undefined ? EMPTY_RECIPE : bare(before)), ...change })
  if ('errors' in read) return { validation: { valid: false, errors: read.errors, warnings: [], skillsStatus: [] } }
  const known = await knownTo(tx, workspace, read.recipe.recipeSteps, catalogue)
  return { recipe: read.recipe, known, ...checkRecipe(read.recipe, known) }
}

async function save(
  tx: Tx,
  workspace: number,
  stage: string,
  before: StoredRecipe | undefined,
  change: RecipeChange,
  catalogue: Catalogue,
): Promise<void> {
  const result = await checked(tx, workspace, before, change, catalogue)
  if (!result.validation.valid || !('recipe' in result)) throw new InvalidRecipe(result.validation)
  const { recipe, steps, known } = result
  const pins = steps.map((step) => ({ model: specOf(recipe.provider, step, catalogue), trust: trustOf(step, known) }))
  await tx.query('select stage.set_recipe($1, $2, $3, $4, $5)', [
    workspace,
    stage,
    before?.version ?? 0,
    toJson({ ...recipe, recipeSteps: steps }),
    toJson(pins),
  ])
}

function recipeChanged(stage: string, base: number, now: StoredRecipe | undefined): Refusal {
  const there =
    now === undefined
      ? 'it has none now'
      : `it is at version ${now.version} now, by ${now.updatedBy} at ${now.updatedAt.toISOString()}`
  return new Refusal('RECIPE_CHANGED', `Somebody else has changed the recipe of ${stage}; nothing was saved.`, {
    causes: [base === 0 ? `you began where it had none; ${there}` : `you looked at version ${base}; ${there}`],
    remedy: 'Read it again, bring the two together, and send it with the version that you have read.',
  })
}

/** @param base as for `saveRecipe` */
export async function removeRecipe(
  engine: Pick<Engine, 'as'>,
  who: Principal,
  workspace: number,
  stage: string,
  base?: number,
): Promise<void> {
  await engine.as(who, (tx) => tx.query('select stage.remove_recipe($1, $2, $3)', [workspace, stage, base ?? null]))
}

export interface Initialized {
  /** Stages whose recipes were made now. */
  readonly created: readonly string[]
  /** Those that had one, or that the board does not have. */
  readonly kept: readonly string[]
}

/**
 * A useful recipe for each of the usual stages that has none, with the skills that
 * Millrace ships; all or none of them.
 * @param provider who is asked; otherwise Anthropic
 */
export function initializeRecipes(
  engine: Pick<Engine, 'as'>,
  who: Principal,
  workspace: number,
  catalogue: Catalogue,
  provider = EMPTY_RECIPE.provider,
): Promise<Initialized> {
  return engine.as(who, async (tx) => {
    await tx.query('select stage.initialize($1)', [workspace])
    await placeProductSkills(tx, workspace)
    const { rows } = await tx.query<{ key: string; has: boolean }>(
      `select s.key, r.stage is not null as has from stage.stages s
           left join stage.stage_recipes r on r.workspace_id = s.workspace_id and r.stage = s.key
          where s.workspace_id = $1 order by s.position`,
      [workspace],
    )
    const created: string[] = []
    for (const { key, has } of rows) {
      const recipe = DEFAULT_RECIPES[key]
      if (has || recipe === undefined) continue
      const recipeSteps: object[] = []
      for (const step of recipe.recipeSteps) {
        recipeSteps.push({ ...step, skillId: await shipped(tx, workspace, step.skillId) })
      }
      await save(tx, workspace, key, undefined, { ...recipe, recipeSteps, provider }, catalogue)
      created.push(key)
    }
    return { created, kept: rows.map(({ key }) => key).filter((key) => !created.includes(key)) }
  })
}

async function shipped(tx: Tx, workspace: number, key: string): Promise<number | string> {
  const { rows } = await tx.query<{ id: number }>(
    "select id from skills.skills where workspace_id = $1 and came_by = 'product' and key = $2 and removed_at is null",
    [workspace, key],
  )
  return rows[0]?.id ?? key
}

async function knownTo(tx: Tx, workspace: number, steps: readonly RecipeStep[], catalogue: Catalogue): Promise<Known> {
  const found = new Map<string, KnownSkill | string>()
  for (const step of steps) found.set(place(step), await skillOf(tx, workspace, step))
  const tools = await tx.query<{ name: string }>('select name from tool.tools')
  return {
    skill: (step) => found.get(place(step)) ?? 'there is no such skill',
    providers: new Map(catalogue.providers().map(({ id, missing }) => [id, missing === undefined])),
    hasModel: (provider) => defaultModel(provider, catalogue) !== undefined,
    ...(tools.rows.length === 0 ? {} : { tools: new Set(tools.rows.map(({ name }) => name)) }),
  }
}

const place = ({ skillId, skillVersion }: Pick<RecipeStep, 'skillId' | 'skillVersion'>) =>
  `${skillId}/${skillVersion ?? ''}`

async function skillOf(tx: Tx, workspace: number, { skillId, skillVersion }: RecipeStep): Promise<KnownSkill | string> {
  const id = await skillNumber(tx, workspace, skillId)
  if (typeof id === 'string') return id
  const skill = await skillFor(tx, workspace, id, skillVersion)
  if (skill === undefined) {
    return skillVersion === undefined
      ? `there is no skill ${id}`
      : `there is no skill ${id}, or it has no version ${skillVersion}`
  }
  const latest = await skillFor(tx, workspace, id)
  return knownSkill(skill, latest, declaredFaults(await declaredFiles(tx, id, skill.version), skill.outputSchema))
}

/** Its number, or why nobody knows it. */
async function skillNumber(tx: Tx, workspace: number, said: number | string): Promise<number | string> {
  if (typeof said === 'number') return said
  if (/^\d{1,15}$/.test(said)) return Number(said)
  const { rows } = await tx.query<{ id: number }>(
    'select id from skills.skills where workspace_id = $1 and key = $2 and removed_at is null order by id',
    [workspace, said],
  )
  const [first] = rows
  const shown = JSON.stringify(said.slice(0, 80))
  if (first === undefined) return `there is no skill ${shown}`
  return rows.length === 1
    ? first.id
    : `several skills are named ${shown}: ${rows.map(({ id }) => id).join(', ')}; say the number`
}

function knownSkill(skill: UsableSkill, latest: UsableSkill | undefined, faults: readonly string[]): KnownSkill {
  const { id, key, name, version, digest, inputSchema, outputSchema, trust, source, gone, templates } = skill
  return {
    id,
    key,
    name,
    version,
    latest: latest?.version ?? version,
    digest,
    inputSchema,
    outputSchema,
    trust,
    source,
    gone: gone || latest === undefined,
    hasTemplate: (path) => Object.hasOwn(templates, templateFor(path)),
    faults,
  }
}

function trustOf(step: { readonly skillId: number; readonly skillVersion: number }, known: Known): string {
  const skill = known.skill(step)
  return typeof skill === 'string' ? 'experimental' : skill.trust
}

/** The model of a provider that is asked where nobody names one. */
const USUAL: Readonly<Record<string, string>> = { anthropic: 'claude-sonnet-4-5-20250929', fake: 'a' }

function defaultModel(provider: string, catalogue: Catalogue): string | undefined {
  return USUAL[provider] ?? catalogue.list().find(({ providerId }) => providerId === provider)?.model
}

function specOf(provider: string, { params }: Pick<RecipeStep, 'params'>, catalogue: Catalogue): string {
  const asked = modelOf(provider, params)
  return `${asked.provider}:${asked.model ?? defaultModel(asked.provider, catalogue) ?? ''}`
}

function bare({ automationLevel, recipeSteps, gates, onFailBehavior, provider, enabled }: StoredRecipe): Recipe {
  return { automationLevel, recipeSteps, gates, onFailBehavior, provider, enabled }
}

function noSuchRecipe(stage: string): Refusal {
  return new Refusal('NO_SUCH_RECIPE', `The stage ${JSON.stringify(stage.slice(0, 40))} has no recipe here.`, {
    remedy: '`millrace recipes init` writes one for each of the usual stages.',
  })
}
