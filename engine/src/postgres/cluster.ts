/**
 * Our own PostgreSQL server: started when nobody runs it, adopted when one was
 * left over, replaced when it does not answer, stopped by the last program out.
 */
import { spawn, spawnSync } from 'node:child_process'
import {
  chmodSync,
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  statfsSync,
} from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { basename, dirname, join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { findHome, holdsCluster, passwordFile, recordHome, type ClusterHome } from './cluster-home.ts'
import { SERVER_ENVIRONMENT, SUPERUSER, give, makeCluster, refusedToRun, runAs } from './cluster-making.ts'
import { Refusal } from '../errors.ts'
import { countIn, enterDoor, nobodyInside, type Lock } from './folder-lock.ts'
import { knock, type OwnerSettings } from './knock.ts'
import { binariesFor, type Binaries } from './server-binaries.ts'
import { readTail, refusalFrom } from './server-log.ts'
import { canReach, errorCode } from './server-user.ts'

export const DATABASE = 'millrace'

const PORT = 5432
const SOCKET_PREFIX = 'millrace-'
/** sockaddr_un holds 108 bytes on Linux and 104 on macOS, the last one zero. */
const SOCKET_BYTES = process.platform === 'darwin' ? 103 : 107
/** A server that says nothing for so long is replaced when nobody else uses it. */
const SILENCE_ALONE = 3_000
const SILENCE_SHARED = 30_000
/** The processes of a killed server hold its shared memory until they have seen its death. */
const STALE_PATIENCE = 10_000
const FAST_STOP = 60_000
const ROOM_TO_START = 128 * 1024
const LOG_LIMIT = 8 * 1024 * 1024

type Tell = (line: string) => void

export interface Cluster {
  readonly place: string
  readonly password: string
  /** The superuser's settings for a database. */
  settings(database: string): OwnerSettings
  leave(): Promise<void>
}

/** What postmaster.pid says. */
interface Postmaster {
  readonly pid: number
  readonly socketFolder: string
  readonly ready: boolean
}

/** Arrive in a folder: its server runs and counts us when this returns. */
export async function enterCluster(folder: string, tell: Tell): Promise<Cluster> {
  const place = findHome(folder)
  const binaries = binariesFor(place.user, tell)
  const door = await enterDoor(place.home, tell)
  try {
    if (!holdsCluster(place, binaries.major)) {
      const away = place.home !== place.folder
      const why = away ? `, because user ${place.user?.name}, who runs it, cannot reach ${folder}` : ''
      tell(`Making a database in ${place.data}${why} (first start only)`)
      await makeCluster(place, binaries)
      recordHome(place)
    }
    const password = readFileSync(passwordFile(place.home), 'utf8').trim()
    const socketFolder = await openServer(place, binaries, password, tell)
    const inside = countIn(place.home)
    let left: Promise<void> | undefined
    return {
      place: `PostgreSQL ${binaries.version.split('.').slice(0, 2).join('.')} in ${place.data}`,
      password,
      settings: (database) => settingsOf(socketFolder, password, database),
      leave: () => (left ??= leave(place, inside, tell)),
    }
  } finally {
    door.release()
  }
}

async function leave(place: ClusterHome, inside: Lock, tell: Tell): Promise<void> {
  const door = await enterDoor(place.home, tell)
  try {
    inside.release()
    if (nobodyInside(place.home)) await stopServer(place)
  } finally {
    door.release()
  }
}

function settingsOf(socketFolder: string, password: string, database: string): OwnerSettings {
  return { host: socketFolder, port: PORT, user: SUPERUSER, password, database, ssl: false }
}

/** As `ensureServer`; a server that is of no use is not left running. */
async function openServer(place: ClusterHome, binaries: Binaries, password: string, tell: Tell): Promise<string> {
  try {
    return await ensureServer(place, binaries, password, tell)
  } catch (error) {
    if (nobodyInside(place.home)) await stopServer(place)
    throw error
  }
}

/** The server answers and has our database when this returns the folder of its socket. */
async function ensureServer(place: ClusterHome, binaries: Binaries, password: string, tell: Tell): Promise<string> {
  const since = Date.now()
  let started = false
  let told = false
  for (;;) {
    const postmaster = readPostmaster(place.data)
    if (!postmaster || (!started && !runsHere(postmaster, place))) {
      await startServer(place, binaries, tell)
      started = true
      continue
    }
    const answer = await knock(settingsOf(postmaster.socketFolder, password, 'postgres'), SILENCE_ALONE, DATABASE)
    if (answer === 'open') {
      if (!started && nobodyInside(place.home))
        tell(`Took over the PostgreSQL server that an ended program left running in ${place.data}`)
      return postmaster.socketFolder
    }
    if (answer === 'refused') {
      throw new Refusal(
        'PASSWORD_WRONG',
        `The database in ${place.data} does not accept the password in ${passwordFile(place.home)}.`,
        {
          remedy: 'Bring both back from the same backup.',
        },
      )
    }
    const waited = Date.now() - since
    if (answer === 'starting') {
      if (!told && waited > SILENCE_ALONE) tell(`Waiting for the database in ${place.data} to recover`)
      told ||= waited > SILENCE_ALONE
    } else if (waited > SILENCE_ALONE && nobodyInside(place.home)) {
      tell(`Replacing the PostgreSQL server in ${place.data}, which does not answer`)
      await killServer(place, postmaster)
      started = false
    } else if (waited > SILENCE_SHARED) {
      throw new Refusal(
        'DATABASE_SILENT',
        `The PostgreSQL server in ${place.data} (process ${postmaster.pid}) does not answer, and other programs use it.`,
        {
          remedy: 'End those programs, then start again.',
        },
      )
    }
    await pause(20)
  }
}

/** Starts the server and waits until it is ready; a server that dies tells why. */
async function startServer(place: ClusterHome, binaries: Binaries, tell: Tell): Promise<void> {
  const since = Date.now()
  removeLeftSocket(place)
  const socketFolder = makeSocketFolder(place)
  const options = [
    ['listen_addresses', ''],
    ['unix_socket_directories', quoted(socketFolder)],
    ['unix_socket_permissions', '0700'],
    ['port', String(PORT)],
    ['max_connections', '300'],
    // What a client did wrong is told to the client; in a log it could be somebody's data.
    ['log_min_messages', 'log'],
  ].flatMap(([name, value]) => ['-c', `${name}=${value}`])
  let told = false
  for (;;) {
    await removeLeftLocks(place, socketFolder)
    const log = openLog(place)
    const child = spawn(join(binaries.folder, 'bin', 'postgres'), ['-D', place.data, ...options], {
      cwd: '/',
      env: SERVER_ENVIRONMENT,
      // Its own session: the terminal's Ctrl-C is for us, who still need it to drain.
      detached: true,
      stdio: ['ignore', log.file, log.file],
      ...runAs(place.user),
    })
    closeSync(log.file)
    child.unref()
    const end: { reason?: Error | 'exit' } = {}
    child.on('error', (error) => (end.reason = error))
    child.on('exit', () => (end.reason = 'exit'))
    while (end.reason === undefined) {
      await pause(5)
      const postmaster = readPostmaster(place.data)
      if (postmaster?.pid === child.pid && postmaster?.ready) return
      if (!told && Date.now() - since > SILENCE_ALONE) {
        told = true
        tell(`Waiting for the database in ${place.data} to recover`)
      }
    }
    if (end.reason !== 'exit') throw refusedToRun(end.reason, binaries)
    const refusal = refusalFrom(
      readTail(log.path, log.from),
      `PostgreSQL did not start in ${place.data}`,
      'SERVER_DIED',
    )
    if (refusal.code === 'SERVER_DIED' && isFull(place.home)) throw fullDisk(place)
    if (refusal.code !== 'DATA_IN_USE' || Date.now() - since > STALE_PATIENCE) throw refusal
    await pause(50)
  }
}

/** A full disk also takes the words in which the server would say so. */
function isFull(folder: string): boolean {
  const disk = statfsSync(folder)
  return disk.bavail * disk.bsize < ROOM_TO_START
}

function fullDisk(place: ClusterHome): Refusal {
  return new Refusal('DISK_FULL', `PostgreSQL did not start in ${place.data}: the disk is full.`, {
    remedy: 'Make room on the disk that holds it, then start again.',
  })
}

/** Fast shutdown: open transactions are rolled back, what was acknowledged stays. */
async function stopServer(place: ClusterHome): Promise<void> {
  const postmaster = readPostmaster(place.data)
  if (!postmaster || !runsHere(postmaster, place)) return
  signal(postmaster.pid, 'SIGINT')
  if (!(await ends(postmaster, place, FAST_STOP))) await killServer(place, postmaster)
  removeSocketFolder(postmaster.socketFolder)
}

/** SIGCONT too: a stopped process hears only SIGKILL. */
async function killServer(place: ClusterHome, postmaster: Postmaster): Promise<void> {
  if (!runsHere(postmaster, place)) return
  signal(postmaster.pid, 'SIGQUIT')
  signal(postmaster.pid, 'SIGCONT')
  if (await ends(postmaster, place, 5_000)) return
  signal(postmaster.pid, 'SIGKILL')
  if (await ends(postmaster, place, 5_000)) return
  throw new Refusal(
    'DATABASE_SILENT',
    `The PostgreSQL server in ${place.data} (process ${postmaster.pid}) neither answers nor ends.`,
    {
      remedy: `Look at what holds process ${postmaster.pid} (often a disk that hangs), end it, then start again.`,
    },
  )
}

async function ends(postmaster: Postmaster, place: ClusterHome, within: number): Promise<boolean> {
  const since = Date.now()
  while (runsHere(postmaster, place)) {
    if (Date.now() - since > within) return false
    await pause(5)
  }
  return true
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    if (errorCode(error) !== 'ESRCH') throw error
  }
}

