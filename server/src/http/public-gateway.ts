/**
 * The OpenAI-compatible door for programs with a key: `/v1/chat/completions` and
 * `/v1/models`.  A call is a run of kind `chat`; its answer is there whole when a
 * worker has closed it, and to who wants a stream it is given in pieces then.
 */
import { Refusal, TaskFailed, type Principal } from '@millrace/engine'
import { mustAllow, type Authenticator } from '../access/signed-in.ts'
import { askByRun } from '../domains/chat/ask.ts'
import type { Ask, Refused } from '../gateway/ask.ts'
import { gateway } from '../gateway/gateway.ts'
import { failureOf } from '../providers/failures.ts'
import { modelsOffered } from '../providers/offers.ts'
import type { Door } from './door.ts'
import { workspaceNamed, type House, type Opened } from './house.ts'
import { problemOf } from './problem.ts'

export async function publicGateway(
  door: Door,
  house: Opened,
  authenticate: Authenticator['authenticate'],
): Promise<void> {
  await door.register(gateway, {
    async authorise(token, headers, address) {
      try {
        const asking = { method: 'POST', headers: { authorization: `Bearer ${token}` }, address }
        const known = await authenticate(asking)
        if (known === undefined) return undefined
        mustAllow(known, 'gateway')
        return askOf(house(), known.principal, workspaceNamed(known.principal, headers['x-millrace-workspace']))
      } catch (error) {
        return refused(error)
      }
    },
  })
}

/** @throws what is no refusal */
function refused(error: unknown): Refused {
  if (!(error instanceof Refusal)) throw error
  return {
    refused: { status: problemOf(error.code, '').status, code: error.code.toLowerCase(), message: error.message },
  }
}

const PIECE = 80

function askOf(opened: House, who: Principal, workspace: number): Ask {
  const { engine, catalogue, chat, feeds } = opened
  return {
    models: [],
    async list() {
      const offers = await modelsOffered(catalogue)
      return offers.flatMap(({ models }) => models.map(({ spec }) => spec))
    },
    async answer(model, asked, piece, signal = new AbortController().signal) {
      const resolved = catalogue.resolve(model)
      if ('code' in resolved) throw new TaskFailed(resolved)
      const { messages, ...settings } = asked
      const waits = {
        engine,
        kind: chat,
        async ended(reader: Principal, run: number, until: AbortSignal) {
          for await (const _ of feeds.read(reader, run, 0, until));
        },
      }
      const input = { model, messages: messages.map((one) => ({ ...one })), ...settings }
      try {
        const answered = await askByRun(waits, who, workspace, input, signal)
        for (const part of piecesOf(answered.text)) piece(part)
        return answered
      } catch (error) {
        if (!(error instanceof Refusal)) throw error
        // What the start refused is the asker's to change.
        throw new TaskFailed({ ...failureOf('VALIDATION_ERROR'), code: error.code, message: error.message })
      }
    },
  }
}

/** At most so many characters each, none of them cut in two. */
function piecesOf(text: string): string[] {
  const characters = Array.from(text)
  return Array.from({ length: Math.ceil(characters.length / PIECE) }, (_, at) =>
    characters.slice(at * PIECE, (at + 1) * PIECE).join(''),
  )
}
