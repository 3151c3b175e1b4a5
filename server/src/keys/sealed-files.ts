/** Small secrets of this machine's own in files, sealed as keys are: of no use without the secret beside them. */
import { randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { open, seal } from './seal.ts'
import { sealingSecret, secretsOf, type SecretPlace } from './secret.ts'

export interface SealedFiles {
  /** Undefined where there is none, or none that this program can open. */
  read(name: string): string | undefined
  /** Whole or not at all; undefined takes it away. */
  write(name: string, text: string | undefined): void
}

const FOLDER = 'sign-ins'
const bytes = z.base64().transform((text) => Buffer.from(text, 'base64'))
const kept = z.object({ secret: z.string(), nonce: bytes, sealed: bytes })
/** A file that was renamed does not open. */
const belongs = (name: string) => ({ installation: FOLDER, provider: name })

/** @param name in letters that any file may have */
export function openSealedFiles(place: SecretPlace): SealedFiles {
  const pathOf = (name: string) => join(place.folder, FOLDER, `${name}.json`)
  return {
    read(name) {
      try {
        const read = kept.parse(JSON.parse(readFileSync(pathOf(name), 'utf8')))
        return open(secretsOf(place), belongs(name), read)
      } catch {
        return undefined
      }
    },
    write(name, text) {
      if (text === undefined) return rmSync(pathOf(name), { force: true })
      mkdirSync(join(place.folder, FOLDER), { recursive: true, mode: 0o700 })
      const { secret, nonce, sealed } = seal(sealingSecret(place), belongs(name), text)
      const half = `${pathOf(name)}.${randomUUID()}.part`
      const document = { secret, nonce: nonce.toString('base64'), sealed: sealed.toString('base64') }
      writeFileSync(half, `${JSON.stringify(document)}\n`, { mode: 0o600, flag: 'wx' })
      renameSync(half, pathOf(name))
    },
  }
}