function readPostmaster(data: string): Postmaster | undefined {
  let lines: string[]
  try {
    lines = readFileSync(join(data, 'postmaster.pid'), 'utf8').split('\n')
  } catch (error) {
    if (errorCode(error) === 'ENOENT') return undefined
    throw error
  }
  const pid = Number(lines[0])
  if (!Number.isSafeInteger(pid) || pid <= 1) return undefined
  return { pid, socketFolder: lines[4] ?? '', ready: lines[7]?.trim() === 'ready' }
}

/** Is this process the server of our data?  Its number may long be somebody else's, even another server's. */
function runsHere(postmaster: Postmaster, place: ClusterHome): boolean {
  const words = commandOf(postmaster.pid)
  if (basename(words[0] ?? '') !== 'postgres') return false
  return words.includes(place.data) || workingFolder(postmaster.pid) === place.data
}

/** Seen of our own processes always, of others' where root may look into them. */
function workingFolder(pid: number): string | undefined {
  try {
    return readlinkSync(`/proc/${pid}/cwd`)
  } catch {
    return undefined
  }
}

/** The words of a process's command; none if it does not run (a zombie has none either). */
function commandOf(pid: number): string[] {
  if (process.platform !== 'linux') {
    const words = spawnSync('ps', ['-o', 'stat=,command=', '-p', String(pid)], { encoding: 'utf8' }).stdout
    return words.trim().startsWith('Z') ? [] : words.trim().split(/\s+/).slice(1)
  }
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
  } catch (error) {
    if (errorCode(error) === 'ENOENT' || errorCode(error) === 'ESRCH') return []
    throw error
  }
}

