/** The one door: what it takes, what it never lets through, and how each call is counted. */
import { inspect } from 'node:util'
import { expect, expectTypeOf, test } from 'vitest'
import { z } from 'zod'
import { failed, toEnvelope, ToolFailed } from './envelope.ts'
import { TRANSITIONS, openLife, STATES, type ToolState } from './lifecycle.ts'
import type { Askable } from './questions.ts'
import {
  defineTool,
  openRunner,
  type Called,
  type CallRecord,
  type Tool,
  type ToolHand,
  type ToolRunner,
} from './runner.ts'

type Run = Parameters<typeof defineTool>[0]['run']
const toolOf = (run: Run, more: Partial<Parameters<typeof defineTool>[0]> = {}) =>
  defineTool({
    name: 'tried',
    version: '1',
    description: 'Tried here.',
    input: z.looseObject({}),
    output: z.looseObject({}),
    run,
    ...more,
  })

function stage(tool: Tool, options: { faults?: number; pause?: number } = {}) {
  const calls: CallRecord[] = []
  const recorder = { record: async (call: CallRecord) => void calls.push(call), changed: () => {} }
  const runner = openRunner({ recorder, ...options })
  runner.add(tool)
  return { runner, calls, run: (input: unknown = {}, context = {}) => runner.run('tried', input, context) }
}
const codeOf = (called: Called) => (called.ok ? 'ok' : called.error.code)

test('what defineTool gives holds no function, at any depth, and cannot be changed', () => {
  const tool = toolOf(() => ({}))
  const functions: string[] = []
  const look = (value: unknown, at: string) => {
    if (typeof value === 'function') functions.push(at)
    if (typeof value !== 'object' || value === null) return
    expect(Object.isFrozen(value)).toBe(true)
    for (const key of Reflect.ownKeys(value)) look(Reflect.get(value, key), `${at}.${String(key)}`)
  }
  look(tool, 'tool')
  expect(functions).toEqual([])
  expect(() => Object.assign(tool, { name: 'other' })).toThrow(TypeError)
  expect(() => openRunner().add({ ...tool })).toThrow('defineTool')
})

test('a tool has no callable in its type, and the runner has the one that everybody uses', () => {
  type Callables<T> = { [K in keyof T]: T[K] extends (...args: never) => unknown ? K : never }[keyof T]
  expectTypeOf<Callables<Tool>>().toEqualTypeOf<never>()
  // @ts-expect-error -- a tool is not called
  expect(() => toolOf(() => ({}))({})).toThrow(TypeError)
  // @ts-expect-error -- and has nothing that could be
  expect(toolOf(() => ({})).run).toBe(undefined)
  expectTypeOf<ToolRunner['run']>().toEqualTypeOf<
    (
      name: string,
      input: unknown,
      context?: {
        readonly signal?: AbortSignal
        readonly correlationId?: string
        readonly run?: number
        readonly progress?: (done: number, total?: number) => void
        readonly log?: ToolHand['log']
        readonly askable?: Askable
      },
    ) => Promise<Called>
  >()
})

test('an empty object is a success, and what the schema forbids is the tool’s fault', async () => {
  expect(await stage(toolOf(() => ({}))).run()).toMatchObject({ ok: true, output: {}, elapsedMs: expect.any(Number) })
  const wrong = { output: z.object({ n: z.int() }) }
  for (const given of [{ n: 'one' }, {}, null, undefined, 1n, [], () => 1]) {
    const called = await stage(toolOf(() => given, wrong)).run()
    expect(called).toMatchObject({ ok: false, error: { type: 'PluginError', code: 'INVALID_OUTPUT' } })
  }
})

test('whatever is thrown becomes an envelope with fixed words, and nobody asks it what it is', async () => {
  const no = () => {
    throw new Error('asked')
  }
  const proxy = new Proxy({}, { get: no, has: no, getPrototypeOf: no, ownKeys: no, getOwnPropertyDescriptor: no })
  const getter = Object.defineProperty({}, 'message', { get: no })
  const cyclic: Record<string, unknown> = {}
  cyclic['self'] = cyclic
  const all = ['CANARY', proxy, getter, cyclic, null, undefined, 7n, Symbol('CANARY'), no, new Error('CANARY'), failed]
  for (const thrown of all) {
    const { runner, calls } = stage(
      toolOf(() => {
        throw thrown
      }),
    )
    const called = await runner.run('tried', {})
    expect(called).toEqual({
      ok: false,
      error: {
        type: 'PluginError',
        code: 'TOOL_FAILED',
        message: 'The tool ended in an error that it does not name.',
        details: {},
        tool: 'tried',
        retryable: false,
        timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
        correlationId: expect.stringMatching(/^[0-9a-f-]{36}$/),
      },
    })
    expect(calls).toHaveLength(1)
    expect(calls[0]?.trace?.correlationId).toBe(called.ok ? '' : called.error.correlationId)
  }
})

