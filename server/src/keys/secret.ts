/**
 * The secret that seals keys: 32 bytes from MILLRACE_SECRET, or from a file in the
 * folder that is made when the first key is set.  Several may be there while one
 * takes the place of another: the first seals, all open.
 */
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { chmodSync, linkSync, mkdirSync, readFileSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { Refusal } from '@millrace/engine'

export interface Secret {
  /** Says which one it is, and nothing of it. */
  readonly id: string
  readonly bytes: Buffer
}

export interface SecretPlace {
  /** MILLRACE_SECRET, as it was given. */
  readonly given: string | undefined
  readonly folder: string
}

const BYTES = 32
const FILE = 'secret'
const WANTED = 'It is 32 bytes in base64 or hexadecimal, for example what `openssl rand -base64 32` says.'

const fileOf = ({ folder }: SecretPlace) => join(folder, FILE)

/** Those that are there, the one that seals first; none where no file was made yet. */
export function secretsOf(place: SecretPlace): Secret[] {
  if (place.given !== undefined) return parse(place.given.split(','), 'MILLRACE_SECRET')
  const path = fileOf(place)
  const text = readClosed(path)
  return text === undefined ? [] : parse(text.trim().split('\n'), path)
}

/** The one that seals; makes the file where there is none. */
export function sealingSecret(place: SecretPlace): Secret {
  const [first] = secretsOf(place)
  if (first !== undefined) return first
  mkdirSync(place.folder, { recursive: true })
  const temporary = writeClosed(place, [randomBytes(BYTES)])
  try {
    // Two that make one at the same time keep the first.
    linkSync(temporary, fileOf(place))
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EEXIST')) throw error
  } finally {
    rmSync(temporary, { force: true })
  }
  const [made] = secretsOf(place)
  if (made === undefined) throw new Error('the secret that was made is not there')
  return made
}

/** A new secret before those of the file; they go with `forgetOldSecrets`. */
export function addSecret(place: SecretPlace): Secret {
  const before = secretsOf(place)
  renameSync(writeClosed(place, [randomBytes(BYTES), ...before.map(({ bytes }) => bytes)]), fileOf(place))
  return sealingSecret(place)
}

export function forgetOldSecrets(place: SecretPlace): void {
  renameSync(writeClosed(place, [sealingSecret(place).bytes]), fileOf(place))
}

function writeClosed(place: SecretPlace, secrets: readonly Buffer[]): string {
  const temporary = `${fileOf(place)}.${randomUUID()}.part`
  writeFileSync(temporary, secrets.map((bytes) => `${bytes.toString('base64')}\n`).join(''), {
    mode: 0o600,
    flag: 'wx',
  })
  // Whatever the umask says.
  chmodSync(temporary, 0o600)
  return temporary
}

function readClosed(path: string): string | undefined {
  try {
    if ((statSync(path).mode & 0o077) !== 0) {
      throw new Refusal('SECRET_IS_OPEN', `Others may read ${path}, which seals the keys of providers.`, {
        remedy: `\`chmod 600 ${path}\`, and if somebody has read it: \`millrace keys rotate-secret\`, and new keys.`,
      })
    }
    return readFileSync(path, 'utf8')
  } catch (error) {
    if (error instanceof Refusal) throw error
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined
    throw new Refusal('SECRET_NOT_READABLE', `The secret in ${path} cannot be read (${code}).`, {
      remedy: 'It belongs to whoever set the first key; start this program as the same user, or set MILLRACE_SECRET.',
    })
  }
}

/** No error quotes what was given. */
function parse(given: readonly string[], where: string): Secret[] {
  return given.map((text, index) => {
    const said = text.trim()
    const bytes = /^[0-9a-f]{64}$/i.test(said)
      ? Buffer.from(said, 'hex')
      : /^[A-Za-z0-9+/_-]{43}=?$/.test(said)
        ? Buffer.from(said, 'base64')
        : undefined
    if (bytes?.length !== BYTES) {
      const which = given.length > 1 ? ` (number ${index + 1} of ${given.length})` : ''
      throw new Refusal('INVALID_SECRET', `${where} is not a secret${which}: it has ${said.length} characters.`, {
        remedy: WANTED,
      })
    }
    return { id: createHash('sha256').update('millrace secret ').update(bytes).digest('hex').slice(0, 8), bytes }
  })
}
