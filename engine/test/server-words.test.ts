/** A PostgreSQL whose owner has it write down much: what our logins send is in its log by no setting, or is named. */
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { Client } from 'pg'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { apiSettings, ownerSettings, workerSettings } from '../src/database.ts'
import { engineRoom, migrate, type Settings } from '../src/index.ts'
import { openPostgres, whatIsLogged, type Postgres } from '../src/postgres.ts'

const LOGINS = ['millrace_api', 'millrace_worker']
const WORD = 'the green parrot'

let folder: string
let postgres: Postgres
let owner: Client
beforeAll(async () => {
  folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'millrace-words-'))
  chmodSync(folder, 0o755)
  postgres = await openPostgres({ folder })
  // As a server that is not ours comes.
  owner = await connected(ownerSettings(postgres.owner('postgres')))
  await owner.query("alter database millrace set log_min_messages = 'warning'")
  await owner.query("alter database millrace set log_statement = 'ddl'")
  await bringUp()
})
afterAll(async () => {
  await owner?.end()
  await postgres?.close()
  rmSync(folder, { recursive: true, force: true })
})

const bringUp = (as = postgres.owner()) => migrate(as, [engineRoom], (login) => postgres.secret(login))
const login = (user: string): Settings => ({ ...postgres.owner(), user, password: postgres.secret(user) })
const log = () => readFileSync(join(folder, 'postgres.log'), 'utf8')

async function connected(settings: Settings): Promise<Client> {
  const client = new Client(settings)
  client.on('error', () => {})
  await client.connect()
  return client
}

/** What the server writes down while somebody sends the word: as a value, and where a number belongs. */
async function written(settings: Settings): Promise<string> {
  const before = log().length
  const client = await connected(settings)
  await client.query('select $1::text', [WORD])
  await client.query('select $1::integer', [WORD]).catch(() => {})
  await client.end()
  return log().slice(before)
}

/** As text, or as the numbers of its letters, which is how a plan prints it, wherever its lines break. */
const holdsWord = (text: string) =>
  text.includes(WORD) || text.replaceAll(/\s/g, '').includes([...Buffer.from(WORD)].join(''))

/** As somebody's database that Millrace has not seen: nothing said for our logins, these for all. */
async function asOthersHaveIt(settings: readonly string[]) {
  for (const name of LOGINS) await owner.query(`alter role ${name} in database millrace reset all`)
  await owner.query('alter database millrace reset all')
  for (const said of ['log_min_messages = error', ...settings]) await owner.query(`alter database millrace set ${said}`)
}
beforeEach(() => asOthersHaveIt([]))

const EXPLAINED = ["session_preload_libraries = 'auto_explain'"]
const CASES: readonly [settings: readonly string[], named: readonly string[]][] = [
  [[], ['log_min_messages']],
  [['log_error_verbosity = terse'], ['log_min_messages']],
  [['log_min_error_statement = panic'], ['log_min_messages']],
  [['log_min_messages = log', "log_statement = 'all'"], ['log_statement']],
  [['log_min_duration_statement = 0'], ['log_min_messages', 'log_min_duration_statement']],
  [['log_min_messages = log', 'log_min_duration_sample = 0'], ['log_min_duration_sample']],
  [['log_min_messages = log', 'log_transaction_sample_rate = 1'], ['log_transaction_sample_rate']],
  [[...EXPLAINED, 'log_min_messages = log', 'auto_explain.log_min_duration = 0'], ['auto_explain.log_min_duration']],
  // Our sessions say these for themselves.
  [['log_min_messages = fatal', "log_statement = 'all'", 'debug_print_plan = on'], []],
  [['log_parameter_max_length_on_error = -1'], ['log_min_messages']],
  [['log_min_messages = log', 'debug_print_plan = on'], []],
]

test.each(CASES)(
  'by %j a word would be in the log; it is named, and kept out from the next start on',
  async (settings, named) => {
    await asOthersHaveIt(settings)
    const muffled = settings.includes('log_min_messages = fatal')
    expect(holdsWord(await written(login('millrace_api')))).toBe(!muffled)
    for (const as of ['api', 'worker'] as const) {
      const { loud, ...who } = await whatIsLogged(login(`millrace_${as}`), as)
      expect(who).toEqual({ login: `millrace_${as}`, database: 'millrace' })
      expect(loud.map(({ setting }) => setting)).toEqual(named)
    }

    await bringUp()
    expect(holdsWord(await written(apiSettings(login('millrace_api'))))).toBe(false)
    expect(holdsWord(await written(workerSettings(login('millrace_worker'))))).toBe(false)
    expect((await whatIsLogged(login('millrace_api'), 'api')).loud).toEqual([])
  },
)

test('what its owner says for our login stays as he said it, and is named', async () => {
  await owner.query("alter role millrace_api in database millrace set log_min_messages = 'notice'")
  await bringUp()
  expect((await whatIsLogged(login('millrace_api'), 'api')).loud).toEqual([
    { setting: 'log_min_messages', value: 'notice', what: 'errors' },
  ])
  expect((await whatIsLogged(login('millrace_worker'), 'worker')).loud).toEqual([])
})

test('an owner who is no superuser migrates as ever, and the log is named until a superuser has said it', async () => {
  await owner.query("create role landlord login createrole createdb password 'x'")
  await owner.query('grant millrace_owner, millrace_api, millrace_worker to landlord with admin option')
  await owner.query('grant create on database millrace to landlord with grant option')
  const before = log().length
  await bringUp({ ...postgres.owner(), user: 'landlord', password: 'x' })
  expect(log().slice(before)).not.toContain('permission denied')
  expect((await whatIsLogged(login('millrace_worker'), 'worker')).loud.map(({ setting }) => setting)).toEqual([
    'log_min_messages',
  ])
  await owner.query('grant set on parameter log_min_messages to landlord')
  await bringUp({ ...postgres.owner(), user: 'landlord', password: 'x' })
  expect((await whatIsLogged(login('millrace_worker'), 'worker')).loud).toEqual([])
})

test('the passwords of the logins are not in it, from the first', () => {
  expect(log()).toMatch(/create role millrace_api login password/)
  for (const name of LOGINS) expect(log().includes(postgres.secret(name) ?? '')).toBe(false)
})
