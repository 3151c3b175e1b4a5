/**
 * Is a recipe one that can run?  Pure: who calls it looks up skills, tools and
 * providers before.  What is wrong is told at once, each with its place.
 */
import type { Gate } from './gate.ts'
import { readField, readSource, readTarget, type Source } from './mapping.ts'
import type { Recipe, RecipeStep } from './recipe.ts'
import { propertiesOf, requiredOf, schemasAt, typesOf, type JsonSchema } from './schema-paths.ts'

/** A version of a skill, as far as a recipe must know it. */
export interface KnownSkill {
  readonly id: number
  /** Its name where it was found; recipes may say it instead of the number. */
  readonly key: string
  readonly name: string
  readonly version: number
  /** The version that is in use now. */
  readonly latest: number
  readonly digest: string
  /** Null: it takes what it is given. */
  readonly inputSchema: JsonSchema | null
  /** Null: it answers with text, `{text}`. */
  readonly outputSchema: JsonSchema | null
  readonly trust: 'vetted' | 'community' | 'experimental'
  readonly source: string
  /** Its place no longer has it. */
  readonly gone: boolean
  /** Has it a template that makes the text of this document? */
  readonly hasTemplate: (path: string) => boolean
  /** What is wrong with the files that say what it does besides, with their lines. */
  readonly faults: readonly string[]
}

export interface Known {
  /** By what the step says; a text is why it is not found. */
  readonly skill: (step: Pick<RecipeStep, 'skillId' | 'skillVersion'>) => KnownSkill | string
  /** Providers by id, and whether this program can ask them. */
  readonly providers: ReadonlyMap<string, boolean>
  /** Is there a model of it that is asked where nobody names one? */
  readonly hasModel: (provider: string) => boolean
  /** Undefined: no worker has said yet which there are. */
  readonly tools?: ReadonlySet<string>
}

export interface SkillStatus {
  readonly skillId: string
  readonly name: string
  readonly found: boolean
  readonly trusted: boolean
  readonly source: string
}

export interface RecipeValidation {
  readonly valid: boolean
  readonly errors: readonly string[]
  readonly warnings: readonly string[]
  readonly skillsStatus: readonly SkillStatus[]
}

/** A step, and the version of the skill that it stands on. */
export interface PinnedStep extends Omit<RecipeStep, 'skillId' | 'skillVersion'> {
  readonly skillId: number
  readonly skillVersion: number
}

export interface CheckedRecipe {
  readonly validation: RecipeValidation
  /** Without those whose skill is not there. */
  readonly steps: readonly PinnedStep[]
}

/** What a skill without a schema of its output gives. */
export const TEXT_OUTPUT: JsonSchema = {
  type: 'object',
  properties: { text: { type: 'string' } },
  required: ['text'],
  additionalProperties: false,
}

/** Parameters that are for the asking, and not for the skill. */
export const ASKING = ['model', 'temperature', 'maxTokens'] as const

export function checkRecipe(recipe: Recipe, known: Known): CheckedRecipe {
  const errors: string[] = []
  const warnings: string[] = []
  const found = recipe.recipeSteps.map((step) => ({ step, skill: known.skill(step) }))
  found.forEach(({ step, skill }, i) => {
    const at = `step ${step.order}`
    if (typeof skill === 'string') {
      errors.push(`${at}: ${skill}`)
      return
    }
    errors.push(...wrongAsking(step, recipe.provider, known).map((wrong) => `${at}: ${wrong}`))
    errors.push(...wrongInputs(step, skill, found.slice(0, i)).map((wrong) => `${at}: ${wrong}`))
    errors.push(...wrongOutputs(step, skill).map((wrong) => `${at}: ${wrong}`))
    errors.push(...skill.faults.map((wrong) => `${at}: ${skill.name}: ${wrong}`))
    if (recipe.automationLevel === 'fully_auto' && skill.trust !== 'vetted') {
      errors.push(`${at}: ${skill.name} is ${skill.trust}; fully_auto takes vetted skills alone`)
    }
    if (skill.gone) warnings.push(`${at}: ${skill.name} is no longer where it was found`)
    if (skill.latest !== skill.version) {
      warnings.push(`${at}: ${skill.name} stands at version ${skill.version}; version ${skill.latest} is in use`)
    }
  })
  errors.push(...wrongProvider(recipe.provider, known))
  if (known.providers.get(recipe.provider) === false) {
    warnings.push(`provider: ${recipe.provider} cannot be asked here yet; its key or address is missing`)
  }
  for (const gate of recipe.gates) gateTool(gate, known, errors, warnings)
  if (recipe.gates.length === 0) warnings.push('gates: there is none, so every end of the steps is good enough')
  else if (!recipe.gates.some(({ required }) => required))
    warnings.push('gates: none is required, so none stops a card')
  return {
    validation: {
      valid: errors.length === 0,
      errors,
      warnings,
      skillsStatus: found.map(({ step, skill }) => statusOf(step, skill)),
    },
    steps: found.flatMap(({ step, skill }) =>
      typeof skill === 'string' ? [] : [{ ...step, skillId: skill.id, skillVersion: skill.version }],
    ),
  }
}

