/** The only file that knows everybody: which rooms there are, and how they hang together. */
import {
  engineRoom,
  migrate,
  openEngine,
  type AnyRunKind,
  type Engine,
  type Migrated,
  type Principal,
  type Room,
  type Settings,
} from '@millrace/engine'
import { openPostgres, type Postgres } from '@millrace/engine/postgres'
import type { Config } from './config.ts'
import { probeRun } from './domains/probe/run.ts'
import { openProviders, type Catalogue } from './providers/catalogue.ts'

const probeRoom: Room = {
  name: 'probe',
  migrations: new URL('domains/probe/migrations/', import.meta.url),
  texts: [new URL('domains/probe/probe.sql', import.meta.url)],
}

/** Everything that brings tables, in the order in which they stand on one another. */
export const rooms: readonly Room[] = [engineRoom, probeRoom]

/** The person at the keyboard; there is one workspace until there is sign-in. */
export const WORKSPACE = 1
export const operator: Principal = { sub: 'operator', workspaces: { [WORKSPACE]: 'admin' } }

export interface App {
  readonly postgres: Postgres
  readonly logins: { readonly api: Settings; readonly worker: Settings }
  readonly migrated: Migrated
  readonly engine: Engine
  readonly catalogue: Catalogue
  readonly probe: ReturnType<typeof probeRun>
  /** What a worker of this program performs. */
  readonly kinds: readonly AnyRunKind[]
  close(): Promise<void>
}

/** Opens the database (our own, or the one that is named), brings it up to date, and hangs everything together. */
export async function openApp(config: Config, tell: (line: string) => void): Promise<App> {
  const catalogue = openCatalogue(config)
  const postgres = await openPostgres({
    folder: config.folder,
    tell,
    ...(config.databaseUrl === undefined ? {} : { url: config.databaseUrl }),
  })
  try {
    const owner = postgres.owner()
    const migrated = await migrate(owner, rooms, (login) => postgres.secret(login))
    const logins = {
      api: loginOf('millrace_api', config.apiDatabaseUrl),
      worker: loginOf('millrace_worker', config.workerDatabaseUrl),
    }
    function loginOf(user: string, url: string | undefined): Settings {
      return url === undefined ? { ...owner, user, password: postgres.secret(user) } : { connectionString: url }
    }
    const engine = openEngine(logins.api)
    const probe = probeRun(catalogue)
    return {
      postgres,
      logins,
      migrated,
      engine,
      catalogue,
      probe,
      kinds: [probe],
      async close() {
        await engine.close()
        await postgres.close()
      },
    }
  } catch (error) {
    await postgres.close()
    throw error
  }
}

export function openCatalogue(config: Config): Catalogue {
  return openProviders({
    ...(config.fakeLatency === undefined ? {} : { fakeLatencyMs: config.fakeLatency }),
    ...(config.compatibleUrl === undefined
      ? {}
      : {
          openaiCompatible: {
            baseUrl: config.compatibleUrl,
            ...(config.compatibleKey === undefined ? {} : { apiKey: config.compatibleKey }),
            ...(config.compatibleModels === undefined ? {} : { models: config.compatibleModels }),
          },
        }),
  })
}
