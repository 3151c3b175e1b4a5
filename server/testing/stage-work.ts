/** Recipes, steps and gates on the real wiring: a board, skills from a folder, a worker, and models that a test decides about. */
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { openEngine, startWorker, type Engine, type Principal, type Run, type Worker } from '@millrace/engine'
import { freshDatabase, until, type TestDatabase } from '@millrace/engine/testing'
import { operator, rooms } from '../src/app.ts'
import { saveRecipe, type CheckedStored } from '../src/domains/stage/recipes/recipes.ts'
import { stageKind } from '../src/domains/stage/stage.ts'
import { openPrices } from '../src/prices/prices.ts'
import { openProviders, type Catalogue } from '../src/providers/catalogue.ts'
import type { ExecutionContext, ExecutionProvider } from '../src/providers/execution.ts'
import { syncSkills } from '../src/skills/sync.ts'
import { openRecorder } from '../src/domains/tool/recorder.ts'
import { openTools, type Tools } from '../src/tools/tools.ts'
import { outside } from './probe.ts'

export interface WorkBench {
  readonly db: TestDatabase
  readonly engine: Engine
  readonly catalogue: Catalogue
  readonly tools: Tools
  readonly folder: string
  /** What the model `mine:…` was asked, oldest first. */
  readonly asked: { readonly system: string; readonly prompt: string; readonly context: ExecutionContext }[]
  /** What it answers: an object as JSON, a text as it is. */
  answer: (prompt: string, context: ExecutionContext) => unknown
  /** Skills of a folder, by name and file; all are read again. */
  skills(files: Readonly<Record<string, Readonly<Record<string, string>>>>): Promise<void>
  recipe(stage: string, change: object, who?: Principal): Promise<CheckedStored>
  /** A new card in a stage; the run that this started. */
  card(stage: string, more?: { title?: string; description?: string }): Promise<{ card: number; run: number }>
  move(card: number, to: string): Promise<number>
  /** Run now, where the card is. */
  again(card: number): Promise<number>
  ended(run: number): Promise<Run>
  text(card: number, path: string): Promise<string | undefined>
  work(slots?: number): Promise<Worker>
  sql<T>(text: string, values?: readonly unknown[], who?: Principal): Promise<T[]>
  close(): Promise<void>
}

export interface WorkOptions {
  /** Files of a folder of tools. */
  readonly tools?: Readonly<Record<string, string>>
}

export async function openWorkBench({ tools: files = {} }: WorkOptions = {}): Promise<WorkBench> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-work-'))
  const put = async (path: string, text: string) => {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
  for (const [name, text] of Object.entries(files)) await put(`tools/${name}`, text)
  const db = await freshDatabase(rooms.slice(1))
  const engine = openEngine(db.api)
  const asked: WorkBench['asked'][number][] = []
  const mine: ExecutionProvider = {
    name: 'mine',
    models: ['large'],
    async execute(system, prompt, context) {
      asked.push({ system, prompt, context })
      const said = await bench.answer(prompt, context)
      const output = typeof said === 'string' ? said : JSON.stringify(said)
      return { success: true, output, tokensUsed: { input: 10, output: 5 } }
    },
  }
  const catalogue = openProviders({ fakeLatencyMs: 0, own: [mine] })
  const others = outside(openPrices())
  const recorder = openRecorder()
  const tools = openTools({
    folder: Object.keys(files).length === 0 ? undefined : join(folder, 'tools'),
    python: others.python,
    recorder,
  })
  const kind = stageKind({ catalogue, prices: others.prices, tools })
  const workers: Worker[] = []
  const bench: WorkBench = {
    db,
    engine,
    catalogue,
    tools,
    folder,
    asked,
    answer: () => ({}),
    async skills(all) {
      for (const [name, of] of Object.entries(all)) {
        for (const [path, text] of Object.entries(of)) await put(`skills/${name}/${path}`, text)
      }
      const { refused } = await syncSkills(engine, operator, 1, { path: join(folder, 'skills'), isSet: true })
      if (refused.length > 0) throw new Error(JSON.stringify(refused))
    },
    recipe: async (stage, change, who = operator) => {
      await engine.as(who, (tx) => tx.query('select stage.initialize(1)'))
      return saveRecipe(
        engine,
        who,
        1,
        stage,
        { provider: 'mine', automationLevel: 'auto_notify', ...change },
        catalogue,
      )
    },
    async card(stage, { title = 'Faster checkout', description = 'People leave at the last step.' } = {}) {
      const [made] = await bench.sql<{ card: number; run: number | null }>(
        'select card_id as card, run_id as run from stage.add_card(1, $1, $2, $3, null, null)',
        [title, description, stage],
      )
      return { card: made?.card ?? 0, run: made?.run ?? 0 }
    },
    async move(card, to) {
      const [moved] = await bench.sql<{ run: number | null }>(
        `select m.run_id as run from stage.cards c, lateral stage.move(c.id, $2, c.version) m where c.id = $1`,
        [card, to],
      )
      return moved?.run ?? 0
    },
    async again(card) {
      const [begun] = await bench.sql<{ run: number }>('select run_id as run from stage.run_now($1)', [card])
      return begun?.run ?? 0
    },
    ended: (run) =>
      until(
        () => engine.run(operator, run),
        (seen) => seen.finishedAt !== null,
      ),
    async text(card, path) {
      const rows = await db.sql<{ content: string }>(
        `select v.content from stage.documents d join stage.document_versions v on v.document_id = d.id and v.version = d.version
          where d.card_id = $1 and d.path = $2`,
        [card, path],
      )
      return rows[0]?.content
    },
    async work(slots = 20) {
      const worker = await startWorker({ settings: db.worker, kinds: [kind], slots, report: console.error })
      workers.push(worker)
      await tools.load()
      await recorder.join(db.worker, () => worker.id, tools.runner)
      return worker
    },
    sql: async <T>(text: string, values: readonly unknown[] = [], who = operator) =>
      (
        await engine.as(
          who,
          (tx) => tx.query(text, [...values]),
          () => ({ millrace_tasks: '' }),
        )
      ).rows as T[],
    async close() {
      await Promise.all(workers.map((worker) => worker.drain(0)))
      await Promise.all([others.close(), tools.close(), recorder.leave()])
      await engine.close()
      await db.drop()
      await rm(folder, { recursive: true, force: true })
    },
  }
  return bench
}
