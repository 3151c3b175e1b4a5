/** The only file that knows everybody: which rooms there are, and how they hang together. */
import {
  engineRoom,
  migrate,
  openEngine,
  Refusal,
  refuseOtherSchema,
  type AnyRunKind,
  type Engine,
  type Migrated,
  type Principal,
  type Room,
  type RunKind,
  type Settings,
  type StartOptions,
} from '@millrace/engine'
import { holdsDatabase, openPostgres, type Postgres } from '@millrace/engine/postgres'
import { settings, type Config } from './config.ts'
import { chatRun } from './domains/chat/chat.ts'
import { analysisRun } from './domains/probe/analysis/analyse.ts'
import { diagnosisRun } from './domains/diagnosis/examine.ts'
import type { AskOptions } from './domains/diagnosis/runs.ts'
import { refuseUnheld } from './domains/probe/budget.ts'
import { probeRun, recordRun } from './domains/probe/run.ts'
import { webhookRun } from './domains/stage/deliver.ts'
import type { Home } from './domains/stage/settings-file.ts'
import type { StageRun } from './domains/stage/run.ts'
import { stageKind } from './domains/stage/stage.ts'
import { openRecorder } from './domains/tool/recorder.ts'
import { toolRun, type ToolRun } from './domains/tool/run.ts'
import { openLoopback } from './gateway/loopback.ts'
import { openKeys, type Keys } from './keys/keys.ts'
import { openSealedFiles } from './keys/sealed-files.ts'
import { loadKinds } from './own-kinds.ts'
import { loadProviders, refuseWrongNames } from './own-providers.ts'
import { openPrices, type Prices } from './prices/prices.ts'
import { openProviders, type Catalogue } from './providers/catalogue.ts'
import type { ExecutionProvider } from './providers/execution.ts'
import { openSkills, type Skills } from './skills/open.ts'
import { openPython, type Python } from './tools/python/python.ts'
import { openTools, type Tools } from './tools/tools.ts'
import { carrying, traced, tracesRoom } from './traces/carried.ts'

export { providerHealth } from './providers/health.ts'

const peopleRoom: Room = {
  name: 'people',
  migrations: new URL('access/migrations/', import.meta.url),
  texts: ['people', 'sign-in', 'rights'].map((name) => new URL(`access/${name}.sql`, import.meta.url)),
}

const probeRoom: Room = {
  name: 'probe',
  migrations: new URL('domains/probe/migrations/', import.meta.url),
  texts: [
    new URL('domains/probe/probe.sql', import.meta.url),
    new URL('domains/probe/analysis/analysis.sql', import.meta.url),
  ],
}

const diagnosisRoom: Room = {
  name: 'diagnosis',
  migrations: new URL('domains/diagnosis/migrations/', import.meta.url),
  texts: ['walls', 'verbs', 'appoint'].map((name) => new URL(`domains/diagnosis/${name}.sql`, import.meta.url)),
}

/** Keys of providers; named as its schema is. */
const vaultRoom: Room = {
  name: 'vault',
  migrations: new URL('keys/migrations/', import.meta.url),
  texts: [new URL('keys/vault.sql', import.meta.url)],
}

const toolRoom: Room = {
  name: 'tool',
  migrations: new URL('domains/tool/migrations/', import.meta.url),
  texts: [new URL('domains/tool/tool.sql', import.meta.url)],
}

const skillsRoom: Room = {
  name: 'skills',
  migrations: new URL('skills/migrations/', import.meta.url),
  texts: [new URL('skills/skills.sql', import.meta.url)],
}

const doorsRoom: Room = {
  name: 'doors',
  migrations: new URL('http/migrations/', import.meta.url),
  texts: [new URL('http/doors.sql', import.meta.url)],
}

const stageRoom: Room = {
  name: 'stage',
  migrations: new URL('domains/stage/migrations/', import.meta.url),
  // Its doors are closed last.
  texts: ['board', 'moves', 'follow', 'work', 'records', 'answers'].map(
    (name) => new URL(`domains/stage/${name}.sql`, import.meta.url),
  ),
}

