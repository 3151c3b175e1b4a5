/** A board with recipes, steps and gates that a test decides about, on a real database with real workers. */
import {
  openEngine,
  startWorker,
  TaskFailed,
  type Engine,
  type Principal,
  type Run,
  type Worker,
} from '@millrace/engine'
import { freshDatabase, until, type TestDatabase } from '@millrace/engine/testing'
import { operator, rooms } from '../src/app.ts'
import type { StageRun } from '../src/domains/stage/run.ts'
import { kindsOf } from './stage-kinds.ts'

export interface Recipe {
  readonly level: 'fully_auto' | 'auto_notify' | 'human_approval' | 'manual'
  readonly steps?: number
  readonly gates?: readonly { readonly id: string; readonly required?: boolean; readonly message?: string }[]
  readonly onFailBehavior?: 'stay' | 'revert' | 'create_questions' | 'review_required'
  readonly enabled?: boolean
  readonly untrusted?: readonly string[]
}

export interface StageBoard {
  readonly db: TestDatabase
  readonly engine: Engine
  readonly kind: StageRun
  /** Steps that were performed, oldest first: `run/step`. */
  readonly performed: string[]
  /** What a step does; by default nothing. */
  onStep: (run: number, step: number, signal: AbortSignal) => Promise<void> | void
  /** Does this gate pass? */
  passes: (gate: string, run: number) => boolean
  recipe(stage: string, recipe: Recipe): Promise<void>
  work(slots?: number): Promise<Worker>
  /** Ends every connection to the database, as a restart of the server does; all workers end. */
  restart(): Promise<void>
  /** Asks as the person at the keyboard, or as who is named. */
  sql<T>(text: string, values?: readonly unknown[], who?: Principal): Promise<T[]>
  ended(run: number): Promise<Run>
  status(run: number, wanted: string): Promise<void>
  close(): Promise<void>
}

export const person = (name: string, role: 'admin' | 'member' | 'viewer' = 'member', workspace = 1): Principal => ({
  sub: name,
  workspaces: { [workspace]: role },
})

export async function openStageBoard(): Promise<StageBoard> {
  const db = await freshDatabase(rooms.slice(1))
  // Recipes as the stage's own room reads them, from a table that tests write.
  await db.sql('create table public.recipes (stage text primary key, snapshot jsonb not null)')
  await db.sql(`create or replace function stage.snapshot(in_workspace bigint, in_stage text) returns jsonb
    language sql stable security definer set search_path = public, pg_temp as $$ select snapshot from public.recipes where stage = in_stage $$`)
  await db.sql(
    'alter function stage.snapshot owner to millrace_owner; grant select on public.recipes to millrace_owner',
  )
  const engine = openEngine(db.api)
  const workers: Worker[] = []
  const performed: string[] = []
  const kind = kindsOf(
    async (run, step, signal) => {
      await board.onStep(run, step, signal)
      performed.push(`${run}/${step}`)
    },
    (gate, run) => board.passes(gate, run),
  )
  const board: StageBoard = {
    db,
    engine,
    kind,
    performed,
    onStep: () => {},
    passes: () => true,
    async recipe(stage, recipe) {
      const steps = Array.from({ length: recipe.steps ?? 1 }, (_, order) => ({
        order,
        skill: { id: `skill-${order}`, name: `Skill ${order}`, digest: 'd' },
        provider: 'fake',
      }))
      const snapshot = {
        level: recipe.level,
        enabled: recipe.enabled ?? true,
        steps,
        gates: (recipe.gates ?? []).map((gate) => ({ required: true, name: gate.id, ...gate })),
        onFailBehavior: recipe.onFailBehavior ?? 'stay',
        untrusted: recipe.untrusted ?? [],
      }
      await db.sql('insert into public.recipes values ($1, $2) on conflict (stage) do update set snapshot = $2', [
        stage,
        JSON.stringify(snapshot),
      ])
    },
    async work(slots = 20) {
      const worker = await startWorker({ settings: db.worker, kinds: [kind], slots, report: console.error })
      workers.push(worker)
      return worker
    },
    async restart() {
      await Promise.all(workers.splice(0).map((worker) => worker.drain(0)))
      await db.sql(
        'select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()',
      )
    },
    sql: async <T>(text: string, values: readonly unknown[] = [], who = operator) =>
      (
        await engine.as(
          who,
          (tx) => tx.query(text, [...values]),
          () => ({ millrace_tasks: '' }),
        )
      ).rows as T[],
    ended: (run) =>
      until(
        () => engine.run(operator, run),
        (seen) => seen.finishedAt !== null,
      ),
    async status(run, wanted) {
      await until(
        () => engine.run(operator, run),
        (seen) => seen.status === wanted,
      )
    },
    async close() {
      await Promise.all(workers.map((worker) => worker.drain(0)))
      await engine.close()
      await db.drop()
    },
  }
  return board
}

export const broken = (code: string) => new TaskFailed({ code, message: code, retryable: false, origin: 'task' })
