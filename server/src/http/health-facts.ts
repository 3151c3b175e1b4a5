/** How everything is, as every door tells it. */
import type { Principal } from '@millrace/engine'
import { workersSeen, type WorkerSeen } from '../runs/workers.ts'
import type { House } from './house.ts'
import { VERSION } from './openapi.ts'

export interface WorkerHealth {
  readonly alive: number
  readonly stale: number
  /** Of those alive. */
  readonly slots: number
  readonly busy: number
  readonly workers: readonly WorkerSeen[]
  /** The Python that this program would use. */
  readonly python: {
    readonly healthy: boolean
    readonly version: string | null
    readonly missing: readonly string[]
    readonly warnings: readonly string[]
  }
}

export async function workerHealth({ engine, python }: House, who: Principal): Promise<WorkerHealth> {
  const [workers, { healthy, version, missing, warnings }] = await Promise.all([
    engine.as(who, workersSeen),
    python.health(),
  ])
  const living = workers.filter(({ state }) => state === 'alive')
  const sum = (of: (one: WorkerSeen) => number) => living.reduce((total, one) => total + of(one), 0)
  return {
    alive: living.length,
    stale: workers.filter(({ state }) => state === 'stale').length,
    slots: sum(({ slots }) => slots),
    busy: sum(({ running }) => running),
    workers,
    python: { healthy, version, missing, warnings },
  }
}

export const SYSTEM_PROBLEMS = ['no_worker', 'stale_worker', 'no_provider'] as const

export interface SystemHealth {
  readonly status: 'ok' | 'degraded'
  readonly problems: readonly (typeof SYSTEM_PROBLEMS)[number][]
  /** Seconds. */
  readonly uptime: number
  readonly version: string
  readonly node: string
  readonly postgres: string
  readonly database: { readonly bytes: number; readonly connections: number; readonly waiting: number }
  /** Who follows live. */
  readonly readers: number
}

export async function systemHealth({ engine, feeds, providerHealth }: House, who: Principal): Promise<SystemHealth> {
  const [workers, { providers }, { rows }] = await Promise.all([
    engine.as(who, workersSeen),
    providerHealth(),
    engine.as(who, (tx) =>
      tx.query<{ version: string; bytes: number }>(
        `select current_setting('server_version') as version, pg_database_size(current_database()) as bytes`,
      ),
    ),
  ])
  const problems = [
    ...(workers.some(({ state }) => state === 'alive') ? [] : ['no_worker' as const]),
    ...(workers.some(({ state }) => state === 'stale') ? ['stale_worker' as const] : []),
    ...(providers.some(({ connected }) => connected) ? [] : ['no_provider' as const]),
  ]
  const connections = engine.connections()
  return {
    status: problems.length === 0 ? 'ok' : 'degraded',
    problems,
    uptime: process.uptime(),
    version: VERSION,
    node: process.version,
    postgres: rows[0]?.version ?? '',
    database: { bytes: rows[0]?.bytes ?? 0, connections: connections.open, waiting: connections.waiting },
    readers: feeds.readers,
  }
}
