/** The probe on the real wiring, in this process. */
import { openEngine, startWorker, type Budget, type Engine, type Run, type Worker } from '@millrace/engine'
import { freshDatabase, until, type TestDatabase } from '../../engine/testing/index.ts'
import { operator, rooms } from '../src/app.ts'
import type { Outside, Turn } from '../src/domains/probe/ask.ts'
import { readDefinition, type Definition } from '../src/domains/probe/definition/definition.ts'
import { analysisRun } from '../src/domains/probe/analysis/analyse.ts'
import { probeRun } from '../src/domains/probe/run.ts'
import { prepare, startProbe, type ProbeRequest } from '../src/domains/probe/start.ts'
import { openPrices, type Prices } from '../src/prices/prices.ts'
import type { Catalogue } from '../src/providers/catalogue.ts'
import { createFake } from '../src/providers/fake.ts'
import { createOpenAICompatible } from '../src/providers/openai-compatible.ts'
import { catalogueOf, outside } from './probe.ts'
import type { WireServer } from './wire.ts'

export const definition = (text: string): Definition => readDefinition(text, { file: 'test.yaml' })

export interface Bench {
  readonly db: TestDatabase
  readonly engine: Engine
  readonly probe: ReturnType<typeof probeRun>
  readonly probeAnalysis: ReturnType<typeof analysisRun>
  readonly catalogue: Catalogue
  readonly outside: Outside
  /** One more worker, of 60 slots; it may have other providers. */
  work(other?: Catalogue): Promise<Worker>
  /** As the operator. */
  start(request: ProbeRequest, budget?: Budget): Promise<number>
  /** Starts and waits for the end. */
  ask(request: ProbeRequest, seconds?: number): Promise<Run>
  transcripts(run: number): Promise<(Record<string, unknown> & { turns: Turn[] })[]>
  close(): Promise<void>
}

export interface BenchOptions {
  /** Otherwise the table's. */
  readonly prices?: Prices
  /** Milliseconds that the wire may be silent. */
  readonly silence?: number
  /** Otherwise the fake, the given server as `wire`, and a server that is not there. */
  readonly catalogue?: Catalogue
  /** Otherwise `python3`. */
  readonly python?: string
}

const besides = (wire: Pick<WireServer, 'url'>, silence = 400): Catalogue =>
  catalogueOf({
    fake: createFake({ latencyMs: 0 }),
    wire: createOpenAICompatible({ baseUrl: wire.url, limits: { headersMs: silence, bodyMs: silence } }),
    dead: createOpenAICompatible({ baseUrl: 'http://127.0.0.1:1/v1' }),
  })

/** A database with the probe's tables, an engine on it, and workers when they are asked for. */
export async function openBench(wire: Pick<WireServer, 'url'>, options: BenchOptions = {}): Promise<Bench> {
  const { prices = openPrices(), catalogue = besides(wire, options.silence) } = options
  const db = await freshDatabase(rooms.slice(1))
  const engine = openEngine(db.api)
  const others = outside(prices, options.python)
  const probe = probeRun(catalogue, others)
  const probeAnalysis = analysisRun(others.python)
  const workers: Worker[] = []
  async function start(request: ProbeRequest, budget?: Budget) {
    const { input } = await prepare(request, catalogue, { prices, python: others.python })
    return (await startProbe(engine, probe, operator, input, { workspace: 1, ...(budget && { budget }) })).run
  }
  return {
    db,
    engine,
    probe,
    probeAnalysis,
    catalogue,
    outside: others,
    async work(other) {
      const worker = await startWorker({
        settings: db.worker,
        kinds: [other === undefined ? probe : probeRun(other, others), probeAnalysis],
        slots: 60,
        report: console.error,
      })
      workers.push(worker)
      return worker
    },
    start,
    async ask(request, seconds = 20) {
      const run = await start(request)
      return await until(
        () => engine.run(operator, run),
        (seen) => seen.finishedAt !== null,
        seconds,
      )
    },
    transcripts: (run) => db.sql('select * from probe.transcripts where run_id = $1 order by task', [run]),
    async close() {
      await Promise.all(workers.map((worker) => worker.drain(0)))
      await others.close()
      await engine.close()
      await db.drop()
    },
  }
}
