/**
 * The way in for who is at this machine: a token in the folder of Millrace, which
 * only its owner can read.  Whoever can read it could read the database too.
 */
import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { Principal } from '@millrace/engine'
import type { Authenticator } from '../access/signed-in.ts'

const SHORTEST = 32

/** Made at the first start. */
export async function localToken(folder: string): Promise<{ token: string; path: string }> {
  const path = join(folder, 'api-token')
  await mkdir(folder, { recursive: true })
  // Who comes second takes what the first has written.
  await writeFile(path, `${randomBytes(32).toString('base64url')}\n`, { mode: 0o600, flag: 'wx' }).catch(
    (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EEXIST') throw error
    },
  )
  const token = (await readFile(path, 'utf8')).trim()
  if (token.length < SHORTEST) throw new Error('the token in the folder is too short; remove it, and another is made')
  return { token, path }
}

export function byToken(token: string, principal: Principal): Authenticator['authenticate'] {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  const wanted = digest(token)
  return async ({ headers }) => {
    const [, given] = /^Bearer (\S+)$/i.exec(headers.authorization ?? '') ?? []
    if (given === undefined || !timingSafeEqual(digest(given), wanted)) return undefined
    return { principal, by: 'api_key', scopes: 'all', id: 'local' }
  }
}
