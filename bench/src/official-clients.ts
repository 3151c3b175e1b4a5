/**
 * node bench/src/official-clients.ts
 *
 * Is the simulator what the vendors' own client libraries expect?  Each of them
 * asks it, in its usual way, for an answer, a stream, a system message, a longer
 * conversation, three errors, JSON by a schema and the models; one line a case.
 */
import { startSimulator, type Simulator } from '../../server/src/simulator/simulator.ts'
import { anthropicClient } from './clients/anthropic.ts'
import { googleClient } from './clients/google.ts'
import { mistralClient } from './clients/mistral.ts'
import { openaiChatClient, openaiResponsesClient } from './clients/openai.ts'

/** One message of a conversation. */
export interface Spoken {
  readonly role: 'system' | 'user' | 'assistant'
  readonly content: string
}

export interface Answered {
  readonly text: string
  /** The model that answered, as the library tells it. */
  readonly served: string | undefined
  readonly inputTokens: number | undefined
  readonly outputTokens: number | undefined
}

export interface Streamed {
  readonly text: string
  readonly pieces: number
  readonly outputTokens: number | undefined
}

/** What an error of a library says of itself. */
export interface Told {
  readonly status: number | undefined
  readonly kind: string
}

/** The same questions to each library. */
export interface Client {
  ask(messages: readonly Spoken[], settings?: { readonly temperature?: number }): Promise<Answered>
  stream(messages: readonly Spoken[]): Promise<Streamed>
  /** The text of an answer that was asked for by SCHEMA. */
  structured(messages: readonly Spoken[]): Promise<string>
  models(): Promise<string[]>
  told(error: unknown): Told
}

export const SCHEMA = {
  type: 'object',
  properties: {
    rating: { type: 'integer', minimum: 1, maximum: 5 },
    reason: { type: 'string' },
    side: { type: 'string', enum: ['for', 'against', 'neither'] },
  },
  required: ['rating', 'reason', 'side'],
  additionalProperties: false,
}

interface Contestant {
  readonly name: string
  readonly model: string
  readonly open: (baseUrl: string, key: string, model: string) => Client
  readonly base: (simulator: Simulator) => string
  /** Statuses of a wrong key and of a wrong temperature, as the vendor documents them. */
  readonly wrongKey: number
  readonly wrongValue: number
  readonly hasSchemas: boolean
}

const CONTESTANTS: readonly Contestant[] = [
  {
    name: 'openai: responses',
    model: 'gpt-4.1',
    open: openaiResponsesClient,
    base: ({ baseUrls }) => baseUrls.openai,
    wrongKey: 401,
    wrongValue: 400,
    hasSchemas: true,
  },
  {
    name: 'openai: chat',
    model: 'gpt-4o-mini',
    open: openaiChatClient,
    base: ({ baseUrls }) => baseUrls.openai,
    wrongKey: 401,
    wrongValue: 400,
    hasSchemas: true,
  },
  {
    name: '@anthropic-ai/sdk',
    model: 'claude-sonnet-5',
    open: anthropicClient,
    // The library adds the version to the path itself.
    base: ({ url }) => `${url}/anthropic`,
    wrongKey: 401,
    wrongValue: 400,
    hasSchemas: true,
  },
  {
    name: '@google/genai',
    model: 'gemini-2.5-flash',
    open: googleClient,
    base: ({ url }) => `${url}/google`,
    wrongKey: 400,
    wrongValue: 400,
    hasSchemas: true,
  },
  {
    name: '@mistralai/mistralai',
    model: 'mistral-large-latest',
    open: mistralClient,
    base: ({ url }) => `${url}/mistral`,
    wrongKey: 401,
    wrongValue: 422,
    hasSchemas: true,
  },
  {
    name: 'openai → xAI responses',
    model: 'grok-4.6',
    open: openaiResponsesClient,
    base: ({ baseUrls }) => baseUrls.xai,
    wrongKey: 400,
    wrongValue: 400,
    hasSchemas: true,
  },
  {
    name: 'openai → xAI chat',
    model: 'grok-4.6',
    open: openaiChatClient,
    base: ({ baseUrls }) => baseUrls.xai,
    wrongKey: 400,
    wrongValue: 400,
    hasSchemas: true,
  },
  {
    name: 'openai → DeepSeek',
    model: 'deepseek-v4-flash',
    open: openaiChatClient,
    base: ({ baseUrls }) => baseUrls.deepseek,
    wrongKey: 401,
    wrongValue: 400,
    hasSchemas: false,
  },
  {
    name: 'openai → compatible',
    model: 'llama3.2',
    open: openaiChatClient,
    base: ({ baseUrls }) => baseUrls.compatible,
    wrongKey: 401,
    wrongValue: 400,
    hasSchemas: true,
  },
]

const QUESTION: Spoken = { role: 'user', content: 'A city wants to close its centre to cars. Rate it from 1 to 5.' }
const SYSTEM: Spoken = { role: 'system', content: 'You answer briefly, with a rating from 1 to 5.' }

