/** Who may do what: everybody × every table × every verb, asked of the catalogue and tried on rows that others see. */
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { openApi } from '../src/access.ts'
import { apiSettings, sqlState, workerSettings } from '../src/database.ts'
import type { Principal } from '../src/index.ts'
import { freshDatabase, member, type TestDatabase } from '../testing/index.ts'
import { addWorkspace, startRun, startRuns, tasksOf, workerByHand } from './by-hand.ts'

let db: TestDatabase
let api: pg.Client
let worker: pg.Client
let foreign = 0
/** A run of the workspace 1 that has rows in every table. */
let run = 0

beforeAll(async () => {
  db = await freshDatabase()
  foreign = await addWorkspace(db, 'foreign')
  const home = await workerByHand(db, { workspace: 1 })
  const stranger = await workerByHand(db, { workspace: foreign })
  const anybody = await workerByHand(db, {})
  run = await startRun(db, tasksOf(3))
  await startRun(db, tasksOf(1), { workspace: foreign })
  const keyed = openApi(db.api, 1)
  await keyed.as(member(), (tx) =>
    tx.query(
      `select engine.start(1, 'keyed', '{}', '[{"kind": "none"}]', false, 5::smallint, null, null, 'a key', '\\x01')`,
    ),
  )
  await keyed.close()
  const held = await home.claim(3)
  await home.client.query(
    `select engine.note($1, $2, $3, array['call', 'call', 'call'], array['intent', 'intent', 'intent'],
    array['\\x01', '\\x01', '\\x01']::bytea[], array[null, null, null]::jsonb[])`,
    [held.map((one) => one.run), held.map((one) => one.n), held.map((one) => one.attempt)],
  )
  const [first, second] = held
  if (first !== undefined) await home.close({ held: first, outcome: 'succeeded', body: { kept: true } })
  if (second !== undefined) await home.close({ held: second, outcome: 'failed', body: { code: 'X' } })
  api = await connect(apiSettings(db.api))
  worker = await connect(workerSettings(db.worker))
  await Promise.all([home.end(), stranger.end(), anybody.end()])
})
afterAll(async () => {
  await Promise.all([api?.end(), worker?.end()])
  await db?.drop()
})

async function connect(settings: pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client(settings)
  client.on('error', () => {})
  await client.connect()
  return client
}

/** Tries something as somebody, and undoes it; gives the rows or the SQLSTATE. */
async function tries(client: pg.Client, claims: unknown, text: string, values: unknown[] = []) {
  await client.query('begin')
  try {
    if (claims !== undefined) {
      await client.query("select set_config('request.jwt.claims', $1, true)", [JSON.stringify(claims)])
    }
    const { rows, rowCount } = await client.query<Record<string, unknown>>(text, values)
    return { rows, count: rowCount ?? 0, state: undefined }
  } catch (error) {
    return { rows: [], count: 0, state: sqlState(error) ?? String(error) }
  } finally {
    await client.query('rollback')
  }
}

/** Who comes, on which login, and whether he sees the rows of workspace 1. */
interface Comer {
  readonly name: string
  readonly login: 'api' | 'worker'
  readonly claims: Principal | undefined
  readonly sees: boolean
  readonly starts: boolean
}
const comers = (): Comer[] => [
  { name: 'an admin', login: 'api', claims: member('admin'), sees: true, starts: true },
  { name: 'a member', login: 'api', claims: member('member'), sees: true, starts: true },
  { name: 'a viewer', login: 'api', claims: member('viewer'), sees: true, starts: false },
  { name: 'an admin of another workspace', login: 'api', claims: member('admin', foreign), sees: false, starts: false },
  {
    name: 'somebody without a workspace',
    login: 'api',
    claims: { sub: 'x', workspaces: {} },
    sees: false,
    starts: false,
  },
  { name: 'the api’s login by itself', login: 'api', claims: undefined, sees: false, starts: false },
  { name: 'the worker’s login', login: 'worker', claims: undefined, sees: true, starts: false },
  { name: 'the worker’s login with claims', login: 'worker', claims: member('admin'), sees: true, starts: false },
]
const clientOf = (comer: Comer) => (comer.login === 'api' ? api : worker)

async function tables(): Promise<{ table: string; column: string; tenant: boolean }[]> {
  const rows = await db.sql(
    `select format('%I.%I', n.nspname, c.relname) as table,
            (select quote_ident(a.attname) from pg_attribute a where a.attrelid = c.oid and a.attnum > 0
              and a.attidentity = '' and not a.attisdropped order by a.attnum limit 1) as column,
            exists (select from pg_attribute a where a.attrelid = c.oid and a.attname = 'workspace_id') as tenant
       from pg_class c join pg_namespace n on n.oid = c.relnamespace
      where n.nspname in ('engine', 'access') and c.relkind in ('r', 'p', 'v', 'm') order by 1`,
  )
  return rows as { table: string; column: string; tenant: boolean }[]
}

