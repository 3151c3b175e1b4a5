/**
 * `npm run test:live`: the core of the providers' contract against each provider
 * whose key is set, one cheap model each.  It costs money, so it is no part of `npm
 * test`, stops at a cap, and says what it did not try.
 *
 *   MILLRACE_LIVE_USD=0.10            the most that all calls together may cost
 *   MILLRACE_LIVE_MODELS=openai:…,…   instead of the cheap ones below
 */
import { calcPrice } from '@pydantic/genai-prices'
import { openCatalogue } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { isFailure } from '../src/providers/failures.ts'
import { generate, type Answer, type Generated, type ModelRequest, type Provider } from '../src/providers/provider.ts'

/** The first of them that the provider still lists is asked. */
const CHEAP: Readonly<Record<string, readonly string[]>> = {
  openai: ['gpt-5.4-mini', 'gpt-5-mini', 'gpt-4.1-mini'],
  anthropic: ['claude-haiku-4-5', 'claude-haiku-5-5'],
  google: ['gemini-2.5-flash', 'gemini-3.5-flash'],
  xai: ['grok-4.6-fast', 'grok-3-mini', 'grok-4.6'],
  deepseek: ['deepseek-chat', 'deepseek-v4-flash'],
  mistral: ['mistral-small-latest', 'ministral-8b-latest'],
}
/** Where the price table has another name for a provider. */
const PRICED_AS: Readonly<Record<string, string>> = { xai: 'x-ai' }
const CAP = Number(process.env['MILLRACE_LIVE_USD'] ?? '0.10')
/** What a call counts of which nobody knows the price. */
const UNKNOWN_USD = 0.005
/** Milliseconds of a call. */
const DEADLINE = 60_000

const SCHEMA = {
  type: 'object',
  properties: { rating: { type: 'integer' } },
  required: ['rating'],
  additionalProperties: false,
} as const
const QUESTION = 'On a scale of 1 to 5, how acceptable is it to be late? Answer with “Rating: ” and a number.'

let spent = 0
let broken = 0

/** Thinking counts against it too, so it is not small. */
const most = { maxTokens: 2_000 }

/** One promise, with one call; gives what is wrong. */
interface Promised {
  readonly promise: string
  readonly request: Omit<ModelRequest, 'model'>
  readonly problem: (ended: Generated) => string | undefined
}

const needs = (look: (answer: Answer) => string | undefined) => (ended: Generated) =>
  ended.answer === undefined ? ended.failure.code : look(ended.answer)

const PROMISES: readonly Promised[] = [
  {
    promise: 'answers, and says who answered, why it ended and what it used',
    request: { ...most, messages: [{ role: 'user', content: QUESTION }] },
    problem: needs(({ modelVersion, finishReason, usage }) => {
      if (modelVersion === null) return 'no version'
      if (finishReason !== 'stop') return `it ended with ${finishReason}`
      return usage.source === 'reported' && usage.inputTokens > 5 ? undefined : 'usage is not reported'
    }),
  },
  {
    promise: 'takes a system message and earlier turns, streamed',
    request: {
      ...most,
      live: true,
      messages: [
        { role: 'system', content: 'You answer in one word.' },
        { role: 'user', content: 'My number is 4711. Remember it.' },
        { role: 'assistant', content: 'Remembered.' },
        { role: 'user', content: 'What is my number?' },
      ],
    },
    problem: needs(({ modelVersion, usage }) => {
      if (modelVersion === null) return 'no version'
      return usage.source === 'reported' && usage.inputTokens > 20 ? undefined : 'usage is not reported'
    }),
  },
  {
    promise: 'tells of each setting whether it went out',
    request: { ...most, temperature: 0.2, seed: 3, messages: [{ role: 'user', content: QUESTION }] },
    problem: needs(({ settings: { asked, sent, dropped } }) =>
      Object.keys(asked).every((name) => name in sent !== dropped.includes(name)) ? undefined : 'the audit has a hole',
    ),
  },
  {
    promise: 'marks an answer that the limit cut, or gives none',
    request: { maxTokens: 16, messages: [{ role: 'user', content: 'Count from 1 to 200 in words.' }] },
    problem: ({ answer, failure }) => {
      if (failure !== undefined) return failure.code === 'INVALID_RESPONSE' ? undefined : failure.code
      return answer.truncated ? undefined : 'it is not marked'
    },
  },
  {
    promise: 'gives a value that fits a schema',
    request: {
      ...most,
      schema: SCHEMA,
      messages: [{ role: 'user', content: `${QUESTION} As JSON with a field rating.` }],
    },
    problem: needs(({ json }) => (typeof json === 'object' ? undefined : 'no value')),
  },
]

const catalogue = openCatalogue(readConfig())
const named = process.env['MILLRACE_LIVE_MODELS']?.split(',').map((spec) => [spec.trim()])
const wanted = named ?? Object.entries(CHEAP).map(([id, models]) => models.map((model) => `${id}:${model}`))
for (const specs of wanted) {
  const checked = await catalogue.check(specs)
  const { spec, failure } = checked.find((one) => one.failure === null) ?? checked[0] ?? { spec: '', failure: null }
  const found = catalogue.resolve(spec)
  if (isFailure(found)) {
    say(`– ${spec.split(':')[0] ?? ''} skipped: ${found.message}`)
    continue
  }
  say(spec)
  tell('is known by the free list', failure?.code)
  if (failure !== null) continue
  const { provider, model } = found
  const { code } = (await provider.check('millrace-no-such-model')) ?? {}
  tell('knows no model that is not there', code === 'UNKNOWN_MODEL' ? undefined : (code ?? 'it does'))
  for (const promised of PROMISES) await keep(provider, model, promised)
}
say(`about $${spent.toFixed(4)} of at most $${CAP}; ${broken} promises broken`)
process.exitCode = broken === 0 ? 0 : 1

async function keep(provider: Provider, model: string, { promise, request, problem }: Promised): Promise<void> {
  const worst = costOf(provider.id, model, { inputTokens: 500, outputTokens: request.maxTokens ?? most.maxTokens })
  if (spent + worst > CAP) {
    say(`  – skipped for the cap of $${CAP}: ${promise}`)
    return
  }
  const ended = await generate(provider, { model, ...request }, AbortSignal.timeout(DEADLINE))
  // What failed may have been paid for all the same.
  spent += ended.answer === undefined ? worst : costOf(provider.id, model, ended.answer.usage)
  tell(promise, problem(ended))
}

function costOf(provider: string, model: string, used: { inputTokens: number; outputTokens: number }): number {
  const usage = { input_tokens: used.inputTokens, output_tokens: used.outputTokens }
  return calcPrice(usage, model, { providerId: PRICED_AS[provider] ?? provider })?.total_price ?? UNKNOWN_USD
}

function tell(promise: string, problem: string | undefined): void {
  if (problem !== undefined) broken += 1
  say(problem === undefined ? `  ✓ ${promise}` : `  ✗ ${promise}: ${problem}`)
}

function say(line: string): void {
  process.stdout.write(`${line}\n`)
}
