/**
 * What another server asks in the middle of a call is asked of our own caller: the call
 * is left, and made anew with his answer.  Who has nobody to ask declines.
 */
import type { ElicitRequest, ElicitResult } from '@modelcontextprotocol/client'
import { createHash } from 'node:crypto'
import type { Question } from '../questions.ts'
import type { ToolHand } from '../runner.ts'
import { plainText } from './plain-text.ts'

/** A call over there. */
export interface Underway {
  readonly server: string
  readonly hand: Pick<ToolHand, 'ask' | 'asks' | 'signal'>
  /** Ends it over there. */
  readonly left: AbortController
  /** What ends it here: a question of ours. */
  asked?: unknown
}

/** @param taken aborted when the question is taken back over there */
export async function answered(
  params: ElicitRequest['params'],
  call: Underway | undefined,
  taken: AbortSignal,
): Promise<ElicitResult> {
  if (call === undefined || !('requestedSchema' in params) || !call.hand.asks.includes('form')) {
    return { action: 'decline' }
  }
  const { requestedSchema: schema } = params
  // Whose words they are is said first: a person must not take them for ours.
  const message = `${call.server} asks: ${plainText(params.message)}`.slice(0, 2_000)
  const key = `asked_${createHash('sha256')
    .update(JSON.stringify([message, schema]))
    .digest('hex')
    .slice(0, 16)}`
  const question = { kind: 'form', message, schema } as Question & { kind: 'form' }
  try {
    const { action, content } = call.hand.ask({ [key]: question })[key] ?? { action: 'cancel' }
    return { action, ...(content === undefined ? {} : { content: content as NonNullable<ElicitResult['content']> }) }
  } catch (end) {
    call.asked = end
    call.left.abort()
    // Nobody has said no: the call is taken back, and its question with it.
    await new Promise((resolve) => {
      if (taken.aborted) resolve(undefined)
      taken.addEventListener('abort', resolve, { once: true })
    })
    return { action: 'cancel' }
  }
}
