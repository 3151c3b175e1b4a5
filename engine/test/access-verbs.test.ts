/** Who may call which function: everybody × every verb, asked of the catalogue and tried on a run that others see. */
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Principal } from '../src/index.ts'
import { member, type TestDatabase } from '../testing/index.ts'
import { openAccessStage, tries, type AccessStage, type Comer } from './access-stage.ts'

let stage: AccessStage
let db: TestDatabase
let api: pg.Client
let worker: pg.Client
let foreign = 0
/** A run of the workspace 1 that has rows in every table. */
let run = 0
beforeAll(async () => {
  stage = await openAccessStage()
  ;({ db, api, worker, foreign, run } = stage)
})
afterAll(async () => {
  await stage?.close()
})
const comers = () => stage.comers()
const clientOf = (comer: Comer) => stage.clientOf(comer)

/** Who may call what.  A function that stands nowhere here is for nobody. */
const READERS = [
  'claims',
  'workspaces',
  'may',
  'must',
  'operates',
  'must_operate',
  'subject',
  'clock',
  'lease',
  'liveness',
  'status',
  'progress',
  'commonest_failure',
  'events_after',
  'activity',
  'prune',
]
const FOR_OPERATOR = ['limit_key', 'stop_key', 'release_key']
const FOR_API = [
  'start',
  'more',
  'hold',
  'release',
  'prefer',
  'cancel',
  'reopen',
  'why',
  'budget',
  'short',
  'expire_now',
  'rescue_now',
  'forget_workers',
  ...FOR_OPERATOR,
]
const FOR_WORKER = [
  'register',
  'relock',
  'extend',
  'leave',
  'claim',
  'fence',
  'close',
  'turn',
  'expire',
  'emit',
  'note',
  'rescue',
  'withdraw',
  'promote',
  'begin_blob',
  'add_chunk',
  'end_blob',
  'attach',
]

interface Catalogued {
  readonly oid: number
  readonly name: string
  readonly call: string
  readonly definer: boolean
  readonly config: string[] | null
  readonly owner: string
  readonly api: boolean
  readonly worker: boolean
  readonly everybody: boolean
}
async function functions(): Promise<Catalogued[]> {
  const rows = await db.sql(
    `select p.oid::integer, p.proname as name, p.prosecdef as definer, p.proconfig as config, r.rolname as owner,
            format('select %s(%s)', p.oid::regproc, (select string_agg(format('null::%s', format_type(t, null)), ', ' order by o)
              from unnest(p.proargtypes) with ordinality a(t, o))) as call,
            has_function_privilege('millrace_api', p.oid, 'execute') as api,
            has_function_privilege('millrace_worker', p.oid, 'execute') as worker,
            exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee = 0) as everybody
       from pg_proc p join pg_roles r on r.oid = p.proowner
      where p.pronamespace::regnamespace::text in ('engine', 'access') order by p.proname, p.oid`,
  )
  return rows as unknown as Catalogued[]
}

describe('functions', () => {
  test('may be called by those they are for, and by nobody else', async () => {
    for (const one of await functions()) {
      const reader = READERS.includes(one.name)
      expect(one).toMatchObject({
        everybody: false,
        api: reader || FOR_API.includes(one.name),
        worker: reader || FOR_WORKER.includes(one.name),
      })
    }
    const there = new Set((await functions()).map((one) => one.name))
    expect([...READERS, ...FOR_API, ...FOR_WORKER].filter((name) => !there.has(name))).toEqual([])
  })

  test('that are not for him refuse whoever tries', async () => {
    const passed: string[] = []
    for (const comer of comers()) {
      for (const one of await functions()) {
        if (comer.login === 'api' ? one.api : one.worker) continue
        const { state } = await tries(clientOf(comer), comer.claims, one.call)
        if (state !== '42501') passed.push(`${comer.name}: ${one.call} (${state ?? 'done'})`)
      }
    }
    expect(passed).toEqual([])
  })

  test('that run with the owner’s rights pin their search path, and belong to a role that is nobody', async () => {
    for (const one of await functions()) {
      expect(one.owner).toBe('millrace_owner')
      if (!one.definer) continue
      expect([one.name, one.config?.some((setting) => /^search_path=.*pg_temp$/.test(setting))]).toEqual([
        one.name,
        true,
      ])
    }
    const elsewhere = await db.sql(
      `select p.oid::regprocedure::text as name from pg_proc p
        where p.prosecdef and p.pronamespace::regnamespace::text not in ('pg_catalog', 'information_schema')
          and not coalesce(p.proconfig::text, '') like '%search_path%'`,
    )
    expect(elsewhere).toEqual([])
  })

  test('are not led astray by a table that somebody made for himself', async () => {
    await worker.query('begin')
    try {
      await worker.query(
        'create temp table workers (id integer, kinds text[], workspace_id bigint, gone_at timestamptz)',
      )
      await worker.query("insert into workers values (1000000, '{work}', null, null)")
      await worker.query('create temp table lanes (like engine.lanes); create temp table tasks (like engine.tasks)')
      await expect(worker.query('select * from engine.claim(1000000, 1)')).rejects.toMatchObject({ code: 'MR002' })
    } finally {
      await worker.query('rollback')
    }
  })
})