/** Everything that brings tables, in the order in which they stand on one another. */
export const rooms: readonly Room[] = [
  engineRoom,
  peopleRoom,
  probeRoom,
  diagnosisRoom,
  vaultRoom,
  doorsRoom,
  skillsRoom,
  toolRoom,
  tracesRoom,
  stageRoom,
]

/** The person at the keyboard; there is one workspace until there is sign-in. */
export const WORKSPACE = 1
export const operator: Principal = { sub: 'operator', workspaces: { [WORKSPACE]: 'admin' }, operator: true }

/** The workspace to which the folder of this program belongs. */
export const homeOf = ({ workspacePath: folder }: Pick<Config, 'workspacePath'>): Home => ({
  folder,
  workspace: WORKSPACE,
  who: operator,
})

/** What this installation performs. */
export interface Served {
  readonly catalogue: Catalogue
  readonly keys: Keys
  readonly prices: Prices
  readonly probe: ReturnType<typeof probeRun>
  readonly probeAnalysis: ReturnType<typeof analysisRun>
  readonly chat: ReturnType<typeof chatRun>
  readonly diagnosis: AskOptions
  readonly kinds: readonly AnyRunKind[]
  readonly python: Python
  readonly stage: StageRun
  readonly skills: Skills
  readonly tool: ToolRun
  readonly tools: Tools
  /** Loads the tools of the folder, and says from then on how they do: as this worker. */
  joinTools(login: Settings, worker: { readonly id: number }): Promise<void>
  /** Ends what the kinds keep outside of this process; an opened `App` does it with its own end. */
  leave(): Promise<void>
}

/** @param own a person's own providers, see `ownProviders` */
export function productKinds(config: Config, own: readonly ExecutionProvider[] = []): Served {
  const keys = keysOf(config)
  const catalogue = openCatalogue(config, keys, own)
  const prices = openPrices({ file: config.prices })
  const python = openPython({
    command: config.python,
    most: config.processes,
    tell: (line) => void process.stderr.write(`${line}\n`),
  })
  const gateway = openLoopback()
  const probe = traced(probeRun(catalogue, { prices, python, gateway }))
  const probeAnalysis = traced(analysisRun(python))
  const chat = traced(chatRun(catalogue, prices))
  const diagnosis = {
    kind: diagnosisRun({ catalogue, prices, model: config.diagnosisModel }),
    autoProcess: config.diagnosisAuto,
  }
  const recorder = openRecorder()
  const signIns = openSealedFiles({ given: config.secret, folder: config.folder })
  const tools = openTools({ folder: config.ownTools, python, recorder, signIns })
  const tool = traced(toolRun(tools))
  const webhook = traced(webhookRun(keys))
  const stage = traced(stageKind({ catalogue, prices, tools }))
  return {
    catalogue,
    keys,
    prices,
    probe,
    probeAnalysis,
    chat,
    diagnosis,
    kinds: [probe, probeAnalysis, chat, diagnosis.kind, tool, stage, webhook],
    stage,
    python,
    skills: openSkillsOf(config),
    tool,
    tools,
    async joinTools(login, worker) {
      await tools.load()
      await recorder.join(login, () => worker.id, tools.runner)
    },
    async leave() {
      await Promise.all([python.close(), gateway.close(), tools.close(), recorder.leave()])
    },
  }
}

/**
 * The person's own providers: those of the folder, and those that a program brings.
 * @throws Refusal INVALID_PROVIDERS, NO_SUCH_FOLDER
 */
export async function ownProviders(
  config: Config,
  brought: readonly ExecutionProvider[] = [],
): Promise<readonly ExecutionProvider[]> {
  if (config.ownProviders === undefined && brought.length === 0) return []
  const taken = openCatalogue(config)
    .providers()
    .map(({ id }) => id)
  const found = config.ownProviders === undefined ? [] : await loadProviders(config.ownProviders, taken)
  refuseWrongNames([...found, ...brought], taken)
  return [...found, ...brought]
}

