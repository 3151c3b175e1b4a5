/** Secrets that we make: what is given away once, and the digest that is kept. */
import { createHash, randomBytes, randomInt } from 'node:crypto'

/** 256 random bits, so that their digest needs no salt and finding by it tells no time. */
export const newSecret = (): string => randomBytes(32).toString('base64url')

const SECRET = /^[A-Za-z0-9_-]{43}$/
export const isSecret = (text: string): boolean => SECRET.test(text)

export const digestOf = (secret: string): Buffer => createHash('sha256').update(secret).digest()

export interface NewKey {
  readonly id: string
  /** `mr_<id>_<secret>`: shown once. */
  readonly text: string
  readonly digest: Buffer
}

const LETTERS = 'abcdefghijklmnopqrstuvwxyz234567'

export function newKey(): NewKey {
  const id = Array.from({ length: 10 }, () => LETTERS[randomInt(LETTERS.length)]).join('')
  const secret = newSecret()
  return { id, text: `mr_${id}_${secret}`, digest: digestOf(secret) }
}

const KEY = /^mr_([a-z2-7]{10})_([A-Za-z0-9_-]{43})$/

/** What a text says that looks like one of our keys; undefined when it is none. */
export function readKey(text: string): { id: string; digest: Buffer } | undefined {
  const [, id, secret] = KEY.exec(text) ?? []
  return id === undefined || secret === undefined ? undefined : { id, digest: digestOf(secret) }
}
