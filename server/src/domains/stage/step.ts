/**
 * The steps of a stage run: a skill's prompt is filled from the card, its documents and
 * earlier outputs, a model is asked, its answer is checked by the skill's schema, and
 * what the recipe maps is kept with the close: versions of documents, artifacts, metrics.
 */
import { z } from 'zod'
import {
  again,
  defineTask,
  Refusal,
  TaskFailed,
  toJson,
  type Again,
  type Failure,
  type Finished,
  type Hand,
  type Tx,
} from '@millrace/engine'
import { checkerOf } from '../../patterns.ts'
import type { Prices } from '../../prices/prices.ts'
import { canAsk, type Catalogue, type Resolved } from '../../providers/catalogue.ts'
import { isFailure } from '../../providers/failures.ts'
import { generate, type ModelRequest } from '../../providers/provider.ts'
import { skillFor, type UsableSkill } from '../../skills/skill.ts'
import { renderPrompt } from '../../skills/template.ts'
import { documentsVisible } from './documents/documents.ts'
import { LONGEST_STEP } from './recipes/recipe.ts'
import { TEXT_OUTPUT } from './recipes/check.ts'
import { stepKind, stepTaskInput } from './run.ts'
import { answerOf, keepRecords } from './executors/declared.ts'
import type { StepHand } from './steps/step-hand.ts'
import { stepFailed } from './steps/failures.ts'
import { asMaterial } from './steps/material.ts'
import { documentsNamed, inputsOf } from './steps/inputs.ts'
import { isLink, madeOf, type Made, type MadeArtifact } from './steps/outputs.ts'
import { workSnapshot, type StepSnapshot, type WorkSnapshot } from './steps/snapshot.ts'

type StepInput = z.output<typeof stepTaskInput>

/** What later steps may read. */
const stepOutput = z.object({ order: z.int(), skill: z.string(), output: z.unknown(), made: z.custom<Made>() })
type StepOutput = z.output<typeof stepOutput>

export interface StepDeps {
  readonly catalogue: Catalogue
  readonly prices: Prices
}

/** A kind for each provider: who has no key for one leaves its steps to a worker that has. */
export function stepTasks(deps: StepDeps) {
  return deps.catalogue.providers().map(({ id }) =>
    defineTask<StepInput, StepOutput>({
      name: stepKind(id),
      able: () => canAsk(deps.catalogue, id),
      input: stepTaskInput,
      output: stepOutput,
      // The recipe's own time is shorter, and ends it with a word of ours.
      timeout: LONGEST_STEP / 1000 + 30,
      retry,
      perform: (hand) => perform(hand, deps),
      save: saveSteps,
      keep: ({ order, skill, output }) => ({ order, skill, output }),
    }),
  )
}

const PAUSE = 2

/** Its recipe says how often; waiting for a provider's limit is nobody's failure. */
function retry(failure: Failure, tries: number): Again {
  if (failure.code === 'RATE_LIMIT')
    return { outcome: 'later', delay: failure.retryAfter ?? PAUSE * (0.5 + Math.random()) }
  return again(failure, tries, Number(failure.details?.['retries'] ?? 0))
}

async function perform(hand: Hand<StepInput>, deps: StepDeps): Promise<StepOutput> {
  const snapshot = workSnapshot.parse(await hand.runInput())
  const step = snapshot.steps[hand.input.step]
  if (step === undefined) throw stepFailed('NO_SUCH_STEP')
  const late = AbortSignal.timeout(step.timeout)
  try {
    return await performStep(hand, snapshot, step, AbortSignal.any([hand.signal, late]), deps)
  } catch (error) {
    // Our own time is over, and nobody else's.
    const over = late.aborted && !hand.signal.aborted
    throw limited(over ? stepFailed('STEP_TIMEOUT') : error, step)
  }
}

/** The number of tries goes with the failure: `retry` sees nothing else. */
function limited(error: unknown, { retryCount }: StepSnapshot): unknown {
  if (!(error instanceof TaskFailed)) return error
  const { failure } = error
  return new TaskFailed({ ...failure, details: { ...failure.details, retries: retryCount } }, { cause: error })
}