/** The product's kinds and, after them, those of the person's own folder; models of own providers too. */
export async function servedKinds(config: Config, brought: readonly ExecutionProvider[] = []): Promise<Served> {
  const product = productKinds(config, await ownProviders(config, brought))
  if (config.ownKinds === undefined) return product
  return { ...product, kinds: [...product.kinds, ...(await loadKinds(config.ownKinds, product.kinds)).map(traced)] }
}

/** @throws Refusal UNKNOWN_KIND, naming those that are there */
export function kindNamed(kinds: readonly AnyRunKind[], asked: AnyRunKind | string, hint = ''): AnyRunKind {
  const kind = kinds.find((one) => one === asked || one.name === asked)
  if (kind !== undefined) return kind
  const name = typeof asked === 'string' ? asked : asked.name
  throw new Refusal('UNKNOWN_KIND', `There is no kind of run named ${JSON.stringify(name)} here.`, {
    remedy: `Known are: ${kinds.map((one) => one.name).join(', ')}.${hint}`,
  })
}

export interface Database {
  readonly postgres: Postgres
  readonly logins: { readonly api: Settings; readonly worker: Settings }
  readonly migrated: Migrated
}

export type Where = Pick<Config, 'folder' | 'databaseUrl' | 'apiDatabaseUrl' | 'workerDatabaseUrl'>

/** The database that is named, by whichever login; undefined: our own, in the folder. */
export function databaseUrlOf(where: Where): string | undefined {
  return where.databaseUrl ?? where.workerDatabaseUrl ?? where.apiDatabaseUrl
}

/** Opens the database (our own, or the one that is named) and brings it up to date, if this program may. */
export async function openDatabase(where: Where, tell: (line: string) => void): Promise<Database> {
  const url = databaseUrlOf(where)
  const postgres = await openPostgres({ folder: where.folder, tell, ...(url === undefined ? {} : { url }) })
  try {
    // Who was given a restricted login alone takes the tables as they are.
    const ours = where.databaseUrl !== undefined || url === undefined
    const migrated = ours
      ? await migrate(postgres.owner(), rooms, (login) => postgres.secret(login))
      : { applied: [], refreshed: false }
    if (!ours) await refuseOtherSchema(postgres.owner(), rooms)
    const logins = loginsOf(postgres, where)
    return { postgres, logins, migrated }
  } catch (error) {
    await postgres.close()
    throw error
  }
}

/** The two that own nothing. */
export function loginsOf(postgres: Postgres, where: Where): Database['logins'] {
  const owner = postgres.owner()
  const ours = where.databaseUrl !== undefined || databaseUrlOf(where) === undefined
  const loginOf = (user: string, given: string | undefined): Settings => {
    if (given !== undefined) return { connectionString: given }
    return ours ? { ...owner, user, password: postgres.secret(user) } : owner
  }
  return {
    api: loginOf('millrace_api', where.apiDatabaseUrl),
    worker: loginOf('millrace_worker', where.workerDatabaseUrl),
  }
}

export interface App extends Served, Database {
  readonly engine: Engine
  /** Starts a run of any kind as the operator; its domain's own rows about it go with it. */
  start(
    kind: AnyRunKind,
    input: unknown,
    options: Omit<StartOptions, 'workspace' | 'alongside'>,
  ): ReturnType<Engine['start']>
  close(): Promise<void>
}

/** What goes with the start of a probe, by whichever door. */
function alongsideProbe(probe: Served['probe'], given: unknown): NonNullable<StartOptions['alongside']> {
  return async (tx, run) => {
    const input = probe.input.parse(given)
    await recordRun(tx, run, WORKSPACE, input)
    await refuseUnheld(tx, run, input, probe.priced)
  }
}

