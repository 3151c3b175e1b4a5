/** Who sees and changes whom: everybody × every table × every verb, asked of the catalogue and tried on rows that others see. */
import { openEngine, sqlState, type Engine, type Principal } from '@millrace/engine'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addWorkspace, invite, makeKey, setRole } from '../src/access/people.ts'
import { operator } from '../src/app.ts'
import { openPeopleStage, type PeopleStage, type Somebody } from '../testing/people.ts'

let stage: PeopleStage
let worker: Engine
let foreign = 0
let admin: Somebody, mate: Somebody, viewer: Somebody, stranger: Somebody, boss: Somebody, alone: Somebody
let demoted: Somebody, resigned: Somebody
/** What is the mate's, or the workspace's of both. */
let keyId = ''
let sessionId = 0
let linkId = 0

beforeAll(async () => {
  stage = await openPeopleStage()
  worker = openEngine(stage.db.worker)
  foreign = await addWorkspace(stage.engine, operator, 'foreign')
  admin = await stage.somebody({ role: 'admin' })
  mate = await stage.somebody({ role: 'member', password: true })
  viewer = await stage.somebody({ role: 'viewer' })
  demoted = await stage.somebody({ role: 'viewer' })
  resigned = await stage.somebody()
  boss = await stage.somebody({ operator: true })
  alone = await stage.somebody()
  stranger = await stage.somebody()
  await setRole(stage.engine, operator, foreign, stranger.id, 'admin')
  keyId = (
    await makeKey(stage.engine, operator, { user: mate.id, name: 'k', scopes: ['runs:read'], workspace: 1, days: 1 })
  ).id
  linkId = (await invite(stage.engine, operator, 1, 'new@example.org', 'viewer')).id
  await stage.cookieOf(mate)
  const [session] = await stage.db.sql<{ id: number }>('select id from people.sessions where user_id = $1', [mate.id])
  sessionId = session?.id ?? 0
  await stage.db.sql(`select * from people.terms('x', 'y', 8, 1, 1)`)
})
afterAll(async () => {
  await worker?.close()
  await stage?.close()
})

interface Comer {
  readonly name: string
  readonly claims: unknown
  readonly login?: Engine
}
const user = (who: Somebody, workspaces: Principal['workspaces'] = {}) => ({ sub: `user:${who.id}`, workspaces })
const comers = (): Comer[] => [
  { name: 'the admin', claims: user(admin, { 1: 'admin' }) },
  { name: 'he himself', claims: user(mate, { 1: 'member' }) },
  { name: 'a viewer', claims: user(viewer, { 1: 'viewer' }) },
  { name: 'an admin elsewhere', claims: user(stranger, { [foreign]: 'admin' }) },
  { name: 'an operator', claims: { ...user(boss), operator: true } },
  { name: 'the keyboard', claims: operator },
  { name: 'an issuer’s admin', claims: { sub: 'jwt:x', workspaces: { 1: 'admin' } } },
  { name: 'an issuer’s user:1', claims: { sub: `jwt:user:${mate.id}`, workspaces: {} } },
  { name: 'an account alone', claims: user(alone) },
  { name: 'a demoted admin', claims: user(demoted, { 1: 'admin' }) },
  { name: 'a resigned operator', claims: { ...user(resigned), operator: true } },
  { name: 'nobody', claims: { sub: 'anonymous', workspaces: {} } },
  { name: 'the login by itself', claims: {} },
  { name: 'claims of a wrong shape', claims: { sub: [`user:${mate.id}`], workspaces: [1], operator: 'true' } },
  { name: 'a worker', claims: operator, login: worker },
]

const UNDO = new Error('undo')
/** What a sentence gave, or the SQLSTATE that refused it; nothing of it stays. */
async function tries({ claims, login = stage.engine }: Comer, text: string, values: unknown[] = []) {
  let rows: Record<string, unknown>[] = []
  try {
    await login.as(claims as Principal, async (tx) => {
      rows = (await tx.query(text, values)).rows
      throw UNDO
    })
  } catch (error) {
    if (error === UNDO) return { rows, state: undefined }
    const cause = error instanceof Error && error.cause !== undefined ? error.cause : error
    return { rows: [], state: sqlState(cause) ?? String(error) }
  }
  throw new Error('it was not undone')
}

