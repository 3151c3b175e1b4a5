/** What leaves the database: the nine columns, everything else when asked for, as fast as the reader takes it. */
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { defineRun, defineTask, Refusal, type Run } from '@millrace/engine'
import { member } from '../../engine/testing/index.ts'
import { exportRun, type ProbeExport } from '../src/domains/probe/export.ts'
import { override } from '../src/domains/probe/results.ts'
import { definition, openBench, type Bench } from '../testing/bench.ts'
import { definitionText, startAnswering } from '../testing/probe.ts'
import type { WireServer } from '../testing/wire.ts'

const who = member('admin')
const NINE = 'scenario_id,model_id,model_version,decision,turn_count,word_count,duration_ms,created_at,run_id'

let wire: WireServer
let bench: Bench
let run: Run
beforeAll(async () => {
  wire = await startAnswering((call) => {
    if (call.body.model === 'broken') return call.error(401, { message: 'no' })
    return call.say({ text: '=HYPERLINK("http://evil.example")\nRating: 4', model: '@version' })
  })
  bench = await openBench(wire)
  await bench.work()
  const text = definitionText(3, 1).replace('number 1', '"=1+1"').replace('number 2', '"a, \\"b\\""')
  run = await bench.ask({ definition: definition(text), models: ['wire:=good', 'wire:broken'] })
})
afterAll(async () => {
  await bench?.close()
  await wire?.close()
})

async function exported(how: ProbeExport, id = run.id): Promise<string> {
  const chunks: string[] = []
  await exportRun(bench.engine, who, id, how, async (text) => void chunks.push(text))
  return chunks.join('')
}

/** RFC 4180, strictly: every line ends in CRLF, quotes stand only around a whole cell. */
function parseCsv(text: string): string[][] {
  expect(text.startsWith('\uFEFF')).toBe(true)
  const rows: string[][] = []
  let row: string[] = []
  const cell = /("(?:[^"]|"")*"|[^",\r\n]*)(,|\r\n)/y
  cell.lastIndex = 1
  while (cell.lastIndex < text.length) {
    const at = cell.lastIndex
    const match = cell.exec(text)
    if (match === null) throw new Error(`not RFC 4180 at ${at}: ${JSON.stringify(text.slice(at, at + 80))}`)
    const raw = match[1] ?? ''
    row.push(raw.startsWith('"') ? raw.slice(1, -1).replaceAll('""', '"') : raw)
    if (match[2] === ',') continue
    rows.push(row)
    row = []
  }
  return rows
}

/** The rows as records by their heads. */
function records(text: string): Record<string, string>[] {
  const [head = [], ...rows] = parseCsv(text)
  return rows.map((row) => {
    expect(row).toHaveLength(head.length)
    return Object.fromEntries(head.map((name, index) => [name, row[index] ?? '']))
  })
}

