/** Runs: which there are, and how many. */
import { z } from 'zod'
import { countRuns, findPage } from '../../runs/find-runs.ts'
import { cardRunFacts, runsOfCard } from '../../domains/stage/approvals.ts'
import { cardRun } from '../board-shapes.ts'
import type { Door } from '../door.ts'
import { afterOf, cursorOf, given, id, page, pageOf, who, type Opened } from '../house.ts'
import { runAt, runSchema } from '../shapes.ts'
import { STATUSES } from '../words.ts'
import { filterOf, filters } from './run-filters.ts'

const read = { right: 'runs:read' } as const
const tags = ['runs']
const STAGE = 'stage'

export function findRunRoutes(door: Door, house: Opened): void {
  door.route({
    method: 'GET',
    url: '/api/runs',
    config: read,
    schema: {
      tags,
      operationId: 'listRuns',
      summary: 'The newest runs first, page by page.',
      description:
        'A page with a filter for kind, status, model or words looks at so many runs and then ends: it may be short, or empty, and yet have a next one.',
      querystring: z.strictObject({
        ...page,
        ...filters,
        cardId: id.optional().describe('Stage runs of this card.'),
        status: z.enum(STATUSES).optional(),
      }),
      response: { 200: pageOf(runSchema.extend({ card: cardRun.nullable() })) },
    },
    async handler(request) {
      const { limit, cursor, cardId, ...filter } = request.query
      const { engine } = house()
      const ids = cardId === undefined ? undefined : await runsOfCard(engine, who(request), cardId)
      const { items, next } = await findPage(engine, who(request), {
        ...filterOf(filter),
        ...given({ ids, before: afterOf(cursor) }),
        limit,
      })
      const cards = await cardRunFacts(
        engine,
        who(request),
        items.filter((run) => run.kind === STAGE).map((run) => run.id),
      )
      return {
        items: items.map((run) => ({ ...runAt(run), card: cards.get(run.id) ?? null })),
        next: next === null ? null : cursorOf(next),
      }
    },
  })

  door.route({
    method: 'GET',
    url: '/api/runs/counts',
    config: read,
    schema: {
      tags,
      operationId: 'countRuns',
      summary: 'How many runs of each status there are.',
      querystring: z.strictObject(filters),
      response: {
        200: z.object({
          counts: z.partialRecord(z.enum(STATUSES), z.int()),
          capped: z.boolean().describe('Only the 100,000 newest were counted.'),
        }),
      },
    },
    async handler(request) {
      const { counts, capped } = await countRuns(house().engine, who(request), filterOf(request.query))
      const pairs = STATUSES.flatMap((status) => {
        const n = counts[status]
        return n === undefined ? [] : [[status, n] as const]
      })
      return { counts: Object.fromEntries(pairs), capped }
    },
  })
}
