/** Which models can be asked here, and what they cost; and the providers' keys, by the operator's word. */
import { z } from 'zod'
import { holderNamed, listKeys, removeKey, setKey } from '../../keys/vault.ts'
import { modelsOffered } from '../../providers/offers.ts'
import type { Door } from '../door.ts'
import { who, type Opened } from '../house.ts'

const tags = ['models']
const read = { right: 'runs:read' } as const

const price = z
  .object({ input: z.number(), output: z.number(), deprecated: z.boolean(), table: z.string(), version: z.string() })
  .nullable()
  .describe('US dollars per million tokens; null where no table knows.')

export function modelRoutes(door: Door, house: Opened): void {
  door.route({
    method: 'GET',
    url: '/api/models',
    config: read,
    schema: {
      tags,
      operationId: 'listModels',
      summary: 'The models that the providers list; others of a provider can be asked for all the same.',
      querystring: z.strictObject({ provider: z.string().max(100).optional() }),
      response: {
        200: z.object({
          models: z.array(
            z.object({
              spec: z.string(),
              providerId: z.string(),
              model: z.string(),
              description: z.string(),
              price,
            }),
          ),
          providers: z.array(
            z.object({
              id: z.string(),
              name: z.string(),
              models: z.int(),
              failure: z
                .object({ code: z.string(), message: z.string() })
                .nullable()
                .describe('Why they are not listed.'),
            }),
          ),
        }),
      },
    },
    async handler(request) {
      const { catalogue, prices } = house()
      const { provider } = request.query
      const offers = (await modelsOffered(catalogue)).filter(({ id }) => provider === undefined || id === provider)
      return {
        models: offers.flatMap(({ models }) =>
          models.map(({ spec, providerId, model, description }) => {
            const known = prices.of(providerId, model)
            const { table = '', version = '', deprecated = false } = known ?? {}
            const rates = known?.rates
            return {
              spec,
              providerId,
              model,
              description,
              price:
                rates === undefined ? null : { input: rates.input, output: rates.output, deprecated, table, version },
            }
          }),
        ),
        providers: offers.map(({ id, name, models, failure }) => ({
          id,
          name,
          models: models.length,
          failure: failure === null ? null : { code: failure.code, message: failure.message },
        })),
      }
    },
  })

  const key = z
    .object({
      provider: z.string(),
      fingerprint: z.string().describe('The first six digits of its sha256; the key itself is given to nobody.'),
      source: z.enum(['database', 'environment']),
      by: z.string().describe('Who set it, or the variable.'),
      setAt: z.date().nullable(),
      used: z.boolean(),
      opens: z.boolean().describe('False: it was sealed with another secret than this program has.'),
    })
    .meta({ id: 'ProviderKey' })
  const params = z.strictObject({ provider: z.string().min(1).max(100) })

  door.route({
    method: 'GET',
    url: '/api/provider-keys',
    config: { right: 'admin' },
    schema: {
      tags,
      operationId: 'listProviderKeys',
      summary: 'Which providers have a key, by their fingerprints (operators).',
      response: { 200: z.object({ keys: z.array(key) }) },
    },
    handler: async (request) => ({ keys: await listKeys(house().engine, who(request), house().keys) }),
  })
  door.route({
    method: 'PUT',
    url: '/api/provider-keys/:provider',
    config: { right: 'admin', replays: false },
    schema: {
      tags,
      operationId: 'setProviderKey',
      summary: 'Keep a key, sealed; all workers have it within seconds (operators).',
      params,
      body: z.strictObject({ key: z.string().min(1).max(4_096) }),
      response: { 200: z.object({ provider: z.string(), fingerprint: z.string() }) },
    },
    async handler(request) {
      const provider = holderNamed(request.params.provider)
      const { engine, keys } = house()
      return { provider, fingerprint: await setKey(engine, who(request), keys, provider, request.body.key) }
    },
  })
  door.route({
    method: 'DELETE',
    url: '/api/provider-keys/:provider',
    config: { right: 'admin' },
    schema: {
      tags,
      operationId: 'removeProviderKey',
      summary: 'Forget the key that was kept; one in the environment is used then (operators).',
      params,
      response: { 204: z.undefined().describe('It is gone.') },
    },
    async handler(request, reply) {
      await removeKey(house().engine, who(request), holderNamed(request.params.provider))
      return reply.code(204).send()
    },
  })
}