function statusOf({ skillId }: RecipeStep, skill: KnownSkill | string): SkillStatus {
  return typeof skill === 'string'
    ? { skillId: String(skillId), name: String(skillId), found: false, trusted: false, source: 'unknown' }
    : {
        skillId: String(skill.id),
        name: skill.name,
        found: true,
        trusted: skill.trust === 'vetted',
        source: skill.source,
      }
}

/** Who is asked: the provider of the recipe, unless the step's model names another. */
export function modelOf(
  provider: string,
  params: Readonly<Record<string, unknown>>,
): { provider: string; model: string | null } {
  const { model } = params
  if (typeof model !== 'string') return { provider, model: null }
  const colon = model.indexOf(':')
  return colon > 0 ? { provider: model.slice(0, colon), model: model.slice(colon + 1) } : { provider, model }
}

function wrongProvider(provider: string, { providers }: Known): string[] {
  return providers.has(provider)
    ? []
    : [`provider: there is no ${provider}; there are ${[...providers.keys()].join(', ')}`]
}

function wrongAsking({ params }: RecipeStep, provider: string, known: Known): string[] {
  const { model, temperature, maxTokens } = params
  const errors: string[] = []
  if (model !== undefined && (typeof model !== 'string' || model.trim() === '' || model.length > 200)) {
    errors.push('params.model is the name of a model, such as fake:a')
  } else {
    const asked = modelOf(provider, params)
    if (asked.provider !== provider)
      errors.push(...wrongProvider(asked.provider, known).map((one) => `params.model: ${one}`))
    if (asked.model === null && known.providers.has(asked.provider) && !known.hasModel(asked.provider)) {
      errors.push(`params.model: say which model of ${asked.provider}`)
    }
  }
  if (temperature !== undefined && !(typeof temperature === 'number' && temperature >= 0 && temperature <= 2)) {
    errors.push('params.temperature is a number from 0 to 2')
  }
  if (
    maxTokens !== undefined &&
    !(Number.isInteger(maxTokens) && Number(maxTokens) >= 1 && Number(maxTokens) <= 1_000_000)
  ) {
    errors.push('params.maxTokens is a whole number from 1 to 1000000')
  }
  return errors
}

type Before = readonly { readonly step: RecipeStep; readonly skill: KnownSkill | string }[]

function wrongInputs(step: RecipeStep, skill: KnownSkill, before: Before): string[] {
  const schema = skill.inputSchema ?? {}
  const errors: string[] = []
  for (const [name, text] of Object.entries(step.inputsMapping)) {
    const at = `inputsMapping.${name}`
    if (!takes(schema, name))
      errors.push(`${at}: ${skill.name} has no such input; it has ${listed(propertiesOf(schema))}`)
    const source = readSource(text)
    const wrong = 'wrong' in source ? source.wrong : wrongSource(source.value, step, before)
    if (wrong !== undefined) errors.push(`${at}: ${wrong}`)
  }
  for (const name of Object.keys(step.params)) {
    if ((ASKING as readonly string[]).includes(name) || takes(schema, name) || isMapped(step, name)) continue
    errors.push(`params.${name}: ${skill.name} has no such input, and no mapping reads it`)
  }
  for (const name of requiredOf(schema)) {
    if (Object.hasOwn(step.inputsMapping, name) || Object.hasOwn(step.params, name)) continue
    errors.push(`${skill.name} needs the input ${name}; neither inputsMapping nor params has it`)
  }
  return errors
}

