/**
 * Who runs the database server.  PostgreSQL refuses to run as root, so root's
 * server runs as somebody else, who must be able to reach what it needs.
 */
import { spawnSync } from 'node:child_process'
import { chmodSync, mkdirSync, readFileSync } from 'node:fs'
import { Refusal } from '../errors.ts'

/** Where root keeps what the server's user cannot reach elsewhere. */
export const SHARED_HOME = '/var/lib/millrace'

export interface ServerUser {
  readonly name: string
  readonly uid: number
  readonly gid: number
}

/** For a system without a postgres user and without useradd; PostgreSQL needs no name, only a uid. */
const NAMELESS: ServerUser = { name: '61615', uid: 61_615, gid: 61_615 }

/** Undefined: we are not root, and the server runs as ourselves. */
export function serverUser(owner?: { uid: number; gid: number }): ServerUser | undefined {
  if (process.getuid?.() !== 0) return undefined
  if (owner)
    return {
      name: namedUser((user) => user.uid === owner.uid)?.name ?? String(owner.uid),
      uid: owner.uid,
      gid: owner.gid,
    }
  return namedUser((user) => user.name === 'postgres') ?? ourUser() ?? createUser() ?? NAMELESS
}

function ourUser(): ServerUser | undefined {
  return namedUser((user) => user.name === 'millrace')
}

function createUser(): ServerUser | undefined {
  const options = [
    '--system',
    '--user-group',
    '--no-create-home',
    '--home-dir',
    SHARED_HOME,
    '--shell',
    '/usr/sbin/nologin',
    'millrace',
  ]
  spawnSync('useradd', options, { stdio: 'ignore', env: { PATH: '/usr/sbin:/sbin:/usr/bin:/bin' } })
  return ourUser()
}

function namedUser(matches: (user: ServerUser) => boolean): ServerUser | undefined {
  let entries: string
  try {
    entries = readFileSync('/etc/passwd', 'utf8')
  } catch {
    return undefined
  }
  for (const line of entries.split('\n')) {
    const [name = '', , uid, gid] = line.split(':')
    const user = { name, uid: Number(uid), gid: Number(gid) }
    if (user.uid > 0 && user.gid > 0 && matches(user)) return user
  }
  return undefined
}

/** Can this user enter these folders and execute these files?  Asked of the kernel, as that user. */
export function canReach(user: ServerUser | undefined, ...paths: string[]): boolean {
  if (!user) return true
  const answer = spawnSync('/bin/sh', ['-c', 'for path do test -x "$path" || exit 1; done', 'sh', ...paths], {
    uid: user.uid,
    gid: user.gid,
    cwd: '/',
    stdio: 'ignore',
  })
  if (answer.error) {
    throw new Refusal(
      'SERVER_USER_REFUSED',
      `PostgreSQL does not run as root, and root may not become user ${user.name} here (${errorCode(answer.error) ?? 'unknown'}).`,
      {
        remedy: 'Run Millrace as a user who is not root, or set DATABASE_URL.',
        cause: answer.error,
      },
    )
  }
  return answer.status === 0
}

/** Everybody may pass through it, whatever root's umask. */
export function makeSharedHome(): void {
  mkdirSync(SHARED_HOME, { recursive: true })
  chmodSync(SHARED_HOME, 0o755)
}

export function errorCode(error: unknown): string | undefined {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
}
