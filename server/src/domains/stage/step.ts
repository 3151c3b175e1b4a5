/**
 * The steps of a stage run: a skill's prompt is filled from the card, its documents and
 * earlier outputs, a model is asked, its answer is checked by the skill's schema, and
 * what the recipe maps is kept with the close: versions of documents, artifacts, metrics.
 */
import { z } from 'zod'
import {
  again,
  defineTask,
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
import type { UsableSkill } from '../../skills/skill.ts'
import { renderPrompt } from '../../skills/template.ts'
import { LONGEST_STEP } from './recipes/recipe.ts'
import { TEXT_OUTPUT } from './recipes/check.ts'
import { stepKind, stepTaskInput } from './run.ts'
import { answerOf, keepRecords } from './executors/declared.ts'
import type { StepHand } from './steps/step-hand.ts'
import { maxTokensOf, temperatureOf } from './steps/asking.ts'
import { stepFailed } from './steps/failures.ts'
import { messagesOf } from './steps/prompt.ts'
import { makeReady } from './steps/ready.ts'
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

/**
 * Its recipe says how often.  Waiting for a provider's limit is nobody's failure, and credit
 * that is used up is nobody's but the account's: both concern all under the key.
 */
function retry(failure: Failure, tries: number): Again {
  if (failure.code === 'BILLING') return { outcome: 'stopped' }
  if (failure.code === 'RATE_LIMIT') {
    return failure.retryAfter === undefined
      ? { outcome: 'later', delay: PAUSE * (0.5 + Math.random()) }
      : { outcome: 'throttled', delay: failure.retryAfter }
  }
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
  const { skill, inputs } = await makeReady({ read, workspace, run, before: hand.task }, snapshot, step)
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
  const [temperature, maxTokens] = [temperatureOf(step), maxTokensOf(step)]
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
        messages: messagesOf(skill, variables),
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

async function saveSteps(tx: Tx, finished: readonly Finished<StepInput, StepOutput>[]): Promise<void> {
  for (const { run, task, output } of finished) {
    await tx.query('select stage.keep_step($1, $2, $3)', [run, task, toJson(output.made)])
    await keepRecords(tx, { run, task, output: output.output })
  }
}