const RUN_THE_HOUSE = ['an operator', 'the keyboard']
/** By their claims, which the reading believes for the seconds that they last. */
const SEEM_TO_RUN_IT = [...RUN_THE_HOUSE, 'a resigned operator']
const ADMINISTER = ['the admin', 'an issuer’s admin', ...RUN_THE_HOUSE]
const SEEM_TO_ADMINISTER = ['the admin', 'an issuer’s admin', 'a demoted admin', 'the keyboard']

/** Who sees the mate's row, or the workspace's; a table that stands nowhere here is seen by nobody. */
const SEEN: Record<string, { where: () => string; by: readonly string[] }> = {
  users: { where: () => `id = ${mate.id}`, by: ['he himself', ...SEEM_TO_ADMINISTER, ...SEEM_TO_RUN_IT] },
  memberships: {
    where: () => `user_id = ${mate.id}`,
    by: ['he himself', ...SEEM_TO_ADMINISTER, ...SEEM_TO_RUN_IT],
  },
  sessions: { where: () => `user_id = ${mate.id}`, by: ['he himself'] },
  keys: { where: () => `user_id = ${mate.id}`, by: ['he himself', ...SEEM_TO_RUN_IT] },
  links: { where: () => `workspace_id = 1`, by: [...SEEM_TO_ADMINISTER, ...SEEM_TO_RUN_IT] },
  audit: { where: () => `workspace_id = 1`, by: [...SEEM_TO_ADMINISTER, ...SEEM_TO_RUN_IT] },
}

const tables = async () =>
  (
    await stage.db.sql<{ name: string }>(
      "select relname as name from pg_class where relnamespace = 'people'::regnamespace and relkind in ('r', 'p', 'v', 'm') order by 1",
    )
  ).map((row) => row.name)

/** Each cell that is not as it should be. */
async function openCells(only?: string): Promise<string[]> {
  const open: string[] = []
  for (const table of only === undefined ? await tables() : [only]) {
    const { where, by } = SEEN[table] ?? { where: () => 'true', by: [] }
    const there = await stage.db.sql(`select 1 from people.${table} where ${where()} limit 1`)
    if (there.length === 0) open.push(`${table} has no row to try`)
    for (const comer of comers()) {
      const { rows } = await tries(comer, `select 1 as seen from people.${table} where ${where()}`)
      if (rows.length > 0 !== by.includes(comer.name))
        open.push(`${comer.name} ${rows.length > 0 ? 'sees' : 'does not see'} ${table}`)
      for (const sentence of [
        `insert into people.${table} select * from people.${table} limit 0`,
        `delete from people.${table}`,
        `truncate people.${table} cascade`,
        `select * from people.${table} for update`,
      ]) {
        const { state } = await tries(comer, sentence)
        if (state !== '42501') open.push(`${comer.name}: ${sentence} (${state ?? 'done'})`)
      }
    }
  }
  const columns = await stage.db.sql<{ table: string; column: string }>(
    `select c.relname as table, a.attname as column from pg_attribute a join pg_class c on c.oid = a.attrelid
      where c.relnamespace = 'people'::regnamespace and c.relkind = 'r' and a.attnum > 0 and not a.attisdropped
        and ($1::text is null or c.relname = $1)`,
    [only ?? null],
  )
  for (const { table, column } of columns) {
    const comer = comers().find((one) => one.name === 'he himself')
    if (comer === undefined) throw new Error('nobody to try with')
    const update = await tries(comer, `update people.${table} set "${column}" = "${column}"`)
    if (update.state !== '42501') open.push(`he himself updates ${table}.${column}`)
    if (!/^(hash|verifier|salt|secret|who)$/.test(column)) continue
    for (const one of comers()) {
      const { state } = await tries(one, `select "${column}" from people.${table}`)
      if (state !== '42501') open.push(`${one.name} reads ${table}.${column}`)
    }
  }
  return open
}

