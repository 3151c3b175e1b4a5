/** What a provider's limits and used-up credit do to the runs that stand under its key, and what a budget counts. */
import { afterEach, describe, expect, test } from 'vitest'
import { until } from '../../engine/testing/index.ts'
import { operator } from '../src/app.ts'
import { LONGEST_ANSWER, usesOf } from '../src/domains/probe/uses.ts'
import { definition, openBench, type Bench } from '../testing/bench.ts'
import { definitionText, startAnswering } from '../testing/probe.ts'
import { BEHAVIOURS, type Call, type WireServer } from '../testing/wire.ts'

const left: (() => Promise<void>)[] = []
afterEach(async () => {
  for (const leave of left.splice(0).toReversed()) await leave()
})

/** A bench whose models under `wire` do as `answer` says. */
async function stage(answer: (call: Call) => void | Promise<void>): Promise<{ wire: WireServer; bench: Bench }> {
  const wire = await startAnswering(answer)
  left.push(() => wire.close())
  const bench = await openBench(wire)
  left.push(() => bench.close())
  return { wire, bench }
}

const runOf = (bench: Bench, run: number) => bench.engine.run(operator, run)
const limitOf = async (bench: Bench, key: string) =>
  (await bench.engine.limits.list(operator)).find((limit) => limit.key === key)

describe('credit that is used up', () => {
  test('stops everybody under its key and nobody else, costs no try, and what was stopped goes on when it is released', async () => {
    let broke = true
    const { wire, bench } = await stage((call) => (broke ? BEHAVIOURS['no-quota']?.(call) : call.say()))
    const small = definition(definitionText(4))
    await bench.engine.limits.set(operator, 'wire', { concurrency: 1 })
    await bench.work()
    const run = await bench.start({ definition: small, models: ['wire:m', 'fake:a'] })
    await until(
      () => runOf(bench, run),
      ({ progress }) => progress.succeeded === 4,
    )
    await until(
      () => limitOf(bench, 'wire'),
      (limit) => limit?.stopped === 'BILLING',
    )
    const later = await bench.ask({ definition: small, models: ['fake:b'] })
    expect(later.state).toBe('succeeded')
    expect(wire.requests).toHaveLength(1)
    expect(await limitOf(bench, 'wire')).toMatchObject({ stopped: 'BILLING', running: 0, waiting: 4 })
    expect(await limitOf(bench, 'fake')).toMatchObject({ stopped: null })
    expect((await bench.engine.why(operator, run)).map((one) => one.sentence)).toEqual([
      '4 tasks of probe.ask.wire (wire): everything under wire is stopped (BILLING), until somebody releases it.',
    ])
    broke = false
    await bench.engine.limits.release(operator, 'wire')
    const ended = await until(
      () => runOf(bench, run),
      (seen) => seen.finishedAt !== null,
    )
    expect(ended).toMatchObject({ state: 'succeeded', progress: { succeeded: 8, failed: 0 } })
    const spent = await bench.db.sql('select distinct tries, crashes from engine.tasks where run_id = $1 and n > 0', [
      run,
    ])
    expect(spent).toEqual([{ tries: 0, crashes: 0 }])
  })
})

describe('a rate limit', () => {
  test('that says how long is a pause for everybody under the key, so that no second one runs into it', async () => {
    const { wire, bench } = await stage((call) =>
      wire.requests.length === 1 ? call.error(429, { message: 'slower' }, { 'retry-after-ms': '700' }) : call.say(),
    )
    await bench.engine.limits.set(operator, 'wire', { concurrency: 1 })
    await bench.work()
    const run = await bench.start({ definition: definition(definitionText(3)), models: ['wire:m'] })
    const [waiting] = await until(
      () => bench.engine.why(operator, run),
      ([one]) => one?.reason === 'throttled',
    )
    expect(waiting?.sentence).toMatch(
      /^3 tasks of probe\.ask\.wire \(wire\): wire asked for a pause until \d{4}-\S+Z\.$/,
    )
    const ended = await until(
      () => runOf(bench, run),
      (seen) => seen.finishedAt !== null,
    )
    expect(ended.progress).toMatchObject({ succeeded: 3, failed: 0 })
    expect(wire.requests).toHaveLength(4)
    const [first, second] = wire.requests
    expect((second?.at ?? 0) - (first?.at ?? 0)).toBeGreaterThanOrEqual(690)
  })

  test('that does not say how long is a wait for its own task alone', async () => {
    const { wire, bench } = await stage((call) =>
      wire.requests.length === 1 ? call.error(429, { message: 'slower' }) : call.say(),
    )
    await bench.work()
    const run = await bench.ask({ definition: definition(definitionText(3)), models: ['wire:m'] })
    expect(run.progress).toMatchObject({ succeeded: 3, failed: 0 })
    expect(await limitOf(bench, 'wire')).toMatchObject({ stopped: null, until: null })
    expect(await bench.db.sql('select outcome from engine.attempts')).toEqual([{ outcome: 'later' }])
  })
})