/** A schema without properties takes whatever comes. */
function takes(schema: JsonSchema, name: string): boolean {
  const found = schemasAt(schema, [name])
  return found === undefined || found.length > 0
}

function isMapped({ inputsMapping }: RecipeStep, param: string): boolean {
  return Object.values(inputsMapping).some((text) => {
    const source = readSource(text)
    return 'value' in source && source.value.from === 'params' && source.value.path[0] === param
  })
}

function wrongSource(source: Source, step: RecipeStep, before: Before): string | undefined {
  if (source.from === 'params') {
    const [name = ''] = source.path
    return Object.hasOwn(step.params, name) ? undefined : `the step has no parameter ${name}`
  }
  if (source.from !== 'steps') return undefined
  const named = before.filter((one) => isNamed(one, source.step))
  if (named.length === 0) return `there is no earlier step ${source.step}`
  if (named.length > 1) return `several earlier steps are ${source.step}; name one by its order`
  const skill = named[0]?.skill
  if (skill === undefined || typeof skill === 'string') return undefined
  const found = schemasAt(skill.outputSchema ?? TEXT_OUTPUT, source.path)
  return found?.length === 0 ? `${skill.name} gives no ${source.path.join('.')}` : undefined
}

function isNamed({ step, skill }: Before[number], name: string): boolean {
  return String(step.order) === name || (typeof skill !== 'string' && skill.key === name)
}

const ARTIFACTS_OF_LINKS = new Set(['url', 'pr', 'ticket', 'chromatic'])

function wrongOutputs(step: RecipeStep, skill: KnownSkill): string[] {
  const schema = skill.outputSchema ?? TEXT_OUTPUT
  const targets = new Set<string>()
  return Object.entries(step.outputsMapping).flatMap(([field, text]) => {
    const at = `outputsMapping.${field}`
    const path = readField(field)
    if ('wrong' in path) return [`${at}: ${path.wrong}`]
    const found = schemasAt(schema, path.value)
    if (found?.length === 0) return [`${at}: ${skill.name} gives no ${field}; it gives ${listed(propertiesOf(schema))}`]
    const target = readTarget(text)
    if ('wrong' in target) return [`${at}: ${target.wrong}`]
    if (targets.has(text.trim())) return [`${at}: another field already goes to ${text.trim()}`]
    targets.add(text.trim())
    const types = typesOf(found ?? [])
    const { to } = target.value
    if (types.size === 0) return []
    if (to === 'metrics' && !types.has('number') && !types.has('integer')) return [`${at}: a metric is a number`]
    if (to === 'artifacts' && ARTIFACTS_OF_LINKS.has(target.value.type) && !types.has('string')) {
      return [`${at}: the address of an artifact is text`]
    }
    if (to === 'documents' && target.value.path.includes('*')) {
      if (!types.has('array')) return [`${at}: a path with * takes a list`]
      const items = schemasAt(schema, [...path.value, '0'])
      return items === undefined || typesOf(items).size === 0 || isText(items)
        ? []
        : noTemplate(skill, target.value.path, at)
    }
    if (to === 'documents' && !types.has('string')) return noTemplate(skill, target.value.path, at)
    return []
  })
}

const isText = (schemas: readonly JsonSchema[]) => typesOf(schemas).has('string')

/** What is no text becomes one by a template of the skill. */
function noTemplate(skill: KnownSkill, path: string, at: string): string[] {
  return skill.hasTemplate(path) ? [] : [`${at}: it is no text, and ${skill.name} has no template for ${path}`]
}

function gateTool(gate: Gate, { tools }: Known, errors: string[], warnings: string[]): void {
  if (gate.type !== 'custom') return
  const { tool } = gate.config
  if (tools === undefined) warnings.push(`gate ${gate.id}: no worker has said yet whether there is a tool ${tool}`)
  else if (!tools.has(tool)) errors.push(`gate ${gate.id}: there is no tool ${tool}`)
}

const listed = (names: readonly string[]) => (names.length === 0 ? 'none' : names.join(', '))
