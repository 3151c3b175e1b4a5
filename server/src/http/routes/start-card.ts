/** `POST /api/runs` for a card: the run of the stage in which it is. */
import type { FastifyRequest } from 'fastify'
import { Refusal } from '@millrace/engine'
import { z } from 'zod'
import { runNow } from '../../domains/stage/approvals.ts'
import { cardOf } from '../../domains/stage/cards.ts'
import { given, id, who, type House } from '../house.ts'

/** What is asked otherwise than as a probe. */
export const others = {
  cardId: id
    .optional()
    .describe('Number of a card: the run of its stage, whatever its level; the one that is there, if one is active.'),
  stage: z
    .string()
    .min(1)
    .max(40)
    .optional()
    .describe('The stage in which the card is thought to be; another is refused.'),
  workspaceId: id.optional().describe('Of the card; it says so itself.'),
  triggeredBy: z.string().max(200).optional().describe('Taken and not believed: who asks is who is signed in.'),
  kind: z.string().min(1).max(200).optional().describe('Any kind of run, with its input.'),
  input: z.unknown().optional(),
}

/** Of a probe, a card or a kind, one. */
export function refuseMixed(body: { models?: unknown; cardId?: unknown; kind?: unknown }, context: z.RefinementCtx) {
  if (body.cardId === undefined && body.kind === undefined && body.models === undefined) {
    context.addIssue({ code: 'custom', path: ['models'], message: 'Invalid input: expected array, received undefined' })
  }
  if (body.cardId !== undefined && (body.kind !== undefined || body.models !== undefined)) {
    context.addIssue({ code: 'custom', path: ['cardId'], message: 'A card says itself what is run.' })
  }
}

/** @throws Refusal NO_SUCH_CARD, CARD_ELSEWHERE, NO_RECIPE, RECIPE_DISABLED, AI_OFF, CARD_NOT_ACTIVE, NOT_ALLOWED */
export async function runOfCard(
  { engine }: Pick<House, 'engine'>,
  request: FastifyRequest,
  asked: { cardId: number; stage?: string; workspaceId?: number; idempotencyKey?: string },
): Promise<{ run: number; created: boolean }> {
  const { workspace } = await cardOf(engine, who(request), asked.cardId)
  if (asked.workspaceId !== undefined && asked.workspaceId !== workspace) {
    throw new Refusal('NO_SUCH_CARD', 'There is no such card in that workspace.')
  }
  const header = request.headers['idempotency-key']
  const key = typeof header === 'string' ? header : asked.idempotencyKey
  return runNow(engine, who(request), { card: asked.cardId, ...given({ stage: asked.stage, key }) })
}
