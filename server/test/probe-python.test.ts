/** Conversations that the worker in Python holds: the same as those held here, in all that is kept. */
import { readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import fc from 'fast-check'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { Refusal } from '@millrace/engine'
import { member, until } from '../../engine/testing/index.ts'
import type { Definition } from '../src/domains/probe/definition/definition.ts'
import { prepare, unfinished, type ProbeRequest } from '../src/domains/probe/start.ts'
import { openPython } from '../src/tools/python/python.ts'
import { definition, openBench, type Bench } from '../testing/bench.ts'
import { definitionText, startGatedServer, type GatedServer } from '../testing/probe.ts'
import { openProbeStage, type ProbeStage } from './probe-stage.ts'

const who = member('admin')
const PATIENT = { silence: 20_000 }
let stage: ProbeStage
let bench: Bench
beforeAll(async () => {
  stage = await openProbeStage()
  // What is compared is compared on a busy machine too.
  bench = await openBench(stage.wire, PATIENT)
  await bench.work()
  const { warnings: _, ...health } = await bench.outside.python.health()
  expect(health).toMatchObject({ healthy: true, missing: [] })
})
afterAll(async () => {
  await bench?.close()
  await stage?.close()
})

const TIMES = ['run_id', 'created_at', 'duration_ms']
const without = (row: Record<string, unknown>, names: readonly string[]) =>
  Object.fromEntries(Object.entries(row).filter(([name]) => !names.includes(name)))

/** Everything that is kept of a run, but for times and its number. */
async function keptOf(run: number) {
  const [transcripts, ledger, attempts, ends] = await Promise.all([
    bench.transcripts(run),
    bench.db.sql(
      `select n, name, attempt, entry, encode(request_hash, 'hex') as request, tokens, micros,
              receipt #- '{value,startedAt}' #- '{value,completedAt}' as receipt
         from engine.ledger where run_id = $1 order by n, attempt, name, entry`,
      [run],
    ),
    bench.db.sql('select n, attempt, outcome, failure from engine.attempts where run_id = $1 order by n, attempt', [
      run,
    ]),
    bench.db.sql(
      `select t.n, t.state, t.attempt, t.tries, o.output from engine.tasks t
         left join engine.outputs o using (run_id, n) where run_id = $1 order by n`,
      [run],
    ),
  ])
  return {
    transcripts: transcripts.map((row) => ({
      ...without(row, TIMES),
      turns: row.turns.map((turn) => without(turn as unknown as Record<string, unknown>, ['startedAt', 'completedAt'])),
    })),
    ledger,
    attempts,
    ends,
  }
}

async function bothWays(request: ProbeRequest) {
  const ran = await Promise.all((['inline', 'python'] as const).map((worker) => bench.ask({ ...request, worker }, 60)))
  const [inline, python] = await Promise.all(ran.map(({ id }) => keptOf(id)))
  expect(ran[1]?.state).toBe(ran[0]?.state)
  return { inline, python }
}

const text = fc
  .oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
    fc.constantFrom('Größe 🙃 雪', 'a "quoted" \\ line\nand another', '\u2028', 'x'.repeat(30_000)),
  )
  .map((found) => found.replaceAll(/[[\]\0]/g, '').toWellFormed())
  .filter((found) => found.trim() !== '')
const definitions: fc.Arbitrary<Definition> = fc
  .record({
    preamble: fc.option(text, { nil: undefined }),
    preambleAs: fc.constantFrom('system' as const, 'user' as const),
    template: text,
    followups: fc.array(text, { maxLength: 3 }),
  })
  .map(({ preamble, followups, ...rest }) => ({
    ...definition(definitionText(1)),
    dimensions: [],
    ...rest,
    ...(preamble === undefined ? {} : { preamble }),
    followups: followups.map((prompt, n) => ({ label: `follow ${n}`, prompt })),
  }))