test('what a tool throws is not called, neither to show it nor to keep it', async () => {
  let called = 0
  const thrown = {
    [inspect.custom]: () => (called += 1),
    toString: () => `${(called += 1)}`,
    toJSON: () => (called += 1),
  }
  const { run, calls } = stage(
    toolOf(() => {
      // oxlint-disable-next-line typescript/only-throw-error -- tools throw anything
      throw thrown
    }),
  )
  expect(codeOf(await run())).toBe('TOOL_FAILED')
  expect([called, calls[0]?.trace?.evidence]).toEqual([0, expect.stringContaining('toString')])
})

test('a tool has a copy of its input, and its caller a copy of its output', async () => {
  const kept = { list: [1] }
  const { run } = stage(
    toolOf((input) => {
      ;(input as typeof kept).list.push(2)
      return kept
    }),
  )
  const input = { list: [1] }
  const called = await run(input)
  kept.list.push(3)
  expect([input, called.ok && called.output]).toEqual([{ list: [1] }, { list: [1] }])
})

test('a declared error says its own sentence and whose fault it is; its details keep no words of a person', async () => {
  const errors = { NO_ROWS: { message: 'There are no rows.', blame: 'caller' } } as const
  const { run, calls } = stage(
    toolOf(
      () => {
        throw new ToolFailed('NO_ROWS', { rows: 0, word: 'closed', text: 'John Doe was here' })
      },
      { errors },
    ),
  )
  expect(await run()).toMatchObject({
    error: {
      type: 'ValidationError',
      code: 'NO_ROWS',
      message: 'There are no rows.',
      details: { rows: 0, word: 'closed' },
    },
  })
  expect(JSON.stringify(await run())).not.toContain('John')
  expect(calls.map(({ outcome }) => outcome)).toEqual(['caller_error', 'caller_error'])
  for (const code of ['OTHER', 'TIMEOUT', 'toString']) {
    const about = { tool: 'tried', correlationId: 'x', errors }
    expect(toEnvelope(new ToolFailed(code), about).envelope.code).toBe('TOOL_FAILED')
  }
})

test('an input that is wrong is the caller’s mistake, told by place and without its values; the tool is not asked', async () => {
  let asked = 0
  const tool = toolOf(() => ({ asked: (asked += 1) }), { input: z.strictObject({ text: z.string() }) })
  const { run, calls } = stage(tool)
  for (const input of [{}, { text: 7 }, { text: 'x', 'John Doe SSN': 1 }, null, undefined, 1n, 'CANARY']) {
    const called = await run(input)
    expect(called).toMatchObject({ ok: false, error: { type: 'ValidationError', code: 'INVALID_INPUT' } })
    expect(JSON.stringify(called)).not.toMatch(/John|CANARY/)
  }
  expect(asked).toBe(0)
  expect(calls.every(({ elapsedMs, outcome }) => elapsedMs === null && outcome === 'caller_error')).toBe(true)
})

test('a tool that does not end is not waited for, its signal is aborted, and a second call waits for its turn', async () => {
  const begun: { signal: AbortSignal; alone: boolean }[] = []
  const { run } = stage(
    toolOf(
      (_, { signal }) => {
        begun.push({ signal, alone: begun.every((before) => before.signal.aborted) })
        return new Promise(() => {})
      },
      { timeoutMs: 60, concurrency: 1 },
    ),
  )
  const [first, second] = await Promise.all([run(), run()])
  expect(codeOf(first)).toBe('TIMEOUT')
  // Its own time may end while it waits, or soon after its turn has come.
  expect(['TOO_BUSY', 'TIMEOUT']).toContain(codeOf(second))
  expect(begun.every(({ alone, signal }) => alone && signal.aborted)).toBe(true)
})

test('no more calls of a tool go on than it says, and all have their turn', async () => {
  let inside = 0
  let most = 0
  const { run } = stage(
    toolOf(
      async () => {
        most = Math.max(most, (inside += 1))
        await new Promise((resolve) => setImmediate(resolve))
        inside -= 1
        return {}
      },
      { concurrency: 3 },
    ),
  )
  const all = await Promise.all(Array.from({ length: 40 }, () => run()))
  expect([all.every(({ ok }) => ok), most]).toEqual([true, 3])
})

