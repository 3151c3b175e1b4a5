import { startSimulator, type Simulator } from '../simulator/simulator.ts'
import { openProviders } from './catalogue.ts'
import { isFailure } from './failures.ts'
import { providerContract, type Situation, type Traits } from './provider.contract.ts'
import { VENDORS } from './vendors.ts'

type Step = Parameters<Simulator['next']>[number]

const LARGE = `Rating: 2\n\n${'All work and no play. '.repeat(50_000)}`
const STEPS: Partial<Record<Situation, Step>> = {
  large: { text: LARGE },
  'in-words': { text: 'Rating: 3\n\nIt depends.' },
  odd: { text: 'NUL \u0000 lone \ud83d end' },
  cut: 'truncated',
  empty: 'empty',
  filtered: 'content-filter',
  fenced: { text: '```json\n{"rating":2,"reason":"fenced"}\n```' },
  'rate-limited': { fault: 'rate-limit', retryAfter: 7 },
  'rate-limited-long': { fault: 'rate-limit', retryAfter: 120 },
  'no-quota': 'quota',
  'no-money': 'payment',
  'request-timeout': 'timeout',
  'cut-midway': 'cut',
  'hang-before': 'hang',
  'hang-midway': 'slow',
  'error-mid-stream': 'error-in-stream',
}
const SAME = [
  'bad-key',
  'forbidden',
  'not-found',
  'conflict',
  'too-large',
  'unprocessable',
  'server-error',
  'bad-gateway',
  'unavailable',
  'overloaded',
  'reset',
  'not-json',
  'wrong-shape',
  'error-in-200',
] as const

/** A model for every day, one that reasons, one that takes no temperature; and who answers for the first. */
interface Models {
  readonly model: string
  readonly reasons?: string
  readonly fixed?: string
}

/** The simulator has no answer without a version, and none that is filtered midway. */
const NEVER: readonly Situation[] = ['no-version', 'filtered-midway']

const CASES: Readonly<Record<string, Models & Traits>> = {
  openai: {
    model: 'gpt-4.1',
    served: 'gpt-4.1-2025-04-14',
    reasons: 'gpt-5.5',
    fixed: 'gpt-5.5',
    takes: ['temperature', 'maxTokens'],
    usage: { reasoningTokens: 0, cachedTokens: 0 },
    lacks: NEVER,
  },
  anthropic: {
    model: 'claude-sonnet-4-5',
    served: 'claude-sonnet-4-5-20250929',
    fixed: 'claude-opus-5-5',
    takes: ['temperature', 'maxTokens'],
    unasked: { maxTokens: 8_192 },
    usage: { reasoningTokens: null, cachedTokens: 0 },
    // Its largest answer is shorter than that.
    lacks: [...NEVER, 'reasons', 'large'],
  },
  google: {
    model: 'gemini-2.5-flash',
    served: 'gemini-2.5-flash-001',
    reasons: 'gemini-3.8-flash',
    takes: ['temperature', 'maxTokens', 'seed'],
    usage: { reasoningTokens: null, cachedTokens: null },
    lacks: [...NEVER, 'no-temperature'],
  },
  xai: {
    model: 'grok-4.6-fast',
    served: 'grok-4.6-fast-0912',
    reasons: 'grok-4.6',
    takes: ['temperature', 'maxTokens', 'seed'],
    usage: { reasoningTokens: 0, cachedTokens: 0 },
    lacks: [...NEVER, 'no-temperature'],
  },
  deepseek: {
    model: 'deepseek-chat',
    served: 'deepseek-chat-0731',
    reasons: 'deepseek-v4-pro',
    fixed: 'deepseek-v4-pro',
    takes: ['temperature', 'maxTokens'],
    usage: { reasoningTokens: null, cachedTokens: 0 },
    lacks: NEVER,
  },
  mistral: {
    model: 'mistral-small-latest',
    served: 'mistral-small-2603',
    takes: ['temperature', 'maxTokens', 'seed'],
    usage: { reasoningTokens: null, cachedTokens: null },
    // It has no filter of its own: it ends such an answer with an error.
    lacks: [...NEVER, 'reasons', 'no-temperature', 'filtered'],
  },
}

for (const vendor of VENDORS) {
  const traits = CASES[vendor.id]
  if (traits === undefined) throw new Error(`nobody says what is to be expected of ${vendor.id}`)
  providerContract(vendor.name, traits, async () => {
    let step: Step = 'well'
    const simulator = await startSimulator({ latencyMs: 0, plan: () => step })
    const found = openProviders({ simulator: simulator.url }).resolve(`${vendor.id}:${traits.model}`)
    if (isFailure(found)) throw new Error(found.message)
    return {
      provider: found.provider,
      arrange(situation) {
        // Its schema goes into the prompt, where the simulator does not look for one.
        if (vendor.id === 'deepseek' && situation === 'rated') step = { text: '{"rating":4,"reason":"It helps."}' }
        else step = SAME.find((fault) => fault === situation) ?? STEPS[situation] ?? 'well'
        if (situation === 'reasons') return traits.reasons ?? ''
        return situation === 'no-temperature' ? (traits.fixed ?? '') : traits.model
      },
      close: async () => await simulator.close(),
    }
  })
}
