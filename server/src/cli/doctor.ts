/** `millrace doctor`: looks at everything that a run needs, changes nothing, and says what to do about what is wrong. */
import { stat, statfs } from 'node:fs/promises'
import { openEngine, Refusal, sqlState } from '@millrace/engine'
import { examine, holdsDatabase, openPostgres, type Postgres } from '@millrace/engine/postgres'
import {
  databaseUrlOf,
  glance,
  keysOf,
  loginsOf,
  openCatalogue,
  operator,
  ownProviders,
  providerHealth,
} from '../app.ts'
import { readConfig, type Config } from '../config.ts'
import { lookAtServer } from './doctor-server.ts'
import { lookAtWords } from './doctor-words.ts'
import { lookAtWork } from './doctor-work.ts'
import { lookAtPython } from './python.ts'
import { grouped, say } from './screen.ts'

export interface Finding {
  readonly what: string
  /** Only what is wrong makes the doctor end with 1. */
  readonly state: 'well' | 'note' | 'wrong'
  readonly says: string
  readonly remedy?: string
}

export async function doctor(options: { json?: boolean }): Promise<number> {
  const config = readConfig()
  const findings: Finding[] = [{ what: 'node', state: 'well', says: process.version }]
  findings.push(...(await lookAtDisk(config.folder)))
  if (databaseUrlOf(config) === undefined && !holdsDatabase(config.folder)) {
    findings.push({
      what: 'database',
      state: 'note',
      says: `none was made in ${config.folder} yet`,
      remedy: '`millrace up` makes one there; DATABASE_URL names another.',
    })
  } else {
    findings.push(...(await orRefusal('database', () => lookAtDatabase(config))))
  }
  findings.push(...(await lookAtProviders(config)))
  findings.push(...(await lookAtPython(config)))
  if (options.json === true) say(JSON.stringify(findings))
  else for (const finding of findings) tell(finding)
  return findings.some((finding) => finding.state === 'wrong') ? 1 : 0
}

const SIGN = { well: '✓', note: '·', wrong: '✗' } as const

function tell({ what, state, says, remedy }: Finding) {
  say(`${SIGN[state]} ${what.padEnd(11)} ${says}`)
  if (remedy !== undefined) say(`  ${' '.repeat(11)} ${remedy}`)
}

/** What refuses is a finding like any other. */
async function orRefusal(what: string, look: () => Promise<Finding[]>): Promise<Finding[]> {
  try {
    return await look()
  } catch (error) {
    if (!(error instanceof Refusal)) throw error
    const remedy = error.remedy === undefined ? {} : { remedy: error.remedy }
    return [{ what, state: 'wrong', says: error.message, ...remedy }]
  }
}

async function lookAtDatabase(config: Config): Promise<Finding[]> {
  const url = databaseUrlOf(config)
  const postgres = await openPostgres({ folder: config.folder, ...(url === undefined ? {} : { url }) })
  try {
    const { findings, fits, folder, sensitive } = await examine(postgres.owner(), (tx) =>
      lookAtServer(tx, postgres, config),
    )
    // Another machine's disk is not ours to see.
    const disk = postgres.embedded && folder !== undefined ? await lookAtDisk(folder) : []
    const words = fits ? await lookAtWords(postgres, config, sensitive) : []
    const work = fits ? await orRefusal('login', () => asApi(postgres, config)) : []
    return [...findings, ...disk, ...words, ...work]
  } finally {
    await postgres.close()
  }
}

async function asApi(postgres: Postgres, config: Config): Promise<Finding[]> {
  const engine = openEngine(loginsOf(postgres, config).api)
  try {
    return await engine.as(operator, lookAtWork)
  } catch (error) {
    if (sqlState(error)?.startsWith('28') !== true) throw error
    throw new Refusal('LOGIN_REFUSED', 'The database does not let millrace_api in.', {
      remedy: '`millrace migrate` gives it its password again; or look at API_DATABASE_URL.',
      cause: error,
    })
  } finally {
    await engine.close()
  }
}

const GIB = 1024 ** 3

/** The disk of a folder; nothing of one that is not there yet. */
async function lookAtDisk(folder: string): Promise<Finding[]> {
  if ((await stat(folder).catch(() => undefined)) === undefined) return []
  const { bavail, blocks, bsize } = await statfs(folder)
  const [free, all] = [bavail * bsize, blocks * bsize]
  if (free > GIB && free > all / 50) return []
  return [
    {
      what: 'disk',
      state: 'wrong',
      says: `${folder} has ${grouped(Math.floor(free / 1024 ** 2))} MB free of ${grouped(Math.ceil(all / 1024 ** 2))}`,
      remedy: 'Make room there; `millrace runs prune --older-than 30d` throws old runs away.',
    },
  ]
}

async function lookAtProviders(config: Config): Promise<Finding[]> {
  const keys = keysOf(config)
  // With the keys that a run would be asked with.
  const own = await ownProviders(config)
  const { providers } = await glance(config, { keys }, () => providerHealth(openCatalogue(config, keys, own)))
  const findings = providers
    .filter(({ configured }) => configured)
    .map(({ id, name, error }): Finding => {
      if (error === undefined) return { what: id, state: 'well', says: `${name} answers` }
      return {
        what: id,
        state: 'wrong',
        says: error.message,
        remedy: 'Look at its address and its key: `millrace providers`, `millrace keys`, docs/reference/settings.md.',
      }
    })
  if (findings.some(({ what }) => what !== 'fake')) return findings
  return [
    ...findings,
    { what: 'models', state: 'note', says: 'no provider is configured: only the fake models can be asked' },
  ]
}
