/** Keys by the operator's word: set, seen by their fingerprints, removed, and sealed anew under another secret. */
import { Refusal, type Engine, type Principal, type Settings } from '@millrace/engine'
import { KEY_HOLDERS, sealedKeys, type KeyHolder, type Keys, type SealedKey } from './keys.ts'
import { fingerprintOf, open, seal } from './seal.ts'
import { addSecret, forgetOldSecrets, sealingSecret, secretsOf, type Secret } from './secret.ts'

export interface KnownKey {
  readonly provider: string
  /** The first six digits of the key's sha256. */
  readonly fingerprint: string
  readonly source: 'database' | 'environment'
  /** The variable, or who set it. */
  readonly by: string
  readonly setAt: Date | null
  /** False for one in the environment that one in the database stands before. */
  readonly used: boolean
  /** False where no secret of this program opens it. */
  readonly opens: boolean
}

/** @throws Refusal UNKNOWN_PROVIDER, naming those that are there */
export function holderNamed(name: string): KeyHolder {
  const holder = KEY_HOLDERS.find((one) => one === name)
  if (holder !== undefined) return holder
  throw new Refusal('UNKNOWN_PROVIDER', 'There is no such provider that has a key.', {
    remedy: `Known are: ${KEY_HOLDERS.join(', ')}.`,
  })
}

const LONGEST_KEY = 4_096

/** @throws Refusal INVALID_KEY, without a word of what was given */
export function keyFrom(given: string): string {
  const key = given.trim()
  if (key === '') throw new Refusal('INVALID_KEY', 'No key was given.', { remedy: READ_FROM })
  if (key.length > LONGEST_KEY) throw new Refusal('INVALID_KEY', `A key has at most ${LONGEST_KEY} characters.`)
  // It has to stand in a header.
  if (/^[\x21-\x7e]+$/.test(key)) return key
  throw new Refusal('INVALID_KEY', 'A key is one line of letters, digits and signs, without spaces.', {
    remedy: READ_FROM,
  })
}
const READ_FROM = 'It is read from standard input: `millrace keys set openai < file`, or typed where nobody sees it.'

export async function listKeys(engine: Engine, who: Principal, keys: Keys): Promise<KnownKey[]> {
  const { rows } = await engine.as(who, (tx) =>
    tx.query<{ provider: string; fingerprint: string; set_by: string; set_at: Date }>(
      'select provider, fingerprint, set_by, set_at from vault.list_keys()',
    ),
  )
  await keys.refresh().catch(() => {})
  return KEY_HOLDERS.flatMap((provider): KnownKey[] => {
    const row = rows.find((one) => one.provider === provider)
    const inside: KnownKey[] =
      row === undefined
        ? []
        : [
            {
              provider,
              fingerprint: row.fingerprint,
              source: 'database',
              by: row.set_by,
              setAt: row.set_at,
              used: true,
              opens: !keys.closed.includes(provider),
            },
          ]
    const given = keys.environment[provider]
    const key = given?.key?.trim() ?? ''
    if (given === undefined || key === '') return inside
    const outside = { provider, fingerprint: fingerprintOf(key), source: 'environment', by: given.variable } as const
    return [...inside, { ...outside, setAt: null, used: row === undefined, opens: true }]
  })
}

/** Gives its fingerprint. */
export async function setKey(
  engine: Engine,
  who: Principal,
  keys: Keys,
  provider: KeyHolder,
  given: string,
): Promise<string> {
  const key = keyFrom(given)
  const fingerprint = fingerprintOf(key)
  await engine.as(who, async (tx) => {
    const { rows } = await tx.query<{ id: string }>('select vault.installation() as id')
    const { secret, nonce, sealed } = seal(
      sealingSecret(keys.place),
      { installation: rows[0]?.id ?? '', provider },
      key,
    )
    await tx.query('select vault.set_key($1, $2, $3, $4, $5)', [provider, secret, nonce, sealed, fingerprint])
  })
  return fingerprint
}

/** @throws Refusal NO_SUCH_KEY */
export async function removeKey(engine: Engine, who: Principal, provider: KeyHolder): Promise<void> {
  const { rows } = await engine.as(who, (tx) =>
    tx.query<{ removed: boolean }>('select vault.remove_key($1) as removed', [provider]),
  )
  if (rows[0]?.removed !== true) {
    throw new Refusal('NO_SUCH_KEY', `The database has no key of ${provider}.`, {
      remedy: '`millrace keys` lists those that there are.',
    })
  }
}

/**
 * Seals all keys with the secret that comes first; where the secret is ours, in
 * the folder, with a new one that takes its place.  Gives how many.
 * @throws Refusal KEYS_DO_NOT_OPEN; then nothing was changed
 */
export async function rotateSecret(engine: Engine, who: Principal, keys: Keys, worker: Settings): Promise<number> {
  const opened = (rows: readonly SealedKey[], secrets: readonly Secret[]) =>
    rows.map((row) => ({ row, key: open(secrets, row, row) }))
  const before = opened(await sealedKeys(worker), secretsOf(keys.place))
  const shut = before.flatMap(({ row, key }) => (key === undefined ? [row.provider] : []))
  if (shut.length > 0) {
    throw new Refusal('KEYS_DO_NOT_OPEN', 'Not all keys open with the secrets that are here.', {
      causes: shut.map((provider) => `${provider}: it was sealed with another secret`),
      remedy: 'Put the old secret after the new one, `MILLRACE_SECRET=NEW,OLD`; or set or remove these keys first.',
    })
  }
  const isOurs = keys.place.given === undefined
  const secret = isOurs && before.length > 0 ? addSecret(keys.place) : sealingSecret(keys.place)
  for (const { row, key } of before) {
    if (key === undefined) continue
    const { nonce, sealed } = seal(secret, row, key)
    await engine.as(who, (tx) =>
      tx.query('select vault.reseal_key($1, $2, $3, $4, $5)', [row.provider, row.sealed, secret.id, nonce, sealed]),
    )
  }
  // One that was set meanwhile by a program that had read the old secret needs it still.
  const all = await sealedKeys(worker)
  if (isOurs && all.every((row) => row.secret === secret.id)) forgetOldSecrets(keys.place)
  return before.length
}