describe('the verbs of the api', () => {
  const START = `select engine.start(1, 'x', '{}', '[{"kind": "x"}]', false, 5::smallint, null, null, null, null)`
  const wanted = (comer: Comer) => (comer.starts ? undefined : '42501')
  /** Whoever does not see a run is told that there is none. */
  const onRun = (comer: Comer) => (comer.login === 'api' && !comer.sees ? 'MR003' : wanted(comer))

  test('start runs for members of the workspace only', async () => {
    for (const comer of comers()) {
      expect([comer.name, (await tries(clientOf(comer), comer.claims, START)).state]).toEqual([
        comer.name,
        wanted(comer),
      ])
    }
  })

  test('limit keys, stop them and release them for the operator only', async () => {
    for (const comer of comers()) {
      for (const call of [
        "select engine.limit_key('limited', 1, null, null)",
        "select engine.stop_key('limited')",
        "select engine.release_key('limited')",
      ]) {
        const { state } = await tries(clientOf(comer), comer.claims, call)
        const operates = comer.login === 'api' && comer.claims?.operator === true
        expect([call, comer.name, state]).toEqual([call, comer.name, operates ? undefined : '42501'])
      }
    }
  })

  test('throw away runs for an admin in his workspace, for the operator anywhere, for workers', async () => {
    for (const comer of comers()) {
      const operates = comer.login === 'worker' || comer.claims?.operator === true
      const all = await tries(clientOf(comer), comer.claims, "select engine.prune('infinity')")
      expect([comer.name, all.state]).toEqual([comer.name, operates ? undefined : '42501'])
      const home = await tries(clientOf(comer), comer.claims, "select engine.prune('infinity', 1)")
      const may = comer.login === 'worker' || (comer.claims?.workspaces[1] === 'admin' && comer.sees)
      expect([comer.name, home.state]).toEqual([comer.name, may ? undefined : '42501'])
    }
  })

  test.each(['hold($1)', 'release($1)', 'prefer($1, 9::smallint)', 'cancel($1)'])(
    '%s runs for members only, and do not tell others that there is one',
    async (verb) => {
      for (const comer of comers()) {
        const { state } = await tries(clientOf(comer), comer.claims, `select engine.${verb}`, [run])
        expect([verb, comer.name, state]).toEqual([verb, comer.name, onRun(comer)])
      }
      const missing = await tries(api, member(), `select engine.${verb}`, [1999999999])
      expect(missing.state).toBe('MR003')
    },
  )

  test('add tasks to no run but the one that this transaction started', async () => {
    for (const comer of comers()) {
      const { state } = await tries(clientOf(comer), comer.claims, `select engine.more($1, '[{"kind": "x"}]')`, [run])
      expect([comer.name, state]).toEqual([comer.name, comer.login === 'api' ? 'MR004' : '42501'])
    }
  })

  test('do not make a run the child of a run of another workspace', async () => {
    const both: Principal = { sub: 'both', workspaces: { 1: 'admin', [foreign]: 'admin' } }
    const { state } = await tries(
      api,
      both,
      `select engine.start($1, 'x', '{}', '[{"kind": "x"}]', false, 5::smallint, null, $2, null, null)`,
      [foreign, run],
    )
    expect(state).toBe('23503')
  })

  test('keep idempotency keys apart between workspaces', async () => {
    const START_KEY = `select created from engine.start($1, 'x', '{}', '[{"kind": "x"}]', false, 5::smallint, null, null, 'key', '\\x01')`
    const both: Principal = { sub: 'both', workspaces: { 1: 'admin', [foreign]: 'admin' } }
    await api.query('begin')
    await api.query("select set_config('request.jwt.claims', $1, true)", [JSON.stringify(both)])
    const created = []
    for (const workspace of [1, foreign, 1]) created.push((await api.query(START_KEY, [workspace])).rows[0])
    await api.query('rollback')
    expect(created).toEqual([{ created: true }, { created: true }, { created: false }])
  })
})
