/**
 * Asking: one slot of a probe run, a whole conversation.  Each turn is in the
 * ledger as soon as it is answered, so the next attempt goes on from there and
 * nothing is bought twice; the transcript is saved with the close of the task.
 */
import { createHash } from 'node:crypto'
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
import { canAsk, type Catalogue, type Resolved } from '../../providers/catalogue.ts'
import { isFailure, triesFor } from '../../providers/failures.ts'
import { generate, type Answer, type Message, type ModelRequest } from '../../providers/provider.ts'
import type { Cost, Prices } from '../../prices/prices.ts'
import { costColumns, costSchema } from './cost.ts'
import type { Asked } from '../../gateway/ask.ts'
import { converseInPython, type Elsewhere, type Held } from './ask-python.ts'
import { countWords } from './csv.ts'
import { decide } from './decision/decide.ts'
import type { Definition } from './definition/definition.ts'
import { probeInput, slotSchema, type ProbeInput, type Slot } from './input.ts'

const turnSchema = z.object({
  /** `scenario`, then the labels of the follow-ups. */
  label: z.string(),
  prompt: z.string(),
  answer: z.string(),
  inputTokens: z.number(),
  outputTokens: z.number(),
  reasoningTokens: z.number().nullable(),
  cachedTokens: z.number().nullable(),
  tokens: z.enum(['reported', 'estimated']),
  /** ISO 8601. */
  startedAt: z.string(),
  completedAt: z.string(),
  finishReason: z.string(),
  truncated: z.boolean(),
  settings: z.object({
    asked: z.record(z.string(), z.number()),
    sent: z.record(z.string(), z.number()),
    dropped: z.array(z.string()),
  }),
  modelVersion: z.string().nullable(),
  /** sha256 of all messages that were sent for this turn. */
  promptHash: z.string(),
  /** By the prices of when it was answered; null where nobody knows them. */
  cost: costSchema.nullish(),
})
export type Turn = z.output<typeof turnSchema>

const conversation = z.object({
  provider: z.string(),
  model: z.string(),
  versionAsked: z.string().nullable(),
  /** How the preamble was sent. */
  preambleAs: z.enum(['system', 'user', 'none']),
  turns: z.array(turnSchema).min(1),
  outcome: z
    .object({
      kind: z.enum(['decision', 'refusal', 'other', 'unparsed']),
      code: z.string().optional(),
      label: z.string().optional(),
      by: z.string().optional(),
    })
    .nullable(),
})
type Conversation = z.output<typeof conversation>

/** Told the text of an answer as it comes. */
type Piece = (text: string) => void

/** Seconds for a whole conversation. */
const TIMEOUT = 1_800
const RATE_LIMIT_PAUSE = 2

/** What the asking needs besides the door to the models. */
export interface Outside extends Elsewhere {
  readonly prices: Prices
}

/** The task kind of what is asked of a provider. */
export const askOf = (providerId: string) => `probe.ask.${providerId}`

/**
 * A kind for each provider: who has no key or address for one claims nothing of it,
 * and leaves it to a worker that has.
 */
export function askTasks(catalogue: Catalogue, outside: Outside) {
  return catalogue.providers().map(({ id }) => askTask(id, catalogue, outside))
}

function askTask(providerId: string, catalogue: Catalogue, outside: Outside) {
  return defineTask<Slot, Conversation>({
    name: askOf(providerId),
    able: () => canAsk(catalogue, providerId),
    input: slotSchema,
    output: conversation,
    timeout: TIMEOUT,
    retry,
    async perform(hand) {
      const resolved = catalogue.resolve(hand.input.model)
      if (isFailure(resolved)) throw new TaskFailed(resolved)
      return converse(hand, resolved, await inputOf(hand), await scenarioOf(hand), outside)
    },
    save: saveTranscripts,
    keep: ({ outcome, turns }) => ({ outcome: outcome?.code ?? outcome?.kind ?? null, turns: turns.length }),
  })
}

/**
 * Waiting for a limit is nobody's failure, and credit that is used up is nobody's
 * but the account's: both concern all under the key, who would only meet the same.
 * Everything else may be tried as often as its row of the table says.
 */
export function retry(failure: Failure, tries: number): Again {
  if (failure.code === 'BILLING') return { outcome: 'stopped' }
  if (failure.code === 'RATE_LIMIT') {
    return failure.retryAfter === undefined
      ? { outcome: 'later', delay: RATE_LIMIT_PAUSE * (0.5 + Math.random()) }
      : { outcome: 'throttled', delay: failure.retryAfter }
  }
  return again(failure, tries, triesFor(failure))
}

