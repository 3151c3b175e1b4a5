/**
 * A diagnosis run: one task that reads the record, asks a model once (twice, if the
 * reply is no result) and keeps what it said.  The engine sees ids, counts and codes;
 * the record, the pack and the result are in this domain's own tables.
 */
import { z } from 'zod'
import {
  defineRun,
  defineTask,
  isConnectionLoss,
  TaskFailed,
  toJson,
  type Again,
  type Failure,
  type Hand,
} from '@millrace/engine'
import type { Catalogue } from '../../providers/catalogue.ts'
import { isFailure } from '../../providers/failures.ts'
import { generate, type ModelRequest } from '../../providers/provider.ts'
import type { Prices } from '../../prices/prices.ts'
import { fail } from './errors.ts'
import { buildPack, materialSchema, type Material } from './pack.ts'
import { inputsHash, PROMPT_VERSION, requestFor } from './prompt.ts'
import { checkReply, isUncertain, resultSchema, tied, type DiagnosisResult, type Reply } from './result.ts'

export const EXAMINE = 'diagnosis.examine'
const input = z.object({ diagnosis: z.uuid() })
type Asked = z.output<typeof input>
const kept = z.object({ confidence: z.number(), uncertain: z.boolean() })

/** Seconds for an attempt; a reasoning model takes its time. */
const TIMEOUT = 300
/** What is set aside under limits and budgets for one run. */
const MOST = { requests: 2, tokens: 24_000 }
/** As `max_attempts` in the table. */
const ATTEMPTS = 3
const LONGEST_PAUSE = 60

interface Deps {
  readonly catalogue: Catalogue
  readonly prices: Prices
  /** `provider:model`. */
  readonly model: string
}

export function diagnosisRun({ catalogue, prices, model }: Deps) {
  const provider = model.slice(0, Math.max(0, model.indexOf(':')))
  const words = ['reading', 'asking', 'ask', 'ask again', 'status', 'timeout', 'gone', provider]
  const examine = defineTask<Asked, DiagnosisResult>({
    name: EXAMINE,
    input,
    output: resultSchema,
    timeout: TIMEOUT,
    retry,
    perform: (hand) => unexpected(hand, () => perform(hand, { catalogue, prices, model })),
    keep: (result) => ({ confidence: result.confidence, uncertain: isUncertain(result) }),
    async save(tx, finished) {
      for (const { run, task, attempt, output } of finished) {
        await tx.query('select diagnosis.complete($1, $2, $3, $4)', [run, task, attempt, toJson(output)])
      }
    },
    sensitive: { kept, words },
  })
  return defineRun<Asked>({
    name: 'diagnosis',
    input,
    tasks: [examine],
    plan: ({ diagnosis }) => [{ kind: EXAMINE, input: { diagnosis }, key: provider, uses: MOST }],
    sensitive: { kept, words },
  })
}

/**
 * Attempts are counted in the database, and the one after the last says so; where
 * even the counting fails, the same number of tries ends it.
 */
function retry(failure: Failure, tries: number): Again {
  if (!failure.retryable || tries >= ATTEMPTS) return { outcome: 'failed' }
  return { outcome: 'again', delay: failure.retryAfter ?? Math.min(LONGEST_PAUSE, 2 ** tries) }
}

/** What nobody named has a code and no text. */
async function unexpected<T>(hand: Hand<Asked>, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof TaskFailed || hand.signal.aborted) throw error
    // It went away while a reply was written down.
    if (isConnectionLoss(error)) throw fail('PERSISTENCE_ERROR', { retryable: true })
    throw fail('UNEXPECTED_ERROR', { retryable: true })
  }
}

async function perform(hand: Hand<Asked>, deps: Deps): Promise<DiagnosisResult> {
  hand.log('reading')
  const material = await begin(hand)
  const pack = buildPack(material)
  const resolved = deps.catalogue.resolve(deps.model)
  if (isFailure(resolved)) throw modelFailed(resolved)
  const request = requestFor(resolved.model, pack)
  await keepPack(hand, toJson(pack), inputsHash(deps.model, request))

  hand.log('asking')
  const ask = (name: string, asked: ModelRequest) =>
    // A new round asks anew: what was said in an earlier one did not lead to a result.
    hand.remember(
      name,
      [material.round, deps.model, inputsHash(deps.model, asked)],
      () => askOnce(deps, asked, hand.signal),
      {
        used: ({ usage, micros }) => ({ tokens: usage.input_tokens + usage.output_tokens, micros }),
        vault: {
          async put(tx, said) {
            const { rows } = await tx.query<{ place: number }>('select diagnosis.put_reply($1, $2) as place', [
              hand.run,
              toJson(said),
            ])
            return rows[0]?.place ?? 0
          },
          async get(tx, place) {
            const { rows } = await tx.query<{ said: unknown }>('select diagnosis.reply($1) as said', [place])
            return saidSchema.parse(rows[0]?.said)
          },
        },
      },
    )
  let said = await ask('ask', request)
  let checked = check(said)
  if ('paths' in checked) {
    const first = said
    said = await ask('ask again', requestFor(resolved.model, pack, checked.paths))
    checked = check(said)
    said = { ...said, usage: sum(first.usage, said.usage), latency_ms: first.latency_ms + said.latency_ms }
  }
  if ('paths' in checked) {
    await hand.read('select diagnosis.note_paths($1, $2, $3, $4)', [hand.run, hand.task, hand.attempt, checked.paths])
    throw fail('VALIDATION_ERROR')
  }
  const answered = new Set(pack.assessment_data.answers.map((one) => one.question_id))
  return { ...tied(checked.reply, answered), metadata: metadataOf(deps.model, said) }
}