const requests = fc.record(
  {
    definition: definitions,
    models: fc.constant(['fake:a', 'fake:c', 'fake:odd', 'wire:well', 'wire:no-temperature']),
    maxTurns: fc.integer({ min: 1, max: 4 }),
    samplesPerScenario: fc.integer({ min: 1, max: 2 }),
    temperature: fc.double({ min: 0, max: 2, noNaN: true }),
    maxTokens: fc.integer({ min: 20, max: 400 }),
  },
  { requiredKeys: ['definition', 'models'] },
)

describe('the same question asked inline and through Python', () => {
  test('leaves the same transcripts, receipts and ends, whatever the definition is', async () => {
    await fc.assert(
      fc.asyncProperty(requests, async (request) => {
        const { inline, python } = await bothWays(request)
        expect(python).toEqual(inline)
        expect(inline?.transcripts.length).toBeGreaterThan(0)
      }),
      { numRuns: 8, endOnFailure: true },
    )
  }, 120_000)

  test.each(['refusal-prone', 'unicode-and-long-text', 'value-dilemma'])(
    'leaves the same of the example %s',
    async (example) => {
      const file = new URL(`../../examples/${example}/definition.yaml`, import.meta.url)
      const request = {
        definition: definition(await readFile(file, 'utf8')),
        models: ['fake:a', 'fake:refuser'],
        samplePercentage: 20,
      }
      const { inline, python } = await bothWays(request)
      expect(python).toEqual(inline)
    },
  )

  test('leaves the same of every way in which a model answers, or fails', async () => {
    const ways = `cut filtered filtered-midway empty odd large tools no-finish refuses no-usage rich-usage other-version
      no-version late-version whole not-json error-in-200 status-400 status-401 status-404 status-500 bad-key`
    const models = ways.split(/\s+/).map((name) => `wire:${name}`)
    const { inline, python } = await bothWays({ definition: definition(definitionText(1, 1)), models })
    expect(python).toEqual(inline)
    const codes = new Set(inline?.attempts.map(({ failure }) => (failure as { code?: string } | null)?.code))
    for (const code of ['CONTENT_FILTER', 'INVALID_RESPONSE', 'AUTH_ERROR', 'SERVER_ERROR']) {
      expect(codes).toContain(code)
    }
  }, 90_000)

  test('is the same question: an unfinished run of one is gone on with by the other', async () => {
    const request = { definition: definition(definitionText(1, 0, 'Same question')), models: ['wire:hang-before'] }
    const run = await bench.start({ ...request, worker: 'python' })
    const { input } = await prepare(request, bench.catalogue)
    expect(await unfinished(bench.engine, who, 1, input)).toBe(run)
    await bench.engine.cancel(who, run)
  })
})

/** Warm workers of Python under this process. */
function workers(): number[] {
  return readdirSync('/proc')
    .filter((name) => /^\d+$/.test(name))
    .map(Number)
    .filter((pid) => {
      const said = statusOf(pid)
      return said.cmdline.includes('probe.py\0--warm') && statusOf(said.parent).parent === process.pid
    })
}

function statusOf(pid: number): { cmdline: string; parent: number } {
  try {
    const parent = Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])
    return { cmdline: readFileSync(`/proc/${pid}/cmdline`, 'utf8'), parent }
  } catch {
    return { cmdline: '', parent: 0 }
  }
}

