/** What answers cost: kept with each, counted once, forecast, and held by budgets of money. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { until } from '../../engine/testing/index.ts'
import { operator } from '../src/app.ts'
import { costColumns } from '../src/domains/probe/cost.ts'
import { exportRun } from '../src/domains/probe/export.ts'
import { lengthsSeen } from '../src/domains/probe/forecast.ts'
import { resultsOf } from '../src/domains/probe/results.ts'
import { prepare } from '../src/domains/probe/start.ts'
import { openPrices, type Prices } from '../src/prices/prices.ts'
import { usageOfRun, usageSince } from '../src/prices/usage.ts'
import { definition, openBench, type Bench } from '../testing/bench.ts'
import { definitionText, startAnswering } from '../testing/probe.ts'
import type { Call, WireServer } from '../testing/wire.ts'

const left: (() => Promise<void> | void)[] = []
afterEach(async () => {
  for (const leave of left.splice(0).toReversed()) await leave()
})

/** A thousand micros a token of `wire:m`; `wire:free` is nobody's. */
const DEAR = 'openai-compatible:m: {input: 1000, output: 1000}'

function pricesOf(text: string): Prices {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-money-'))
  left.push(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'prices.yaml'), text)
  return openPrices({ file: join(folder, 'prices.yaml') })
}

async function stage(
  answer: (call: Call) => void | Promise<void> = (call) => call.say(),
): Promise<{ wire: WireServer; bench: Bench; prices: Prices }> {
  const wire = await startAnswering(answer)
  left.push(() => wire.close())
  const prices = pricesOf(DEAR)
  // An answer that comes too late is paid for and not counted; a machine that is busy must not make one.
  const bench = await openBench(wire, { prices, silence: 20_000 })
  left.push(() => bench.close())
  return { wire, bench, prices }
}

const usageOf = (prompt: number, completion: number) => ({ prompt_tokens: prompt, completion_tokens: completion })
const ended = (bench: Bench, run: number) =>
  until(
    () => bench.engine.run(operator, run),
    (seen) => seen.finishedAt !== null,
    60,
  )

/** Waits until nothing runs and no purse covers one more, in one look. */
const heldUp = (bench: Bench) =>
  until(
    () =>
      bench.db.sql(
        `select (select count(*)::int from engine.reservations) as running,
                (select bool_and(not engine.affordable(l)) from engine.lanes l where l.micros > 0 and not l.idle) as short`,
      ),
    ([row]) => row?.['running'] === 0 && row['short'] === true,
    60,
  )

describe('a cost', () => {
  test('stands with the turn, the transcript, the receipt, the results and the export, each with where its price is from', async () => {
    const { bench } = await stage((call) => call.say({ usage: usageOf(10, 5) }))
    await bench.work()
    const run = await bench.ask({
      definition: definition(definitionText(2, 1)),
      models: ['wire:m', 'wire:other', 'fake:a'],
    })
    const rows = await bench.transcripts(run.id)
    const of = (model: string) => rows.filter((row) => row['model'] === model)
    expect(of('m')).toHaveLength(2)
    for (const row of of('m')) {
      expect(row).toMatchObject({
        cost_usd: '0.03',
        price_table: 'own',
        price_model: 'openai-compatible:m',
        price_rates: { input: 1000, output: 1000 },
      })
      expect(row['price_version']).toMatch(/^[0-9a-f]{12}$/)
      expect(row['price_date']).toBeInstanceOf(Date)
      expect(row.turns.map(({ cost }) => cost?.micros)).toEqual([15_000, 15_000])
    }
    for (const row of of('other')) expect(row).toMatchObject({ cost_usd: null, price_table: null })
    for (const row of of('a')) expect(row).toMatchObject({ cost_usd: '0', price_table: 'fake' })
    const ledger = await bench.db.sql(
      "select sum(micros)::int as micros, count(*)::int as receipts from engine.ledger where entry = 'receipt'",
    )
    expect(ledger).toEqual([{ micros: 60_000, receipts: 12 }])
    const costs = (await resultsOf(bench.engine, operator, run.id)).map(({ model, costUsd }) => [model, costUsd])
    expect(costs).toEqual([
      ['fake:a', 0],
      ['wire:m', 0.06],
      ['wire:other', null],
    ])
    let csv = ''
    await exportRun(
      bench.engine,
      operator,
      run.id,
      { format: 'csv', columns: 'all' },
      async (text) => void (csv += text),
    )
    const [head = '', ...lines] = csv.trim().split('\r\n')
    const at = head.split(',').indexOf('cost_usd')
    expect(lines.map((line) => line.split(',')[at] ?? '?').toSorted((a, b) => a.localeCompare(b))).toEqual([
      '',
      '',
      '0',
      '0',
      '0.03',
      '0.03',
    ])
  })

  test('of an answer that a rescued task found in the ledger is counted once', async () => {
    let stumbles = true
    const { wire, bench } = await stage((call) => {
      if (call.body.messages.length === 3 && stumbles) {
        stumbles = false
        return call.error(500, { message: 'no' }, { 'retry-after-ms': '20' })
      }
      return call.say({ usage: usageOf(10, 5) })
    })
    await bench.work()
    const run = await bench.ask({ definition: definition(definitionText(1, 1)), models: ['wire:m'] })
    expect(wire.requests).toHaveLength(3)
    const [row] = await bench.transcripts(run.id)
    expect(row).toMatchObject({ cost_usd: '0.03' })
    expect(await usageOfRun(bench.engine, operator, run.id)).toEqual({
      calls: 2,
      tokens: 30,
      costUsd: 0.03,
      unpriced: 0,
    })
  })
})

