/** Keys of providers from the command line: changed under a run, and seen nowhere. */
import { afterEach, describe, expect, test } from 'vitest'
import { until } from '../../engine/testing/index.ts'
import { fingerprintOf } from '../src/keys/seal.ts'
import { startAnswering } from '../testing/probe.ts'
import type { Call } from '../testing/wire.ts'
import { document, leave, left, stage } from './cli-stage.ts'

afterEach(leave)

const OLD = 'sk-canary-old-5f1c7e'
const NEW = 'sk-canary-new-9b2d44'

describe('from the command line', () => {
  test('a running run goes on with a new key after the old one is refused, and neither is seen anywhere', async () => {
    let good = OLD
    const answer = (call: Call) =>
      call.response.req.headers.authorization === `Bearer ${good}`
        ? call.say()
        : call.error(402, { message: `The credit of ${OLD} is used up.` })
    const wire = await startAnswering(answer)
    left.push(() => wire.close())
    const { db, place } = await stage({ scenarios: 8 })
    const settings = { OPENAI_COMPATIBLE_URL: wire.url }
    const set = await place.run(['keys', 'set', 'openai-compatible'], {}, `${OLD}\n`)
    expect(set).toMatchObject({ code: 0, stderr: '' })
    expect(set.stdout).toContain(`openai-compatible is ${fingerprintOf(OLD)} now`)
    await place.run(['limits', 'set', 'openai-compatible', '--concurrency', '1'])
    wire.script((call) => {
      call.say()
      // From the second call on the old key has no credit.
      good = NEW
    })
    const probe = place.begin(['probe', 'd.yaml', '-m', 'openai-compatible:well', '--json'], settings)
    await until(
      () => db.sql("select 1 from engine.limits where stop = 'BILLING'"),
      (rows) => rows.length === 1,
    )
    const again = await place.run(['keys', 'set', 'openai-compatible'], settings, NEW)
    expect(again.stderr).toContain(
      'openai-compatible is stopped (BILLING): `millrace limits release openai-compatible`',
    )
    const list = await place.run(['keys', '--json'])
    expect(document(list.stdout)).toEqual([
      expect.objectContaining({ provider: 'openai-compatible', fingerprint: fingerprintOf(NEW), source: 'database' }),
    ])
    // What had read the old key a moment ago has the new one after its next look.
    const ended = await until(
      async () => {
        await place.run(['limits', 'release', 'openai-compatible'])
        return db.sql("select state from engine.runs where state = 'succeeded'")
      },
      (rows) => rows.length === 1,
      60,
    )
    expect(ended).toHaveLength(1)
    const told = await probe.ended
    expect(document(told.stdout)).toMatchObject({ run: { progress: { succeeded: 8, failed: 0 } } })
    const [verbose, rotated, people, argument, option, alone] = await Promise.all([
      place.run(['--verbose', 'probe', 'd.yaml', '-m', 'openai-compatible:no', '--dry-run'], settings),
      place.run(['keys', 'rotate-secret']),
      place.run(['keys', 'list']),
      place.run(['keys', 'set', 'openai', NEW]),
      place.run(['keys', 'set', 'openai', `--key=${NEW}`]),
      place.run(['keys', NEW]),
    ])
    expect(rotated.stdout).toBe('1 key is sealed with a new secret now.\n')
    for (const ran of [argument, option, alone]) {
      expect(ran).toMatchObject({ code: 2, stderr: expect.stringMatching(/a key is never an argument/) })
    }
    const seen = [set, again, list, told, verbose, rotated, people, argument, option, alone].map(
      (ran) => ran.stdout + ran.stderr,
    )
    seen.push(...wire.requests.map((request) => request.path + JSON.stringify(request.body)))
    seen.push(await everythingIn(db))
    for (const text of seen) {
      for (const canary of [OLD, NEW]) {
        expect(text.includes(canary)).toBe(false)
        expect(text.includes(Buffer.from(canary).toString('base64').slice(0, 20))).toBe(false)
        expect(text.includes(Buffer.from(canary).toString('hex'))).toBe(false)
      }
    }
  }, 120_000)

  test('what is no key and no provider is refused without being quoted', async () => {
    const { place } = await stage()
    const [nobody, empty, spaces, none] = await Promise.all([
      place.run(['keys', 'set', NEW], {}, OLD),
      place.run(['keys', 'set', 'openai'], {}, ' \n'),
      place.run(['keys', 'set', 'openai'], {}, `${NEW} ${OLD}`),
      place.run(['keys', 'remove', 'openai']),
    ])
    expect(nobody.stderr).toMatch(/no such provider[^]*openai, anthropic/)
    expect(empty.stderr).toMatch(/No key was given/)
    expect(spaces.stderr).toMatch(/one line of letters/)
    expect(none.stderr).toMatch(/no key of openai/)
    for (const ran of [nobody, empty, spaces, none]) {
      expect(ran).toMatchObject({ code: 2, stdout: '' })
      expect(ran.stderr).not.toMatch(/canary/)
    }
  })
})

/** Every row of every table, as text. */
async function everythingIn(db: { sql(text: string): Promise<Record<string, unknown>[]> }): Promise<string> {
  const tables = await db.sql(
    `select c.oid::regclass::text as name from pg_class c
      where c.relkind in ('r', 'p') and c.relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema')`,
  )
  expect(tables.map((row) => row['name'])).toContain('vault.keys')
  const rows = await Promise.all(tables.map((row) => db.sql(`select t::text as row from ${String(row['name'])} t`)))
  return rows
    .flat()
    .map((row) => String(row['row']))
    .join('\n')
}