describe('rows', () => {
  test('are in every table, seen by the owner, so that what follows proves something', async () => {
    for (const { table } of await tables()) {
      expect([table, (await db.sql(`select 1 from ${table} limit 1`)).length]).toEqual([table, 1])
    }
  })

  test('of a workspace are seen by its people and by workers, and by nobody else', async () => {
    const seen: string[] = []
    const wanted: string[] = []
    for (const { table, tenant } of await tables()) {
      const mine = tenant ? 'workspace_id = 1' : table === 'engine.workspaces' ? 'id = 1' : 'true'
      for (const comer of comers()) {
        const sees = table === 'engine.migrations' || comer.sees
        wanted.push(`${comer.name} ${sees ? 'sees' : 'does not see'} ${table}`)
        const { rows, state } = await tries(
          clientOf(comer),
          comer.claims,
          `select 1 from ${table} where ${mine} limit 1`,
        )
        expect([table, comer.name, state]).toEqual([table, comer.name, undefined])
        seen.push(`${comer.name} ${rows.length > 0 ? 'sees' : 'does not see'} ${table}`)
      }
    }
    expect(seen).toEqual(wanted)
  })

  test('are seen by nobody who has no workspace, whosever they are', async () => {
    for (const { table } of await tables()) {
      if (table === 'engine.migrations') continue
      for (const claims of [undefined, { sub: 'x', workspaces: {} }]) {
        const { rows } = await tries(api, claims, `select * from ${table}`)
        expect([table, rows]).toEqual([table, []])
      }
    }
  })

  test('are written by no login, whoever claims what: the verbs do that', async () => {
    const allowed: string[] = []
    for (const { table, column } of await tables()) {
      for (const comer of comers()) {
        for (const text of [
          `insert into ${table} select * from ${table} limit 0`,
          `update ${table} set ${column} = ${column}`,
          `delete from ${table}`,
          `truncate ${table}`,
        ]) {
          const { state } = await tries(clientOf(comer), comer.claims, text)
          if (state !== '42501') allowed.push(`${comer.name}: ${text} (${state ?? 'done'})`)
        }
      }
    }
    expect(allowed).toEqual([])
  })

  test('are not opened by claims of a wrong shape', async () => {
    for (const claims of [
      null,
      1,
      'admin',
      [],
      { workspaces: null },
      { workspaces: [1] },
      { workspaces: { x: 'admin' } },
      { workspaces: { 1: { role: 'admin' } }, sub: 7 },
    ]) {
      const { rows } = await tries(api, claims, 'select id from engine.runs where workspace_id <> 1')
      expect(rows).toEqual([])
      const start = await tries(
        api,
        claims,
        `select engine.start(1, 'x', '{}', '[{"kind": "x"}]', false, 5::smallint, null, null, null, null)`,
      )
      expect([claims, start.state === undefined]).toEqual([claims, false])
    }
  })
})