describe('a transcript', () => {
  test('of which one turn has no price has none either: half of a cost would be a wrong one', () => {
    const cost = {
      micros: 5,
      table: 'own',
      version: 'v',
      date: '2026-01-01',
      model: 'm',
      rates: { input: 1, output: 1 },
    }
    expect(costColumns([{ cost }, { cost }])).toMatchObject({ cost_usd: 0.00001, price_table: 'own' })
    expect(costColumns([{ cost }, { cost: null }])).toMatchObject({ cost_usd: null, price_table: null })
    expect(costColumns([{}])).toMatchObject({ cost_usd: null, price_table: null })
  })
})

describe('usage', () => {
  test('is by day, model and run what the ledger says, with what failed tasks had bought, and names calls without a price', async () => {
    const { bench } = await stage((call) =>
      call.body.messages.length === 3 && call.body.model === 'm'
        ? call.error(400, { message: 'no' })
        : call.say({ usage: usageOf(10, 5) }),
    )
    await bench.work()
    const first = await bench.ask({ definition: definition(definitionText(2, 1)), models: ['wire:m', 'fake:a'] })
    const second = await bench.ask({ definition: definition(definitionText(3)), models: ['wire:other'] })
    expect(first.progress).toMatchObject({ succeeded: 2, failed: 2 })
    const [sql] = await bench.db.sql(
      "select count(*)::int as calls, sum(tokens)::int as tokens, sum(micros)::int as micros from engine.ledger where entry = 'receipt'",
    )
    const since = new Date(Date.now() - 86_400_000)
    for (const by of ['day', 'model', 'run'] as const) {
      const { lines, total } = await usageSince(bench.engine, operator, since, by)
      expect(total).toEqual({
        calls: sql?.['calls'],
        tokens: sql?.['tokens'],
        costUsd: Number(sql?.['micros']) / 1e6,
        unpriced: 3,
      })
      const sum = (of: (line: (typeof lines)[number]) => number) => lines.reduce((all, line) => all + of(line), 0)
      expect([sum((line) => line.calls), sum((line) => line.tokens)]).toEqual([total.calls, total.tokens])
      expect(sum((line) => line.costUsd)).toBeCloseTo(total.costUsd, 9)
    }
    const byModel = (await usageSince(bench.engine, operator, since, 'model')).lines
    expect(byModel.find((line) => line.of === 'wire:m')).toEqual({
      of: 'wire:m',
      calls: 2,
      tokens: 30,
      costUsd: 0.03,
      unpriced: 0,
    })
    expect(byModel.find((line) => line.of === 'wire:other')).toMatchObject({ calls: 3, costUsd: 0, unpriced: 3 })
    const byRun = (await usageSince(bench.engine, operator, since, 'run')).lines
    expect(byRun.map((line) => line.of)).toEqual([String(first.id), String(second.id)])
    expect((await usageSince(bench.engine, operator, new Date(Date.now() + 60_000), 'day')).lines).toEqual([])
    const stranger = { sub: 'x', workspaces: { 999: 'admin' as const } }
    expect((await usageSince(bench.engine, stranger, since, 'day')).total.calls).toBe(0)
  })
})

describe('a forecast', () => {
  test('takes the lengths of answers from those that a model gave here, else says that they are assumed', async () => {
    const { bench, prices } = await stage((call) => call.say({ usage: usageOf(10, 70) }))
    const request = { definition: definition(definitionText(12)), models: ['wire:m', 'wire:other'] }
    const seen = (models: readonly string[]) => lengthsSeen(bench.engine, operator, models, bench.catalogue)
    const { dry: before } = await prepare(request, bench.catalogue, { prices, seen })
    const [assumed, nobody] = before.forecast
    expect(assumed).toMatchObject({ calls: 12, seen: 0, outputTokens: { low: 600, likely: 2_400, high: 12_000 } })
    expect(assumed?.costUsd?.low).toBeLessThan(assumed?.costUsd?.likely ?? 0)
    expect(nobody).toMatchObject({ model: 'wire:other', costUsd: null })
    expect(before.costUsd).toBeNull()

    await bench.work()
    await bench.ask({ ...request, models: ['wire:m'] })
    const { dry: after } = await prepare({ ...request, models: ['wire:m'] }, bench.catalogue, { prices, seen })
    expect(after.forecast[0]).toMatchObject({ seen: 12, outputTokens: { low: 840, likely: 840, high: 840 } })
    const { dry: cut } = await prepare({ ...request, maxTokens: 20 }, bench.catalogue, { prices, seen })
    expect(cut.forecast[0]?.outputTokens).toEqual({ low: 240, likely: 240, high: 240 })
  })

  test('is what the run comes to, where the lengths are as they were', async () => {
    const answer = 'Rating: 4\n\nThat is so.'
    const { bench, prices } = await stage((call) => call.say({ text: answer, usage: usageOf(12, 70) }))
    const request = { definition: definition(definitionText(12)), models: ['wire:m'] }
    await bench.work()
    const first = await bench.ask(request)
    const seen = (models: readonly string[]) => lengthsSeen(bench.engine, operator, models, bench.catalogue)
    const { dry } = await prepare(request, bench.catalogue, { prices, seen })
    const { costUsd } = await usageOfRun(bench.engine, operator, first.id)
    expect(dry.costUsd).toBeGreaterThan(costUsd * 0.8)
    expect(dry.costUsd).toBeLessThan(costUsd * 1.2)
  })
})

