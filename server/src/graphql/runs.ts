/** Runs, what they asked and what came of it: the probe, as its contract says it. */
import type { Run as EngineRun } from '@millrace/engine'
import type { Turn as AskedTurn } from '../domains/probe/ask.ts'
import type { Definition as Content } from '../domains/probe/definition/definition.ts'
import { countScenarios, type Scenario as ExpandedScenario } from '../domains/probe/definition/expand.ts'
import type { FoundRun } from '../runs/find-runs.ts'
import type { EndedTask, TranscriptOfRun } from '../domains/probe/many-runs.ts'
import { cursorOf } from '../http/house.ts'
import { progressAt, statusAt, type Status } from '../http/words.ts'
import { builder, page } from './builder.ts'

const statusOf = ({ status }: Pick<EngineRun, 'status'>) => statusAt('probe', status as Status)

/** Kept, or as a run began with it. */
export interface SeenDefinition {
  /** `run-12` of one that was never kept. */
  readonly id: string
  readonly version: number
  readonly content: Content
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly parentId: string | null
}

const Progress = builder.objectRef<EngineRun['progress']>('RunProgress').implement({
  description: 'Counts of tasks.',
  fields: (t) => ({
    total: t.exposeInt('total'),
    completed: t.exposeInt('succeeded'),
    failed: t.exposeInt('failed'),
    cancelled: t.exposeInt('cancelled'),
    percentComplete: t.exposeFloat('percent'),
  }),
})