const some = `decode(repeat('00', 32), 'hex')`
/** Who may call what on the mate; `done` is what must come back. */
const VERBS: Record<string, { call: () => string; by: readonly string[]; done?: (value: unknown) => boolean }> = {
  make_key: {
    call: () => `make_key(${mate.id}, 'aaaaaaaaaa', ${some}, 'x', '{admin}', null, 1)`,
    by: ['he himself', ...RUN_THE_HOUSE],
  },
  revoke_key: { call: () => `revoke_key('${keyId}')`, by: ['he himself', ...RUN_THE_HOUSE] },
  end_sessions: { call: () => `end_sessions(${sessionId}, null)`, by: ['he himself'], done: (amount) => amount === 1 },
  rename: {
    call: () => `rename('x')`,
    by: [
      'he himself',
      'the admin',
      'a viewer',
      'an admin elsewhere',
      'an operator',
      'an account alone',
      'a demoted admin',
      'a resigned operator',
    ],
  },
  own_terms: {
    call: () => `own_terms()`,
    by: ['he himself'],
    done: (terms) => terms !== null && terms !== undefined,
  },
  set_password: {
    // Without the present password nobody changes one that is there, he himself neither.
    call: () => `set_password(null, decode(repeat('00', 16), 'hex'), 8, 1, 1, ${some}, null)`,
    by: [
      'the admin',
      'a viewer',
      'an admin elsewhere',
      'an operator',
      'an account alone',
      'a demoted admin',
      'a resigned operator',
    ],
    done: (value) => value === true,
  },
  reset_password: {
    call: () => `reset_password(${mate.id}, decode(repeat('00', 16), 'hex'), 8, 1, 1, ${some})`,
    by: RUN_THE_HOUSE,
  },
  first: { call: () => 'first(null)', by: RUN_THE_HOUSE, done: (value) => value === false },
  make_link: { call: () => `make_link(${mate.id}, ${some}, 1)`, by: RUN_THE_HOUSE },
  add_user: { call: () => `add_user('x@example.org', 'x', true)`, by: RUN_THE_HOUSE },
  disable: { call: () => `disable(${mate.id}, true)`, by: RUN_THE_HOUSE },
  add_workspace: { call: () => `add_workspace('x')`, by: RUN_THE_HOUSE },
  invite: { call: () => `invite(1, 'y@example.org', 'admin', ${some}, 1)`, by: ADMINISTER },
  withdraw_invitation: { call: () => `withdraw_invitation(${linkId})`, by: ADMINISTER },
  set_role: { call: () => `set_role(1, ${mate.id}, 'admin')`, by: ADMINISTER },
  workspaces: {
    call: () => `(select count(*) from people.workspaces() where id = 1)`,
    by: ['the admin', 'he himself', 'a viewer', 'an issuer’s admin', 'a demoted admin', ...RUN_THE_HOUSE],
    done: (amount) => amount === 1,
  },
  names: {
    call: () => `(select count(*) from people.names(1))`,
    by: ['the admin', 'he himself', 'a viewer', 'an issuer’s admin', 'a demoted admin', ...RUN_THE_HOUSE],
    done: (amount) => Number(amount) > 0,
  },
}
/** For who shows a secret: whoever calls them without gets nothing. */
const OF_SECRETS: Record<string, string> = {
  sign_in: `sign_in('person2@example.org', ${some}, ${some}, null, '', '')`,
  use_link: `use_link(${some}, ${some}, null, '', '')`,
  by_session: `by_session(${some})`,
  by_key: `by_key('aaaaaaaaaa', ${some})`,
  sign_out: `sign_out(${some})`,
  renew: `renew('person2@example.org', ${some}, ${some}, 8, 1, 1, ${some})`,
}
/** Those say nothing that the program which verifies tokens does not have to know. */
const OF_THE_PROGRAM = ['terms', 'by_word', 'by_place']
const OF_POLICIES = ['me', 'administered', 'colleagues']