describe('a budget of money', () => {
  const SLOT = { definition: definition(definitionText(60)), models: ['wire:m'], maxTokens: 20 }

  test('is not passed, whatever runs at a time on two workers, says so, and goes on when it is raised', async () => {
    const { wire, bench } = await stage((call) => call.say({ usage: usageOf(12, 20) }))
    await Promise.all([bench.work(), bench.work()])
    // A call costs 0.032; enough for some thirty of sixty.
    const run = await bench.start(SLOT, { micros: 1_000_000 })
    await heldUp(bench)
    const [waiting] = await bench.engine.why(operator, run)
    expect(waiting?.sentence).toMatch(/does not cover what one more could use: money of the run\.$/)
    const budget = await bench.engine.budgets.find(operator, { run })
    expect(budget?.usedMicros).toBe(wire.requests.length * 32_000)
    expect(budget?.usedMicros).toBeLessThanOrEqual(1_000_000)
    expect(budget?.usedMicros).toBeGreaterThan(900_000)
    expect(budget).toMatchObject({ reservedMicros: 0, reservedTokens: 0 })

    await bench.engine.budgets.set(operator, { run }, { micros: 10_000_000 })
    expect((await ended(bench, run)).progress).toMatchObject({ succeeded: 60 })
    expect(wire.requests).toHaveLength(60)
  }, 150_000)

  test('of the workspace holds all its runs together, counts what was before it, and can be lifted', async () => {
    const { wire, bench } = await stage((call) => call.say({ usage: usageOf(12, 20) }))
    await Promise.all([bench.work(), bench.work()])
    const small = { ...SLOT, definition: definition(definitionText(5)) }
    await bench.ask(small)
    await bench.engine.budgets.set(operator, { workspace: 1 }, { micros: 1_000_000 })
    expect((await bench.engine.budgets.find(operator, { workspace: 1 }))?.usedMicros).toBe(160_000)
    const runs = [await bench.start(SLOT), await bench.start({ ...SLOT, maxTokens: 21 })]
    await heldUp(bench)
    for (const run of runs) {
      const [waiting] = await bench.engine.why(operator, run)
      expect(waiting?.short).toEqual([{ whose: 'workspace', what: 'money' }])
    }
    const budget = await bench.engine.budgets.find(operator, { workspace: 1 })
    expect(budget?.usedMicros).toBe(wire.requests.length * 32_000)
    expect(budget?.usedMicros).toBeLessThanOrEqual(1_000_000)
    await bench.engine.budgets.set(operator, { workspace: 1 }, {})
    for (const run of runs) expect((await ended(bench, run)).progress).toMatchObject({ succeeded: 60 })
  }, 150_000)

  test('is refused where it could not hold: a model without a price, or an answer without an end', async () => {
    const { wire, bench } = await stage()
    const start = (models: string[], more: object, budget = {}) =>
      bench.start({ definition: SLOT.definition, models, ...more }, budget)
    await expect(start(['wire:m', 'wire:other'], { maxTokens: 20 }, { micros: 1 })).rejects.toMatchObject({
      code: 'BUDGET_CANNOT_HOLD',
      causes: ['wire:other: no price is known'],
    })
    await expect(start(['wire:m'], {}, { micros: 1 })).rejects.toMatchObject({
      code: 'BUDGET_CANNOT_HOLD',
      causes: [expect.stringMatching(/^wire:m: without --max-tokens/)],
    })
    // Tokens hold what has no price; the fake costs nothing, however long it talks.
    await expect(start(['wire:other'], { maxTokens: 20 }, { micros: 1, tokens: 1 })).resolves.toBeTypeOf('number')
    await expect(start(['fake:a'], {}, { micros: 1 })).resolves.toBeTypeOf('number')
    await bench.engine.budgets.set(operator, { workspace: 1 }, { micros: 5_000_000 })
    await expect(start(['wire:other'], { maxTokens: 20 })).rejects.toMatchObject({ code: 'BUDGET_CANNOT_HOLD' })
    expect(await bench.db.sql('select count(*)::int as runs from engine.runs')).toEqual([{ runs: 2 }])
    expect(wire.requests).toEqual([])
  })
})
