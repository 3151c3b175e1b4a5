/** Recipes as people write them: one spelling of each is kept, and what is wrong is told at once. */
import { expect, test } from 'vitest'
import { checkRecipe, type Known, type KnownSkill } from './check.ts'
import { readSource, readTarget } from './mapping.ts'
import { EMPTY_RECIPE, readRecipe } from './recipe.ts'

const prd: KnownSkill = {
  id: 7,
  key: 'write-prd',
  name: 'Write a PRD',
  version: 2,
  latest: 2,
  digest: `sha256:${'a'.repeat(64)}`,
  inputSchema: {
    type: 'object',
    properties: { research: { type: 'string' }, tone: { type: 'string' }, personas: { type: 'array' } },
    required: ['research'],
  },
  outputSchema: {
    type: 'object',
    properties: {
      title: { type: 'string' },
      score: { type: 'number' },
      problems: { type: 'array', items: { $ref: '#/$defs/problem' } },
    },
    required: ['title'],
    $defs: { problem: { type: 'object', properties: { quote: { type: 'string' } } } },
  },
  trust: 'vetted',
  source: 'local',
  gone: false,
  faults: [],
  hasTemplate: (path) => path === 'prd.md',
}
const known: Known = {
  skill: ({ skillId }) =>
    skillId === 7 || skillId === 'write-prd'
      ? prd
      : skillId === 8
        ? { ...prd, id: 8, trust: 'community' }
        : 'there is no such skill',
  providers: new Map([
    ['fake', true],
    ['anthropic', false],
    ['openai', true],
  ]),
  hasModel: (provider) => provider !== 'openai',
  tools: new Set(['lint_document']),
}

const step = { skillId: 7, order: 1, inputsMapping: { research: "documents['research.md']" } }
const gate = { id: 'prd', type: 'file_exists', config: { pattern: 'prd.md' }, required: true }
const recipe = (change: object = {}) => ({
  ...EMPTY_RECIPE,
  provider: 'fake',
  recipeSteps: [step],
  gates: [gate],
  ...change,
})

function told(change: object): readonly string[] {
  const read = readRecipe(recipe(change))
  return 'errors' in read ? read.errors : checkRecipe(read.recipe, known).validation.errors
}
const ofStep = (change: object) => told({ recipeSteps: [{ ...step, ...change }] })
const ofGate = (change: object) => told({ gates: [{ ...gate, ...change }] })

test('a recipe that can run is valid, and stands on the version of each skill that is in use', () => {
  const read = readRecipe(recipe())
  expect(read).toHaveProperty('recipe')
  const { validation, steps } = checkRecipe((read as { recipe: typeof EMPTY_RECIPE }).recipe, known)
  expect(validation).toEqual({
    valid: true,
    errors: [],
    warnings: [],
    skillsStatus: [{ skillId: '7', name: 'Write a PRD', found: true, trusted: true, source: 'local' }],
  })
  expect(steps).toMatchObject([{ skillId: 7, skillVersion: 2, timeout: 300_000, retryCount: 1 }])
})

test('both spellings of the seed are kept as one: paramsJson, sections_exist, jury_score, failureMessage', () => {
  const read = readRecipe(
    recipe({
      recipeSteps: [{ ...step, paramsJson: { tone: 'dry' } }],
      gates: [
        { id: 'a', type: 'sections_exist', config: { file: 'prd.md', sections: ['Goal'] }, failureMessage: 'No goal.' },
        { id: 'b', type: 'jury_score', config: { threshold: 70 }, required: false },
      ],
    }),
  )
  expect(read).toMatchObject({
    recipe: {
      recipeSteps: [{ params: { tone: 'dry' } }],
      gates: [
        { type: 'content_check', config: { file: 'prd.md', requiredSections: ['Goal'] }, message: 'No goal.' },
        { type: 'metric_threshold', config: { metric: 'jury_score', threshold: 70, operator: '>=', unit: 'score' } },
      ],
    },
  })
})

test.each([
  ['an unknown field', { colour: 'red' }, /there is no field "colour"/],
  ['an unknown level', { automationLevel: 'sometimes' }, /automationLevel/],
  ['a provider that nobody has', { provider: 'nobody' }, /there is no nobody/],
  ['a provider of which no model is named', { provider: 'openai' }, /say which model of openai/],
  ['two steps of one order', { recipeSteps: [step, step] }, /two steps have the order 1/],
  ['two gates of one id', { gates: [gate, gate] }, /two gates have the id prd/],
])('a recipe with %s is told so', (_, change, wanted) => {
  expect(told(change).join('\n')).toMatch(wanted)
})

