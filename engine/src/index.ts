/** The door of the engine: what a domain, a program and a test may use. */
export { openApi } from './access.ts'
export type { Artifact } from './artifacts.ts'
export type { Api, Principal, Role } from './access.ts'
export { again, RETRIES } from './backoff.ts'
export type { Again } from './backoff.ts'
export type { Budget, BudgetOf, Budgets, BudgetState } from './budgets.ts'
export { isConnectionLoss, readWhole, sqlState, told } from './database.ts'
export type { Settings, Tx } from './database.ts'
export { openEngine } from './engine.ts'
export type { Activity, Engine, Progress, Run, RunState, StartOptions } from './engine.ts'
export { Refusal, TaskFailed } from './errors.ts'
export type { Failure, Origin } from './errors.ts'
export type { Event } from './feed.ts'
export { toJson, toText } from './json.ts'
export { defineRun, defineTask } from './kinds.ts'
export type {
  AnyRunKind,
  AnyTaskKind,
  Content,
  EndedRun,
  Finished,
  Hand,
  Next,
  Remember,
  RunKind,
  Sensitive,
  SoFar,
  TaskKind,
  TaskSpec,
  Uses,
} from './kinds.ts'
export type { Limit, LimitChange, Limits } from './limits.ts'
export { differenceTo, engineRoom, migrate, refuseOtherSchema } from './migrate.ts'
export type { Migrated, Room } from './migrate.ts'
export type { Reason, Short, Waiting } from './why.ts'
export { startWorker } from './worker.ts'
export type { Worker, WorkerOptions } from './worker.ts'
