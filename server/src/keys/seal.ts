/** AES-256-GCM over a key, bound to its provider and to the installation: moved elsewhere it does not open. */
import { createCipheriv, createDecipheriv, createHash, randomBytes } from 'node:crypto'
import type { Secret } from './secret.ts'

export interface Sealed {
  /** Id of the secret. */
  readonly secret: string
  readonly nonce: Buffer
  /** With the tag at its end. */
  readonly sealed: Buffer
}

export interface Belongs {
  readonly installation: string
  readonly provider: string
}

const NONCE = 12
const TAG = 16

const bound = ({ installation, provider }: Belongs) =>
  Buffer.from(JSON.stringify(['millrace provider key', installation, provider]))

export function seal(secret: Secret, to: Belongs, key: string): Sealed {
  const nonce = randomBytes(NONCE)
  const cipher = createCipheriv('aes-256-gcm', secret.bytes, nonce, { authTagLength: TAG }).setAAD(bound(to))
  const sealed = Buffer.concat([cipher.update(key, 'utf8'), cipher.final(), cipher.getAuthTag()])
  return { secret: secret.id, nonce, sealed }
}

/** Undefined: none of these secrets opens it, or it is not what was sealed here. */
export function open(
  secrets: readonly Secret[],
  to: Belongs,
  { secret: id, nonce, sealed }: Sealed,
): string | undefined {
  const secret = secrets.find((one) => one.id === id)
  if (secret === undefined || sealed.length <= TAG) return undefined
  const decipher = createDecipheriv('aes-256-gcm', secret.bytes, nonce, { authTagLength: TAG })
    .setAAD(bound(to))
    .setAuthTag(sealed.subarray(-TAG))
  try {
    return Buffer.concat([decipher.update(sealed.subarray(0, -TAG)), decipher.final()]).toString('utf8')
  } catch {
    return undefined
  }
}

/** For people, to tell one key from another. */
export function fingerprintOf(key: string): string {
  return createHash('sha256').update(key).digest('hex').slice(0, 6)
}