/** Nothing when it is as it must be; otherwise what is wrong. */
type Check = (contestant: Contestant, simulator: Simulator) => Promise<string | undefined>

const CASES: Readonly<Record<string, Check>> = {
  async answer(contestant, simulator) {
    const said = await client(contestant, simulator).ask([QUESTION])
    if (!/^Rating: [1-5]/.test(said.text)) return `the text is ${JSON.stringify(said.text.slice(0, 40))}`
    if (said.served === undefined || said.served === '') return 'no model is named'
    if (contestant.name !== 'openai → compatible' && said.served === contestant.model) return 'the alias is served'
    return (said.inputTokens ?? 0) > 0 && (said.outputTokens ?? 0) > 0 ? undefined : 'no usage'
  },
  async stream(contestant, simulator) {
    const open = client(contestant, simulator)
    const [whole, streamed] = await Promise.all([open.ask([QUESTION]), open.stream([QUESTION])])
    if (streamed.text !== whole.text) return 'the stream says something else than the whole answer'
    if (streamed.pieces < 2) return `it came in ${streamed.pieces} piece`
    return (streamed.outputTokens ?? 0) > 0 ? undefined : 'no usage'
  },
  async system(contestant, simulator) {
    const said = await client(contestant, simulator).ask([
      SYSTEM,
      { role: 'user', content: 'What of closing a street?' },
    ])
    return /^Rating: [1-5]/.test(said.text) ? undefined : 'the system message was not read'
  },
  async 'multi-turn'(contestant, simulator) {
    const open = client(contestant, simulator)
    const first = await open.ask([QUESTION])
    const second = await open.ask([
      QUESTION,
      { role: 'assistant', content: first.text },
      { role: 'user', content: 'Why, in terms of noise and shops?' },
    ])
    return second.text !== first.text && second.text !== '' ? undefined : 'the follow-up was not answered'
  },
  'wrong key': async (contestant, simulator) =>
    await refused(contestant, contestant.wrongKey, (open) => open.ask([QUESTION]), simulator, 'bad-key'),
  async 'rate limit'(contestant, simulator) {
    simulator.next('rate-limit')
    return await refused(contestant, 429, (open) => open.ask([QUESTION]), simulator)
  },
  'wrong value': async (contestant, simulator) =>
    await refused(contestant, contestant.wrongValue, (open) => open.ask([QUESTION], { temperature: 9 }), simulator),
  async structured(contestant, simulator) {
    const text = await client(contestant, simulator).structured([
      { role: 'user', content: `${QUESTION.content} Answer in JSON.` },
    ])
    const document = JSON.parse(text) as Record<string, unknown>
    if (!contestant.hasSchemas) return typeof document === 'object' ? undefined : 'no JSON object'
    const { rating, reason, side } = document
    if (typeof rating !== 'number' || rating < 1 || rating > 5) return 'the rating does not fit'
    return typeof reason === 'string' && ['for', 'against', 'neither'].includes(String(side))
      ? undefined
      : 'it does not fit'
  },
  async models(contestant, simulator) {
    const names = await client(contestant, simulator).models()
    return names.includes(contestant.model) ? undefined : `the list is ${names.join(', ')}`
  },
}

function client({ open, base, model }: Contestant, simulator: Simulator, key = 'sk-simulated'): Client {
  return open(base(simulator), key, model)
}

async function refused(
  contestant: Contestant,
  status: number,
  ask: (open: Client) => Promise<unknown>,
  simulator: Simulator,
  key?: string,
): Promise<string | undefined> {
  const open = client(contestant, simulator, key)
  try {
    await ask(open)
    return 'it was answered'
  } catch (error) {
    const told = open.told(error)
    return told.status === status ? undefined : `${told.kind} with status ${told.status}; ${status} was expected`
  }
}

const simulator = await startSimulator({ latencyMs: 20 })
let failed = 0
const width = Math.max(...CONTESTANTS.map(({ name }) => name.length))
process.stdout.write(`${''.padEnd(width)}  ${Object.keys(CASES).join('  ')}\n`)
const problems: string[] = []
for (const contestant of CONTESTANTS) {
  const cells: string[] = []
  for (const [name, check] of Object.entries(CASES)) {
    const problem = await check(contestant, simulator).catch((error: unknown) => String(error))
    cells.push((problem === undefined ? 'pass' : 'FAIL').padEnd(name.length))
    if (problem === undefined) continue
    failed += 1
    problems.push(`${contestant.name}, ${name}: ${problem}`)
  }
  process.stdout.write(`${contestant.name.padEnd(width)}  ${cells.join('  ')}\n`)
}
await simulator.close()
for (const problem of problems) process.stdout.write(`${problem}\n`)
const total = CONTESTANTS.length * Object.keys(CASES).length
process.stdout.write(`${total - failed} of ${total} pass\n`)
process.exitCode = failed === 0 ? 0 : 1