async function performStep(
  hand: Hand<StepInput>,
  snapshot: WorkSnapshot,
  step: StepSnapshot,
  signal: AbortSignal,
  deps: StepDeps,
): Promise<StepOutput> {
  const { workspace, run, read } = hand
  const skill = await skillFor({ query: read }, workspace, Number(step.skill.id), step.skill.version)
  if (skill === undefined || skill.digest !== step.skill.digest) throw stepFailed('SKILL_GONE')
  const inputs = inputsOf(
    step,
    {
      card: { ...snapshot.card, answers: await answersTo(read, snapshot.card.id) },
      documents: await documentsVisible(read, {
        card: snapshot.card.id,
        stage: snapshot.stage,
        run,
        before: hand.task,
        named: documentsNamed(Object.values(step.inputsMapping)),
      }),
      steps: await outputsBefore(hand),
    },
    skill.inputSchema,
  )
  hand.log('step begun', { order: step.order, skill: skill.key, version: skill.version, model: step.model })
  const told: MadeArtifact[] = []
  const stepHand = handOf(hand, snapshot, step, skill, inputs, signal, deps, told)
  const output = checked(await answerOf(stepHand), skill)
  const made = madeOf(output, { ...step, templates: skill.templates, render: renderPrompt })
  made.artifacts.push(...told)
  hand.log('step ended', {
    order: step.order,
    documents: made.documents.map(({ path }) => path).join(', '),
    artifacts: made.artifacts.length,
    metrics: made.metrics.length,
  })
  return { order: step.order, skill: skill.key, output, made }
}

function handOf(
  hand: Hand<StepInput>,
  snapshot: WorkSnapshot,
  step: StepSnapshot,
  skill: UsableSkill,
  inputs: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
  deps: StepDeps,
  told: MadeArtifact[],
): StepHand {
  const { read } = hand
  const resolved = deps.catalogue.resolve(step.model)
  if (isFailure(resolved)) throw new TaskFailed(resolved)
  const { temperature, maxTokens } = asking(step)
  let round: Promise<number> | undefined
  return {
    step,
    inputs,
    read,
    log: (text, data) => hand.log(text, data),
    progress: (data) => hand.progress(data),
    async ask(name, { variables, seed, temperature: warmth = temperature, schema = skill.outputSchema ?? undefined }) {
      const request: ModelRequest = {
        model: resolved.model,
        messages: [{ role: 'user', content: filled(skill.promptTemplate, asMaterial(variables)) }],
        // Without the run: the same card gives the same with a fake, today and tomorrow.
        label: `${step.order} ${name}`,
        maxTokens,
        ...(warmth === undefined ? {} : { temperature: warmth }),
        ...(seed === undefined ? {} : { seed }),
        ...(schema === undefined ? {} : { schema }),
        ...(resolved.providerId === 'cli' ? { live: true } : {}),
      }
      // A new round asks anew: what was said in an earlier one did not lead to an end.
      round ??= roundOf(hand)
      const answer = await hand.remember(
        name,
        [await round, step.model, request],
        () => askOnce(resolved, deps.prices, execution(request, hand, snapshot, inputs, told), signal, hand),
        { used: ({ usage, cost }) => ({ tokens: usage.inputTokens + usage.outputTokens, micros: cost?.micros ?? 0 }) },
      )
      return schema === undefined ? { text: answer.text } : answer.json
    },
  }
}

/** For a person's own provider: what it is asked for, and what it may tell while it works. */
function execution(
  request: ModelRequest,
  hand: Hand<StepInput>,
  { card, stage }: WorkSnapshot,
  variables: Readonly<Record<string, unknown>>,
  told: MadeArtifact[],
): ModelRequest {
  return {
    ...request,
    execution: {
      context: {
        runId: String(hand.run),
        workspaceId: String(hand.workspace),
        cardId: String(card.id),
        stage,
        variables,
      },
      callbacks: {
        // Its words are its own, and stay in its own log.
        onLog: (level, text) => hand.progress({ said: level, characters: text.length }),
        onProgress: (part) => hand.progress({ part }),
        onArtifact(type, label, uri) {
          const known = (['url', 'pr', 'chromatic'] as const).find((one) => one === type)
          if (known === undefined || uri === undefined || !isLink(uri)) throw stepFailed('INVALID_LINK')
          told.push({ type: known, label: label.slice(0, 200), uri })
        },
      },
    },
  }
}

