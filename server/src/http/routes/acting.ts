/** One word for a run, by its body: the same for all kinds. */
import { z } from 'zod'
import { act, ACTIONS } from '../../domains/stage/approvals.ts'
import { foundRun } from '../../runs/find-runs.ts'
import type { Door } from '../door.ts'
import { given, runParams, who, type Opened } from '../house.ts'
import { runAt, runSchema } from '../shapes.ts'

export function actingRoutes(door: Door, house: Opened): void {
  door.route({
    method: 'POST',
    url: '/api/runs/:id',
    config: { right: 'runs:write' },
    schema: {
      tags: ['runs'],
      operationId: 'actOnRun',
      summary: 'Pause, resume, cancel, retry or approve a run, by a word in the body.',
      description:
        'approve: what awaits approval goes on; of a stage run whose gates failed it passes them, with a reason. retry: what has ended begins a new round; a stage run that waits for answers or a review looks at its gates once more. To refuse an approval is to cancel, with a reason.',
      params: runParams,
      body: z.strictObject({
        action: z.enum(ACTIONS),
        reason: z.string().min(1).max(2_000).optional().describe('Kept with who said it, and when.'),
        seen: z
          .strictObject({ digest: z.string().max(100).optional(), cardVersion: z.int().optional() })
          .optional()
          .describe('What was approved, as it was shown; if it is another now, it is refused with CARD_CHANGED.'),
      }),
      response: { 200: z.object({ run: runSchema }) },
    },
    async handler(request) {
      const { engine, kinds } = house()
      const { id } = request.params
      const { action, reason, seen } = request.body
      const { kind } = await engine.run(who(request), id)
      // What a person writes about a sensitive run is not for its log.
      const quiet = kinds.find((one) => one.name === kind)?.sensitive !== undefined
      const how = given({ reason: quiet ? undefined : reason, seen: seen === undefined ? undefined : given(seen) })
      await act(engine, who(request), id, action, how)
      return { run: runAt(await foundRun(engine, who(request), id)) }
    },
  })
}
