/** What skills have left as rows of a card: hypotheses, prototypes, the jury with its votes, tickets. */
import { z } from 'zod'
import { recordsOfCard } from '../../domains/stage/executors/kept-records.ts'
import type { Door } from '../door.ts'
import { id, who, type Opened } from '../house.ts'

const kept = {
  run: z.int().nullable().describe('The run that left it.'),
  n: z.int().describe('From 1, within its run.'),
  at: z.date(),
}
const facts = z.array(z.record(z.string(), z.unknown()).readonly()).readonly()
const texts = z.array(z.string()).readonly()
const score = z.number().describe('0 to 100.')

const records = z
  .object({
    hypotheses: z
      .array(
        z.object({
          ...kept,
          title: z.string(),
          belief: z.string(),
          audience: z.string(),
          because: z.string(),
          metric: z.string(),
          evidence: texts,
          against: z.string().nullable(),
          confidence: z.enum(['high', 'medium', 'low']),
        }),
      )
      .readonly(),
    prototypes: z
      .array(
        z.object({
          ...kept,
          name: z.string(),
          question: z.string(),
          chosen: z.string(),
          components: facts,
          stories: facts,
        }),
      )
      .readonly(),
    tickets: z
      .array(
        z.object({
          ...kept,
          id: z.int(),
          title: z.string(),
          type: z.enum(['feature', 'bug', 'chore', 'spike']),
          description: z.string(),
          acceptance: texts,
          points: z.int(),
          priority: z.enum(['urgent', 'high', 'medium', 'low']),
          dependsOn: z.array(z.int()).readonly().describe('Numbers of tickets that come before it.'),
        }),
      )
      .readonly(),
    jury: z
      .object({
        ...kept,
        score,
        low: score,
        high: score,
        method: z.string().describe('How the interval was made.'),
        verdict: z.enum(['pass', 'conditional', 'fail']),
        personas: facts,
        concerns: facts,
        suggestions: facts,
        votes: z
          .array(
            z.object({
              persona: z.string(),
              vote: z.int(),
              stance: z.enum(['approve', 'conditional', 'reject']),
              reason: z.string(),
              concern: z.string(),
              blocking: z.boolean(),
              suggestion: z.string(),
            }),
          )
          .readonly(),
      })
      .nullable()
      .describe('The last verdict.'),
  })
  .meta({ id: 'CardRecords' })

export function recordRoutes(door: Door, house: Opened): void {
  door.route({
    method: 'GET',
    url: '/api/cards/:id/records',
    config: { right: 'board:read' },
    schema: {
      tags: ['cards'],
      operationId: 'listRecords',
      summary: 'What skills have left as rows: those of the newest run of each kind.',
      params: z.strictObject({ id: id.describe('Number of the card.') }),
      response: { 200: records },
    },
    handler: (request) => house().engine.as(who(request), (tx) => recordsOfCard(tx, request.params.id)),
  })
}