/** Who may call what.  A function that stands nowhere here is for nobody. */
const READERS = [
  'claims',
  'workspaces',
  'may',
  'must',
  'subject',
  'clock',
  'lease',
  'liveness',
  'status',
  'progress',
  'commonest_failure',
  'events_after',
]
const FOR_API = ['start', 'more', 'hold', 'release', 'cancel']
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
]
/** Verbs that may be there by now. */
const FOR_WORKER_TOO = ['rescue', 'withdraw', 'promote', 'disown']

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
        worker: reader || FOR_WORKER.includes(one.name) || FOR_WORKER_TOO.includes(one.name),
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

  test.each(['hold', 'release', 'cancel'])(
    '%s runs for members only, and do not tell others that there is one',
    async (verb) => {
      for (const comer of comers()) {
        const { state } = await tries(clientOf(comer), comer.claims, `select engine.${verb}($1)`, [run])
        expect([verb, comer.name, state]).toEqual([verb, comer.name, onRun(comer)])
      }
      const missing = await tries(api, member(), `select engine.${verb}(1999999999)`)
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

describe('the walls', () => {
  test('stand around every table that has a workspace, and hold also against its owner', async () => {
    const open = await db.sql(
      `select c.oid::regclass::text as table from pg_class c
        where c.relkind in ('r', 'p') and c.relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema')
          and (c.relname = 'workspaces' or exists (
            select from pg_attribute a where a.attrelid = c.oid and a.attname = 'workspace_id' and not a.attisdropped))
          and not (c.relrowsecurity and c.relforcerowsecurity)`,
    )
    expect(open).toEqual([])
  })

  test('let the api see by workspace alone, from one list a statement', async () => {
    const policies = await db.sql<{ tablename: string; cmd: string; roles: string; qual: string | null }>(
      `select tablename, cmd, roles::text, qual from pg_policies where schemaname in ('engine', 'access')`,
    )
    for (const policy of policies) {
      expect(policy.roles).toMatch(/^\{millrace_(owner|api|worker)\}$/)
      if (policy.roles !== '{millrace_api}' || policy.cmd !== 'SELECT') continue
      expect([policy.tablename, policy.qual]).toEqual([
        policy.tablename,
        expect.stringMatching(/id = ANY \(\( SELECT access\.workspaces\(\)/),
      ])
    }
    const anything = await db.sql(
      `select distinct tablename from pg_policies where schemaname = 'engine' and roles::text = '{millrace_api}' and cmd = 'SELECT'`,
    )
    expect(anything.length).toBeGreaterThanOrEqual(11)
  })

  test('have an owner who cannot log in and passes no wall, and logins that are nobody', async () => {
    const roles = await db.sql(
      `select rolname, rolcanlogin, rolsuper, rolbypassrls, rolcreaterole, rolcreatedb, rolreplication, rolinherit
         from pg_roles where rolname like 'millrace\\_%' order by rolname`,
    )
    const nobody = {
      rolsuper: false,
      rolbypassrls: false,
      rolcreaterole: false,
      rolcreatedb: false,
      rolreplication: false,
    }
    expect(roles).toEqual([
      { rolname: 'millrace_api', rolcanlogin: true, rolinherit: false, ...nobody },
      { rolname: 'millrace_owner', rolcanlogin: false, rolinherit: true, ...nobody },
      { rolname: 'millrace_worker', rolcanlogin: true, rolinherit: false, ...nobody },
    ])
    const owners = await db.sql(
      `select distinct c.relowner::regrole::text as owner from pg_class c
        where c.relnamespace::regnamespace::text in ('engine', 'access') and c.relkind in ('r', 'S', 'v')`,
    )
    expect(owners).toEqual([{ owner: 'millrace_owner' }])
  })

  test('cannot be passed by becoming somebody else', async () => {
    for (const client of [api, worker]) {
      for (const text of [
        'set role millrace_owner',
        'set local role millrace_owner',
        'set role postgres',
        'set session authorization millrace_owner',
        "select set_config('role', 'millrace_owner', true)",
        client === api ? 'set role millrace_worker' : 'set role millrace_api',
      ]) {
        expect([text, (await tries(client, undefined, text)).state]).toEqual([text, '42501'])
      }
      const { count, state } = await tries(client, undefined, 'set local row_security = off')
      expect([count, state]).toEqual([0, undefined])
      const off = await tries(
        client,
        undefined,
        "select set_config('row_security', 'off', true), count(*) from engine.runs",
      )
      expect(off.state ?? off.rows[0]?.['count']).toSatisfy(
        (seen: unknown) => seen === '42501' || seen === 0 || client === worker,
      )
    }
  })

  test('have no gap in which a login could build: no schema is his', async () => {
    const buildable = await db.sql(
      `select r.rolname, n.nspname from pg_roles r, pg_namespace n
        where r.rolname in ('millrace_api', 'millrace_worker') and n.nspname !~ '^pg_(temp|toast)'
          and has_schema_privilege(r.oid, n.oid, 'create')`,
    )
    expect(buildable).toEqual([])
    const creators = await db.sql(
      `select rolname from pg_roles where rolname in ('millrace_api', 'millrace_worker')
          and has_database_privilege(rolname, current_database(), 'create')`,
    )
    expect(creators).toEqual([])
  })
})

describe('claims', () => {
  test('vanish after the transaction, committed or not', async () => {
    for (const end of ['commit', 'rollback']) {
      await api.query('begin')
      await api.query("select set_config('request.jwt.claims', $1, true)", [JSON.stringify(member())])
      expect((await api.query('select 1 from engine.runs limit 1')).rowCount).toBe(1)
      await api.query(end)
      expect((await api.query('select 1 from engine.runs limit 1')).rowCount).toBe(0)
      expect((await api.query("select current_setting('request.jwt.claims', true) as claims")).rows).toEqual([
        { claims: '' },
      ])
    }
  })

  test('of one transaction are not those of the next on the same connection', async () => {
    const [mine = 0] = await startRuns(db, [{ tasks: tasksOf(1) }])
    const look = (claims: Principal) => tries(api, claims, 'select id from engine.runs where id = $1', [mine])
    expect((await look(member('viewer'))).rows).toEqual([{ id: mine }])
    expect((await look(member('admin', foreign))).rows).toEqual([])
  })
})
