/**
 * The recipes that `initialize` writes: what each usual stage makes, how far it goes by
 * itself, and what must be there before a card goes on.  The last four stages have no
 * skill: their gates say what people have to bring.
 */
import type { Level } from './recipe.ts'

interface DefaultStep {
  /** A skill that Millrace ships. */
  readonly skillId: string
  readonly order: number
  readonly inputsMapping: Readonly<Record<string, string>>
  readonly outputsMapping: Readonly<Record<string, string>>
  readonly timeout?: number
  readonly retryCount: number
}

interface DefaultRecipe {
  readonly automationLevel: Level
  readonly recipeSteps: readonly DefaultStep[]
  readonly gates: readonly object[]
  readonly onFailBehavior: 'stay' | 'revert' | 'create_questions' | 'review_required'
}

const title = { title: 'card.title' }

function step(
  order: number,
  skillId: string,
  inputsMapping: Readonly<Record<string, string>>,
  outputsMapping: Readonly<Record<string, string>>,
): DefaultStep {
  return { skillId, order, inputsMapping: { ...title, ...inputsMapping }, outputsMapping, retryCount: 2 }
}

const document = (path: string) => `documents['${path}']`
const all = (path: string) => ({ $: document(path) })

function has(file: string, ...requiredSections: string[]): object {
  const id = file.replace('.md', '')
  return {
    id,
    name: `${file} is whole`,
    type: 'content_check',
    config: { file, requiredSections },
    required: true,
    message: `${file} lacks a section that the next stage needs.`,
  }
}

export const DEFAULT_RECIPES: Readonly<Record<string, DefaultRecipe>> = {
  inbox: {
    automationLevel: 'fully_auto',
    recipeSteps: [step(1, 'analyze-transcript', { transcript: 'card.description' }, all('research.md'))],
    gates: [has('research.md', 'Summary')],
    onFailBehavior: 'stay',
  },
  discovery: {
    automationLevel: 'auto_notify',
    recipeSteps: [
      step(
        1,
        'synthesize-discovery',
        { research: document('research.md') },
        {
          ...all('discovery.md'),
          hypotheses: document('hypotheses/*.md'),
        },
      ),
    ],
    gates: [
      has('discovery.md', 'Overview', 'Hypotheses'),
      {
        id: 'hypotheses',
        name: 'There is a hypothesis',
        type: 'file_exists',
        config: { pattern: 'hypotheses/*.md' },
        required: true,
        message: 'Discovery has brought no hypothesis.',
      },
    ],
    onFailBehavior: 'stay',
  },
  prd: {
    automationLevel: 'auto_notify',
    recipeSteps: [
      step(
        1,
        'write-prd',
        { discovery: document('discovery.md'), research: document('research.md'), answers: 'card.answers' },
        all('prd.md'),
      ),
      step(2, 'write-design-brief', { prd: document('prd.md') }, all('design-brief.md')),
      step(
        3,
        'write-engineering-spec',
        { prd: document('prd.md'), design_brief: document('design-brief.md') },
        all('engineering-spec.md'),
      ),
      step(4, 'write-gtm-brief', { prd: document('prd.md') }, all('gtm-brief.md')),
    ],
    gates: [
      has('prd.md', 'Problem Statement', 'Target Personas', 'Success Metrics', 'MVP Scope'),
      has('design-brief.md', 'Goal'),
      has('engineering-spec.md', 'Summary'),
      has('gtm-brief.md', 'Positioning'),
    ],
    onFailBehavior: 'create_questions',
  },
  design: {
    automationLevel: 'auto_notify',
    recipeSteps: [
      step(
        1,
        'review-design',
        { prd: document('prd.md'), design_brief: document('design-brief.md') },
        all('design-review.md'),
      ),
    ],
    gates: [has('design-review.md', 'Summary')],
    onFailBehavior: 'stay',
  },
  prototype: {
    automationLevel: 'auto_notify',
    recipeSteps: [
      step(
        1,
        'specify-prototype',
        {
          prd: document('prd.md'),
          design_brief: document('design-brief.md'),
          design_review: document('design-review.md'),
        },
        all('prototype-notes.md'),
      ),
    ],
    gates: [has('prototype-notes.md', 'Summary')],
    onFailBehavior: 'stay',
  },
  validate: {
    automationLevel: 'human_approval',
    recipeSteps: [
      step(
        1,
        'jury-evaluation',
        { prd: document('prd.md'), prototype_notes: document('prototype-notes.md') },
        { ...all('validation-report.md'), score: 'metrics.jury_score' },
      ),
    ],
    gates: [
      has('validation-report.md', 'Summary'),
      {
        id: 'jury',
        name: 'The jury is convinced',
        type: 'metric_threshold',
        config: { metric: 'jury_score', threshold: 70, operator: '>=', unit: 'score' },
        required: true,
        message: 'The jury is not convinced: its score is below 70.',
      },
    ],
    onFailBehavior: 'review_required',
  },
  tickets: {
    automationLevel: 'human_approval',
    recipeSteps: [
      step(
        1,
        'generate-tickets',
        {
          prd: document('prd.md'),
          engineering_spec: document('engineering-spec.md'),
          prototype_notes: document('prototype-notes.md'),
          validation: document('validation-report.md'),
        },
        all('tickets.md'),
      ),
    ],
    gates: [has('tickets.md', 'Tickets')],
    onFailBehavior: 'stay',
  },
  build: byPeople(linked('pr', 'Pull request', 'Link the pull request that builds this: there is none yet.')),
  alpha: byPeople(
    linked('url', 'Alpha', 'Link where the alpha can be used, as an artifact labelled Alpha.', 'Alpha'),
    measured('alpha_users', '>=', 5, 'people', 'Say how many people use the alpha: at least 5 are wanted.'),
  ),
  beta: byPeople(
    measured('beta_users', '>=', 25, 'people', 'Say how many people use the beta: at least 25 are wanted.'),
    measured('error_rate', '<=', 2, 'percent', 'Say which part of requests fails in the beta: at most 2 percent may.'),
  ),
  ga: byPeople(
    has('gtm-brief.md', 'Positioning', 'Launch'),
    linked('url', 'Release', 'Link the release, as an artifact labelled Release.', 'Release'),
  ),
}

function byPeople(...gates: object[]): DefaultRecipe {
  return { automationLevel: 'manual', recipeSteps: [], gates, onFailBehavior: 'create_questions' }
}

function linked(artifactType: string, name: string, message: string, label?: string): object {
  const config = { artifactType, ...(label === undefined ? {} : { label }) }
  return { id: name.toLowerCase().replaceAll(' ', '-'), name, type: 'artifact_exists', config, required: true, message }
}

function measured(metric: string, operator: string, threshold: number, unit: string, message: string): object {
  const config = { metric, operator, threshold, unit }
  return { id: metric, name: metric.replace('_', ' '), type: 'metric_threshold', config, required: true, message }
}
