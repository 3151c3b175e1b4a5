/** Which models can be asked here. */
import { z } from 'zod'
import type { Door } from '../door.ts'
import type { Opened } from '../house.ts'

export function modelRoutes(door: Door, house: Opened): void {
  door.route({
    method: 'GET',
    url: '/api/models',
    config: { right: 'runs:read' },
    schema: {
      tags: ['models'],
      operationId: 'listModels',
      summary: 'The models that are known by name; others of a provider can be asked for all the same.',
      response: {
        200: z.object({
          models: z.array(
            z.object({ spec: z.string(), providerId: z.string(), model: z.string(), description: z.string() }),
          ),
        }),
      },
    },
    async handler() {
      const models = house().catalogue.list()
      return {
        models: models.map(({ spec, providerId, model, description }) => ({ spec, providerId, model, description })),
      }
    },
  })
}
