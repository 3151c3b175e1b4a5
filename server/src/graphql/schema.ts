/** The GraphQL contract: a read model over the same questions as REST, and the four changes of a run. */
import { Refusal } from '@millrace/engine'
import type { GraphQLSchema } from 'graphql'
import { definitionOf, definitionsOf, listDefinitions, type StoredDefinition } from '../domains/probe/definitions.ts'
import { openExpansion } from '../domains/probe/definition/expand.ts'
import { findRuns, foundRun, type FoundRun } from '../runs/find-runs.ts'
import { transcriptOf, transcriptsOf } from '../domains/probe/transcripts.ts'
import { prepare, startProbe } from '../domains/probe/start.ts'
import { afterOf, given, knownTo, priorityOf } from '../http/house.ts'
import { statusesOf } from '../http/words.ts'
import { modelsOffered, specOf } from '../providers/offers.ts'
import { builder, numberOf, orNull, page, USUAL, who, type Asking } from './builder.ts'
import './health.ts'
import { Definition, Run, Scenario, Transcript, type SeenDefinition } from './runs.ts'

builder.queryType({ description: 'What there is.' })
builder.mutationType({ description: 'Starting and steering of runs.' })

const listing = { limit: USUAL, offset: 0 }

builder.queryFields((t) => ({
  run: t.field({
    type: Run,
    nullable: true,
    args: { id: t.arg.id({ required: true }) },
    async resolve(_, { id }, asking) {
      const found = await orNull('NO_SUCH_RUN', probeRun(asking, id, 'runs:read'))
      if (found !== null) asking.house.accesses.saw(asking.signedIn.principal, { run: found.id })
      return found
    },
  }),
  runs: t.field({
    type: [Run],
    description: 'The newest first. `after` is the `cursor` of the last one that you have.',
    args: {
      definitionId: t.arg.id(),
      status: t.arg.string({ description: 'PENDING, PAUSED, RUNNING, COMPLETED, FAILED or CANCELLED.' }),
      limit: t.arg.int({ defaultValue: listing.limit }),
      offset: t.arg.int({ defaultValue: listing.offset }),
      after: t.arg.string(),
    },
    async resolve(_, { definitionId, status, after, ...rest }, asking) {
      const reader = who(asking, 'runs:read')
      const definition = typeof definitionId === 'string' ? numberOf(definitionId) : undefined
      if (typeof definitionId === 'string' && definition === undefined) return []
      const statuses = typeof status === 'string' ? statusesOf('probe', status) : undefined
      if (statuses?.length === 0) throw new Refusal('INVALID_REQUEST', 'There is no such status.')
      return findRuns(asking.house.engine, reader, {
        kind: asking.house.probe.name,
        ...given({ definition, status: statuses, before: afterOf(after ?? undefined) }),
        ...page(rest),
      })
    },
  }),
  definition: t.field({
    type: Definition,
    nullable: true,
    args: { id: t.arg.id({ required: true }), version: t.arg.int() },
    async resolve(_, { id, version }, asking) {
      const found = await orNull('NO_SUCH_DEFINITION', stored(asking, id, version))
      return found === null ? null : seen(found)
    },
  }),
  definitions: t.field({
    type: [Definition],
    description: 'The newest first, each as its newest version.',
    args: {
      search: t.arg.string(),
      tag: t.arg.string(),
      limit: t.arg.int({ defaultValue: listing.limit }),
      offset: t.arg.int({ defaultValue: listing.offset }),
    },
    resolve: (_, { search, tag, ...rest }, asking) =>
      asking.house.engine.as(who(asking, 'definitions:read'), async (tx) => {
        const heads = await listDefinitions(tx, {
          ...given({ search: search ?? undefined, tag: tag ?? undefined }),
          ...page(rest, 100),
        })
        return (
          await definitionsOf(
            tx,
            heads.map(({ id }) => id),
          )
        ).map(seen)
      }),
  }),
  scenarios: t.field({
    type: [Scenario],
    description: 'Of a definition, in order, with their full prompts; nothing is created.',
    args: {
      definitionId: t.arg.id({ required: true }),
      version: t.arg.int(),
      seed: t.arg.string({ defaultValue: '0', required: true, description: 'Chooses the wordings.' }),
      limit: t.arg.int({ defaultValue: listing.limit }),
      offset: t.arg.int({ defaultValue: listing.offset }),
      after: t.arg.string(),
    },
    async resolve(_, { definitionId, version, seed, after, ...rest }, asking) {
      if (!/^-?\d{1,40}$/.test(seed)) throw new Refusal('INVALID_REQUEST', 'A seed is a whole number.')
      const { content } = await stored(asking, definitionId, version)
      const { limit, offset } = page(rest)
      const expansion = openExpansion(content, { seed: BigInt(seed) })
      const from = Math.max(0, (afterOf(after ?? undefined) ?? -1) + 1) + offset
      const length = Math.max(0, Math.min(limit, expansion.count - from))
      return Array.from({ length }, (_, i) => expansion.at(from + i))
    },
  }),
  transcript: t.field({
    type: Transcript,
    nullable: true,
    args: { id: t.arg.id({ required: true, description: 'As a transcript gives it.' }) },
    async resolve(_, { id }, asking) {
      const reader = who(asking, 'runs:read')
      const [run = 0, n = 0] = /^[1-9]\d{0,14}-[1-9]\d{0,8}$/.test(id) ? id.split('-').map(Number) : []
      if (run === 0) return null
      const found = await orNull(
        'NO_SUCH_TRANSCRIPT',
        asking.house.engine.as(reader, (tx) => transcriptOf(tx, run, n, {})),
      )
      if (found !== null) asking.house.accesses.saw(reader, { run, task: n })
      return found === null ? null : { ...found, run }
    },
  }),
  transcripts: t.field({
    type: [Transcript],
    description: 'Of a run, by number. `after` is the `cursor` of the last one that you have.',
    args: {
      runId: t.arg.id({ required: true }),
      modelId: t.arg.string(),
      decision: t.arg.string(),
      search: t.arg.string(),
      limit: t.arg.int({ defaultValue: listing.limit }),
      after: t.arg.string(),
    },
    async resolve(_, { runId, modelId, decision, search, limit, after }, asking) {
      const run = await probeRun(asking, runId, 'runs:read')
      const found = await asking.house.engine.as(asking.signedIn.principal, (tx) =>
        transcriptsOf(tx, run.id, {
          ...given({
            model: modelId ?? undefined,
            decision: decision ?? undefined,
            search: search ?? undefined,
          }),
          after: afterOf(after ?? undefined) ?? 0,
          limit: page({ limit }).limit,
        }),
      )
      return found.map((one) => ({ ...one, run: run.id }))
    },
  }),
}))

