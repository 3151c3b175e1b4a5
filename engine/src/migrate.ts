/**
 * Brings a database to the shape this program needs, all or nothing: tables by
 * numbered migrations, once each; functions, triggers and policies from their one
 * current text, whole, whenever the text changed.
 */
import { createHash, createHmac, pbkdf2Sync, randomBytes } from 'node:crypto'
import { readdir, readFile } from 'node:fs/promises'
import pg from 'pg'
import { ownerSettings, sqlState, told, type Settings, type Tx } from './database.ts'
import { Refusal } from './errors.ts'
import { hush } from './postgres/server-words.ts'

/** A room that brings tables: the engine first, then each domain. */
export interface Room {
  readonly name: string
  /** Folder of NNNN_name.sql files. */
  readonly migrations: URL
  /** Current texts, in order. */
  readonly texts: readonly URL[]
}

export const engineRoom: Room = {
  name: 'engine',
  migrations: new URL('../migrations/', import.meta.url),
  texts: ['verbs', 'limits', 'set-limits', 'why', 'keep', 'feed', 'access'].map(
    (name) => new URL(`../sql/${name}.sql`, import.meta.url),
  ),
}

export interface Migrated {
  /** Names of the migrations that were applied now. */
  readonly applied: readonly string[]
  /** Were functions and policies written anew? */
  readonly refreshed: boolean
}

const LOCK = 1298624595
const TEXTS = '(texts)'
const TRIES = 400
const hash = (text: string) => createHash('sha256').update(text).digest('hex')

export async function migrate(
  owner: Settings,
  rooms: readonly Room[],
  secret: (login: string) => string | undefined,
): Promise<Migrated> {
  const files = (await Promise.all(rooms.map(readRoom))).flat()
  const texts = await Promise.all(rooms.flatMap((room) => room.texts).map((url) => readFile(url, 'utf8')))
  const client = new pg.Client(ownerSettings(owner))
  client.on('error', () => {})
  try {
    await client.connect()
    await client.query('select pg_advisory_lock($1)', [LOCK])
    await ensureLogins(client, owner, secret)
    for (let left = TRIES; ; left -= 1) {
      try {
        return await bring(client, rooms, files, texts)
      } catch (error) {
        // Workers at work lock what we lock, in their order; one of us has to step back, and it is us.
        if (left === 1 || !/^(40P01|55P03)$/.test(sqlState(error) ?? '')) throw error
        await client.query('rollback')
        await new Promise((resolve) => setTimeout(resolve, 5 + Math.random() * 40))
      }
    }
  } catch (error) {
    throw told(error)
  } finally {
    await client.end().catch(() => {})
  }
}

async function bring(client: pg.Client, rooms: readonly Room[], files: readonly File[], texts: readonly string[]) {
  await client.query("begin; set local lock_timeout = '60ms'")
  await client.query(
    `do $$ begin execute format('grant create on database %I to millrace_owner', current_database()); end $$`,
  )
  await client.query('set local role millrace_owner')
  await client.query(`create schema if not exists engine; create schema if not exists access;
      create table if not exists engine.migrations (
        name text primary key, hash text not null, applied_at timestamptz not null default now());
      grant select on engine.migrations to millrace_api, millrace_worker`)
  const applied = await applyPending(client, files)
  const refreshed = await refreshTexts(client, rooms, texts, applied.length > 0)
  await client.query('commit')
  return { applied, refreshed }
}

/** What would have to be done to a database, by names of migrations. */
export interface Difference {
  /** Nothing of ours is in it. */
  readonly empty: boolean
  readonly missing: readonly string[]
  /** Applied by a newer program. */
  readonly unknown: readonly string[]
  readonly changed: readonly string[]
}

