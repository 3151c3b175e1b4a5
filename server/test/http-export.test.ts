/** Taking a run home: the same bytes as on the command line, in flat memory, and never half a file that looks whole. */
import { connect } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../engine/testing/index.ts'
import { operator } from '../src/app.ts'
import { exportRun, type ProbeExport } from '../src/domains/probe/export.ts'
import { definition } from '../testing/bench.ts'
import { definitionText } from '../testing/probe.ts'
import { openHttpStage, type HttpStage } from './http-stage.ts'

let stage: HttpStage
let small: number
let large: number
const ROWS = 20_000

beforeAll(async () => {
  stage = await openHttpStage({ exportStall: 4_000, origins: ['https://lab.example'] })
  const worker = await stage.work()
  const ask = async (scenarios: number) =>
    (await stage.ask('/api/runs', { body: { definition: definition(definitionText(scenarios)), models: ['fake:a'] } }))
      .body.run.id
  small = await ask(5)
  await stage.ended(small)
  await worker.drain(0)
  // As if a run of so many had ended: its rows, without asking anybody for them.
  large = await ask(1)
  await stage.db.sql(
    `insert into probe.scenarios select $1, g, 1, 'k=' || g, '{}', repeat('p', 200) from generate_series(1, $2 - 1) g`,
    [large, ROWS],
  )
  await stage.db.sql(
    `insert into engine.tasks (run_id, n, workspace_id, lane_id, state) select $1, g, 1, (select id from engine.lanes where run_id = $1 limit 1), 'succeeded' from generate_series(2, $2) g`,
    [large, ROWS],
  )
  await stage.db.sql(
    `insert into engine.inputs select $1, g, 1, jsonb_build_object('scenario', g - 1, 'model', 'fake:a', 'sample', 1) from generate_series(2, $2) g`,
    [large, ROWS],
  )
  await stage.db.sql(
    `insert into probe.transcripts (run_id, task, workspace_id, scenario, provider, model, sample, turns, turn_count, word_count, input_tokens, output_tokens, tokens_reported, duration_ms)
     select $1, g, 1, g - 1, 'fake', 'a', 1, jsonb_build_array(jsonb_build_object('label', 'scenario', 'prompt', 'p', 'answer', repeat('word ', 400))), 1, 400, 1, 1, true, 1 from generate_series(1, $2) g`,
    [large, ROWS],
  )
  await stage.db.sql('analyze engine.tasks, engine.inputs, probe.transcripts, probe.scenarios')
}, 120_000)
afterAll(() => stage.close())

test.each([
  ['csv', '', { format: 'csv' }],
  ['csv', '?columns=all&texts=1', { format: 'csv', columns: 'all', texts: true }],
  ['jsonl', '', { format: 'jsonl' }],
] as [string, string, ProbeExport][])(
  '%s%s is what the command line writes, byte for byte',
  async (format, query, how) => {
    let wanted = ''
    await exportRun(stage.engine, operator, small, how, async (text) => void (wanted += text))
    const response = await stage.raw(`/api/export/runs/${small}/${format}${query}`, {
      headers: { origin: 'https://lab.example' },
    })
    expect(response.status).toBe(200)
    expect(Buffer.from(await response.arrayBuffer()).equals(Buffer.from(wanted))).toBe(true)
    expect(response.headers.get('access-control-allow-origin')).toBe('https://lab.example')
    expect(response.headers.get('access-control-expose-headers')).toContain('content-disposition')
  },
)

test('who may not, or what is not there, or is no probe, is told before the first byte', async () => {
  const path = `/api/export/runs/${small}/csv`
  expect(await stage.ask(path, { as: null })).toMatchObject({ status: 401, body: { code: 'NOT_SIGNED_IN' } })
  stage.person('narrow', 'admin', 1, ['runs:read'])
  expect(await stage.ask(path, { as: 'narrow' })).toMatchObject({ status: 403, body: { code: 'MISSING_SCOPE' } })
  expect(await stage.ask('/api/export/runs/999999/csv')).toMatchObject({ status: 404, body: { code: 'NO_SUCH_RUN' } })
  await stage.db.sql("update engine.runs set kind = 'other' where id = $1", [small])
  expect(await stage.ask(path)).toMatchObject({ status: 409, body: { code: 'NOT_A_PROBE' } })
  await stage.db.sql("update engine.runs set kind = 'probe' where id = $1", [small])
})

/** Reads the beginning, and nothing more until it is let; gives what came and whether the end was told. */
function slowly(path: string) {
  const { port, hostname } = new URL(stage.url)
  let text = ''
  let closed = false
  const socket = connect(Number(port), hostname, () =>
    socket.write(`GET ${path} HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer admin\r\nconnection: close\r\n\r\n`),
  )
  socket.setEncoding('latin1').on('data', (chunk: string) => {
    if (text === '') socket.pause()
    text += chunk
  })
  socket.on('error', () => {}).on('close', () => (closed = true))
  return {
    begun: () =>
      until(
        () => text,
        (it) => it !== '',
      ),
    end: async () => {
      socket.resume()
      await until(
        () => closed,
        (it) => it,
      )
      // The last chunk of a body that is whole has no length.
      return { text, whole: text.endsWith('\r\n0\r\n\r\n') }
    },
  }
}

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

/** Bytes that are really held. */
function used(): number {
  collect()
  const { heapUsed, external } = process.memoryUsage()
  return heapUsed + external
}

const underWay = () =>
  stage.db.sql<{ n: number }>(
    "select count(*)::int as n from pg_stat_activity where datname = current_database() and state = 'idle in transaction' and application_name = 'millrace api'",
  )

test('a slow reader holds up the database’s cursor and no memory', async () => {
  const before = used()
  const readers = Array.from({ length: 3 }, () => slowly(`/api/export/runs/${large}/jsonl`))
  await until(underWay, ([row]) => row?.n === 3)
  await Promise.all(readers.map((one) => one.begun()))
  // Each of the three has more than 40 MB; what is held is a page or two of each, not one of them whole.
  const held = used() - before
  const ends = await Promise.all(readers.map((one) => one.end()))
  for (const { text, whole } of ends) {
    expect(whole).toBe(true)
    expect(text.split('"scenario_id"').length - 1).toBe(ROWS)
  }
  expect(held).toBeLessThan(40_000_000)
})

test('a failure in the middle breaks the connection instead of ending the file', async () => {
  const reader = slowly(`/api/export/runs/${large}/csv?texts=1`)
  await reader.begun()
  await stage.db.sql(
    "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and xact_start is not null and application_name = 'millrace api'",
  )
  const { text, whole } = await reader.end()
  expect(text).toMatch(/^HTTP\/1\.1 200/)
  expect(whole).toBe(false)
  expect(stage.logged.join('')).toContain('EXPORT_BROKE')
})

test('who takes nothing for long is cut off, and more than a few at a time are told to come again', async () => {
  const stuck = Array.from({ length: 4 }, () => slowly(`/api/export/runs/${large}/csv?texts=1`))
  await until(underWay, ([row]) => row?.n === 4)
  const { status, headers, body } = await stage.ask(`/api/export/runs/${small}/csv`)
  expect([status, body.code, headers.get('retry-after')]).toEqual([503, 'TOO_MANY_EXPORTS', '2'])
  // The runs themselves are read all the while.
  expect(await stage.ask('/api/runs')).toMatchObject({ status: 200 })
  await until(underWay, ([row]) => row?.n === 0)
  for (const one of stuck) expect((await one.end()).whole).toBe(false)
  expect((await stage.ask(`/api/export/runs/${small}/csv`)).status).toBe(200)
})
