/** One trace from the request to the provider, through the database, for whoever has a tracer; nothing for who has none. */
import { AsyncLocalStorage } from 'node:async_hooks'
import { randomBytes } from 'node:crypto'
import {
  context,
  propagation,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
  type Attributes,
  type Context,
  type ContextManager,
  type Span,
  type SpanContext,
  type SpanOptions,
} from '@opentelemetry/api'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { definition } from '../testing/bench.ts'
import { catalogueOf, definitionText } from '../testing/probe.ts'
import { createFake } from '../src/providers/fake.ts'
import { failureOf } from '../src/providers/failures.ts'
import { openHttpStage, type HttpStage } from './http-stage.ts'

interface Seen {
  readonly name: string
  readonly kind: SpanKind
  readonly context: SpanContext
  readonly parent: string | undefined
  readonly attributes: Attributes
  failed: boolean
  ended: boolean
}

/** Keeps what is begun, as an SDK would hand it to an exporter. */
function recorder() {
  const spans: Seen[] = []
  const storage = new AsyncLocalStorage<Context>()
  const manager: ContextManager = {
    active: () => storage.getStore() ?? ROOT_CONTEXT,
    with: (inside, work, self, ...given) => storage.run(inside, () => work.apply(self, given)),
    bind: (_, target) => target,
    enable: () => manager,
    disable: () => manager,
  }
  const startSpan = (
    name: string,
    { kind = SpanKind.INTERNAL, attributes = {} }: SpanOptions = {},
    from = context.active(),
  ): Span => {
    const parent = trace.getSpanContext(from)
    const own: SpanContext = {
      traceId: parent?.traceId ?? randomBytes(16).toString('hex'),
      spanId: randomBytes(8).toString('hex'),
      traceFlags: 1,
    }
    const seen: Seen = {
      name,
      kind,
      context: own,
      parent: parent?.spanId,
      attributes: { ...attributes },
      failed: false,
      ended: false,
    }
    spans.push(seen)
    const span: Span = {
      spanContext: () => own,
      setAttribute: (key, value) => {
        seen.attributes[key] = value
        return span
      },
      setAttributes: (more) => {
        Object.assign(seen.attributes, more)
        return span
      },
      addEvent: () => span,
      addLink: () => span,
      addLinks: () => span,
      setStatus: ({ code }) => {
        seen.failed = code === SpanStatusCode.ERROR
        return span
      },
      updateName: () => span,
      end: () => void (seen.ended = true),
      isRecording: () => true,
      recordException: () => {
        throw new Error('an exception has a text')
      },
    }
    return span
  }
  const provider = { getTracer: () => ({ startSpan, startActiveSpan: () => undefined as never }) }
  return { spans, provider, manager }
}

let stage: HttpStage
beforeAll(async () => {
  const failure = failureOf('VALIDATION_ERROR', { status: 400 })
  stage = await openHttpStage({
    catalogue: catalogueOf({
      fake: createFake({ latencyMs: 0 }),
      wrong: createFake({ latencyMs: 0, script: [{ failure }] }),
    }),
  })
  await stage.work()
})
afterAll(async () => {
  trace.disable()
  context.disable()
  propagation.disable()
  await stage?.close()
})

const start = async (models: string[], headers: Record<string, string> = {}) => {
  const { body } = await stage.ask('/api/runs', {
    body: { definition: definition(definitionText(1)), models, temperature: 0.5 },
    headers,
  })
  await stage.ended(body.run.id)
  return body.run.id as number
}

test('without a tracer nothing is kept of where a run came from', async () => {
  await start(['fake:a'])
  expect(await stage.db.sql('select * from traces.carried')).toEqual([])
})

test('a request, the task that it asked for and the call of the model are one trace, with names and numbers and no text', async () => {
  const { spans, provider, manager } = recorder()
  trace.setGlobalTracerProvider(provider)
  context.setGlobalContextManager(manager)
  propagation.setGlobalPropagator({
    inject: () => {},
    fields: () => ['traceparent'],
    extract(from, carrier: Record<string, string | undefined>) {
      const [, traceId, spanId] = carrier['traceparent']?.split('-') ?? []
      return traceId === undefined || spanId === undefined
        ? from
        : trace.setSpanContext(from, { traceId, spanId, traceFlags: 1, isRemote: true })
    },
  })
  const caller = { traceId: 'a'.repeat(32), spanId: 'b'.repeat(16) }
  const run = await start(['fake:a', 'wrong:a'], { traceparent: `00-${caller.traceId}-${caller.spanId}-01` })
  const mine = spans.filter((span) => span.context.traceId === caller.traceId)
  const [request] = mine
  expect(request).toMatchObject({
    name: 'POST /api/runs',
    kind: SpanKind.SERVER,
    parent: caller.spanId,
    ended: true,
    attributes: { 'http.request.method': 'POST', 'http.route': '/api/runs', 'http.response.status_code': 201 },
  })
  const tasks = mine.filter(({ name }) => name.startsWith('task probe.ask.'))
  expect(tasks.length).toBe(2)
  for (const task of tasks) {
    expect(task).toMatchObject({
      kind: SpanKind.CONSUMER,
      parent: request?.context.spanId,
      ended: true,
      attributes: {
        'millrace.run': run,
        'millrace.task.kind': expect.stringContaining('probe.ask.'),
        'millrace.workspace': 1,
      },
    })
    const call = mine.find(({ parent }) => parent === task.context.spanId)
    expect(call).toMatchObject({
      kind: SpanKind.CLIENT,
      ended: true,
      attributes: {
        'gen_ai.operation.name': 'chat',
        'gen_ai.provider.name': 'fake',
        'gen_ai.request.temperature': 0.5,
      },
    })
  }
  const good = mine.find(({ name, failed }) => name === 'chat a' && !failed)
  expect(good?.attributes).toMatchObject({
    'gen_ai.request.model': 'a',
    'gen_ai.usage.input_tokens': expect.any(Number),
    'gen_ai.usage.output_tokens': expect.any(Number),
    'gen_ai.response.finish_reasons': ['stop'],
  })
  const bad = mine.filter(({ failed }) => failed)
  expect(bad.map(({ name, attributes }) => [name, attributes['error.type']])).toEqual([
    [expect.stringContaining('task probe.ask.'), 'VALIDATION_ERROR'],
    ['chat a', 'VALIDATION_ERROR'],
  ])
  const text = JSON.stringify(spans)
  for (const secret of ['Rate case', 'number 1', 'Rating', 'Bearer', 'admin']) expect(text).not.toContain(secret)
})