/** Looks, and does nothing.  To be asked as the owner. */
export async function differenceTo(tx: Tx, rooms: readonly Room[]): Promise<Difference> {
  const files = (await Promise.all(rooms.map(readRoom))).flat()
  const there = await tx.query<{ there: boolean }>("select to_regclass('engine.migrations') is not null as there")
  const empty = there.rows[0]?.there !== true
  const { rows } = empty
    ? { rows: [] }
    : await tx.query<{ name: string; hash: string }>('select name, hash from engine.migrations where name <> $1', [
        TEXTS,
      ])
  const done = new Map(rows.map((row) => [row.name, row.hash]))
  const known = new Set(files.map((file) => file.name))
  return {
    empty,
    missing: files.filter((file) => !done.has(file.name)).map((file) => file.name),
    unknown: [...done.keys()].filter((name) => !known.has(name)).sort(),
    changed: files
      .filter((file) => done.has(file.name) && done.get(file.name) !== hash(file.text))
      .map((file) => file.name),
  }
}

/**
 * For a program that may not migrate: it takes the tables as they are, if they are those that it knows.
 * @throws Refusal NO_TABLES, OLDER_SCHEMA, NEWER_SCHEMA
 */
export async function refuseOtherSchema(login: Settings, rooms: readonly Room[]): Promise<void> {
  const client = new pg.Client(login)
  client.on('error', () => {})
  try {
    await client.connect()
    const { empty, missing, unknown } = await differenceTo(client, rooms)
    if (empty) {
      throw new Refusal('NO_TABLES', 'This database holds nothing of Millrace yet.', {
        remedy: 'Run `millrace migrate` with the login of its owner in DATABASE_URL, then start again.',
      })
    }
    if (unknown.length > 0) throw newerSchema(unknown)
    if (missing.length > 0) {
      throw new Refusal(
        'OLDER_SCHEMA',
        `This database was made by an older Millrace (${missing.join(', ')} is to come).`,
        {
          remedy:
            'Run `millrace migrate` of this version with the login of its owner in DATABASE_URL, then start again.',
        },
      )
    }
  } finally {
    await client.end().catch(() => {})
  }
}

function newerSchema(unknown: readonly string[]): Refusal {
  return new Refusal('NEWER_SCHEMA', `This database was made by a newer Millrace (it has ${unknown.join(', ')}).`, {
    remedy: 'Use that version or a newer one, or another database (DATABASE_URL, or another folder).',
  })
}

/** Changes whenever functions and policies are written anew. */
export async function textsOf(query: Tx['query']): Promise<string | undefined> {
  const { rows } = await query<{ hash: string }>('select hash from engine.migrations where name = $1', [TEXTS])
  return rows[0]?.hash
}

interface File {
  readonly name: string
  readonly text: string
}

async function readRoom(room: Room): Promise<File[]> {
  const names = (await readdir(room.migrations)).filter((name) => name.endsWith('.sql')).sort()
  return Promise.all(
    names.map(async (name) => ({
      name: `${room.name}/${name}`,
      text: await readFile(new URL(name, room.migrations), 'utf8'),
    })),
  )
}

async function applyPending(client: pg.Client, files: readonly File[]): Promise<string[]> {
  const { rows } = await client.query<{ name: string; hash: string }>(
    'select name, hash from engine.migrations where name <> $1',
    [TEXTS],
  )
  const done = new Map(rows.map((row) => [row.name, row.hash]))
  const known = new Set(files.map((file) => file.name))
  const unknown = [...done.keys()].filter((name) => !known.has(name)).sort()
  if (unknown.length > 0) throw newerSchema(unknown)
  const applied: string[] = []
  for (const file of files) {
    const before = done.get(file.name)
    if (before === hash(file.text)) continue
    if (before !== undefined) {
      throw new Refusal(
        'CHANGED_MIGRATION',
        `The migration ${file.name} was changed after it was applied to this database.`,
        {
          remedy: 'Restore the file, and put the change into a new migration.',
        },
      )
    }
    await client.query(file.text)
    await client.query('insert into engine.migrations (name, hash) values ($1, $2)', [file.name, hash(file.text)])
    applied.push(file.name)
  }
  return applied
}