describe('a conversation in Python', () => {
  let server: GatedServer
  let own: Bench
  beforeAll(async () => {
    server = await startGatedServer()
    own = await openBench(server, PATIENT)
    await own.work()
  })
  afterAll(async () => {
    await own?.close()
    await server?.close()
  })
  afterEach(() => {
    server.open()
    vi.restoreAllMocks()
  })
  const held = () =>
    until(
      () => server.held,
      (calls) => calls === 1,
    )
  const ended = (run: number) =>
    until(
      () => own.engine.run(who, run),
      (seen) => seen.finishedAt !== null,
    )

  test('whose process is killed in the middle is gone on with by another, and nothing is bought twice', async () => {
    const before = server.calls.length
    server.admit(1)
    const others = workers()
    const told = vi.spyOn(console, 'error').mockImplementation(() => {})
    const run = await own.start({ definition: definition(definitionText(1, 2)), models: ['wire:m'], worker: 'python' })
    await held()
    const [pid = expect.fail('no worker was begun')] = workers().filter((one) => !others.includes(one))
    process.kill(pid, 'SIGKILL')
    await until(
      () => told.mock.calls.length,
      (calls) => calls > 0,
    )
    // Another run comes and goes; this attempt still waits for the answer that is on its way.
    await own.ask({ definition: definition(definitionText(1, 0, 'Meanwhile')), models: ['fake:a'] })
    const attempts = () => own.db.sql('select outcome, failure from engine.attempts where run_id = $1', [run])
    expect(await attempts()).toEqual([])
    server.open()
    expect((await ended(run)).state).toBe('succeeded')
    expect(server.calls.slice(before).map((call) => call.messages.length)).toEqual([1, 3, 5])
    expect(await attempts()).toMatchObject([
      { outcome: 'again', failure: { code: 'WORKER_CRASH', retryable: true, details: { signal: 'SIGKILL' } } },
    ])
    expect(told.mock.calls.flat().join('\n')).toContain('probe.py: WORKER_CRASH')
  })

  test('that is cancelled ends its call and its process at once', async () => {
    server.shut()
    const run = await own.start({
      definition: definition(definitionText(1, 0, 'Cancelled')),
      models: ['wire:m'],
      worker: 'python',
    })
    await held()
    const before = workers()
    expect(before.length).toBeGreaterThan(0)
    await own.engine.cancel(who, run)
    expect((await ended(run)).state).toBe('cancelled')
    await until(
      () => server.held,
      (calls) => calls === 0,
    )
    await until(workers, (now) => before.some((pid) => !now.includes(pid)), 4)
  })

  test('asks with a token that is good for its task, and for nothing after it', async () => {
    const admit = vi.spyOn(own.outside.gateway, 'admit')
    server.shut()
    const run = await own.start({
      definition: definition(definitionText(1, 0, 'Token')),
      models: ['wire:m'],
      worker: 'python',
    })
    await held()
    const [result] = admit.mock.settledResults
    const { url, token } = result?.type === 'fulfilled' ? result.value : expect.fail('nobody was admitted')
    const list = () => fetch(`${url}/models`, { headers: { authorization: `Bearer ${token}` } })
    expect(await (await list()).json()).toMatchObject({ data: [{ id: 'wire:m' }] })
    server.open()
    expect((await ended(run)).state).toBe('succeeded')
    expect((await list()).status).toBe(401)
  })
})

describe('without a Python that will do', () => {
  const request = { definition: definition(definitionText(1)), models: ['fake:a'], worker: 'python' as const }
  const refusedBy = async (command: string) => {
    const python = openPython({ command, most: 1, tell: console.error })
    try {
      const refused: unknown = await prepare(request, bench.catalogue, { python }).catch((error: unknown) => error)
      expect(refused).toBeInstanceOf(Refusal)
      return (refused as Refusal).causes.join('\n')
    } finally {
      await python.close()
    }
  }

  test('a run that needs it is refused at its start, with what to do; others are not', async () => {
    expect(await refusedBy('/no/such/python')).toMatch(/^worker: .*\/no\/such\/python.*MILLRACE_PYTHON=/)
    expect(await refusedBy('/bin/false')).toContain('worker: ')
    await prepare({ ...request, worker: 'inline' }, bench.catalogue)
  })

  test('that was not well is looked at again later; one that was well is not', async () => {
    const python = openPython({ command: '/no/such/python', most: 1, tell: console.error })
    const first = python.health()
    expect(await python.health()).toBe(await first)
    const now = Date.now()
    vi.useFakeTimers({ toFake: ['Date'], now: now + 60_000 })
    try {
      expect(await python.health()).not.toBe(await first)
      const well = await bench.outside.python.health()
      expect(await bench.outside.python.health()).toBe(well)
    } finally {
      vi.useRealTimers()
      await python.close()
    }
  })
})
