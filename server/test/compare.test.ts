/** Runs beside one another, and where the time of a run went: on the real wiring, with models that differ and stumble. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { member } from '../../engine/testing/index.ts'
import { operator } from '../src/app.ts'
import { compareRuns } from '../src/domains/probe/compare/compare.ts'
import { efficiencyOf } from '../src/domains/probe/efficiency/efficiency.ts'
import { override } from '../src/domains/probe/results.ts'
import { definition, openBench, type Bench } from '../testing/bench.ts'
import { definitionText, startAnswering } from '../testing/probe.ts'
import type { Call, WireServer } from '../testing/wire.ts'

const calls = new Map<string, number>()
const AT_ONCE = { 'retry-after-ms': '20' }
/** `low`, `high` and `refuses` decide by the number of the case; the others are named for how they stumble. */
function answer(call: Call): void {
  const { model, messages } = call.body
  const n = Number(/number (\d+)/.exec(messages[0]?.content ?? '')?.[1])
  const nth = (calls.get(model) ?? 0) + 1
  calls.set(model, nth)
  if (model === 'limited' && nth <= 2) return call.error(429, { message: 'slower' }, AT_ONCE)
  if (model === 'stumbles' && nth === 1) return call.error(500, { message: 'no' }, AT_ONCE)
  if (model === 'drifts') return call.say({ model: nth % 4 === 0 ? 'drifts-2' : 'drifts-1' })
  if (model === 'silent') return call.say({ model: null })
  if (model === 'refuses' && n <= 3) return call.say({ text: "I'm sorry, but I can't help with that." })
  return call.say({ text: `Rating: ${model === 'high' ? 4 + (n % 2) : 1 + (n % 2)}` })
}

let wire: WireServer
let bench: Bench
beforeAll(async () => {
  wire = await startAnswering(answer)
  bench = await openBench(wire)
  await bench.work()
})
afterAll(async () => {
  await bench?.close()
  await wire?.close()
})

const asked = async (scenarios: number, models: string[], more: { samplesPerScenario?: number } = {}) =>
  (await bench.ask({ definition: definition(definitionText(scenarios)), models, ...more })).id

describe('a comparison', () => {
  test('of the models of one run tells those apart that differ, and names those that do not as tied', async () => {
    const run = await asked(12, ['wire:low', 'wire:high', 'wire:like-low'])
    const found = await compareRuns(bench.engine, operator, [run])
    expect(found).toMatchObject({
      pairing: 'models of the run',
      measure: 'mean decision',
      seed: 1,
      draws: 10_000,
      notes: [],
    })
    const [high, like, both] = found.pairs
    expect(high).toMatchObject({ a: 0, b: 1, asked: 12, n: 12, difference: 3, low: 3, high: 3, tied: false })
    expect(high).toMatchObject({ wins: { gained: 12, lost: 0, n: 12 }, decided: { gained: 0, lost: 0, n: 12, p: 1 } })
    // Exact: all signs of twelve, and twelve of twelve one way; three tests in each family.
    expect(high?.p).toBeCloseTo(2 / 2 ** 12, 12)
    expect(high?.pHolm).toBeCloseTo((3 * 2) / 2 ** 12, 12)
    expect(high?.wins.p).toBeCloseTo(2 / 2 ** 12, 12)
    expect(like).toMatchObject({ a: 0, b: 2, difference: 0, p: 1, pHolm: 1, needed: null, tied: true, changed: [] })
    expect(both).toMatchObject({ a: 1, b: 2, difference: -3, tied: false })
    expect(found.tied).toEqual([[1], [0, 2]])
  })

  test('drops nobody: who refused or failed is counted, and missing in his pair alone', async () => {
    const run = await asked(6, ['wire:low', 'wire:refuses', 'wire:status-401', 'fake:a'])
    const found = await compareRuns(bench.engine, operator, [run])
    expect(found.arms[1]).toMatchObject({ slots: 6, decision: 3, refusal: 3, decided: { rate: 0.5, n: 6 } })
    expect(found.pairs[0]).toMatchObject({ asked: 6, n: 3, onlyA: 3, onlyB: 0, neither: 0, decided: { lost: 3, n: 6 } })
    expect(found.pairs[2]).toMatchObject({ a: 0, b: 3, asked: 6, n: 6 })
    expect(found.pairs[0]?.changed).toMatchObject([
      { a: expect.any(Number), b: null, saidB: { refusal: 1 } },
      { b: null },
      { b: null },
    ])
  })

  test('of two runs pairs each model with itself, and names the scenarios that changed and what else is not the same', async () => {
    const before = await asked(5, ['wire:low', 'wire:high'])
    const after = await asked(5, ['wire:low', 'wire:other'], { samplesPerScenario: 2 })
    await override(bench.engine, operator, after, 1, '5')
    const found = await compareRuns(bench.engine, operator, [before, after, before], 7)
    expect(found).toMatchObject({ runs: [before, after], pairing: 'same model in other runs', seed: 7 })
    expect(found.pairs).toHaveLength(1)
    expect(found.pairs[0]?.changed[0]).toMatchObject({ a: 2, b: 3.5, saidA: { 2: 1 }, saidB: { 2: 1, 5: 1 } })
    expect(found.notes).toEqual([
      `wire:high was asked in run ${before} alone: it stands beside nothing.`,
      `wire:other was asked in run ${after} alone: it stands beside nothing.`,
      'They differ in samplesPerScenario: 1, 2.',
    ])
    expect(await compareRuns(bench.engine, operator, [before, after], 7)).toEqual(found)
  })

  test('of runs that share no model pairs all of one with all of the other', async () => {
    const found = await compareRuns(bench.engine, operator, [
      await asked(5, ['wire:low']),
      await asked(5, ['wire:high']),
    ])
    expect(found).toMatchObject({ pairing: 'all of other runs', pairs: [{ difference: 3, n: 5 }] })
  })

  test('is refused for another definition, for one model alone, and for runs that one may not see', async () => {
    const [five, six] = [await asked(5, ['wire:low']), await asked(6, ['wire:low'])]
    const refused = (runs: number[], who = operator) => expect(compareRuns(bench.engine, who, runs)).rejects
    await refused([five, six]).toMatchObject({
      code: 'OTHER_DEFINITION',
      causes: [expect.stringContaining(`run ${five}: Small`), expect.stringContaining(`run ${six}: Small`)],
    })
    await refused([five, five]).toMatchObject({ code: 'NOTHING_TO_COMPARE' })
    await refused([five, 99_999]).toMatchObject({ code: 'NO_SUCH_RUN' })
    await refused([five], member('admin', 77)).toMatchObject({ code: 'NO_SUCH_RUN' })
  })

  test('of codes that are words goes by the share of the second, and of more than two by what changed alone', async () => {
    const decided = async (codes: string[]) => {
      const labels = codes.map((code) => `{code: ${code}, label: ${code} it}`).join(', ')
      const text = `name: Words\ntemplate: "[Case]"\ndimensions: [{name: Case, values: [number 1, number 2]}]\ndecision: {labels: [${labels}]}\n`
      const { id } = await bench.ask({ definition: definition(text), models: ['wire:low', 'wire:high'] })
      // In the order of tasks: the first scenario of both models, then the second.
      for (const [i, code] of ['keep', 'tell', 'keep', 'keep'].entries())
        await override(bench.engine, operator, id, i + 1, code)
      return compareRuns(bench.engine, operator, [id])
    }
    const two = await decided(['keep', 'tell'])
    expect(two).toMatchObject({
      measure: 'share of tell',
      arms: [{ mean: 0 }, { mean: 0.5 }],
      pairs: [{ difference: 0.5, n: 2 }],
    })
    const three = await decided(['keep', 'tell', 'wait'])
    expect(three).toMatchObject({ measure: null, pairs: [{ n: 2, difference: null, p: null, tied: null }], tied: [] })
    expect(three.pairs[0]?.changed).toMatchObject([{ saidA: { keep: 1 }, saidB: { tell: 1 } }])
  })
})