describe('what a run uses', () => {
  test('is counted by its budget as the transcripts say it, and given back to the limit', async () => {
    const { bench } = await stage((call) => call.say())
    await bench.engine.limits.set(operator, 'wire', { tokensPerMinute: 1_000_000 })
    await bench.work()
    const text = definitionText(4, 2)
    const run = await bench.start({ definition: definition(text), models: ['wire:m'] }, { tokens: 1_000_000 })
    await until(
      () => runOf(bench, run),
      (seen) => seen.finishedAt !== null,
    )
    const [counted] = await bench.db.sql(
      `select b.used_tokens as used, (select sum(t.input_tokens + t.output_tokens)::bigint from probe.transcripts t) as answered,
              (select tokens_at < now() + interval '1 second' from engine.limits where key = 'wire') as given_back
         from engine.budgets b where b.run_id = $1`,
      [run],
    )
    expect(counted?.['used']).toBe(counted?.['answered'])
    expect(counted?.['used']).toBeGreaterThan(100)
    expect(counted?.['given_back']).toBe(true)
  })

  test('never passes its budget: what one more could use must fit, and a larger budget lets it go on', async () => {
    const { wire, bench } = await stage((call) => call.say())
    const small = definition(definitionText(5))
    const { tokens } = usesOf({ definition: small, maxTurns: 10, maxTokens: 50 })
    await bench.work()
    const run = await bench.start({ definition: small, models: ['wire:m'], maxTokens: 50 }, { tokens: tokens + 10 })
    const waiting = await until(
      () => bench.engine.why(operator, run),
      ([one]) => one?.reason === 'budget' && one.running === 0,
    )
    expect(waiting[0]?.sentence).toMatch(/of probe\.ask\.wire \(wire\): the budget is reached, or does not cover/)
    const [budget] = await bench.db.sql('select used_tokens <= tokens as kept from engine.budgets')
    expect(budget).toEqual({ kept: true })
    const asked = wire.requests.length
    expect(asked).toBeGreaterThan(0)
    expect(asked).toBeLessThan(5)
    await bench.engine.budget(operator, run, { tokens: 100_000 })
    const ended = await until(
      () => runOf(bench, run),
      (seen) => seen.finishedAt !== null,
    )
    expect(ended.progress).toMatchObject({ succeeded: 5 })
    expect(wire.requests).toHaveLength(5)
  })

  test('is estimated before it is asked for: a request a turn, and every turn with all that was said before it', () => {
    const uses = (scenarios: number, followups: number, more: { maxTurns?: number; maxTokens?: number } = {}) =>
      usesOf({ definition: definition(definitionText(scenarios, followups)), maxTurns: 10, ...more })
    const one = uses(3, 0)
    expect(one.requests).toBe(1)
    expect(one.tokens).toBeGreaterThan(LONGEST_ANSWER)
    expect(one.tokens).toBeLessThan(LONGEST_ANSWER + 50)
    expect(uses(900, 0)).toEqual(uses(100, 0))
    expect(uses(3, 0, { maxTokens: 10 }).tokens).toBe(one.tokens - LONGEST_ANSWER + 10)
    const three = uses(3, 2)
    expect(three.requests).toBe(3)
    // Three answers, and the first two of them sent again: 1 + 2 + 3.
    expect(three.tokens).toBeGreaterThan(6 * LONGEST_ANSWER)
    expect(uses(3, 2, { maxTurns: 1 })).toEqual(one)
  })
})
