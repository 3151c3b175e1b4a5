/** Makes a cluster: beside its place first, so that what fails or dies leaves nothing half made. */
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { chmodSync, chownSync, mkdirSync, mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MARK, passwordFile, type ClusterHome } from './cluster-home.ts'
import { Refusal } from '../errors.ts'
import { namelessBinaries, type Binaries } from './server-binaries.ts'
import { refusalFrom } from './server-log.ts'
import { errorCode, type ServerUser } from './server-user.ts'

export const SUPERUSER = 'postgres'

/** PG* variables and the locale of the caller must not leak into the server. */
export const SERVER_ENVIRONMENT: NodeJS.ProcessEnv = { PATH: '/usr/sbin:/usr/bin:/sbin:/bin', LC_ALL: 'C', TZ: 'UTC' }

/** Only inside the door. */
export async function makeCluster(place: ClusterHome, binaries: Binaries): Promise<void> {
  for (const left of readdirSync(place.home)) {
    if (left.startsWith('pg.making-')) rmSync(join(place.home, left), { recursive: true, force: true })
  }
  const making = join(place.home, `pg.making-${randomBytes(4).toString('hex')}`)
  try {
    mkdirSync(making, { mode: 0o700 })
    give(making, place.user)
    const password = randomBytes(32).toString('base64url')
    writeFileSync(join(making, 'password'), password, { mode: 0o600 })
    give(join(making, 'password'), place.user)
    await initialise(making, place, binaries)
    writeFileSync(join(making, 'pg', MARK), `Made by Millrace for ${place.folder}\n`, { flag: 'wx' })
    give(join(making, 'pg', MARK), place.user)
    // Without its password a cluster is lost, so the password is in place before the cluster is.
    writeFileSync(`${passwordFile(place.home)}.making`, password, { mode: 0o600, flush: true })
    renameSync(`${passwordFile(place.home)}.making`, passwordFile(place.home))
    renameSync(join(making, 'pg'), place.data)
  } finally {
    rmSync(making, { recursive: true, force: true })
  }
}

async function initialise(making: string, place: ClusterHome, binaries: Binaries): Promise<void> {
  const first = await initdb(making, place, binaries)
  if (first.code === 0) return
  let failed = first
  if (first.output.includes('could not look up effective user ID')) {
    failed = await initdbNameless(making, place, binaries)
    if (failed.code === 0) return
    if (failed.output.includes('could not look up')) {
      throw new Refusal(
        'USER_NAMELESS',
        `User ${place.user?.uid ?? process.getuid?.()} has no entry in /etc/passwd, which PostgreSQL needs here to make a database.`,
        {
          remedy: 'Add an entry for the user to /etc/passwd, or set DATABASE_URL.',
          causes: [failed.output.trim()],
        },
      )
    }
  }
  throw refusalFrom(failed.output, `PostgreSQL could not make a database in ${place.data}`, 'CLUSTER_NOT_MADE')
}

async function initdbNameless(
  making: string,
  place: ClusterHome,
  binaries: Binaries,
): Promise<{ code: number | null; output: string }> {
  try {
    return await initdb(making, place, namelessBinaries(binaries, join(making, 'nameless')))
  } catch (error) {
    if (!(error instanceof Refusal) || error.code !== 'BINARIES_UNUSABLE') throw error
    // A volume for data is often mounted noexec.
    const elsewhere = mkdtempSync(join(tmpdir(), 'millrace-'))
    chmodSync(elsewhere, 0o755)
    try {
      return await initdb(making, place, namelessBinaries(binaries, join(elsewhere, 'nameless')))
    } finally {
      rmSync(elsewhere, { recursive: true, force: true })
    }
  }
}

async function initdb(
  making: string,
  place: ClusterHome,
  binaries: Binaries,
): Promise<{ code: number | null; output: string }> {
  const options = [
    `--pgdata=${join(making, 'pg')}`,
    `--pwfile=${join(making, 'password')}`,
    `--username=${SUPERUSER}`,
    '--auth=scram-sha-256',
    '--encoding=UTF8',
    '--locale=C.UTF-8',
    // Sorting and case of text stay the same when the system's libc changes.
    '--locale-provider=builtin',
  ]
  return await new Promise((resolve, reject) => {
    const child = spawn(join(binaries.folder, 'bin', 'initdb'), options, {
      cwd: '/',
      env: SERVER_ENVIRONMENT,
      stdio: ['ignore', 'pipe', 'pipe'],
      ...runAs(place.user),
    })
    let output = ''
    const keep = (part: Buffer): void => {
      output = (output + part.toString('utf8')).slice(-65_536)
    }
    child.stdout.on('data', keep)
    child.stderr.on('data', keep)
    child.on('error', (error) => reject(refusedToRun(error, binaries)))
    child.on('close', (code) => resolve({ code, output }))
  })
}

export function refusedToRun(error: Error, binaries: Binaries): Refusal {
  return new Refusal(
    'BINARIES_UNUSABLE',
    `PostgreSQL in ${binaries.folder} cannot be executed on this system (${errorCode(error) ?? error.name}).`,
    {
      remedy:
        'Use a Linux with glibc (not Alpine) or macOS and a disk that is not mounted noexec, or set DATABASE_URL.',
      cause: error,
    },
  )
}

export function runAs(user: ServerUser | undefined): { uid?: number; gid?: number } {
  return user ? { uid: user.uid, gid: user.gid } : {}
}

export function give(path: string, user: ServerUser | undefined): void {
  if (user) chownSync(path, user.uid, user.gid)
}