describe('the efficiency of a run', () => {
  test('says how long it took against the ideal, by which formula, and what it does not know', async () => {
    const run = await asked(8, ['wire:low'])
    const found = await efficiencyOf(bench.engine, operator, run)
    expect(found).toMatchObject({
      run,
      paused: 0,
      providers: [{ provider: 'wire', calls: 8, answered: 8, failures: {} }],
    })
    expect(found.ideal).toBeCloseTo(Math.max(found.longestSlot, found.callTime / found.peak), 9)
    expect(found.ratio).toBeCloseTo(found.makespan / (found.ideal ?? 0), 9)
    expect(found.ratio).toBeGreaterThanOrEqual(1)
    expect(found.idle).toBeLessThanOrEqual(found.makespan)
    expect(found.beforeFirst).toBeGreaterThanOrEqual(0)
    expect(found.afterLast).toBeGreaterThanOrEqual(0)
    expect(found.unknown).toHaveLength(2)
  })

  test('says what was lost to limits and to failures, by provider', async () => {
    const run = await asked(3, ['wire:limited', 'wire:stumbles'])
    const [wired] = (await efficiencyOf(bench.engine, operator, run)).providers
    expect(wired).toMatchObject({
      calls: 9,
      answered: 6,
      failures: { RATE_LIMIT: 2, SERVER_ERROR: 1 },
      lost: { limits: { attempts: 2 }, backoff: { attempts: 1 }, workers: { attempts: 0, seconds: 0 } },
    })
    expect(wired?.lost.limits.seconds).toBeGreaterThan(0)
    expect(wired?.lost.backoff.seconds).toBeGreaterThan(0)
    expect(wired?.failedTime).toBeGreaterThan(0)
  })

  test('says how many answers came from another snapshot than the rest', async () => {
    const run = await asked(8, ['wire:drifts', 'wire:silent'])
    const { drift, unknown } = await efficiencyOf(bench.engine, operator, run)
    expect(drift).toMatchObject([
      {
        answers: 8,
        others: 2,
        versions: [
          { version: 'drifts-1', answers: 6 },
          { version: 'drifts-2', answers: 2 },
        ],
      },
      { answers: 0, unsaid: 8, versions: [] },
    ])
    expect(unknown.at(-1)).toMatch(/silent \(8\)/)
  })

  test('counts a pause as such, and the time between two rounds not at all', async () => {
    const run = await asked(2, ['wire:low'])
    const before = await efficiencyOf(bench.engine, operator, run)
    const at = (kind: string, n: number, seconds: number) =>
      bench.db.sql(
        `insert into engine.events (run_id, n, workspace_id, at, kind)
         select $1, $2::bigint, 1, max(at) + make_interval(secs => $3), $4 from engine.events where run_id = $1 and n < 100`,
        [run, n, seconds, kind],
      )
    // As its events would stand after a second round, in which it was paused for four of five seconds.
    await at('run.reopened', 100, 60)
    await at('run.held', 101, 61)
    await at('run.released', 102, 65)
    await at('run.succeeded', 103, 65)
    const after = await efficiencyOf(bench.engine, operator, run)
    expect(after.makespan - before.makespan).toBeCloseTo(5, 3)
    expect(after.paused).toBeCloseTo(4, 3)
    await expect(efficiencyOf(bench.engine, operator, 99_999)).rejects.toMatchObject({ code: 'NO_SUCH_RUN' })
  })
})
