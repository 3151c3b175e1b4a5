/** The analysis of a run: made with its end, once; said plainly when it cannot be; made anew when decisions changed. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startWorker } from '@millrace/engine'
import { operator } from '../src/app.ts'
import { analysisRun } from '../src/domains/probe/analysis/analyse.ts'
import { keptAnalysis } from '../src/domains/probe/analysis/kept-analysis.ts'
import { override } from '../src/domains/probe/results.ts'
import { member, until } from '../../engine/testing/index.ts'
import { definition, openBench, type Bench } from '../testing/bench.ts'
import { definitionText, outside } from '../testing/probe.ts'
import { openProbeStage, type ProbeStage } from './probe-stage.ts'

let stage: ProbeStage
let bench: Bench
beforeAll(async () => {
  stage = await openProbeStage()
  ;({ bench } = stage)
})
afterAll(async () => {
  await stage?.close()
})

const kept = (run: number) => bench.db.sql('select * from probe.analysis_results where run_id = $1 order by id', [run])

async function analyseAgain(run: number) {
  const started = await bench.engine.start(operator, bench.probeAnalysis, { run }, { workspace: 1, parent: run })
  return until(
    () => bench.engine.run(operator, started.run),
    (seen) => seen.finishedAt !== null,
  )
}

test('a run that has ended has its analysis, and its progress counts slots alone', async () => {
  const run = await bench.ask({
    definition: definition(definitionText(6)),
    models: ['wire:mixed', 'wire:say-Rating: 2'],
  })
  expect(run).toMatchObject({ state: 'succeeded', progress: { total: 12, succeeded: 12, percent: 100 } })
  const rows = await kept(run.id)
  expect(rows).toHaveLength(1)
  expect(run.output).toMatchObject({ answered: 12, failed: 0, analysis: { hash: rows[0]?.['input_hash'] } })
  const found = await keptAnalysis(bench.engine, operator, run.id)
  expect(found).toMatchObject({
    state: 'current',
    analysis: {
      slots: 12,
      models: [
        { modelId: 'wire:mixed', n: 3, refusal: 1, other: 1, unparsed: 1, median: 4, refusalRate: { n: 6 } },
        { modelId: 'wire:say-Rating: 2', n: 6, mean: 2, sd: 0 },
      ],
      pairs: [{ n: 3, spearman: null, pHolm: null }],
    },
  })
  const events = await bench.db.sql<{ data: { total: number } }>(
    "select data from engine.events where run_id = $1 and data ? 'total'",
    [run.id],
  )
  expect(new Set(events.map((event) => event.data.total))).toEqual(new Set([12]))
})

test('failed slots stand in the analysis of their model', async () => {
  const run = await bench.ask({ definition: definition(definitionText(2)), models: ['fake:a', 'wire:status-401'] })
  const found = await keptAnalysis(bench.engine, operator, run.id)
  expect(found).toMatchObject({
    analysis: { slots: 4, models: [{ failed: 0 }, { slots: 2, answered: 0, failed: 2, mean: null }] },
  })
})

test('a run without a Python ends as well as any, and says that it was not analysed and what to do', async () => {
  const own = await openBench(stage.wire, { python: '/nowhere/python3' })
  try {
    await own.work()
    const run = await own.ask({ definition: definition(definitionText(2)), models: ['fake:a'] })
    expect(run).toMatchObject({
      state: 'succeeded',
      output: { answered: 2, analysis: { failure: { code: 'NO_PYTHON' } } },
    })
    const found = await keptAnalysis(own.engine, operator, run.id)
    expect(found).toMatchObject({ state: 'none', code: 'NO_PYTHON' })
    expect(found.state === 'none' && found.message).toMatch(/no Python found that will do; set MILLRACE_PYTHON/)
  } finally {
    await own.close()
  }
})

test('a decision that a person changed makes the analysis outdated; it is made anew when that is asked for, and kept beside', async () => {
  const run = await bench.ask({ definition: definition(definitionText(3)), models: ['wire:say-Rating: 4'] })
  await override(bench.engine, operator, run.id, 1, '1')
  expect(await keptAnalysis(bench.engine, operator, run.id)).toMatchObject({
    state: 'outdated',
    analysis: { models: [{ mean: 4 }] },
  })
  expect(await analyseAgain(run.id)).toMatchObject({ state: 'succeeded', parent: run.id, progress: { total: 1 } })
  expect(await keptAnalysis(bench.engine, operator, run.id)).toMatchObject({
    state: 'current',
    analysis: { models: [{ mean: 3 }] },
  })
  expect(await kept(run.id)).toHaveLength(2)
})

test('the same answers are analysed once, whoever asks how often', async () => {
  const run = await bench.ask({ definition: definition(definitionText(2)), models: ['fake:a'] })
  expect((await analyseAgain(run.id)).state).toBe('succeeded')
  await bench.engine.reopen(operator, run.id)
  const again = await until(
    () => bench.engine.run(operator, run.id),
    (seen) => seen.finishedAt !== null && seen.round === 2,
  )
  expect(again.output).toEqual(run.output)
  expect(await kept(run.id)).toHaveLength(1)
})

test('an analysis that is kept is used, also where no Python could make it', async () => {
  const own = await openBench(stage.wire)
  const without = outside(undefined, '/nowhere/python3')
  try {
    const worker = await own.work()
    const run = await own.ask({ definition: definition(definitionText(2)), models: ['fake:a'] })
    await worker.drain(0)
    const kind = analysisRun(without.python)
    const other = await startWorker({ settings: own.db.worker, kinds: [kind] })
    const { run: again } = await own.engine.start(operator, kind, { run: run.id }, { workspace: 1 })
    const ended = await until(
      () => own.engine.run(operator, again),
      (seen) => seen.finishedAt !== null,
    )
    await other.drain(0)
    expect(ended.state).toBe('succeeded')
  } finally {
    await without.close()
    await own.close()
  }
})

test('an analysis is seen in its workspace alone, and made there alone', async () => {
  const run = await bench.ask({ definition: definition(definitionText(1)), models: ['fake:a'] })
  const [row] = await bench.db.sql<{ id: number }>(
    "insert into engine.workspaces (name) values ('elsewhere') returning id",
  )
  const other = row?.id ?? 0
  await expect(keptAnalysis(bench.engine, member('admin', other), run.id)).rejects.toMatchObject({
    code: 'NO_SUCH_RUN',
  })
  const stranger = await bench.engine.start(
    member('admin', other),
    bench.probeAnalysis,
    { run: run.id },
    { workspace: other },
  )
  const ended = await until(
    () => bench.engine.run(member('admin', other), stranger.run),
    (seen) => seen.finishedAt !== null,
  )
  expect(ended).toMatchObject({ state: 'failed', failure: { code: 'NO_SUCH_RUN' } })
  expect(await kept(run.id)).toHaveLength(1)
})

test('a run to which nobody answered, or that was cancelled, says why it has no analysis', async () => {
  const refused = await bench.ask({ definition: definition(definitionText(1)), models: ['wire:status-401'] })
  expect(await keptAnalysis(bench.engine, operator, refused.id)).toMatchObject({
    state: 'none',
    code: 'NOTHING_ANSWERED',
  })
  await expect(keptAnalysis(bench.engine, operator, 0)).rejects.toMatchObject({ code: 'NO_SUCH_RUN' })
})