describe('the CSV of a run', () => {
  test('has exactly the nine columns of the contract and a line for each transcript', async () => {
    const text = await exported({ format: 'csv' })
    expect(text.split('\r\n')[0]).toBe(`\uFEFF${NINE}`)
    const rows = records(text)
    expect(rows).toHaveLength(3)
    for (const row of rows) {
      expect(row).toMatchObject({ decision: '4', turn_count: '2', run_id: String(run.id) })
      expect(row['created_at']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/)
      expect(Number(row['duration_ms'])).toBeGreaterThanOrEqual(0)
    }
    expect(new Set(rows.map((row) => row['scenario_id'])).size).toBe(3)
  })

  test('runs nothing in a spreadsheet: what begins like a formula is text, whoever wrote it', async () => {
    const rows = records(await exported({ format: 'csv', columns: 'all', texts: true }))
    const good = rows.filter((row) => row['status'] === 'succeeded')
    expect(good).toHaveLength(3)
    for (const row of good) {
      expect(row).toMatchObject({ model_id: "'=good", model_version: "'@version" })
      expect(row['answer']).toMatch(/^'=HYPERLINK/)
    }
    for (const cell of rows.flatMap((row) => Object.values(row))) expect(cell).not.toMatch(/^[=@]|^[+-](?!\d)/)
  })

  test('with all columns tells of failed slots too, with their code, and the scores of the dimensions', async () => {
    const text = await exported({ format: 'csv', columns: 'all' })
    expect(parseCsv(text)[0]).toEqual([
      ...NINE.split(','),
      'provider',
      'sample',
      'dimension:Case',
      'decision_label',
      'input_tokens',
      'output_tokens',
      'cost_usd',
      'status',
      'error_code',
    ])
    const rows = records(text)
    expect(rows).toHaveLength(6)
    expect(rows.map((row) => row['dimension:Case'])).toEqual(['1', '1', '2', '2', '3', '3'])
    for (const row of rows.filter((row) => row['model_id'] === 'broken'))
      expect(row).toMatchObject({ status: 'failed', error_code: 'AUTH_ERROR', decision: '', turn_count: '0' })
    for (const row of rows.filter((row) => row['model_id'] === "'=good"))
      expect(row).toMatchObject({ status: 'succeeded', error_code: '', decision_label: 'four', sample: '1' })
  })

  test('with texts gives the prompt and every answer, line breaks and quotes included', async () => {
    const rows = records(await exported({ format: 'csv', texts: true }))
    const quoted = rows.find((row) => row['prompt']?.includes('a, "b"'))
    expect(quoted?.['prompt']).toBe('Rate case a, "b" from 1 to 5.')
    const answer = '=HYPERLINK("http://evil.example")\nRating: 4'
    expect(quoted?.['answer']).toBe(`'${answer}\n\n${answer}`)
  })

  test('has the decision of a person where there is one', async () => {
    await override(bench.engine, who, run.id, 1, 'refusal')
    const [first] = records(await exported({ format: 'csv', columns: 'all' }))
    expect(first).toMatchObject({ decision: 'refusal', decision_label: '' })
    await override(bench.engine, who, run.id, 1, '4')
    expect(records(await exported({ format: 'csv' }))[0]).toMatchObject({ decision: '4' })
  })

  test('as JSONL is a document a line, with turns, dimensions and failures, and texts as they were', async () => {
    const lines = (await exported({ format: 'jsonl' })).trimEnd().split('\n')
    const rows = lines.map((line) => JSON.parse(line) as Record<string, unknown>)
    expect(rows).toHaveLength(6)
    expect(rows[0]).toMatchObject({
      model_id: '=good',
      run_id: String(run.id),
      status: 'succeeded',
      error_code: null,
      dimensions: { Case: { score: 1, label: '=1+1', option: '=1+1' } },
      turns: [
        { label: 'scenario', prompt: 'Rate case =1+1 from 1 to 5.', answer: expect.stringMatching(/^=HYPERLINK/) },
        { label: 'follow 1', prompt: 'And then, 1?' },
      ],
    })
    expect(rows[1]).toMatchObject({ model_id: 'broken', status: 'failed', error_code: 'AUTH_ERROR', turns: [] })
  })
})

describe('an export is refused', () => {
  const refusal = async (id: number, as = who) => {
    const error: unknown = await exportRun(bench.engine, as, id, { format: 'csv' }, async () => {
      throw new Error('something was written')
    }).catch((caught: unknown) => caught)
    if (!(error instanceof Refusal)) throw new Error(`not refused: ${String(error)}`)
    return error.code
  }

  test('for a run that is not there, or not this reader’s, before a byte is written', async () => {
    expect(await refusal(999_999)).toBe('NO_SUCH_RUN')
    expect(await refusal(-1)).toBe('NO_SUCH_RUN')
    expect(await refusal(1.5)).toBe('NO_SUCH_RUN')
    expect(await refusal(Number.NaN)).toBe('NO_SUCH_RUN')
    expect(await refusal(Number.MAX_SAFE_INTEGER)).toBe('NO_SUCH_RUN')
    expect(await refusal(run.id, member('admin', 7))).toBe('NO_SUCH_RUN')
  })

  test('for a run of another kind', async () => {
    const task = defineTask({ name: 'other.do', input: z.object({}), output: z.object({}), perform: async () => ({}) })
    const other = defineRun({
      name: 'other',
      input: z.object({}),
      tasks: [task],
      plan: () => [{ kind: 'other.do', input: {} }],
    })
    const started = await bench.engine.start(who, other, {}, { workspace: 1 })
    expect(await refusal(started.run)).toBe('NOT_A_PROBE')
  })
})

describe('an export of 20,000 transcripts', () => {
  let large: Bench
  let id: number
  const ROWS = 20_000
  beforeAll(async () => {
    large = await openBench(wire)
    id = await large.start({
      definition: definition(definitionText(100)),
      models: ['wire:x', 'wire:y'],
      samplesPerScenario: 100,
    })
    await large.db.sql(
      `insert into probe.transcripts (run_id, task, workspace_id, scenario, provider, model, sample, turns, turn_count,
         word_count, input_tokens, output_tokens, tokens_reported, duration_ms, outcome)
       select run_id, n, 1, (input ->> 'scenario')::int, 'openai-compatible', substr(input ->> 'model', 6),
              (input ->> 'sample')::int,
              jsonb_build_array(jsonb_build_object('label', 'scenario', 'prompt', 'p', 'answer', repeat(md5(n::text), 125))),
              1, 1, 1, 1, true, 1, 'unparsed'
         from engine.inputs where run_id = $1`,
      [id],
    )
    await large.db.sql("update engine.tasks set state = 'succeeded' where run_id = $1", [id])
  })
  afterAll(() => large?.close())

  test('takes memory for a page, not for the run, and gives every row once, in order', async () => {
    setFlagsFromString('--expose-gc')
    const collect = runInNewContext('gc') as () => void
    const inUse = () => {
      collect()
      const { heapUsed, external } = process.memoryUsage()
      return (heapUsed + external) / 2 ** 20
    }
    let [bytes, writes, most, lines] = [0, 0, 0, 0]
    let last = ''
    let ordered = true
    const before = inUse()
    const { rows } = await exportRun(large.engine, who, id, { format: 'jsonl' }, async (text) => {
      bytes += text.length
      lines += text.split('\n').length - 1
      if (writes++ % 8 === 0) most = Math.max(most, inUse())
      const samples = text.match(/"sample":\d+/g) ?? []
      const key = (samples[0] ?? '').padStart(20)
      if (Number(/\d+/.exec(key)?.[0]) < Number(/\d+/.exec(last)?.[0] ?? 0)) ordered = false
      last = key
    })
    expect({ rows, lines, ordered }).toEqual({ rows: ROWS, lines: ROWS, ordered: true })
    expect(bytes).toBeGreaterThan(ROWS * 4_000)
    expect(most - before).toBeLessThan(16)
  })

  test('waits for its reader, and ends when the reader goes: the connection is free again', async () => {
    let writing = 0
    let together = 0
    let taken = 0
    const gone = exportRun(large.engine, who, id, { format: 'csv' }, async (text) => {
      together = Math.max(together, ++writing)
      await new Promise((resolve) => setImmediate(resolve))
      writing -= 1
      taken += text.length
      if (taken > 100_000) throw new Error('the reader has gone')
    })
    await expect(gone).rejects.toThrow('the reader has gone')
    expect(together).toBe(1)
    for (let i = 0; i < 12; i++) {
      await expect(
        exportRun(large.engine, who, id, { format: 'csv' }, async () => {
          throw new Error('gone')
        }),
      ).rejects.toThrow('gone')
    }
    expect(
      await large.db.sql(
        "select pid from pg_stat_activity where datname = current_database() and state like 'idle in%'",
      ),
    ).toEqual([])
  })
})
