/**
 * Locks between the programs that share one folder, held by the kernel: a
 * program that dies by SIGKILL lets go of them, and no file left behind can
 * mean anything.  Node has no flock, but its SQLite locks files with fcntl and
 * keeps its own books for several locks of one process, so two empty SQLite
 * files serve: the door (one at a time arrives or leaves) and the programs
 * inside (each holds it shared; who can have it alone is the last one).
 *
 * Never open these files with `fs`: closing any descriptor of such a file drops
 * the fcntl locks of the whole process.
 */
import { closeSync, openSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as pause } from 'node:timers/promises'
import { Refusal } from '../errors.ts'

const BUSY = 5
const SLOW_AFTER = 2_000
const DOOR_PATIENCE = 180_000

/** Held locks are kept from the garbage collector, which would let go of them. */
const held = new Set<DatabaseSync>()

export interface Lock {
  release(): void
}

/** Wait until nobody else arrives in or leaves this folder. */
export async function enterDoor(home: string, tell: (line: string) => void): Promise<Lock> {
  const since = Date.now()
  let told = false
  for (;;) {
    const lock = tryLock(join(home, 'door.lock'), 'BEGIN EXCLUSIVE')
    if (lock) return lock
    const waited = Date.now() - since
    if (!told && waited > SLOW_AFTER) {
      told = true
      tell(`Waiting for another program that is starting or stopping the database in ${home}`)
    }
    if (waited > DOOR_PATIENCE) {
      throw new Refusal(
        'DATABASE_HELD',
        `Another program has been starting or stopping the database in ${home} for ${Math.round(waited / 1000)} s.`,
        {
          remedy: 'End that program, then start again.',
        },
      )
    }
    await pause(10)
  }
}

/** Be counted among the programs that use the folder's server; only inside the door. */
export function countIn(home: string): Lock {
  const lock = tryLock(join(home, 'programs.lock'), 'BEGIN; SELECT count(*) FROM sqlite_schema')
  if (!lock) throw new Error('programs.lock is held exclusively outside the door')
  return lock
}

/** Is no program counted in?  Only inside the door, so that the answer stays true. */
export function nobodyInside(home: string): boolean {
  const lock = tryLock(join(home, 'programs.lock'), 'BEGIN EXCLUSIVE')
  lock?.release()
  return lock !== undefined
}

function tryLock(path: string, begin: string): Lock | undefined {
  createPrivately(path)
  const file = new DatabaseSync(path, { timeout: 0 })
  try {
    // Without a journal file a lock needs no room: on a full disk one must still be able to leave.
    file.exec(`PRAGMA journal_mode = MEMORY; ${begin}`)
  } catch (error) {
    file.close()
    if (isBusy(error)) return undefined
    throw error
  }
  held.add(file)
  return {
    release() {
      if (held.delete(file)) file.close()
    },
  }
}

/** Others must not be able to hold our locks, so the file is not left to the umask. */
function createPrivately(path: string): void {
  try {
    closeSync(openSync(path, 'wx', 0o600))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  }
}

function isBusy(error: unknown): boolean {
  return error instanceof Error && 'errcode' in error && error.errcode === BUSY
}
