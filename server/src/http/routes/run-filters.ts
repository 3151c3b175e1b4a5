/** Which runs are meant, as queries say it; lists and counts ask alike. */
import { z } from 'zod'
import { given, id } from '../house.ts'

/** Without their status: they are counted by it. */
export const filters = {
  kind: z.string().max(200).optional(),
  definition: id.optional().describe('Number of a stored definition.'),
  model: z.string().min(1).max(200).optional().describe('`provider:model[@version]`, or a part of it.'),
  workspaceId: id.optional().describe('Runs of this workspace; of all of yours if left out.'),
  parent: id.optional(),
  since: z.iso.datetime({ offset: true }).optional(),
  until: z.iso.datetime({ offset: true }).optional(),
  search: z.string().min(1).max(200).optional().describe('In names and kinds; or a run’s number.'),
}

export function filterOf({
  since,
  until,
  workspaceId,
  ...rest
}: z.output<z.ZodObject<typeof filters>> & { status?: string | undefined }) {
  return given({
    ...rest,
    workspace: workspaceId,
    since: since === undefined ? undefined : new Date(since),
    until: until === undefined ? undefined : new Date(until),
  })
}
