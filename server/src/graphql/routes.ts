/**
 * `/graphql`: who is signed in may ask, and every field asks for the scope that
 * its question needs.  No subscriptions: what goes on is followed as events.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Refusal } from '@millrace/engine'
import { GraphQLError, Kind, parse, visit, type DocumentNode } from 'graphql'
import { createYoga, type Plugin } from 'graphql-yoga'
import type { Authenticator } from '../access/signed-in.ts'
import type { Door } from '../http/door.ts'
import { workspaceOf, type Opened } from '../http/house.ts'
import type { Logger } from '../http/log.ts'
import { refuseUnstorable } from '../http/storable.ts'
import type { Asking } from './builder.ts'
import { told } from './errors.ts'
import { MOST, refuseTooMuch } from './limits.ts'
import { openLoaders } from './loaders.ts'
import { schema } from './schema.ts'

const PATH = '/graphql'
/** Bytes. */
const LARGEST = 128 * 1024

interface Given extends Record<string, unknown> {
  readonly asking: Asking
  readonly correlationId: string
}

export async function graphqlRoutes(
  door: Door,
  { house, authenticate, log }: { house: Opened; authenticate: Authenticator['authenticate']; log: Logger },
): Promise<void> {
  const yoga = createYoga<Given, Asking>({
    schema,
    graphqlEndpoint: PATH,
    context: ({ asking }) => asking,
    plugins: [bounds(), words(log)],
    // One place tells errors, for all that can go wrong: `words`.
    maskedErrors: { maskError: (error) => error as Error },
    batching: false,
    multipart: false,
    graphiql: false,
    landingPage: false,
    logging: false,
    cors: false,
    parserAndValidationCache: false,
    maxRequestBodySize: LARGEST,
  })

  await door.register(async (scope: FastifyInstance) => {
    // What a body is, GraphQL over HTTP says itself.
    scope.removeAllContentTypeParsers()
    scope.addContentTypeParser('*', { parseAs: 'string', bodyLimit: LARGEST }, (_request, text, done) =>
      done(null, text),
    )
    scope.addHook('onRequest', async (request, reply) => {
      const { method, headers, ip } = request
      const known = await authenticate({ method, headers, address: ip })
      if (known === undefined) throw new Refusal('NOT_SIGNED_IN', 'This needs somebody who is signed in.')
      request.signedIn = known
      reply.header('cache-control', 'private, no-cache')
    })
    scope.route({
      method: ['GET', 'POST'],
      url: PATH,
      schema: { hide: true },
      handler: (request, reply) => answer(request, reply),
    })
  })

  async function answer(request: FastifyRequest, reply: FastifyReply) {
    const { signedIn } = request
    if (signedIn === undefined) throw new Error('nobody was asked who he is')
    const opened = house()
    const key = request.headers['idempotency-key']
    if (request.method === 'POST') refuseUnlessJson(request)
    const asking: Asking = {
      house: opened,
      signedIn,
      load: openLoaders(opened.engine, signedIn.principal),
      workspace: () => workspaceOf(request),
      key: typeof key === 'string' ? key : undefined,
    }
    const response = await yoga.fetch(
      `http://localhost${request.url}`,
      {
        method: request.method,
        headers: given(request),
        ...(request.method === 'POST' ? { body: typeof request.body === 'string' ? request.body : '' } : {}),
      },
      { asking, correlationId: request.id },
    )
    reply.code(response.status)
    for (const name of ['content-type', 'allow']) {
      const value = response.headers.get(name)
      if (value !== null) reply.header(name, value)
    }
    return reply.serializer((text: unknown) => String(text)).send(await response.text())
  }
}

/** Told as everywhere else; the protocol would let it be a 200. @throws Refusal INVALID_JSON */
function refuseUnlessJson({ headers, body }: FastifyRequest) {
  if (headers['content-type']?.startsWith('application/json') !== true) return
  try {
    JSON.parse(String(body))
  } catch {
    throw new Refusal('INVALID_JSON', 'The body is not JSON.')
  }
}

/** What the protocol looks at, and nothing that says who asks. */
function given({ headers }: FastifyRequest): Record<string, string> {
  const wanted = ['accept', 'content-type'] as const
  return Object.fromEntries(wanted.flatMap((name) => (headers[name] === undefined ? [] : [[name, headers[name]]])))
}

function bounds(): Plugin<object, Given, Asking> {
  return {
    onParse({ setParseFn }) {
      setParseFn((source: Parameters<typeof parse>[0], options: Parameters<typeof parse>[1]) =>
        parse(source, { ...options, maxTokens: MOST.tokens }),
      )
    },
    onExecute({ args, setResultAndStopExecution }) {
      try {
        refuseUnstorable(args.variableValues ?? {})
        refuseUnstorable(textsOf(args.document))
        refuseTooMuch(args.schema, args.document, args.operationName, args.variableValues ?? {})
      } catch (error) {
        const refused = error instanceof Error ? error : new Error('refused')
        setResultAndStopExecution({ errors: [new GraphQLError(refused.message, { originalError: refused })] })
      }
    },
  }
}

function textsOf(document: DocumentNode): string[] {
  const texts: string[] = []
  visit(document, {
    [Kind.STRING]({ value }) {
      texts.push(value)
    },
  })
  return texts
}

function words(log: Logger): Plugin<object, Given, Asking> {
  return {
    onResultProcess(answer) {
      const { result, serverContext } = answer
      if (!('errors' in result) || !Array.isArray(result.errors)) return
      const errors = result.errors.map((error) => told(error, serverContext.correlationId, log))
      answer.setResult({ ...result, errors })
    },
  }
}