export const Definition = builder.objectRef<SeenDefinition>('Definition').implement({
  fields: (t) => ({
    id: t.exposeID('id'),
    version: t.exposeInt('version'),
    name: t.string({ resolve: ({ content }) => content.name }),
    tags: t.stringList({ resolve: ({ content }) => [...content.tags] }),
    parentId: t.exposeID('parentId', { nullable: true }),
    content: t.field({ type: 'JSON', resolve: ({ content }) => content }),
    scenarioCount: t.string({
      description: 'Digits, however many.',
      resolve: ({ content }) => countScenarios(content).toString(),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime' }),
  }),
})

export const Scenario = builder.objectRef<ExpandedScenario>('Scenario').implement({
  fields: (t) => ({
    id: t.exposeID('key'),
    index: t.exposeInt('index'),
    name: t.exposeString('key'),
    prompt: t.exposeString('prompt', { description: 'In full, as a model is asked.' }),
    dimensions: t.field({ type: 'JSON', resolve: ({ dimensions }) => dimensions }),
    cursor: t.string({ resolve: ({ index }) => cursorOf(index) }),
  }),
})

const Turn = builder.objectRef<AskedTurn>('Turn').implement({
  fields: (t) => ({
    label: t.exposeString('label'),
    prompt: t.exposeString('prompt'),
    answer: t.exposeString('answer'),
    inputTokens: t.exposeFloat('inputTokens'),
    outputTokens: t.exposeFloat('outputTokens'),
    finishReason: t.exposeString('finishReason'),
    truncated: t.exposeBoolean('truncated'),
  }),
})

const idOf = ({ run, n }: TranscriptOfRun) => `${run}-${n}`

export const Transcript = builder.objectRef<TranscriptOfRun>('Transcript').implement({
  fields: (t) => ({
    id: t.id({ resolve: idOf }),
    runId: t.exposeID('run'),
    scenarioId: t.exposeID('scenarioKey'),
    modelId: t.exposeString('model', { description: '`provider:model[@version]` as it was asked for.' }),
    modelVersion: t.exposeString('modelVersion', { nullable: true }),
    sample: t.exposeInt('sample'),
    decision: t.exposeString('decision', { nullable: true }),
    decisionLabel: t.exposeString('decisionLabel', { nullable: true }),
    overridden: t.exposeBoolean('overridden'),
    turnCount: t.exposeInt('turnCount'),
    wordCount: t.exposeInt('wordCount'),
    inputTokens: t.exposeInt('inputTokens'),
    outputTokens: t.exposeInt('outputTokens'),
    durationMs: t.exposeInt('durationMs'),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    cursor: t.string({ resolve: ({ n }) => cursorOf(n) }),
    turns: t.field({ type: [Turn], resolve: async (one, _, { load }) => (await load.turns(idOf(one))) ?? [] }),
  }),
})

const TaskResult = builder.objectRef<EndedTask>('TaskResult').implement({
  fields: (t) => ({
    id: t.id({ resolve: ({ run, n }) => `${run}-${n}` }),
    scenarioId: t.exposeString('scenario'),
    modelId: t.exposeString('model'),
    status: t.string({ resolve: ({ state }) => statusAt('probe', state) }),
    error: t.string({ nullable: true, resolve: ({ failure }) => failure?.message ?? null }),
    errorCode: t.string({ nullable: true, resolve: ({ failure }) => failure?.code ?? null }),
    completedAt: t.expose('at', { type: 'DateTime' }),
  }),
})

export const Run = builder.objectRef<FoundRun>('Run').implement({
  description: 'A probe run.',
  fields: (t) => ({
    id: t.exposeID('id'),
    name: t.string({ resolve: ({ name }) => name ?? '' }),
    status: t.string({
      description: 'PENDING, PAUSED, RUNNING, COMPLETED, FAILED or CANCELLED.',
      resolve: statusOf,
    }),
    models: t.stringList({ resolve: ({ models }) => [...(models ?? [])] }),
    priority: t.exposeInt('priority'),
    round: t.exposeInt('round'),
    parentId: t.id({ nullable: true, resolve: ({ parent }) => parent }),
    definitionId: t.id({ nullable: true, resolve: ({ definition }) => definition?.id ?? null }),
    progress: t.field({ type: 'JSON', nullable: true, resolve: ({ progress }) => progressAt(progress) }),
    runProgress: t.field({ type: Progress, nullable: true, resolve: ({ progress }) => progress }),
    error: t.string({ nullable: true, resolve: ({ failure }) => failure?.message ?? null }),
    errorCode: t.string({ nullable: true, resolve: ({ failure }) => failure?.code ?? null }),
    createdAt: t.expose('createdAt', { type: 'DateTime' }),
    startedAt: t.expose('startedAt', { type: 'DateTime', nullable: true }),
    completedAt: t.expose('finishedAt', { type: 'DateTime', nullable: true }),
    lastAccessedAt: t.field({
      type: 'DateTime',
      nullable: true,
      resolve: ({ lastAccessedAt: at }) => (at === null ? null : new Date(at)),
    }),
    cursor: t.string({ resolve: ({ id }) => cursorOf(id) }),
    definition: t.field({
      type: Definition,
      description: 'As the run began with it, whatever became of it since.',
      async resolve(run, _, { load }) {
        const content = await load.snapshot(run.id)
        // Every probe has one; a run that was pruned in this moment is none any more.
        if (content === undefined) throw new Error(`run ${run.id} has no snapshot`)
        return {
          id: run.definition === null ? `run-${run.id}` : String(run.definition.id),
          version: run.definition?.version ?? 1,
          content,
          createdAt: run.createdAt,
          updatedAt: run.createdAt,
          parentId: null,
        }
      },
    }),
    transcripts: t.field({
      type: [Transcript],
      args: {
        modelId: t.arg.string(),
        limit: t.arg.int({ defaultValue: 100 }),
        offset: t.arg.int({ defaultValue: 0 }),
      },
      resolve: ({ id }, { modelId, ...rest }, { load }) =>
        load.transcripts(id, { model: modelId ?? null, ...page(rest, 1_000) }),
    }),
    recentTasks: t.field({
      type: [TaskResult],
      description: 'Those that ended last, the newest first.',
      args: { limit: t.arg.int({ defaultValue: 10 }) },
      resolve: ({ id }, rest, { load }) => load.ended(id, page(rest, 100).limit),
    }),
  }),
})