test.each([
  ['a skill that is not there', { skillId: 99 }, /step 1: there is no such skill/],
  ['a time that is too long', { timeout: 99_999_999 }, /timeout/],
  ['too many tries', { retryCount: 11 }, /retryCount/],
  ['an input that the skill has not', { inputsMapping: { ...step.inputsMapping, colour: "'red'" } }, /no such input/],
  ['a needed input from nowhere', { inputsMapping: {} }, /needs the input research/],
  ['a source that is none', { inputsMapping: { research: 'env.ANTHROPIC_API_KEY' } }, /a source is/],
  ['a field that a card has not', { inputsMapping: { research: 'card.secret' } }, /a card has id, title/],
  ['an earlier step that is not there', { inputsMapping: { research: 'steps.1.title' } }, /no earlier step 1/],
  ['a parameter that is not there', { inputsMapping: { research: 'params.text' } }, /no parameter text/],
  ['a parameter that nobody reads', { params: { colour: 1 } }, /no mapping reads it/],
  ['a path out of the folder', { inputsMapping: { research: "documents['../../x']" } }, /a path has names/],
  ['a field that the skill does not give', { outputsMapping: { body: "documents['prd.md']" } }, /gives no body/],
  ['a field deep down that is not there', { outputsMapping: { 'problems.0.colour': "documents['a.md']" } }, /gives no/],
  ['a document out of the folder', { outputsMapping: { title: "documents['../x']" } }, /a path has names/],
  ['a metric without a unit', { outputsMapping: { score: 'metrics.speed' } }, /unit of speed must be said/],
  [
    'a known metric in another unit',
    { outputsMapping: { score: "metrics.jury_score['percent']" } },
    /measured in score/,
  ],
  ['a metric of text', { outputsMapping: { title: 'metrics.jury_score' } }, /a metric is a number/],
  [
    'two fields into one document',
    { outputsMapping: { title: "documents['a.md']", $: "documents['a.md']" } },
    /another field/,
  ],
])('a step with %s is told so', (_, change, wanted) => {
  expect(ofStep(change).join('\n')).toMatch(wanted)
})

test.each([
  ['an unknown type', { type: 'vibes' }, /gates\.0\.type: a gate is file_exists/],
  ['a pattern out of the folder', { config: { pattern: '../*.md' } }, /a path has names/],
  ['a config of another type', { type: 'content_check' }, /requiredSections|config/],
  ['no sections', { type: 'content_check', config: { file: 'a.md', requiredSections: [] } }, /requiredSections/],
  ['an artifact of no type', { type: 'artifact_exists', config: { artifactType: 'dream' } }, /artifactType/],
  ['a metric without a unit', { type: 'metric_threshold', config: { metric: 'speed', threshold: 1 } }, /unit of speed/],
  ['a threshold that is text', { type: 'jury_score', config: { threshold: '70' } }, /threshold/],
  ['a tool that is not there', { type: 'custom', config: { tool: 'no_tool' } }, /no tool no_tool/],
  [
    'a tool that is told of a step',
    { type: 'custom', config: { tool: 'lint_document', input: { text: 'steps.1.title' } } },
    /a gate knows/,
  ],
])('a gate with %s is told so', (_, change, wanted) => {
  expect(ofGate(change).join('\n')).toMatch(wanted)
})

test('fully_auto takes vetted skills alone, and a recipe that nothing stops is warned about', () => {
  expect(told({ automationLevel: 'fully_auto', recipeSteps: [{ ...step, skillId: 8 }] }).join()).toMatch(/community/)
  const warnings = (gates: object[]) => {
    const read = readRecipe(recipe({ gates }))
    return 'recipe' in read ? checkRecipe(read.recipe, known).validation.warnings.join() : ''
  }
  expect(warnings([])).toMatch(/there is none/)
  expect(warnings([{ ...gate, required: false }])).toMatch(/none is required/)
})

test('a later step may read what an earlier one gives, by its order or by its skill', () => {
  const second = (from: string) => ({ ...step, order: 2, inputsMapping: { research: from } })
  expect(told({ recipeSteps: [step, second('steps.1.problems.0.quote')] })).toEqual([])
  expect(told({ recipeSteps: [second('steps.write-prd.title'), step] })).toEqual([])
  expect(told({ recipeSteps: [step, second('steps.1.colour')] }).join()).toMatch(/gives no colour/)
})

test('literals are JSON, or text in single quotes; nothing is computed', () => {
  expect(readSource("'it''s'")).toHaveProperty('wrong')
  expect(readSource(String.raw`'it\'s'`)).toEqual({ value: { from: 'literal', value: "it's" } })
  expect(readSource('[1, "a"]')).toEqual({ value: { from: 'literal', value: [1, 'a'] } })
  expect(readSource('process.env')).toHaveProperty('wrong')
  expect(readTarget("artifacts.url['Preview']")).toEqual({ value: { to: 'artifacts', type: 'url', label: 'Preview' } })
  expect(readTarget('card.title')).toHaveProperty('wrong')
})
