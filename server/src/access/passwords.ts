/**
 * Passwords.  The database gives the salt and the cost, argon2id works here, and
 * the database compares: what it keeps never leaves it, not even towards us.
 */
import { argon2, createHash, randomBytes } from 'node:crypto'
import { promisify } from 'node:util'
import { Refusal } from '@millrace/engine'

export interface Terms {
  readonly salt: Buffer
  /** KiB. */
  readonly memory: number
  readonly passes: number
  readonly lanes: number
}

/** What a password costs that is set today. */
export const COST = { memory: 19_456, passes: 2, lanes: 1 } as const

/** At a time and waiting: more is a flood, and would take the threads of everything else. */
const AT_A_TIME = 2
const WAITING = 64

const derive = promisify(argon2)
let running = 0
const queue: (() => void)[] = []

/** @throws Refusal BUSY */
export async function proofOf(password: string, { salt, memory, passes, lanes }: Terms): Promise<Buffer> {
  if (running >= AT_A_TIME) {
    if (queue.length >= WAITING) {
      throw new Refusal('BUSY', 'Too many people sign in at this moment.', { remedy: 'Try again in a moment.' })
    }
    await new Promise<void>((resolve) => queue.push(resolve))
  } else running += 1
  try {
    // The same letters, however they were typed.
    const message = Buffer.from(password.normalize('NFC'))
    return await derive('argon2id', { message, nonce: salt, parallelism: lanes, tagLength: 32, memory, passes })
  } finally {
    const next = queue.shift()
    if (next === undefined) running -= 1
    else next()
  }
}

export interface Kept extends Terms {
  readonly verifier: Buffer
}

export async function keep(password: string): Promise<Kept> {
  const terms: Terms = { salt: randomBytes(16), ...COST }
  const proof = await proofOf(password, terms)
  return { ...terms, verifier: createHash('sha256').update(proof).digest() }
}

const SHORTEST = 10
const LONGEST = 1_000

/** @throws Refusal WEAK_PASSWORD */
export function mustBeGood(password: string, of: { email?: string } = {}): void {
  const length = Array.from(password).length
  const one = new Set(password).size === 1
  if (length >= SHORTEST && password.length <= LONGEST && !one && password.toLowerCase() !== of.email) return
  throw new Refusal('WEAK_PASSWORD', `A password has ${SHORTEST} to ${LONGEST} characters, and is not your address.`, {
    remedy: 'Take several words that do not belong together.',
  })
}
