/** Keys of providers in the database: sealed, changed without a restart, and seen nowhere. */
import { chmod, readFile, stat, writeFile } from 'node:fs/promises'
import { randomBytes } from 'node:crypto'
import { join } from 'node:path'
import pg from 'pg'
import { afterEach, describe, expect, test } from 'vitest'
import { openEngine } from '@millrace/engine'
import { operator } from '../src/app.ts'
import { openKeys, type EnvironmentKeys, type Keys } from '../src/keys/keys.ts'
import { fingerprintOf, open, seal } from '../src/keys/seal.ts'
import { listKeys, removeKey, rotateSecret, setKey } from '../src/keys/vault.ts'
import { leave, left, stage } from './cli-stage.ts'

afterEach(leave)

const OLD = 'sk-canary-old-5f1c7e'
const NEW = 'sk-canary-new-9b2d44'

/** A database, an engine on it, and a program's keys in a folder of its own. */
async function keyStage(environment: EnvironmentKeys = {}, given?: string) {
  const { db, place } = await stage()
  const engine = openEngine(db.api)
  left.push(() => engine.close())
  const told: string[] = []
  const openAs = async (secret: string | undefined, folder = join(place.folder, 'own')): Promise<Keys> => {
    const keys = openKeys(environment, { given: secret, folder }, (line) => told.push(line))
    await keys.connect(db.worker)
    left.push(() => keys.disconnect())
    return keys
  }
  return { db, place, engine, told, openAs, keys: await openAs(given) }
}

describe('a key', () => {
  test('in the database comes before one in the environment, and that one comes back when it is removed', async () => {
    const { engine, keys } = await keyStage({ openai: { variable: 'OPENAI_API_KEY', key: ` ${OLD}\n` } })
    expect([keys.keyOf('openai'), keys.keyOf('anthropic'), keys.keyOf('toString')]).toEqual([OLD, undefined, undefined])
    expect(await setKey(engine, operator, keys, 'openai', `${NEW}\n`)).toBe(fingerprintOf(NEW))
    await keys.refresh()
    expect(keys.keyOf('openai')).toBe(NEW)
    expect(await listKeys(engine, operator, keys)).toEqual([
      expect.objectContaining({ provider: 'openai', source: 'database', fingerprint: fingerprintOf(NEW), used: true }),
      expect.objectContaining({ provider: 'openai', source: 'environment', by: 'OPENAI_API_KEY', used: false }),
    ])
    await removeKey(engine, operator, 'openai')
    await keys.refresh()
    expect(keys.keyOf('openai')).toBe(OLD)
    await expect(removeKey(engine, operator, 'openai')).rejects.toMatchObject({ code: 'NO_SUCH_KEY' })
  })

  test('lies in the database sealed, and opens for its own provider, installation and secret alone', async () => {
    const { db, engine, keys, openAs, told } = await keyStage()
    await setKey(engine, operator, keys, 'openai', OLD)
    const [row] = await db.sql<{ nonce: Buffer; sealed: Buffer; secret: string; id: string }>(
      'select k.*, i.id from vault.keys k cross join vault.installation i',
    )
    if (row === undefined) throw new Error('there is no row')
    expect(row.sealed.includes(OLD)).toBe(false)
    await db.sql(
      "insert into vault.keys select 'anthropic', secret, nonce, sealed, fingerprint, set_by, set_at from vault.keys",
    )
    await keys.refresh()
    expect([keys.keyOf('openai'), keys.keyOf('anthropic')]).toEqual([OLD, undefined])
    expect(told).toEqual([expect.stringMatching(/^The key of anthropic .* sealed with another secret/)])
    await db.sql('update vault.installation set id = gen_random_uuid()')
    await keys.refresh()
    expect(keys.keyOf('openai')).toBeUndefined()
    await db.sql('update vault.installation set id = $1', [row.id])
    const other = await openAs(randomBytes(32).toString('hex'))
    expect(other.keyOf('openai')).toBeUndefined()
    expect((await listKeys(engine, operator, other)).find((one) => one.provider === 'openai')).toMatchObject({
      opens: false,
    })
    const secret = { id: row.secret, bytes: randomBytes(32) }
    const to = { installation: 'i', provider: 'openai' }
    const sealed = seal(secret, to, OLD)
    expect(open([secret], to, sealed)).toBe(OLD)
    const bent = Buffer.from(sealed.sealed)
    bent.writeUInt8(bent.readUInt8(0) ^ 1)
    expect(open([secret], to, { ...sealed, sealed: bent })).toBeUndefined()
  })

  test('is read by no login from its table: workers take it sealed, the operator sees a fingerprint, others nothing', async () => {
    const { db, engine, keys } = await keyStage()
    await setKey(engine, operator, keys, 'openai', OLD)
    const refused: unknown[] = []
    for (const [login, settings] of [
      ['api', db.api],
      ['worker', db.worker],
    ] as const) {
      const client = new pg.Client(settings)
      await client.connect()
      left.push(() => client.end())
      for (const text of [
        'select * from vault.keys',
        'select * from vault.installation',
        'delete from vault.keys',
        'select * from vault.sealed_keys()',
        'select * from vault.list_keys()',
        'select vault.installation()',
        "select vault.remove_key('openai')",
      ]) {
        const state = await client.query(text).then(
          () => 'done',
          (error: { code?: string }) => error.code,
        )
        if (state !== '42501') refused.push([login, text, state])
      }
    }
    expect(refused).toEqual([['worker', 'select * from vault.sealed_keys()', 'done']])
    const admin = { sub: 'admin', workspaces: { 1: 'admin' as const } }
    await expect(setKey(engine, admin, keys, 'openai', NEW)).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    await expect(removeKey(engine, admin, 'openai')).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    await expect(listKeys(engine, admin, keys)).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
  })
})

