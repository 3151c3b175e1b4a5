/** Who sees and writes which rows: everybody × every table, asked of the catalogue and tried on rows that others see. */
import type pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { Principal } from '../src/index.ts'
import { member, type TestDatabase } from '../testing/index.ts'
import { openAccessStage, tries, type AccessStage, type Comer } from './access-stage.ts'
import { startRuns, tasksOf } from './by-hand.ts'

let stage: AccessStage
let db: TestDatabase
let api: pg.Client
let worker: pg.Client
let foreign = 0
beforeAll(async () => {
  stage = await openAccessStage()
  ;({ db, api, worker, foreign } = stage)
})
afterAll(async () => {
  await stage?.close()
})
const comers = () => stage.comers()
const clientOf = (comer: Comer) => stage.clientOf(comer)

/** Tables without rows of tenants: both logins read them, whoever claims what. */
const OF_NO_TENANT = new Set(['engine.migrations', 'engine.server_up'])
/** Of the installation: workers and its operator see it, no tenant does. */
const LIMITS = 'engine.limits'

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
        const operates = comer.login === 'worker' || comer.claims?.operator === true
        const sees = OF_NO_TENANT.has(table) || (table === LIMITS ? operates : comer.sees)
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
      if (OF_NO_TENANT.has(table)) continue
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
        policy.tablename === 'limits'
          ? '( SELECT access.operates() AS operates)'
          : expect.stringMatching(/id = ANY \(\( SELECT access\.workspaces\(\)/),
      ])
      // The one look at another table: content is seen through the row that a close wrote.
      expect([policy.tablename, policy.qual?.includes('EXISTS')]).toEqual([
        policy.tablename,
        policy.tablename === 'blobs' || policy.tablename === 'chunks',
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
