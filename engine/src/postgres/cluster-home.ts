/**
 * Where a cluster lives, and whether what lies there is ours to start: its home
 * holds the data (`pg`), the password, the log, the socket and the locks.
 */
import { createHash } from 'node:crypto'
import {
  accessSync,
  chmodSync,
  constants,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  realpathSync,
  statSync,
  writeFileSync,
  type Stats,
} from 'node:fs'
import { join } from 'node:path'
import { Refusal } from '../errors.ts'
import { SHARED_HOME, canReach, errorCode, makeSharedHome, serverUser, type ServerUser } from './server-user.ts'

/** A file inside the data that says that Millrace made it. */
export const MARK = 'MILLRACE'

export interface ClusterHome {
  /** The folder it was asked for, by its real path. */
  readonly folder: string
  /** The same, or `/var/lib/millrace/<id>` when the server's user cannot reach that. */
  readonly home: string
  readonly data: string
  /** Who runs the server; undefined: we ourselves. */
  readonly user: ServerUser | undefined
}

/** The home of this folder's cluster, made when absent. */
export function findHome(folder: string): ClusterHome {
  makePassable(folder)
  const ours = realpathSync(folder)
  const placed = recordedPlace(ours)
  if (placed !== undefined) return recordedHome(ours, placed)

  const data = join(ours, 'pg')
  const owner = ownerOf(data)
  const user = serverUser(owner && owner.uid !== 0 ? owner : undefined)
  if (canReach(user, ours)) return { folder: ours, home: ours, data, user }
  if (owner && !isEmpty(data)) {
    throw new Refusal(
      'DATA_UNREACHABLE',
      `User ${user?.name}, who runs PostgreSQL, cannot reach the database in ${data}.`,
      {
        remedy: `Let everybody pass through the folders above it (chmod o+x), or move ${ours} to where ${user?.name} can reach it.`,
      },
    )
  }
  makeSharedHome()
  const home = join(SHARED_HOME, createHash('sha256').update(ours).digest('hex').slice(0, 16))
  makePassable(home)
  return { folder: ours, home, data: join(home, 'pg'), user }
}

/** A moved or copied folder keeps its database only if the folder itself says where that is. */
export function recordHome({ folder, home }: ClusterHome): void {
  if (home !== folder) writeFileSync(join(folder, 'place'), `${home}\n`)
}

function recordedPlace(ours: string): string | undefined {
  const record = join(ours, 'place')
  return existsSync(record) ? readFileSync(record, 'utf8').trim() : undefined
}

function recordedHome(ours: string, home: string): ClusterHome {
  const data = join(home, 'pg')
  const owner = ownerOf(data)
  if (!owner) {
    throw new Refusal('DATA_MISSING', `The database of ${ours} was made in ${data} and is not there any more.`, {
      remedy: `Bring ${data} back, or delete ${join(ours, 'place')} to start with an empty database.`,
    })
  }
  return { folder: ours, home, data, user: serverUser(owner.uid === 0 ? undefined : owner) }
}

/** Is there a cluster of ours and of this major version?  Anything else that lies there is refused. */
export function holdsCluster({ data, home, user }: ClusterHome, major: number): boolean {
  const owner = ownerOf(data)
  if (!owner) return false
  const runner = user?.uid ?? process.getuid?.()
  if (owner.uid !== runner && (!isReadable(data) || !isEmpty(data))) {
    throw new Refusal(
      'FOREIGN_DATA',
      `The data folder ${data} belongs to user ${owner.uid}, and PostgreSQL would run as user ${user?.name ?? runner}.`,
      {
        remedy: `Start as the user who made it, or give it back with chown -R ${runner} ${data}.`,
      },
    )
  }
  if (isEmpty(data)) return false
  const version = existsSync(join(data, 'PG_VERSION'))
    ? readFileSync(join(data, 'PG_VERSION'), 'utf8').trim()
    : undefined
  if (!existsSync(join(data, MARK))) {
    const holds = version === undefined ? '' : ` (it holds a database of PostgreSQL ${version})`
    throw new Refusal('FOREIGN_DATA', `The folder ${data} was not made by Millrace${holds}.`, {
      remedy: 'Move it away, start Millrace in another folder, or run that database yourself and set DATABASE_URL.',
    })
  }
  if (version === undefined) {
    throw new Refusal('DATA_DAMAGED', `The database in ${data} is not whole: it has no PG_VERSION.`, {
      remedy: 'Restore it from a backup.',
    })
  }
  if (Number(version) !== major) {
    const newer = Number(version) > major
    throw new Refusal(
      newer ? 'NEWER_DATA' : 'OLDER_DATA',
      `The database in ${data} was made by PostgreSQL ${version}; this Millrace brings PostgreSQL ${major}.`,
      {
        remedy: newer
          ? 'Install the version of Millrace that made it, or a newer one.'
          : `Install the version of Millrace that made it, take a dump, move ${data} away and restore the dump.`,
      },
    )
  }
  if (!existsSync(passwordFile(home))) {
    throw new Refusal(
      'PASSWORD_MISSING',
      `The password of the database in ${data} is gone: there is no ${passwordFile(home)}.`,
      {
        remedy: `Bring the file back from a backup, or move ${data} away to start with an empty database.`,
      },
    )
  }
  return true
}

export function passwordFile(home: string): string {
  return join(home, 'password')
}

/** The server's user, if it is not us, passes through to its data; nobody else can list what is here. */
function makePassable(folder: string): void {
  const there = statSync(folder, { throwIfNoEntry: false })
  if (!there) {
    mkdirSync(folder, { recursive: true })
    chmodSync(folder, process.getuid?.() === 0 ? 0o711 : 0o700)
  } else if (!there.isDirectory()) {
    throw new Refusal('FOREIGN_DATA', `${folder} is not a folder.`, {
      remedy: 'Move it away, or start Millrace in another folder.',
    })
  }
  accessSync(folder, constants.W_OK | constants.X_OK)
}

function ownerOf(path: string): Stats | undefined {
  return statSync(path, { throwIfNoEntry: false })
}

function isReadable(folder: string): boolean {
  try {
    readdirSync(folder)
    return true
  } catch (error) {
    if (errorCode(error) === 'EACCES') return false
    throw error
  }
}

function isEmpty(folder: string): boolean {
  return readdirSync(folder).length === 0
}