const StartRunInput = builder.inputType('StartRunInput', {
  fields: (t) => ({
    definitionId: t.id({ required: true }),
    version: t.int({ description: 'Of the definition; the newest if left out.' }),
    models: t.stringList({
      required: true,
      description: '`provider:model[@version]`, or the id of an available model that one provider alone has.',
    }),
    samplePercentage: t.int(),
    sampleSeed: t.string({ description: 'A whole number.' }),
    samplesPerScenario: t.int(),
    temperature: t.float(),
    maxTokens: t.int(),
    maxTurns: t.int(),
    priority: t.string({ description: 'LOW, NORMAL or HIGH.' }),
    hold: t.boolean({ description: 'Nobody claims from it until it is resumed.' }),
    idempotencyKey: t.string({ description: 'The same key with the same input is the same run.' }),
  }),
})

const StartRunPayload = builder.objectRef<{ run: FoundRun; jobCount: number }>('StartRunPayload').implement({
  fields: (t) => ({
    run: t.expose('run', { type: Run }),
    jobCount: t.exposeInt('jobCount', { description: 'Tasks that were planned.' }),
  }),
})

const PRIORITIES = ['LOW', 'NORMAL', 'HIGH'] as const
const KEY = /^[\x21-\x7e]{1,200}$/

builder.mutationFields((t) => ({
  startRun: t.field({
    type: StartRunPayload,
    args: { input: t.arg({ type: StartRunInput, required: true }) },
    async resolve(_, { input }, asking) {
      const { house } = asking
      const starter = who(asking, 'runs:write')
      const priority = PRIORITIES.find((one) => one === (input.priority ?? 'NORMAL').toUpperCase())
      const key = asking.key ?? input.idempotencyKey ?? undefined
      if (priority === undefined) throw new Refusal('INVALID_REQUEST', 'A priority is LOW, NORMAL or HIGH.')
      if (key !== undefined && !KEY.test(key)) {
        throw new Refusal('INVALID_REQUEST', 'An idempotency key has 1 to 200 visible characters.')
      }
      const definition = await stored(asking, input.definitionId, input.version, 'runs:write')
      const { samplePercentage, sampleSeed, samplesPerScenario, temperature, maxTokens, maxTurns } = input
      const offers = await modelsOffered(house.catalogue)
      const asked = {
        definition: definition.content,
        models: input.models.map((model) => specOf(model, house.catalogue, offers)),
        ...stated({ samplePercentage, sampleSeed, samplesPerScenario, temperature, maxTokens, maxTurns }),
      }
      const { input: probe, dry } = await prepare(asked, house.catalogue, knownTo(house, starter))
      const { run } = await startProbe(house.engine, house.probe, starter, probe, {
        workspace: definition.workspace,
        priority: priorityOf(priority),
        definition: { id: definition.id, version: definition.shown },
        ...given({ key }),
        ...(input.hold === true ? { held: 'paused' as const } : {}),
      })
      return { run: await foundRun(house.engine, starter, run), jobCount: dry.tasks }
    },
  }),
  ...Object.fromEntries(
    (
      [
        ['pauseRun', 'hold', 'Let nobody claim from it; what is under way is finished.'],
        ['resumeRun', 'release', 'Let a paused run go on.'],
        ['cancelRun', 'cancel', 'End it; its results so far stay.'],
      ] as const
    ).map(([name, verb, description]) => [
      name,
      t.field({
        type: Run,
        description,
        args: { runId: t.arg.id({ required: true }) },
        async resolve(_, { runId }, asking) {
          const { id } = await probeRun(asking, runId, 'runs:write')
          await asking.house.engine[verb](asking.signedIn.principal, id)
          return foundRun(asking.house.engine, asking.signedIn.principal, id)
        },
      }),
    ]),
  ),
}))