describe('people', () => {
  test('see themselves and whom they administer, change nobody past the verbs, and read no digest', async () => {
    expect(await openCells()).toEqual([])
  })

  test('would be seen to see more if there were a hole: each that is planted is found', async () => {
    const sql = (text: string) => stage.db.sql(text)
    for (const [plant, mend, found] of [
      [
        'create policy hole on people.sessions for select to millrace_api using (true)',
        'drop policy hole on people.sessions',
        'the admin sees sessions',
      ],
      [
        'grant select (hash) on people.keys to millrace_api',
        'revoke select (hash) on people.keys from millrace_api',
        'nobody reads keys.hash',
      ],
      [
        'grant update (operator) on people.users to millrace_api',
        'revoke update (operator) on people.users from millrace_api',
        'he himself updates users.operator',
      ],
      [
        'grant select on people.audit to millrace_worker; grant usage on schema people to millrace_worker; create policy hole on people.audit to millrace_worker using (true)',
        'drop policy hole on people.audit; revoke select on people.audit from millrace_worker; revoke usage on schema people from millrace_worker',
        'a worker sees audit',
      ],
      [
        'alter table people.users no force row level security; alter table people.users disable row level security',
        'alter table people.users enable row level security; alter table people.users force row level security',
        'an admin elsewhere sees users',
      ],
    ] as const) {
      await sql(plant)
      const table = /people\.(\w+)/.exec(plant)?.[1]
      const cells = await openCells(table)
      await sql(mend)
      expect(cells).toContain(found)
      expect(await openCells(table)).toEqual([])
    }
  })

  test('do with a verb what is theirs to do, whatever their claims were a moment ago', async () => {
    const wrong: string[] = []
    for (const [name, { call, by, done }] of Object.entries(VERBS)) {
      for (const comer of comers()) {
        const text = call().startsWith('(') ? call() : `people.${call()}`
        const { rows, state } = await tries(comer, `select ${text} as done`)
        const did = state === undefined && rows.length > 0 && (done === undefined || done(rows[0]?.['done']))
        if (did !== by.includes(comer.name))
          wrong.push(`${comer.name} ${did ? 'does' : 'does not'} ${name} (${state ?? 'done'})`)
        if (state !== undefined && !/^(42501|MR020|22023)$/.test(state)) wrong.push(`${comer.name} ${name}: ${state}`)
      }
    }
    expect(wrong).toEqual([])
  })

  test('who show no secret get nothing, whoever they are', async () => {
    for (const [name, call] of Object.entries(OF_SECRETS)) {
      for (const comer of comers()) {
        const { rows, state } = await tries(comer, `select people.${call} as done`)
        if (comer.login !== undefined) expect([name, comer.name, state]).toEqual([name, comer.name, '42501'])
        else expect([null, false, 'gone', '', undefined]).toContain(rows[0]?.['done'])
      }
    }
    const [row] = await stage.db.sql('select count(*)::int as n from people.sessions where ended_at is not null')
    expect(row).toEqual({ n: 0 })
  })
})

describe('the functions', () => {
  test('are for the api’s login or for nobody, pin their path, and belong to a role that is nobody', async () => {
    const functions = await stage.db.sql<{
      name: string
      definer: boolean
      config: string[] | null
      owner: string
      api: boolean
      worker: boolean
      everybody: boolean
    }>(
      `select p.proname as name, p.prosecdef as definer, p.proconfig as config, p.proowner::regrole::text as owner,
              has_function_privilege('millrace_api', p.oid, 'execute') as api,
              has_function_privilege('millrace_worker', p.oid, 'execute') as worker,
              exists (select from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee = 0) as everybody
         from pg_proc p where p.pronamespace = 'people'::regnamespace order by 1`,
    )
    const tried = [...Object.keys(VERBS), ...Object.keys(OF_SECRETS), ...OF_THE_PROGRAM, ...OF_POLICIES]
    for (const one of functions) {
      expect(one).toMatchObject({
        owner: 'millrace_owner',
        worker: false,
        everybody: false,
        api: tried.includes(one.name),
      })
      if (one.definer)
        expect([one.name, one.config]).toEqual([one.name, ['search_path=people, engine, access, pg_temp']])
    }
    expect(tried.filter((name) => !functions.some((one) => one.name === name))).toEqual([])
  })

  test('stand behind walls that hold also against their owner', async () => {
    const open = await stage.db.sql(
      `select relname from pg_class where relnamespace = 'people'::regnamespace and relkind = 'r'
          and not (relrowsecurity and relforcerowsecurity)`,
    )
    expect(open).toEqual([])
  })
})
