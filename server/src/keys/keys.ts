/**
 * Which key a provider is asked with.  One in the database comes before one in
 * the environment: all workers have it, and it changes without a restart.  It is
 * read again every two seconds while it is used, opened here, and given to nobody
 * but the provider.  No connection is kept for that.
 */
import { openApi, type Settings } from '@millrace/engine'
import { open } from './seal.ts'
import { secretsOf, type Secret, type SecretPlace } from './secret.ts'

/** Whose keys there can be. */
export const KEY_HOLDERS = ['openai', 'anthropic', 'google', 'xai', 'deepseek', 'mistral', 'openai-compatible'] as const
export type KeyHolder = (typeof KEY_HOLDERS)[number]

/** A key from the environment, and the variable that it stands in. */
export interface EnvironmentKey {
  readonly variable: string
  readonly key: string | undefined
}
export type EnvironmentKeys = Readonly<Partial<Record<KeyHolder, EnvironmentKey>>>

export interface Keys {
  /** The key to ask a provider with now; undefined: none, or one that this program cannot open. */
  keyOf(providerId: string): string | undefined
  readonly environment: EnvironmentKeys
  readonly place: SecretPlace
  /** Reads those of the database, now and from then on, with the worker's login. */
  connect(worker: Settings): Promise<void>
  /** Reads them once more. */
  refresh(): Promise<void>
  /** Providers whose keys no secret here opens. */
  readonly closed: readonly string[]
  disconnect(): Promise<void>
}

/** Milliseconds between two looks, while keys are asked for, and while nobody asks. */
const AGAIN = 2_000
const SELDOM = 10_000

export interface SealedKey {
  provider: string
  secret: string
  nonce: Buffer
  sealed: Buffer
  installation: string
}

/** What only the worker's login may ask for, and only a secret opens. */
export async function sealedKeys(worker: Settings): Promise<SealedKey[]> {
  const api = openApi(worker, 1)
  try {
    // This login is nobody.
    const { rows } = await api.as({ sub: 'worker', workspaces: {} }, (tx) =>
      tx.query('select provider, secret, nonce, sealed, installation from vault.sealed_keys()'),
    )
    return rows as unknown as SealedKey[]
  } finally {
    await api.close()
  }
}

/** `tell` hears of a key that cannot be opened, once. */
export function openKeys(environment: EnvironmentKeys, place: SecretPlace, tell: (line: string) => void): Keys {
  let login: Settings | undefined
  let timer: NodeJS.Timeout | undefined
  let readAt = 0
  let asked = false
  let kept: ReadonlyMap<string, string | undefined> = new Map()
  let secrets: readonly Secret[] = []
  let reading: Promise<void> | undefined
  const told = new Set<string>()

  async function refresh() {
    if (login === undefined) return
    readAt = Date.now()
    const sealed = await sealedKeys(login)
    // The secret may have changed as well.
    if (sealed.some((row) => !secrets.some(({ id }) => id === row.secret))) secrets = secretsOrNone()
    kept = new Map(sealed.map((row) => [row.provider, open(secrets, row, row)]))
    for (const [provider, key] of kept) {
      if (key !== undefined) told.delete(provider)
      else if (!told.has(provider)) {
        told.add(provider)
        tell(`The key of ${provider} in the database was sealed with another secret; \`millrace keys\` says more.`)
      }
    }
  }

  function secretsOrNone(): readonly Secret[] {
    try {
      return secretsOf(place)
    } catch {
      // What is wrong with it is said to whoever sets or lists keys.
      return []
    }
  }

  return {
    environment,
    place,
    get closed() {
      return [...kept].flatMap(([provider, key]) => (key === undefined ? [provider] : []))
    },
    keyOf(providerId) {
      asked = true
      if (kept.has(providerId)) return kept.get(providerId)
      const given = Object.hasOwn(environment, providerId) ? environment[providerId as KeyHolder]?.key : undefined
      return given === undefined || given.trim() === '' ? undefined : given.trim()
    },
    refresh,
    async connect(worker) {
      login = worker
      // A database of an older shape has none; one that is away is asked again.
      const read = () =>
        (reading ??= refresh()
          .catch(() => {})
          .finally(() => (reading = undefined)))
      await read()
      timer = setInterval(() => {
        if (!asked && Date.now() - readAt < SELDOM) return
        asked = false
        void read()
      }, AGAIN)
      timer.unref()
    },
    async disconnect() {
      clearInterval(timer)
      await reading
      login = undefined
    },
  }
}
