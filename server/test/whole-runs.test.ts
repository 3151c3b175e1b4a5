/** What reads all of a run reads each of its rows a few times, however old the statistics are. */
import { openEngine, type Engine } from '@millrace/engine'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../engine/testing/index.ts'
import { operator } from '../src/app.ts'
import { factsOf } from '../src/domains/probe/analysis/facts.ts'
import { efficiencyOf } from '../src/domains/probe/efficiency/efficiency.ts'
import { exportRun } from '../src/domains/probe/export.ts'
import { progressByModel } from '../src/domains/probe/progress.ts'
import { resultsOf } from '../src/domains/probe/results.ts'
import { matrixOf, transcriptsOf } from '../src/domains/probe/transcripts.ts'
import { usageOfRun } from '../src/prices/usage.ts'
import { definition, openBench, type Bench } from '../testing/bench.ts'
import { definitionText } from '../testing/probe.ts'

const LARGE = 600

let bench: Bench
let run = 0
beforeAll(async () => {
  bench = await openBench({ url: 'http://127.0.0.1:1' })
  const worker = await bench.work()
  const ask = async (scenarios: number) =>
    (await bench.ask({ definition: definition(definitionText(scenarios)), models: ['fake:a'] })).id
  for (let n = 0; n < 3; n += 1) await ask(20)
  await bench.db.sql('analyze')
  await bench.db.sql(
    `do $$ declare t regclass; begin
       for t in select format('%I.%I', schemaname, tablename) from pg_tables where schemaname in ('engine', 'probe') loop
         execute format('alter table %s set (autovacuum_enabled = false)', t);
       end loop; end $$`,
  )
  run = await ask(LARGE)
  await worker.drain(1)
}, 60_000)
afterAll(() => bench?.close())

const READS: Readonly<Record<string, (engine: Engine) => Promise<unknown>>> = {
  'its results': (engine) => resultsOf(engine, operator, run),
  'its export': (engine) => exportRun(engine, operator, run, { format: 'jsonl' }, async () => {}),
  'its efficiency': (engine) => efficiencyOf(engine, operator, run),
  'the facts of its analysis': (engine) =>
    engine.as(operator, (tx) => factsOf((text, values) => tx.query(text, values), run)),
  'its progress by model': (engine) => progressByModel(engine, operator, run),
  'its matrix': (engine) => engine.as(operator, (tx) => matrixOf(tx, run, { after: -1, limit: LARGE })),
  'its transcripts': (engine) => engine.as(operator, (tx) => transcriptsOf(tx, run, { after: 0, limit: LARGE })),
  'what it used': (engine) => usageOfRun(engine, operator, run),
}

/** Rows that connections which have ended have read of both rooms. */
async function read(): Promise<number> {
  const [row] = await bench.db.sql<{ n: string }>(
    `select sum(coalesce(seq_tup_read, 0) + coalesce(idx_tup_fetch, 0)) as n from pg_stat_user_tables
      where schemaname in ('engine', 'probe')`,
  )
  return Number(row?.n)
}
const connections = async () =>
  (
    await bench.db.sql<{ pid: number }>(
      "select pid from pg_stat_activity where datname = current_database() and usename = 'millrace_api'",
    )
  ).map(({ pid }) => pid)

test.for(Object.keys(READS))('%s', async (name) => {
  const there = new Set(await connections())
  const at = await read()
  const engine = openEngine(bench.db.api)
  await READS[name]?.(engine)
  await engine.close()
  await until(connections, (pids) => pids.every((pid) => there.has(pid)))
  expect((await read()) - at).toBeLessThan(LARGE * 25)
})
