/**
 * Databases as earlier versions of Millrace made them: the migrations that they had,
 * their functions, and rows that their own programs wrote, some of them killed at work.
 *
 *   DATABASE_URL=… node server/testing/releases.ts --write NAME     keeps this version's, with the rows of that database
 */
import { mkdtemp, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { gunzipSync, gzipSync } from 'node:zlib'
import pg from 'pg'
import { migrate, type Room } from '@millrace/engine'
import { freshDatabase, secretOf, type TestDatabase } from '@millrace/engine/testing'
import { rooms } from '../src/app.ts'

interface Release {
  readonly rooms: readonly { readonly name: string; readonly migrations: readonly string[]; readonly text: string }[]
  /** Rows of each table, as JSON. */
  readonly rows: Readonly<Record<string, string>>
  readonly sequences: Readonly<Record<string, string>>
}

const FOLDER = new URL('releases/', import.meta.url)
const END = '.json.gz'
/** What each database has of its own. */
const OWN = ['engine.migrations', 'engine.server_up', 'people.secret', 'vault.installation']

export const RELEASES = (await readdir(FOLDER)).map((name) => name.slice(0, -END.length)).toSorted()

export interface Restored extends TestDatabase {
  /** How many rows each table held. */
  readonly counts: Readonly<Record<string, number>>
}

/** A database of that version, with what was in it. */
export async function databaseOf(name: string): Promise<Restored> {
  const release = JSON.parse(gunzipSync(await readFile(new URL(name + END, FOLDER))).toString()) as Release
  const folder = await mkdtemp(join(tmpdir(), 'millrace-release-'))
  const db = await freshDatabase([], { empty: true })
  try {
    await migrate(db.owner, await Promise.all(release.rooms.map((room) => roomIn(folder, room))), secretOf)
    await restore(db, release)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
  const counts = Object.entries(release.rows).map(([table, all]) => [table, (JSON.parse(all) as unknown[]).length])
  return { ...db, counts: Object.fromEntries(counts) as Record<string, number> }
}

/** Migrations that have landed do not change, so those of then are those that lie here. */
async function roomIn(folder: string, { name, migrations, text }: Release['rooms'][number]): Promise<Room> {
  const now = rooms.find((room) => room.name === name)
  if (now === undefined) throw new Error(`there is no room ${name} any more`)
  const place = join(folder, name)
  await mkdir(place)
  for (const file of migrations) await writeFile(join(place, file), await readFile(new URL(file, now.migrations)))
  const texts = join(folder, `${name}.sql`)
  await writeFile(texts, text)
  return { name, migrations: pathToFileURL(`${place}/`), texts: [pathToFileURL(texts)] }
}

async function restore(db: TestDatabase, { rows, sequences }: Release): Promise<void> {
  const client = new pg.Client(db.owner)
  await client.connect()
  try {
    // As a dump is taken in: no trigger, no order of tables.
    await client.query('set session_replication_role = replica')
    const emptied = Object.keys(rows).filter((table) => !OWN.includes(table))
    for (const table of emptied) await client.query(`delete from ${table}`)
    for (const table of emptied) {
      const { rows: columns } = await client.query<{ names: string }>(
        `select string_agg(quote_ident(attname), ', ' order by attnum) as names from pg_attribute
          where attrelid = $1::regclass and attnum > 0 and not attisdropped and attgenerated = ''`,
        [table],
      )
      const names = columns[0]?.names ?? ''
      await client.query(
        `insert into ${table} (${names}) overriding system value
           select ${names} from jsonb_populate_recordset(null::${table}, $1)`,
        [rows[table]],
      )
    }
    for (const [sequence, value] of Object.entries(sequences)) {
      await client.query('select setval($1::regclass, $2::bigint)', [sequence, value])
    }
  } finally {
    await client.end()
  }
}

async function keep(name: string): Promise<void> {
  const client = new pg.Client(process.env['DATABASE_URL'])
  await client.connect()
  const schemas = rooms.map((room) => room.name)
  const lines = async (text: string) => (await client.query<{ name: string; value: string }>(text, [schemas])).rows
  const tables = await lines(
    `select format('%I.%I', schemaname, tablename) as name, '' as value from pg_tables where schemaname = any($1) order by 1`,
  )
  const rows: Record<string, string> = {}
  for (const { name: table } of tables.filter((one) => !OWN.includes(one.name))) {
    const [all] = (await client.query<{ all: string | null }>(`select json_agg(x)::text as all from ${table} x`)).rows
    if (typeof all?.all === 'string') rows[table] = all.all
  }
  const sequences = await lines(
    `select format('%I.%I', schemaname, sequencename) as name, last_value::text as value
       from pg_sequences where schemaname = any($1) and last_value is not null order by 1`,
  )
  const release: Release = {
    rooms: await Promise.all(
      rooms.map(async (room) => ({
        name: room.name,
        migrations: (await readdir(room.migrations)).filter((file) => file.endsWith('.sql')).toSorted(),
        text: (await Promise.all(room.texts.map((url) => readFile(url, 'utf8')))).join('\n'),
      })),
    ),
    rows,
    sequences: Object.fromEntries(sequences.map((one) => [one.name, one.value])),
  }
  await client.end()
  await writeFile(new URL(name + END, FOLDER), gzipSync(JSON.stringify(release), { level: 9 }))
}

const [word, name] = process.argv.slice(2)
if (import.meta.main && word === '--write' && name !== undefined) await keep(name)
