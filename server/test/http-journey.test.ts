/** Somebody who has `fetch` and the OpenAPI document, and nothing else, does the whole of a probe. */
import { Validator } from '@seriousme/openapi-schema-validator'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { contractColumns } from '../src/domains/probe/csv.ts'
import { definition } from '../testing/bench.ts'
import { definitionText } from '../testing/probe.ts'
import { eventsOf, openHttpStage, type HttpStage } from './http-stage.ts'

let stage: HttpStage
beforeAll(async () => {
  stage = await openHttpStage()
  await stage.work()
})
afterAll(() => stage.close())

interface Contract {
  readonly openapi: string
  readonly paths: Record<string, Record<string, { operationId: string; security: unknown[] }>>
}

test('the contract is a valid OpenAPI 3.1 document, and so is its page for people', async () => {
  const { body, status } = await stage.ask('/api/openapi.json', { as: null })
  expect(status).toBe(200)
  expect(body.openapi).toBe('3.1.0')
  expect(await new Validator().validate(body)).toMatchObject({ valid: true })
  const ids = Object.values((body as Contract).paths).flatMap((one) => Object.values(one).map((it) => it.operationId))
  expect(new Set(ids).size).toBe(ids.length)
  expect(ids).not.toContain(undefined)
  const page = await stage.ask('/api/docs', { as: null, headers: { accept: 'text/html' } })
  expect(page.text).toContain('/api/runs/{id}/logs')
  expect(page.text).not.toMatch(/<script|https?:\/\//)
  expect(page.headers.get('content-security-policy')).toContain("default-src 'none'")
})

test('a definition is kept, looked at dry, started, followed to its end, and taken home as a file', async () => {
  const { body: contract } = await stage.ask('/api/openapi.json', { as: null })
  /** A request by the name that the contract gives it. */
  const call = async (id: string, body?: unknown, place: Record<string, string | number> = {}, query = '') => {
    for (const [path, methods] of Object.entries((contract as Contract).paths)) {
      for (const [method, operation] of Object.entries(methods)) {
        if (operation.operationId !== id) continue
        const url = path.replace(/\{(\w+)\}/g, (_, name: string) => String(place[name]))
        return stage.ask(`${url}${query}`, { method: method.toUpperCase(), body })
      }
    }
    throw new Error(`the contract has no ${id}`)
  }
  const kept = await call('createDefinition', definition(definitionText(4)))
  expect(kept.status).toBe(201)
  expect(kept.body).toMatchObject({ version: 1, scenarios: '4', parent: null })

  const asks = { definitionId: kept.body.id, models: ['fake:a', 'fake:b'] }
  const dry = await call('dryRun', asks)
  expect(dry.body).toMatchObject({ scenarios: 4, tasks: 8, calls: 8, costUsd: 0 })

  const { status, body, headers } = await call('startRun', asks)
  expect(status).toBe(201)
  expect(headers.get('location')).toBe(`/api/runs/${body.run.id}`)
  expect(body.run).toMatchObject({ definition: { id: kept.body.id, version: 1 }, name: 'Small' })
  const id: number = body.run.id

  const seen: string[] = []
  const numbers: number[] = []
  for await (const { event, id: number, data } of eventsOf(await stage.raw(`/api/runs/${id}/logs?stream=true`))) {
    seen.push(event === 'message' ? (data as { kind: string }).kind : event)
    if (number !== undefined) numbers.push(Number(number))
  }
  expect(seen[0]).toBe('run.queued')
  expect(seen.slice(-2)).toEqual(['run.succeeded', 'end'])
  expect(numbers).toEqual(numbers.map((_, i) => i + 1))

  const run = await call('getRun', undefined, { id })
  expect(run.body).toMatchObject({
    status: 'succeeded',
    progress: { total: 8, completed: 8, failed: 0, cancelled: 0, open: 0, percentComplete: 100 },
  })
  const results = await call('getResults', undefined, { id })
  expect(results.body.models.map((one: { model: string; answered: number }) => [one.model, one.answered])).toEqual([
    ['fake:a', 4],
    ['fake:b', 4],
  ])
  const csv = await call('exportCsv', undefined, { id })
  expect(csv.headers.get('content-type')).toBe('text/csv; charset=utf-8')
  expect(csv.headers.get('content-disposition')).toMatch(
    new RegExp(`^attachment; filename="run_${id}_\\d{4}-\\d\\d-\\d\\d\\.csv"$`),
  )
  const lines = csv.text.split('\r\n')
  expect(lines[0]?.replace('\uFEFF', '')).toBe(contractColumns.join(','))
  expect(lines).toHaveLength(10)
})