async function converse(
  hand: Hand<Slot>,
  resolved: Resolved,
  input: ProbeInput,
  scenario: ScenarioRow,
  { prices, ...elsewhere }: Outside,
): Promise<Conversation> {
  const { definition } = input
  const prompts = [
    { label: 'scenario', prompt: scenario.prompt },
    ...definition.followups.map(({ label, prompt }) => ({ label, prompt })),
  ].slice(0, input.maxTurns)
  async function buy(turn: number, asked: Asked, nth = 0, piece?: Piece): Promise<KeptAnswer> {
    const { messages, temperature, maxTokens, seed } = asked
    const request: ModelRequest = {
      model: resolved.model,
      messages,
      label: `${scenario.key} ${hand.input.sample} ${turn}`,
      ...(temperature === undefined ? {} : { temperature }),
      ...(maxTokens === undefined ? {} : { maxTokens }),
      ...(seed === undefined ? {} : { seed }),
    }
    const answer = await hand.remember(
      nth === 0 ? `turn ${turn + 1}` : `turn ${turn + 1}, question ${nth + 1}`,
      [hand.input.model, request],
      () => ask(resolved, prices, request, hand.signal, piece),
      { used: ({ usage, cost }) => ({ tokens: usage.inputTokens + usage.outputTokens, micros: cost?.micros ?? 0 }) },
    )
    if (prompts.length > 1) hand.progress({ turn: turn + 1, of: prompts.length })
    return answer
  }
  const held =
    input.worker === 'python'
      ? await converseInPython(elsewhere, { hand, input, scenario, prompts, buy })
      : await converseHere(input, prompts, buy)
  const turns = held.map(({ label, prompt, asked, answer }) => ({
    label,
    prompt,
    ...answerFacts(answer),
    promptHash: hashOf(asked.messages),
  }))
  const outcome = decide(turns[0]?.answer ?? '', definition.decision)
  return {
    provider: resolved.providerId,
    model: resolved.model,
    versionAsked: resolved.version ?? null,
    preambleAs: definition.preamble === undefined ? 'none' : definition.preambleAs,
    turns,
    outcome,
  }
}

async function converseHere(
  { definition, temperature, maxTokens }: ProbeInput,
  prompts: readonly { readonly label: string; readonly prompt: string }[],
  buy: (turn: number, asked: Asked) => Promise<KeptAnswer>,
): Promise<Held<KeptAnswer>[]> {
  const messages: Message[] = []
  if (definition.preamble !== undefined && definition.preambleAs === 'system') {
    messages.push({ role: 'system', content: definition.preamble })
  }
  const held: Held<KeptAnswer>[] = []
  for (const [index, { label, prompt }] of prompts.entries()) {
    messages.push({ role: 'user', content: index === 0 ? firstPrompt(definition, prompt) : prompt })
    const asked: Asked = {
      messages: [...messages],
      ...(temperature === undefined ? {} : { temperature }),
      ...(maxTokens === undefined ? {} : { maxTokens }),
    }
    const answer = await buy(index, asked)
    messages.push({ role: 'assistant', content: answer.text })
    held.push({ label, prompt, asked, answer })
  }
  return held
}

function firstPrompt(definition: Definition, prompt: string): string {
  return definition.preamble === undefined || definition.preambleAs === 'system'
    ? prompt
    : `${definition.preamble}\n\n${prompt}`
}

/** An answer as the ledger gives it back: times are text there. */
type KeptAnswer = Omit<Answer, 'startedAt' | 'completedAt'> & {
  readonly startedAt: string
  readonly completedAt: string
  /** As it was when the answer was bought; receipts from before there were prices have none. */
  readonly cost?: Cost | null
}

async function ask(
  { provider, providerId, model }: Resolved,
  prices: Prices,
  request: ModelRequest,
  signal: AbortSignal,
  piece?: Piece,
): Promise<KeptAnswer> {
  const { answer, failure } = await generate(provider, request, signal, piece)
  if (failure !== undefined) throw new TaskFailed(failure)
  const { startedAt, completedAt, usage } = answer
  const cost = prices.cost(providerId, model, usage, completedAt)
  return { ...answer, startedAt: startedAt.toISOString(), completedAt: completedAt.toISOString(), cost }
}

function answerFacts(answer: KeptAnswer) {
  const { usage } = answer
  return {
    answer: answer.text,
    inputTokens: usage.inputTokens,
    outputTokens: usage.outputTokens,
    reasoningTokens: usage.reasoningTokens,
    cachedTokens: usage.cachedTokens,
    tokens: usage.source,
    startedAt: answer.startedAt,
    completedAt: answer.completedAt,
    finishReason: answer.finishReason,
    truncated: answer.truncated,
    settings: { ...answer.settings, dropped: [...answer.settings.dropped] },
    modelVersion: answer.modelVersion,
    cost: answer.cost ?? null,
  }
}

