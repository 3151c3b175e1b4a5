/** The contract: one OpenAPI 3.1 document, made from the schemas that the routes check by. */
import swagger from '@fastify/swagger'
import { jsonSchemaTransform, jsonSchemaTransformObject } from 'fastify-type-provider-zod'
import type { Door } from './door.ts'

/** Of Millrace, and with it of the contract. */
export const VERSION = '0.1.0'

const DESCRIPTION = `Runs AI work that must not be lost: runs of tasks, kept in PostgreSQL, watched live.

Errors are RFC 9457 problems with a \`code\` and a \`correlationId\`. Requests that change something take an \`Idempotency-Key\`: the same key with the same request gets the same answer for a day, with another request it is a 409. Lists come in pages: \`next\` is the cursor of the page after. Answers have an ETag.`

const IDEMPOTENCY = {
  in: 'header',
  name: 'idempotency-key',
  required: false,
  description: 'The same key with the same request gets the same answer once more.',
  schema: { type: 'string', maxLength: 200 },
}
const WORKSPACE = {
  in: 'header',
  name: 'x-millrace-workspace',
  required: false,
  description: 'Number of the workspace that new things go to, for who is in several.',
  schema: { type: 'string' },
}

interface Operation {
  parameters?: object[]
  responses?: Record<string, unknown>
}

/** Before the routes: they are heard as they are registered. */
export async function describeRoutes(door: Door): Promise<void> {
  await door.register(swagger, {
    openapi: {
      openapi: '3.1.0',
      info: {
        title: 'Millrace',
        version: VERSION,
        description: DESCRIPTION,
        license: { name: 'MIT', identifier: 'MIT' },
      },
      servers: [{ url: '/' }],
      components: {
        securitySchemes: {
          bearer: { type: 'http', scheme: 'bearer', description: 'An API key, or a JSON web token.' },
          session: {
            type: 'apiKey',
            in: 'cookie',
            name: 'millrace_3000',
            description:
              'Of a browser that has signed in; the number is the port, and by https it is `__Host-millrace`.',
          },
        },
      },
    },
    transform(given) {
      const made = jsonSchemaTransform(given)
      const right = given.route.config?.right
      const schema = made.schema as Record<string, unknown>
      const said = typeof schema['description'] === 'string' ? [schema['description']] : []
      return {
        url: made.url,
        schema: {
          ...schema,
          security: right === undefined || right === 'open' ? [] : [{ bearer: [] }, { session: [] }],
          description: [
            ...said,
            ...(right === undefined || right === 'open' ? [] : [`Needs the scope \`${right}\`.`]),
          ].join('\n\n'),
        },
      }
    },
    transformObject(given) {
      const document = jsonSchemaTransformObject(given as never) as unknown as Document
      for (const path of Object.values(document.paths)) {
        for (const [method, operation] of Object.entries(path)) complete(method, operation)
      }
      document.components.schemas = onlyUsed(document)
      return document as never
    },
  })
}

interface Document {
  paths: Record<string, Record<string, Operation & { security?: unknown[] }>>
  components: { schemas: Record<string, unknown> }
}

function complete(method: string, operation: Operation & { security?: unknown[] }) {
  operation.responses ??= {}
  operation.responses['default'] = {
    description: 'What went wrong.',
    content: { 'application/problem+json': { schema: { $ref: '#/components/schemas/Problem' } } },
  }
  if (method === 'get' || operation.security?.length === 0) return
  operation.parameters = [...(operation.parameters ?? []), IDEMPOTENCY, WORKSPACE]
}

/** Each schema is registered for both directions; most are spoken of in one. */
function onlyUsed(document: Document): Record<string, unknown> {
  const { schemas } = document.components
  const used = new Set<string>()
  const open = [JSON.stringify(document.paths)]
  for (let text = open.pop(); text !== undefined; text = open.pop()) {
    for (const [, name = ''] of text.matchAll(/"#\/components\/schemas\/([^"]+)"/g)) {
      if (used.has(name) || schemas[name] === undefined) continue
      used.add(name)
      open.push(JSON.stringify(schemas[name]))
    }
  }
  return Object.fromEntries(Object.entries(schemas).filter(([name]) => used.has(name)))
}