/** Opens the database and hangs everything together. */
export async function openApp(
  config: Config,
  tell: (line: string) => void,
  served: Served = productKinds(config),
): Promise<App> {
  const database = await openDatabase(config, tell)
  const engine = carrying(openEngine(database.logins.api))
  await served.keys.connect(database.logins.worker)
  return {
    ...served,
    ...database,
    engine,
    start: (kind, input, options) =>
      engine.start(operator, kind as RunKind, input, {
        ...options,
        workspace: WORKSPACE,
        ...(kind === served.probe ? { alongside: alongsideProbe(served.probe, input) } : {}),
      }),
    async close() {
      await Promise.all([served.keys.disconnect(), served.leave()])
      await engine.close()
      await database.postgres.close()
    },
  }
}

export function openSkillsOf(config: Config): Skills {
  return openSkills(config.skills, {
    key: config.skillsMpKey ?? config.skillsMpOtherKey,
    ...(config.skillsMpAddress === undefined ? {} : { baseUrl: config.skillsMpAddress }),
  })
}

/** Keys of the environment; those of the database come with `connect`. */
export function keysOf(config: Config): Keys {
  const google = config.googleKey === undefined ? settings.geminiKey : settings.googleKey
  const environment = {
    openai: { variable: settings.openaiKey.env, key: config.openaiKey },
    anthropic: { variable: settings.anthropicKey.env, key: config.anthropicKey },
    google: { variable: google.env, key: config.googleKey ?? config.geminiKey },
    xai: { variable: settings.xaiKey.env, key: config.xaiKey },
    deepseek: { variable: settings.deepseekKey.env, key: config.deepseekKey },
    mistral: { variable: settings.mistralKey.env, key: config.mistralKey },
    'openai-compatible': { variable: settings.compatibleKey.env, key: config.compatibleKey },
  }
  const place = { given: config.secret, folder: config.folder }
  return openKeys(environment, place, (line) => process.stderr.write(`${line}\n`))
}

/**
 * A look at the database as it is, before anything is made: keys for the providers,
 * and what was there before.  Where there is no database, or none that answers, it
 * is asked for nothing: whoever needs it opens it and hears why.
 */
export async function glance<T>(
  config: Config,
  { keys }: Pick<Served, 'keys'>,
  work: (seen: { ask?: <R>(question: (engine: Engine) => Promise<R>) => Promise<R | undefined> }) => Promise<T>,
): Promise<T> {
  const url = databaseUrlOf(config)
  if (url === undefined && !holdsDatabase(config.folder)) return work({})
  const place = { folder: config.folder, tell: () => {}, ...(url === undefined ? {} : { url }) }
  const postgres = await openPostgres(place).catch(() => undefined)
  if (postgres === undefined) return work({})
  const logins = loginsOf(postgres, config)
  const engine = openEngine(logins.api)
  try {
    await keys.connect(logins.worker)
    return await work({ ask: (question) => question(engine).catch(() => undefined) })
  } finally {
    await keys.disconnect()
    await engine.close()
    await postgres.close()
  }
}

export function openCatalogue(
  config: Config,
  keys: Pick<Keys, 'keyOf'> = keysOf(config),
  own: readonly ExecutionProvider[] = [],
): Catalogue {
  return openProviders({
    own,
    keyOf: (provider) => keys.keyOf(provider),
    addresses: {
      openai: config.openaiAddress,
      anthropic: config.anthropicAddress,
      google: config.googleAddress,
      xai: config.xaiAddress,
      deepseek: config.deepseekAddress,
      mistral: config.mistralAddress,
    },
    ...(config.simulatorUrl === undefined ? {} : { simulator: config.simulatorUrl }),
    ...(config.cliModels === undefined ? {} : { commands: config.cliModels }),
    ...(config.fakeLatency === undefined ? {} : { fakeLatencyMs: config.fakeLatency }),
    ...(config.compatibleUrl === undefined
      ? {}
      : {
          openaiCompatible: {
            baseUrl: config.compatibleUrl,
            ...(config.compatibleModels === undefined ? {} : { models: config.compatibleModels }),
          },
        }),
  })
}
