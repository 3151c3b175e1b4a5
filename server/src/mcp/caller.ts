/**
 * What the client at the other end can be asked, what it has answered, and how the
 * questions of a tool are put to it.  In the newer revision an answer names what is
 * missing, and the client asks again with it; in the older one the package asks for us.
 */
import {
  CLIENT_CAPABILITIES_META_KEY,
  createRequestStateCodec,
  inputRequired,
  inputResponse,
  type ClientCapabilities,
  type InputRequest,
  type InputRequiredResult,
  type InputResponseView,
  type RequestStateCodec,
  type Server,
  type ServerContext,
} from '@modelcontextprotocol/server'
import { hkdfSync, randomBytes } from 'node:crypto'
import type { Keys } from '../keys/keys.ts'
import { secretsOf } from '../keys/secret.ts'
import type { Askable, Question, QuestionKind, Questions } from '../tools/questions.ts'

/** What goes to the client and comes back: what it has answered so far, and to whom. */
interface Answered {
  readonly to: string
  readonly answers: Readonly<Record<string, unknown>>
}
export type AnswerStates = RequestStateCodec<Answered>

const keyOfState = new WeakMap<Keys, Uint8Array>()

/** Of the secret that all programs of an installation share, if they do; else good while this one runs. */
function stateKey(keys: Keys): Uint8Array {
  const known = keyOfState.get(keys)
  if (known !== undefined) return known
  let secret: Uint8Array
  try {
    secret = secretsOf(keys.place)[0]?.bytes ?? randomBytes(32)
  } catch {
    // What is wrong with it is said where keys are used.
    secret = randomBytes(32)
  }
  const key = new Uint8Array(hkdfSync('sha256', secret, '', 'millrace mcp state', 32))
  keyOfState.set(keys, key)
  return key
}

/** Signed, and good for who was asked alone. */
export function openStates(keys: Keys, who: (context: ServerContext) => string): AnswerStates {
  return createRequestStateCodec<Answered>({
    key: stateKey(keys),
    bind: (context) => JSON.stringify([context.mcpReq.method, who(context)]),
  })
}

/** It says so with every request, in the newer revision, and once in the older. */
export function capabilitiesOf({ mcpReq: { envelope } }: ServerContext, server: Server): ClientCapabilities {
  const said = envelope?.[CLIENT_CAPABILITIES_META_KEY as keyof typeof envelope] as ClientCapabilities | undefined
  return said ?? server.getClientCapabilities() ?? {}
}

export function kindsOf({ elicitation, sampling, roots }: ClientCapabilities): QuestionKind[] {
  const kinds: QuestionKind[] = []
  // Who says nothing more of it shows forms.
  if (elicitation !== undefined && (elicitation.form !== undefined || elicitation.url === undefined)) kinds.push('form')
  if (sampling !== undefined) kinds.push('model')
  if (roots !== undefined) kinds.push('folders')
  return kinds
}

/** @param to what is called: answers to another are not taken */
export function askableIn(context: ServerContext, server: Server, to: string): Askable {
  const { mcpReq } = context
  const before = mcpReq.requestState<Answered>()
  const answers: Record<string, unknown> = before?.to === to ? { ...before.answers } : {}
  for (const key of Object.keys(mcpReq.inputResponses ?? {})) {
    const answer = answerOf(inputResponse(mcpReq.inputResponses, key))
    if (answer !== undefined) answers[key] = answer
  }
  return { asks: kindsOf(capabilitiesOf(context, server)), answers }
}

function answerOf(said: InputResponseView): unknown {
  if (said.kind === 'elicit') return { action: said.action, content: said.content }
  if (said.kind === 'roots') return { folders: said.roots }
  if (said.kind === 'missing') return undefined
  const { content, model } = said.result
  const blocks = Array.isArray(content) ? content : [content]
  return { text: blocks.flatMap((block) => (block.type === 'text' ? [block.text] : [])).join('\n'), model }
}

/** The package refuses what the client has not said that it can be asked. */
export async function asks(
  questions: Questions,
  { to, answers, states, context }: Answered & { states: AnswerStates; context: ServerContext },
): Promise<InputRequiredResult> {
  return inputRequired({
    inputRequests: Object.fromEntries(Object.entries(questions).map(([key, one]) => [key, requestOf(one)])),
    requestState: await states.mint({ to, answers }, context),
  })
}

function requestOf(one: Question): InputRequest {
  if (one.kind === 'folders') return inputRequired.listRoots()
  if (one.kind === 'form') {
    type Shown = Parameters<typeof inputRequired.elicit>[0]['requestedSchema']
    return inputRequired.elicit({ message: one.message, requestedSchema: one.schema as Shown })
  }
  return inputRequired.createMessage({
    messages: [{ role: 'user', content: { type: 'text', text: one.prompt } }],
    maxTokens: one.mostTokens,
    ...(one.system === undefined ? {} : { systemPrompt: one.system }),
  })
}
