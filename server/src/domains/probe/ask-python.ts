/**
 * A conversation held by the Python worker.  It asks through the gateway with a token
 * for this task, so that each answer is bought, kept and counted as if it had been
 * asked here; what it brings back is compared with what was really asked and answered.
 */
import { randomUUID } from 'node:crypto'
import { TaskFailed, type Hand } from '@millrace/engine'
import { z } from 'zod'
import type { Ask, Asked } from '../../gateway/ask.ts'
import type { Loopback } from '../../gateway/loopback.ts'
import { failureOf } from '../../providers/failures.ts'
import type { Answer } from '../../providers/provider.ts'
import type { Python } from '../../tools/python/python.ts'
import type { ProbeInput, Slot } from './input.ts'

/** Where conversations are held that are not held here. */
export interface Elsewhere {
  readonly python: Python
  readonly gateway: Loopback
}

export interface Held<Kept> {
  readonly label: string
  readonly prompt: string
  readonly asked: Asked
  readonly answer: Kept
}

interface Conversation<Kept> {
  readonly hand: Hand<Slot>
  readonly input: ProbeInput
  readonly scenario: { readonly key: string; readonly prompt: string }
  /** In order: label and prompt. */
  readonly prompts: readonly { readonly label: string; readonly prompt: string }[]
  /** Asks the turn, from 0, once; what was answered before is not bought again. `nth` tells other questions of a turn apart. */
  readonly buy: (turn: number, asked: Asked, nth: number, piece: (text: string) => void) => Promise<Kept>
}

type Kept = Pick<Answer, 'text' | 'modelVersion' | 'finishReason' | 'usage'>

const transcript = z.object({
  turns: z.array(z.object({ label: z.string(), prompt: z.string(), answer: z.string(), responseId: z.string() })),
})

export async function converseInPython<A extends Kept>(
  { python, gateway }: Elsewhere,
  { hand, input, scenario, prompts, buy }: Conversation<A>,
): Promise<Held<A>[]> {
  const answered = new Map<string, { readonly asked: Asked; readonly answer: A }>()
  const asking = new Map<string, Promise<{ id: string; answer: A }>>()
  /** What was asked in each turn: the ledger knows a call by its name. */
  const questions = new Map<number, string[]>()
  let thrown: unknown

  async function once(asked: Asked, key: string, piece: (text: string) => void) {
    try {
      const turn = asked.messages.filter(({ role }) => role === 'user').length - 1
      const others = questions.get(turn) ?? []
      if (!others.includes(key)) questions.set(turn, [...others, key])
      const nth = others.includes(key) ? others.indexOf(key) : others.length
      const answer = await buy(turn, asked, nth, piece)
      const id = `chatcmpl-${randomUUID()}`
      answered.set(id, { asked, answer })
      return { id, answer }
    } catch (error) {
      thrown = error
      throw error
    }
  }

  const ask: Ask = {
    models: [hand.input.model],
    async answer(_, asked, piece) {
      const key = JSON.stringify(asked)
      // Whoever asks the same again, because he missed the answer, gets that one.
      const under = asking.get(key) ?? once(asked, key, piece)
      asking.set(key, under)
      under.catch(() => asking.delete(key))
      const { id, answer } = await under
      const { text, modelVersion, finishReason, usage } = answer
      return { id, text, modelVersion, finishReason, usage }
    },
  }

  const admission = await gateway.admit(ask)
  try {
    const { definition } = input
    const reply = await python.ask(
      'probe.py',
      {
        input: {
          runId: String(hand.run),
          scenarioId: scenario.key,
          modelId: hand.input.model,
          scenario: {
            prompt: scenario.prompt,
            followups: prompts.slice(1),
            ...(definition.preamble === undefined
              ? {}
              : { preamble: definition.preamble, preambleAs: definition.preambleAs }),
          },
          config: { temperature: input.temperature, maxTokens: input.maxTokens, maxTurns: input.maxTurns },
        },
        gateway: { url: admission.url, token: admission.token },
      },
      { signal: hand.signal, deadline: hand.deadline },
    )
    return compared(reply['transcript'], prompts, answered)
  } catch (error) {
    // What we know ourselves is told as we know it; the process only passed it on.
    const passedOn =
      error instanceof TaskFailed && thrown instanceof TaskFailed && error.failure.code === thrown.failure.code
    const unnamed = thrown !== undefined && !(thrown instanceof TaskFailed)
    throw passedOn || unnamed ? thrown : error
  } finally {
    admission.end()
    // What is on its way is waited for: its receipt spares the next attempt from buying it again.
    await Promise.allSettled(asking.values())
  }
}

function compared<A extends Kept>(
  given: unknown,
  prompts: readonly { readonly label: string; readonly prompt: string }[],
  answered: ReadonlyMap<string, { readonly asked: Asked; readonly answer: A }>,
): Held<A>[] {
  const { data } = transcript.safeParse(given)
  if (data?.turns.length !== prompts.length) throw other()
  return data.turns.map(({ label, prompt, answer, responseId }, index) => {
    const bought = answered.get(responseId)
    const meant = prompts[index]
    if (bought?.answer.text !== answer || meant?.label !== label || meant.prompt !== prompt) throw other()
    return { label, prompt, ...bought }
  })
}

function other(): TaskFailed {
  return new TaskFailed(failureOf('WORKER_PROTOCOL', { details: { reason: 'another conversation' } }))
}