test('a call that fails, whichever way, gives its turn to the next', async () => {
  const ways: Run[] = [
    () => {
      throw new Error()
    },
    () => new Promise(() => {}),
    () => [],
    () => ({}),
  ]
  const { run } = stage(
    toolOf((input, hand) => ways[(input as { way: number }).way]?.({}, hand), {
      timeoutMs: 80,
      concurrency: 1,
    }),
  )
  const codes = []
  for (const way of [0, 1, 2, 3, 0, 1, 3]) codes.push(codeOf(await run({ way })))
  expect(codes).toEqual(['TOOL_FAILED', 'TIMEOUT', 'INVALID_OUTPUT', 'ok', 'TOOL_FAILED', 'TIMEOUT', 'ok'])
})

test('a caller that leaves is answered at once, and nobody is to blame', async () => {
  const leave = new AbortController()
  const { run, calls } = stage(toolOf(() => new Promise(() => {})))
  const called = run({}, { signal: leave.signal })
  leave.abort()
  expect(await called).toMatchObject({ error: { type: 'CancelledError', code: 'CANCELLED' } })
  expect(await run({}, { signal: AbortSignal.abort() })).toMatchObject({ error: { code: 'CANCELLED' } })
  expect(calls.map(({ outcome }) => outcome)).toEqual(['caller_error', 'caller_error'])
})

test('a tool that fails again and again is not asked for a while, and comes back by one call that goes well', async () => {
  let well = false
  const { run, runner, calls } = stage(
    toolOf(() => {
      if (well) return {}
      throw new Error()
    }),
    { faults: 3, pause: 0 },
  )
  expect([codeOf(await run()), codeOf(await run()), codeOf(await run())]).toEqual(Array(3).fill('TOOL_FAILED'))
  expect(runner.standing('tried')).toMatchObject({ state: 'FAILED', reason: 'It failed 3 times in a row.' })
  const [probe, other] = await Promise.all([run(), run()])
  expect([codeOf(probe), codeOf(other)].toSorted()).toEqual(['OUT_OF_SERVICE', 'TOOL_FAILED'])
  expect(runner.standing('tried')?.state).toBe('FAILED')
  well = true
  expect(codeOf(await run())).toBe('ok')
  expect(runner.standing('tried')).toMatchObject({ state: 'INITIALIZED', lastOutcome: 'success', inFlight: 0 })
  expect(calls).toHaveLength(6)
})

test('callers’ mistakes never take a tool out of service', async () => {
  const { run, runner } = stage(
    toolOf(() => ({}), { input: z.object({ n: z.int() }) }),
    { faults: 1 },
  )
  for (let i = 0; i < 20; i += 1) await run({})
  expect(runner.standing('tried')?.state).toBe('INITIALIZED')
  const errors = { NO_ROWS: { message: 'There are no rows.', blame: 'caller' } } as const
  const refuses = toolOf(
    () => {
      throw new ToolFailed('NO_ROWS')
    },
    { errors },
  )
  const other = stage(refuses, { faults: 1 })
  for (let i = 0; i < 3; i += 1) expect(codeOf(await other.run())).toBe('NO_ROWS')
  expect(other.runner.standing('tried')?.state).toBe('INITIALIZED')
})

test('a state follows another only where the table says so', () => {
  const path: Record<ToolState, ToolState[]> = {
    LOADED: [],
    INITIALIZED: ['INITIALIZED'],
    RUNNING: ['INITIALIZED', 'RUNNING'],
    FAILED: ['FAILED'],
    UNAVAILABLE: ['UNAVAILABLE'],
  }
  for (const from of STATES) {
    for (const to of STATES) {
      const life = openLife(5, 0)
      for (const step of path[from]) life.move(step)
      const moved = (() => {
        try {
          life.move(to)
          return true
        } catch {
          return false
        }
      })()
      expect([from, to, moved]).toEqual([from, to, TRANSITIONS[from].includes(to)])
    }
  }
})

test('a definition that makes no sense is refused with what is wrong with it', () => {
  for (const more of [
    { name: 'Not Lower' },
    { timeoutMs: 0 },
    { concurrency: 1.5 },
    { version: '' },
    { description: ' ' },
  ]) {
    expect(() => toolOf(() => ({}), more)).toThrow()
  }
  const errors = { lower: { message: 'x', blame: 'caller' } } as const
  expect(() => toolOf(() => ({}), { errors })).toThrow('UPPER_SNAKE')
})