const DEFAULT_MAX_TOKENS = 8_192

function asking({ params }: StepSnapshot): { temperature?: number; maxTokens: number } {
  const { temperature, maxTokens } = params
  return {
    ...(typeof temperature === 'number' ? { temperature } : {}),
    maxTokens: typeof maxTokens === 'number' ? maxTokens : DEFAULT_MAX_TOKENS,
  }
}

function filled(template: string, variables: Readonly<Record<string, unknown>>): string {
  try {
    return renderPrompt(template, variables)
  } catch (error) {
    throw error instanceof Refusal
      ? stepFailed('INVALID_TEMPLATE', error.code === 'MISSING_VARIABLE' ? error.causes : [])
      : error
  }
}

/** `usage` and `cost` under these names: the sums of what was paid look for them. */
async function askOnce(
  { provider, providerId, model }: Resolved,
  prices: Prices,
  request: ModelRequest,
  signal: AbortSignal,
  hand: Hand<StepInput>,
) {
  let characters = 0
  const { answer, failure } = await generate(provider, request, signal, (text) => {
    characters += text.length
    hand.progress({ characters })
  })
  if (failure !== undefined) throw new TaskFailed(failure)
  const { text, json, modelVersion, finishReason, truncated, usage, completedAt } = answer
  if (truncated) throw stepFailed('TRUNCATED')
  const cost = prices.cost(providerId, model, usage, completedAt)
  return { text, json, modelVersion, finishReason, usage, cost }
}

/** What an executor put together is looked at as an answer is. */
function checked(output: unknown, { outputSchema }: UsableSkill): unknown {
  const read = checkerOf(outputSchema ?? TEXT_OUTPUT).safeParse(output)
  if (read.success) return output
  throw stepFailed(
    'INVALID_OUTPUT',
    read.error.issues.map(({ path }) => path.map(String).join('.') || '$'),
  )
}

async function roundOf(hand: Hand<StepInput>): Promise<number> {
  const { rows } = await hand.read<{ round: number }>('select round from engine.runs where id = $1', [hand.run])
  return rows[0]?.round ?? 1
}

/** What people have answered, the oldest first; nothing where they were asked nothing. */
async function answersTo(read: Tx['query'], card: number): Promise<string | undefined> {
  const { rows } = await read<{ question: string; answer: string }>(
    'select question, answer from stage.questions where card_id = $1 and answer is not null order by id',
    [card],
  )
  if (rows.length === 0) return undefined
  return rows.map(({ question, answer }) => `Question: ${question}\nAnswer: ${answer}`).join('\n\n')
}

const keptOutput = z.object({ order: z.int(), skill: z.string(), output: z.unknown() })

/** By order and by skill; of two with one skill the later one is meant. */
async function outputsBefore(hand: Hand<StepInput>): Promise<ReadonlyMap<string, unknown>> {
  const { rows } = await hand.read<{ output: unknown }>(
    `select o.output from engine.outputs o join engine.inputs i on i.run_id = o.run_id and i.n = o.n
      where o.run_id = $1 and o.n > 0 and o.n < $2 and i.input ? 'step' order by o.n`,
    [hand.run, hand.task],
  )
  const found = new Map<string, unknown>()
  for (const row of rows) {
    const kept = keptOutput.safeParse(row.output)
    if (!kept.success) continue
    found.set(kept.data.skill, kept.data.output)
    found.set(String(kept.data.order), kept.data.output)
  }
  return found
}

async function saveSteps(tx: Tx, finished: readonly Finished<StepInput, StepOutput>[]): Promise<void> {
  for (const { run, task, output } of finished) {
    await tx.query('select stage.keep_step($1, $2, $3)', [run, task, toJson(output.made)])
    await keepRecords(tx, { run, task, output: output.output })
  }
}