async function refreshTexts(client: pg.Client, rooms: readonly Room[], texts: readonly string[], force: boolean) {
  const now = hash(texts.join('\n'))
  const { rows } = await client.query<{ hash: string }>('select hash from engine.migrations where name = $1', [TEXTS])
  if (rows[0]?.hash === now && !force) return false
  const schemas = [...rooms.map((room) => room.name), 'access']
  await client.query(dropTexts(schemas))
  // Texts name one another in any order; the schema test calls them all.
  await client.query('set local check_function_bodies = off')
  for (const text of texts) await client.query(text)
  await client.query(
    'insert into engine.migrations (name, hash) values ($1, $2) on conflict (name) do update set hash = $2, applied_at = now()',
    [TEXTS, now],
  )
  return true
}

function dropTexts(schemas: readonly string[]): string {
  const list = schemas.map((name) => `'${name}'`).join(', ')
  return `do $$ declare o record; begin
    for o in select format('drop trigger %I on %s', t.tgname, t.tgrelid::regclass) as sentence
               from pg_trigger t join pg_proc p on p.oid = t.tgfoid
              where not t.tgisinternal and p.pronamespace::regnamespace::text in (${list}) loop execute o.sentence; end loop;
    for o in select format('drop policy %I on %I.%I', policyname, schemaname, tablename) as sentence
               from pg_policies where schemaname in (${list}) loop execute o.sentence; end loop;
    for o in select format('drop function %s', p.oid::regprocedure) as sentence
               from pg_proc p where p.pronamespace::regnamespace::text in (${list}) loop execute o.sentence; end loop;
  end $$`
}

/** The roles stand beside the database, in its cluster, so several databases share them. */
async function ensureLogins(client: pg.Client, owner: Settings, secret: (login: string) => string | undefined) {
  const { rows } = await client.query<{ rolname: string }>(
    "select rolname from pg_roles where rolname like 'millrace\\_%'",
  )
  const there = new Set(rows.map((row) => row.rolname))
  if (!there.has('millrace_owner')) await createRole(client, 'create role millrace_owner nologin')
  await client.query('grant millrace_owner to current_user')
  const logins = ['millrace_api', 'millrace_worker']
  for (const login of logins) {
    const password = secret(login)
    const how = password === undefined ? 'login' : `login password '${verifierOf(password)}'`
    if (!there.has(login)) await createRole(client, `create role ${login} ${how} noinherit`)
    else if (password !== undefined && !(await opens({ ...owner, user: login, password }))) {
      await client.query(`alter role ${login} ${how}`)
    }
  }
  await hush(client, logins)
}

/**
 * What the server keeps of a password (RFC 5803), made here as `psql` does: the sentence
 * that sets it may be in the server's log.
 */
function verifierOf(password: string): string {
  const [rounds, salt] = [4096, randomBytes(16)]
  const salted = pbkdf2Sync(password, salt, rounds, 32, 'sha256')
  const keyOf = (name: string) => createHmac('sha256', salted).update(name).digest()
  const stored = createHash('sha256').update(keyOf('Client Key')).digest('base64')
  return `SCRAM-SHA-256$${rounds}:${salt.toString('base64')}$${stored}:${keyOf('Server Key').toString('base64')}`
}

async function createRole(client: pg.Client, sentence: string) {
  try {
    await client.query(sentence)
  } catch (error) {
    // Another database of the same cluster may be migrated at this moment.
    if (sqlState(error) === '42710' || sqlState(error) === '23505') return
    if (sqlState(error) === '42501') {
      throw new Refusal('OWNER_MAY_NOT_CREATE_ROLES', 'The login of DATABASE_URL may not create roles.', {
        remedy:
          'Give it CREATEROLE, or create millrace_owner (nologin), millrace_api and millrace_worker (login) yourself.',
        cause: error,
      })
    }
    throw error
  }
}

async function opens(settings: Settings): Promise<boolean> {
  const client = new pg.Client(settings)
  client.on('error', () => {})
  try {
    await client.connect()
    return true
  } catch (error) {
    if (sqlState(error) === '28P01' || sqlState(error) === '28000') return false
    throw error
  } finally {
    await client.end().catch(() => {})
  }
}