describe('the secret', () => {
  test('is made in the folder for its owner alone, and is refused where others may read it', async () => {
    const { place, engine, keys } = await keyStage()
    const path = join(place.folder, 'own', 'secret')
    await expect(stat(path)).rejects.toMatchObject({ code: 'ENOENT' })
    await setKey(engine, operator, keys, 'openai', OLD)
    expect((await stat(path)).mode & 0o777).toBe(0o600)
    await chmod(path, 0o640)
    await expect(setKey(engine, operator, keys, 'openai', NEW)).rejects.toMatchObject({ code: 'SECRET_IS_OPEN' })
    await chmod(path, 0o600)
    await writeFile(path, 'no secret')
    await expect(setKey(engine, operator, keys, 'openai', NEW)).rejects.toMatchObject({ code: 'INVALID_SECRET' })
  })

  test('changes under a program that runs, and the old one opens nothing any more', async () => {
    const { db, place, engine, keys, openAs } = await keyStage()
    await setKey(engine, operator, keys, 'openai', OLD)
    await setKey(engine, operator, keys, 'mistral', NEW)
    const running = await openAs(undefined)
    expect(running.keyOf('openai')).toBe(OLD)
    const path = join(place.folder, 'own', 'secret')
    const before = await readFile(path, 'utf8')
    const sealed = await db.sql('select provider, secret, sealed from vault.keys order by 1')
    expect(await rotateSecret(engine, operator, keys, db.worker)).toBe(2)
    const after = await readFile(path, 'utf8')
    expect(after.trim().split('\n')).toHaveLength(1)
    expect(after).not.toBe(before)
    for (const row of await db.sql('select provider, secret, sealed from vault.keys order by 1')) {
      const was = sealed.find((one) => one['provider'] === row['provider'])
      expect(row['secret']).not.toBe(was?.['secret'])
    }
    await running.refresh()
    expect([running.keyOf('openai'), running.keyOf('mistral')]).toEqual([OLD, NEW])
    await expect(rotateSecret(engine, operator, await openAs(before.trim()), db.worker)).rejects.toMatchObject({
      code: 'KEYS_DO_NOT_OPEN',
    })
  })

  test('of the environment is hexadecimal or base64, two while one takes the place of another, and never quoted', async () => {
    const [first, second] = [randomBytes(32), randomBytes(32)]
    const { db, engine, openAs, keys } = await keyStage({}, first.toString('hex'))
    await setKey(engine, operator, keys, 'openai', OLD)
    const both = await openAs(`${second.toString('base64')},${first.toString('base64url')}`)
    expect(both.keyOf('openai')).toBe(OLD)
    expect(await rotateSecret(engine, operator, both, db.worker)).toBe(1)
    expect((await openAs(second.toString('hex'))).keyOf('openai')).toBe(OLD)
    await keys.refresh()
    expect(keys.keyOf('openai')).toBeUndefined()
    for (const wrong of ['', 'short', `${'x'.repeat(43)}!`, `${first.toString('hex')},short`]) {
      const bad = await openAs(wrong)
      const told = await setKey(engine, operator, bad, 'openai', NEW).catch((error: unknown) => error)
      expect(told).toMatchObject({ code: 'INVALID_SECRET' })
      if (wrong !== '') expect(String(told)).not.toContain(wrong)
    }
  })
})