/** Null says the same as leaving out. */
function stated<T extends object>(fields: T): { [K in keyof T]?: NonNullable<T[K]> } {
  return Object.fromEntries(
    Object.entries(fields).filter(([, value]) => value !== null && value !== undefined),
  ) as never
}

/** @throws Refusal NO_SUCH_RUN, also for a run of another kind */
async function probeRun(asking: Asking, id: string, right: 'runs:read' | 'runs:write'): Promise<FoundRun> {
  const reader = who(asking, right)
  const number = numberOf(id)
  const found = number === undefined ? undefined : await foundRun(asking.house.engine, reader, number)
  if (found?.kind === asking.house.probe.name) return found
  throw new Refusal('NO_SUCH_RUN', 'There is no such probe run.')
}

/** @throws Refusal NO_SUCH_DEFINITION */
async function stored(
  asking: Asking,
  id: string,
  version: number | null | undefined,
  right: 'definitions:read' | 'runs:write' = 'definitions:read',
) {
  const reader = who(asking, right)
  const number = numberOf(id)
  if (number === undefined || (typeof version === 'number' && version < 1)) {
    throw new Refusal('NO_SUCH_DEFINITION', 'There is no such definition.')
  }
  const found = await asking.house.engine.as(reader, (tx) => definitionOf(tx, number, version ?? undefined))
  asking.house.accesses.saw(reader, { definition: number })
  return found
}

function seen({ id, shown, content, createdAt, updatedAt, parent }: StoredDefinition): SeenDefinition {
  return {
    id: String(id),
    version: shown,
    content,
    createdAt,
    updatedAt,
    parentId: parent === null ? null : String(parent.id),
  }
}

export const schema: GraphQLSchema = builder.toSchema()