/**
 * PostgreSQL takes any living process of its user that has the number in a
 * leftover lock file for the server, and refuses for as long as that lives: a
 * zombie that nobody reaps, our own process in a container that started again,
 * another folder's server after a reboot.  We know better.
 */
async function removeLeftLocks(place: ClusterHome, socketFolder: string): Promise<void> {
  if (!nobodyInside(place.home)) return
  const postmaster = readPostmaster(place.data)
  if (postmaster && !runsHere(postmaster, place)) rmSync(join(place.data, 'postmaster.pid'), { force: true })
  const socket = join(socketFolder, `.s.PGSQL.${PORT}`)
  if (existsSync(`${socket}.lock`) && !(await isListenedTo(socket))) rmSync(`${socket}.lock`, { force: true })
}

async function isListenedTo(socket: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const visit = connect(socket)
    visit.on('connect', () => {
      visit.destroy()
      resolve(true)
    })
    visit.on('error', () => resolve(false))
  })
}

function makeSocketFolder(place: ClusterHome): string {
  const near = join(place.home, 'run')
  if (fits(near)) {
    mkdirSync(near, { recursive: true })
    give(near, place.user)
    chmodSync(near, 0o700)
    return near
  }
  const base = [tmpdir(), '/tmp'].find(
    (base) => fits(join(base, `${SOCKET_PREFIX}xxxxxx`)) && existsSync(base) && canReach(place.user, base),
  )
  if (base === undefined) {
    throw new Refusal(
      'SOCKET_UNPLACED',
      `The path of ${place.home} is too long for a socket, and there is no short temporary folder.`,
      {
        remedy: 'Move the project to a shorter path, or set TMPDIR to a short one.',
      },
    )
  }
  const far = mkdtempSync(join(base, SOCKET_PREFIX))
  give(far, place.user)
  return far
}

function fits(folder: string): boolean {
  return Buffer.byteLength(join(folder, `.s.PGSQL.${PORT}`)) <= SOCKET_BYTES
}

function removeLeftSocket(place: ClusterHome): void {
  const left = readPostmaster(place.data)
  if (left && !runsHere(left, place)) removeSocketFolder(left.socketFolder)
}

/** Only the temporary ones; a folder beside the data stays. */
function removeSocketFolder(folder: string): void {
  if (!basename(folder).startsWith(SOCKET_PREFIX) || basename(dirname(folder)) === '.millrace') return
  rmSync(folder, { recursive: true, force: true })
}

/** A value of a list setting, in which a comma or a space would divide. */
function quoted(path: string): string {
  return `"${path.replaceAll('"', '""')}"`
}

function openLog(place: ClusterHome): { file: number; path: string; from: number } {
  const path = join(place.home, 'postgres.log')
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0
  if (size > LOG_LIMIT) renameSync(path, `${path}.1`)
  const file = openSync(path, 'a', 0o600)
  return { file, path, from: size > LOG_LIMIT ? 0 : size }
}