function hashOf(messages: readonly Message[]): string {
  return createHash('sha256').update(JSON.stringify(messages)).digest('hex')
}

/** Parsed once a run and process: the snapshot is one object there. */
const inputs = new WeakMap<object, ProbeInput>()

async function inputOf(hand: Hand<Slot>): Promise<ProbeInput> {
  const raw = (await hand.runInput()) as object
  const known = inputs.get(raw)
  if (known !== undefined) return known
  const parsed = probeInput.parse(raw)
  inputs.set(raw, parsed)
  return parsed
}

interface ScenarioRow {
  readonly n: number
  readonly key: string
  readonly prompt: string
}

type Scenarios = Promise<ReadonlyMap<number, ScenarioRow>>

/** By worker and run: the scenarios that tasks ask for in this moment, which one statement reads. */
const wanted = new WeakMap<Tx['query'], Map<number, { readonly numbers: Set<number>; readonly found: Scenarios }>>()

async function scenarioOf(hand: Hand<Slot>): Promise<ScenarioRow> {
  const { run, read, input } = hand
  const batches = wanted.get(read) ?? new Map()
  wanted.set(read, batches)
  let batch = batches.get(run)
  if (batch === undefined) {
    const numbers = new Set<number>()
    const found = new Promise((resolve) => setImmediate(resolve)).then(async () => {
      batches.delete(run)
      const { rows } = await read<ScenarioRow>(
        {
          name: 'probe scenarios',
          text: 'select n, key, prompt from probe.scenarios where run_id = $1 and n = any($2)',
        },
        [run, [...numbers]],
      )
      return new Map(rows.map((row) => [row.n, row]))
    })
    batch = { numbers, found }
    batches.set(run, batch)
  }
  batch.numbers.add(input.scenario)
  const row = (await batch.found).get(input.scenario)
  if (row === undefined) throw new TaskFailed(NO_SCENARIO)
  return row
}

const NO_SCENARIO: Failure = {
  code: 'NO_SCENARIO',
  message: 'The run has no such scenario.',
  retryable: false,
  origin: 'storage',
}

async function saveTranscripts(tx: Tx, finished: readonly Finished<Slot, Conversation>[]): Promise<void> {
  const rows = finished.map(({ run, task, workspace, input, output }) => {
    const sum = (of: (turn: Turn) => number | null) => output.turns.reduce((total, turn) => total + (of(turn) ?? 0), 0)
    const known = (of: (turn: Turn) => number | null) =>
      output.turns.some((turn) => of(turn) !== null) ? sum(of) : null
    return {
      run_id: run,
      task,
      workspace_id: workspace,
      scenario: input.scenario,
      provider: output.provider,
      model: output.model,
      version_asked: output.versionAsked,
      sample: input.sample,
      model_version: output.turns.findLast((turn) => turn.modelVersion !== null)?.modelVersion ?? null,
      turns: output.turns,
      turn_count: output.turns.length,
      word_count: sum((turn) => countWords(turn.answer)),
      input_tokens: sum((turn) => turn.inputTokens),
      output_tokens: sum((turn) => turn.outputTokens),
      reasoning_tokens: known((turn) => turn.reasoningTokens),
      cached_tokens: known((turn) => turn.cachedTokens),
      ...costColumns(output.turns),
      tokens_reported: output.turns.every((turn) => turn.tokens === 'reported'),
      duration_ms: sum((turn) => Date.parse(turn.completedAt) - Date.parse(turn.startedAt)),
      outcome: output.outcome?.kind ?? null,
      decision_code: output.outcome?.code ?? null,
      decision_label: output.outcome?.label ?? null,
      decided_by: output.outcome?.by ?? null,
    }
  })
  await tx.query({ name: 'save transcripts', text: INSERT }, [toJson(rows)])
}

const COLUMNS = `run_id, task, workspace_id, scenario, provider, model, version_asked, sample, model_version, turns,
  turn_count, word_count, input_tokens, output_tokens, reasoning_tokens, cached_tokens, tokens_reported, cost_usd,
  price_table, price_version, price_date, price_model, price_rates, duration_ms,
  outcome, decision_code, decision_label, decided_by`
const INSERT = `insert into probe.transcripts (${COLUMNS})
  select ${COLUMNS} from json_populate_recordset(null::probe.transcripts, $1::json)`
