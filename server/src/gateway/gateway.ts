/**
 * The OpenAI-compatible gateway: `POST /v1/chat/completions` and `GET /v1/models` over
 * the providers' door, for programs in other languages.  A plugin that knows nobody:
 * `authorise` says what stands behind a token.
 */
import { randomUUID } from 'node:crypto'
import type { IncomingHttpHeaders } from 'node:http'
import { PassThrough } from 'node:stream'
import type { FastifyInstance, FastifyReply, FastifySchema } from 'fastify'
import { Refusal, TaskFailed, type Failure } from '@millrace/engine'
import { failureOf } from '../providers/failures.ts'
import type { Answered, Ask, Asked, Refused } from './ask.ts'
import { askedOf, chunks, completionOf, completionRequest, errorOf, refusal, statusOf } from './wire.ts'

export interface GatewayOptions {
  /** What may be asked with a bearer token; undefined: nothing. */
  readonly authorise: (
    token: string,
    headers: IncomingHttpHeaders,
    address: string,
  ) => Ask | Refused | undefined | Promise<Ask | Refused | undefined>
}

/** Bytes of a request. */
const LARGEST = 32 * 1024 * 1024
/** Its contract is OpenAI's, and stands in no document of ours. */
const HIDDEN: FastifySchema & { readonly hide: true } = { hide: true }

declare module 'fastify' {
  interface FastifyRequest {
    ask: Ask | null
  }
}

export async function gateway(app: FastifyInstance, { authorise }: GatewayOptions): Promise<void> {
  app.decorateRequest('ask', null)
  // The body is read only for those who may ask.
  app.addHook('onRequest', async (request, reply) => {
    const token = /^Bearer +(\S+)$/i.exec(request.headers.authorization ?? '')?.[1]
    const ask = token === undefined ? undefined : await authorise(token, request.headers, request.ip)
    if (ask !== undefined && 'refused' in ask) {
      const { status, code, message } = ask.refused
      return reply.code(status).send(refusal(message, code))
    }
    if (ask !== undefined) return void (request.ask = ask)
    return reply.code(401).send(refusal('This token is not known here, or not any more.', 'invalid_api_key'))
  })
  app.setErrorHandler((error, _, reply) => {
    const status = statusOfError(error)
    if (status >= 500) return fail(reply, failureOf('UNKNOWN'))
    return reply
      .code(status)
      .send(refusal('The request is not a JSON document that is served here.', 'invalid_request'))
  })

  app.get('/v1/models', { schema: HIDDEN }, async ({ ask }) => {
    const models = (await ask?.list?.()) ?? ask?.models ?? []
    const data = models.map((id) => ({ id, object: 'model', created: 0, owned_by: 'millrace' }))
    return { object: 'list', data }
  })

  app.post('/v1/chat/completions', { bodyLimit: LARGEST, schema: HIDDEN }, async (request, reply) => {
    // Who asks is tried again by the task that he asks for: a client of his own need not.
    reply.header('x-should-retry', 'false')
    const parsed = completionRequest.safeParse(request.body)
    if (!parsed.success) {
      const [issue] = parsed.error.issues
      const named = issue?.code === 'unrecognized_keys' ? issue.keys[0] : issue?.path.join('.')
      return reply
        .code(400)
        .send(refusal('This is missing, wrong, or not served here.', 'invalid_request', named ?? null))
    }
    const body = parsed.data
    const ask = request.ask
    if (ask === null || (ask.list === undefined && !ask.models.includes(body.model))) {
      return reply.code(403).send(refusal('This token is not for that model.', 'model_not_allowed', 'model'))
    }
    const asked = askedOf(body)
    const gone = new AbortController()
    reply.raw.on('close', () => gone.abort())
    if (body.stream === true) {
      return stream(reply, ask, body.model, asked, body.stream_options?.include_usage === true, gone.signal)
    }
    try {
      return completionOf(await ask.answer(body.model, asked, () => {}, gone.signal), body.model)
    } catch (error) {
      return fail(reply, failureOfThrown(error))
    }
  })
}

/** The head waits for the first piece: what fails before it is told by its status. */
async function stream(
  reply: FastifyReply,
  ask: Ask,
  model: string,
  asked: Asked,
  withUsage: boolean,
  gone: AbortSignal,
) {
  const out = new PassThrough()
  // A client that leaves in the middle loses the answer; the task does not.
  out.on('error', () => {})
  const say = (value: unknown) => void out.write(`data: ${JSON.stringify(value)}\n\n`)
  const make = chunks(`chatcmpl-${randomUUID()}`, model)
  let begun: (() => void) | undefined
  const first = new Promise<void>((resolve) => (begun = resolve))
  let said = false
  const begin = () => {
    if (said) return
    said = true
    say(make.begin())
    begun?.()
  }
  const piece = (text: string) => {
    begin()
    say(make.piece(text))
  }
  const answered = ask.answer(model, asked, piece, gone)
  const ended = answered.then(
    (answer: Answered) => {
      if (!said) {
        begin()
        say(make.piece(answer.text))
      }
      say(make.end(answer))
      if (withUsage) say(make.usage(answer))
      out.end('data: [DONE]\n\n')
    },
    (error: unknown) => {
      // In the middle there is no status left to say it with.
      if (said) out.end(`data: ${JSON.stringify(errorOf(failureOfThrown(error)))}\n\n`)
      else throw error
    },
  )
  try {
    await Promise.race([first, ended])
  } catch (error) {
    return fail(reply, failureOfThrown(error))
  }
  return reply.type('text/event-stream; charset=utf-8').header('cache-control', 'no-cache').send(out)
}

function fail(reply: FastifyReply, failure: Failure) {
  if (failure.retryAfter !== undefined) {
    reply.header('retry-after', String(Math.ceil(failure.retryAfter)))
    reply.header('retry-after-ms', String(Math.ceil(failure.retryAfter * 1000)))
  }
  return reply.code(statusOf(failure)).send(errorOf(failure))
}

function failureOfThrown(error: unknown): Failure {
  return error instanceof TaskFailed ? error.failure : failureOf('UNKNOWN')
}

function statusOfError(error: unknown): number {
  // The server around it refuses what no database keeps.
  if (error instanceof Refusal) return 400
  const status = error instanceof Error && 'statusCode' in error ? error.statusCode : undefined
  return typeof status === 'number' && status >= 400 ? status : 500
}
