/** What was used and paid, and what all runs of a workspace may use. */
import { z } from 'zod'
import { refuseUnpriced } from '../../domains/probe/budget.ts'
import { daysBack, usageSince } from '../../prices/usage.ts'
import type { Door } from '../door.ts'
import { given, id, who, type Opened } from '../house.ts'
import { budgetSchema } from '../shapes.ts'

const tags = ['money']
const amount = { calls: z.int(), tokens: z.int(), costUsd: z.number(), unpriced: z.int() }
const most = z.int().min(0).max(Number.MAX_SAFE_INTEGER).optional()

export function moneyRoutes(door: Door, house: Opened): void {
  door.route({
    method: 'GET',
    url: '/api/usage',
    config: { right: 'runs:read' },
    schema: {
      tags,
      operationId: 'getUsage',
      summary: 'Calls, tokens and cost of the last days, in your workspaces; of pruned runs nothing is left.',
      querystring: z.strictObject({
        days: z.coerce.number().int().min(1).max(3_660).default(30).describe('Whole ones, UTC; the first is today.'),
        by: z.enum(['day', 'model', 'run']).default('day'),
      }),
      response: {
        200: z.object({
          by: z.enum(['day', 'model', 'run']),
          since: z.date(),
          lines: z.array(z.object({ of: z.string(), ...amount })).readonly(),
          total: z.object({
            ...amount,
            unpriced: amount.unpriced.describe('Calls of which no price is known; they are not in the cost.'),
          }),
        }),
      },
    },
    async handler(request) {
      const { days, by } = request.query
      return { by, ...(await usageSince(house().engine, who(request), daysBack(days), by)) }
    },
  })

  const params = z.strictObject({ id: id.describe('Number of the workspace.') })
  const budget = z.object({ budget: budgetSchema.nullable() })
  door.route({
    method: 'GET',
    url: '/api/workspaces/:id/budget',
    config: { right: 'runs:read' },
    schema: {
      tags,
      operationId: 'getWorkspaceBudget',
      summary: 'What all runs of a workspace together may use, and have used.',
      params,
      response: { 200: budget },
    },
    async handler(request) {
      const of = { workspace: request.params.id }
      return { budget: (await house().engine.budgets.find(who(request), of)) ?? null }
    },
  })
  door.route({
    method: 'PUT',
    url: '/api/workspaces/:id/budget',
    config: { right: 'admin' },
    schema: {
      tags,
      operationId: 'setWorkspaceBudget',
      summary: 'What they may use from now on, what was used included; an empty one is none.',
      params,
      body: z.strictObject({ tokens: most, micros: most.describe('Millionths of a US dollar.') }),
      response: { 200: budget },
    },
    async handler(request) {
      const { engine, probe } = house()
      const of = { workspace: request.params.id }
      const wanted = given(request.body)
      await engine.budgets.set(who(request), of, wanted, async (tx) => {
        if (wanted.micros !== undefined && wanted.tokens === undefined) await refuseUnpriced(tx, of, probe.priced)
      })
      return { budget: (await engine.budgets.find(who(request), of)) ?? null }
    },
  })
}