async function begin(hand: Hand<Asked>): Promise<Material> {
  const { rows } = await hand
    .read<{ begun: unknown }>('select diagnosis.begin($1, $2, $3) as begun', [hand.run, hand.task, hand.attempt])
    .catch(() => Promise.reject(fail('CONTEXT_FETCH_ERROR', { retryable: true })))
  const begun = rows[0]?.begun ?? null
  if (begun === null) throw fail('RUN_NOT_FOUND')
  if (typeof begun === 'object' && 'exceeded' in begun) throw fail('MAX_ATTEMPTS_REACHED')
  const material = materialSchema.safeParse(begun)
  if (!material.success) throw fail('CONTEXT_FETCH_ERROR')
  return material.data
}

async function keepPack(hand: Hand<Asked>, pack: string, hash: string): Promise<void> {
  await hand
    .read('select diagnosis.keep_pack($1, $2, $3, $4, $5)', [hand.run, hand.task, hand.attempt, pack, hash])
    .catch(() => Promise.reject(fail('PERSISTENCE_ERROR', { retryable: true })))
}

const usageSchema = z.object({ input_tokens: z.number(), output_tokens: z.number() })
type Usage = z.output<typeof usageSchema>

/** What came of a call, as it is kept while the run is under way. */
const saidSchema = z.object({
  /** Missing where the provider could not read one of the shape; then `wrong` are the places, by names of our schema. */
  json: z.unknown(),
  wrong: z.array(z.string()).optional(),
  model_version: z.string().nullable(),
  usage: usageSchema,
  micros: z.number(),
  latency_ms: z.number(),
  at: z.string(),
})
type Said = z.output<typeof saidSchema>

async function askOnce({ catalogue, prices, model }: Deps, request: ModelRequest, signal: AbortSignal): Promise<Said> {
  const resolved = catalogue.resolve(model)
  if (isFailure(resolved)) throw modelFailed(resolved)
  const started = performance.now()
  const { answer, failure } = await generate(resolved.provider, request, signal)
  const latency_ms = Math.round(performance.now() - started)
  const at = new Date().toISOString()
  const nothing = { input_tokens: 0, output_tokens: 0 }
  // It answered, and that was no JSON of the shape: bought all the same.
  if (failure?.code === 'INVALID_RESPONSE')
    return { json: null, wrong: placesOf(failure), model_version: null, usage: nothing, micros: 0, latency_ms, at }
  if (failure !== undefined) throw modelFailed(failure)
  const usage = { input_tokens: answer.usage.inputTokens, output_tokens: answer.usage.outputTokens }
  const cost = prices.cost(resolved.providerId, resolved.model, answer.usage, answer.completedAt)
  return { json: answer.json, model_version: answer.modelVersion, usage, micros: cost?.micros ?? 0, latency_ms, at }
}

/** Where the shape was another, as the provider's door says it; `…` in a place stands for a name of the model's own. */
function placesOf({ details }: Failure): string[] {
  const fields = details?.['fields']
  const places = typeof fields === 'string' ? fields.split(', ').filter((place) => !place.includes('…')) : []
  return places.length === 0 ? ['$'] : places
}

/** Of a provider's failure its kind is kept: a status, that it took too long, that the model is gone. */
function modelFailed(failure: Failure): TaskFailed {
  const status = failure.details?.['status']
  return fail('LLM_ERROR', {
    retryable: failure.retryable,
    ...(failure.retryAfter === undefined ? {} : { retryAfter: failure.retryAfter }),
    details: {
      ...(typeof status === 'number' ? { status } : {}),
      ...(failure.code === 'TIMEOUT' ? { timeout: true } : {}),
      ...(failure.code === 'NOT_FOUND' || failure.code === 'UNKNOWN_MODEL' ? { gone: true } : {}),
    },
  })
}

function check(said: Said): { readonly reply: Reply } | { readonly paths: readonly string[] } {
  return said.json === null || said.json === undefined ? { paths: said.wrong ?? ['$'] } : checkReply(said.json)
}

function sum(one: Usage, other: Usage): Usage {
  return { input_tokens: one.input_tokens + other.input_tokens, output_tokens: one.output_tokens + other.output_tokens }
}

function metadataOf(model: string, said: Said): DiagnosisResult['metadata'] {
  return {
    model,
    model_version: said.model_version,
    prompt_version: PROMPT_VERSION,
    usage: said.usage,
    latency_ms: said.latency_ms,
    created_at: said.at,
  }
}
