/**
 * What a migrated database looks like, as text: so that a change of the schema is
 * seen twice in a review, as a step and as what came of it.
 *
 *   node engine/test/schema-picture.ts --write     writes engine/schema.sql
 */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { ownerSettings } from '../src/database.ts'
import { engineRoom, migrate } from '../src/migrate.ts'
import { openPostgres } from '../src/postgres.ts'

export const PICTURE = new URL('../schema.sql', import.meta.url)

type Ask = (text: string) => Promise<Record<string, unknown>[]>

const HEAD = `-- What a migrated database looks like.  For reading; nothing applies it.
-- Written by \`node engine/test/schema-picture.ts --write\`, compared by schema.test.ts.`

/** Each part asks for lines, in a stable order. */
const PARTS: Record<string, string> = {
  roles: `
    select concat_ws(' ', 'role', rolname, case when rolcanlogin then 'login' else 'nologin' end,
             case when rolinherit then 'inherit' else 'noinherit' end, case when rolsuper then 'SUPERUSER' end,
             case when rolbypassrls then 'BYPASSRLS' end) || ';' as line
      from pg_roles where rolname like 'millrace\\_%' order by rolname`,
  types: `
    select format('type %s as enum (%s);', t.oid::regtype,
             string_agg(quote_literal(e.enumlabel), ', ' order by e.enumsortorder)) as line
      from pg_type t join pg_enum e on e.enumtypid = t.oid
     where t.typnamespace::regnamespace::text = any($schemas) group by t.oid order by t.oid::regtype::text`,
  sequences: `
    select format('sequence %I.%I as %s;', schemaname, sequencename, data_type) as line
      from pg_sequences where schemaname = any($schemas) order by schemaname, sequencename`,
  tables: `
    select concat(
        'table ', c.oid::regclass, E' (\\n',
        (select string_agg('  ' || concat_ws(' ', quote_ident(a.attname), format_type(a.atttypid, a.atttypmod),
                  case when a.attnotnull then 'not null' end,
                  case a.attidentity when 'a' then 'identity always' when 'd' then 'identity' end,
                  'default ' || pg_get_expr(d.adbin, d.adrelid),
                  case when a.attstorage <> t.typstorage and a.attstorage = 'e' then 'storage external' end), E',\\n' order by a.attnum)
           from pg_attribute a join pg_type t on t.oid = a.atttypid
           left join pg_attrdef d on d.adrelid = a.attrelid and d.adnum = a.attnum
          where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped),
        (select string_agg(format(E',\\n  constraint %I %s', k.conname, pg_get_constraintdef(k.oid)), '' order by k.contype, k.conname)
           from pg_constraint k where k.conrelid = c.oid and k.contype <> 'n'),
        E'\\n)', ' with (' || array_to_string(c.reloptions, ', ') || ')',
        case when c.relrowsecurity then ' row security' end, case when c.relforcerowsecurity then ' forced' end,
        ' owner ', c.relowner::regrole, ';',
        (select string_agg(E'\\n' || pg_get_indexdef(i.indexrelid) || ';', '' order by i.indexrelid::regclass::text)
           from pg_index i where i.indrelid = c.oid
            and not exists (select from pg_constraint k where k.conindid = i.indexrelid and k.conrelid = c.oid)),
        (select string_agg(format(E'\\npolicy %I for %s to %s%s%s;', p.policyname, lower(p.cmd), array_to_string(p.roles, ', '),
                  ' using (' || p.qual || ')', ' with check (' || p.with_check || ')'), '' order by p.policyname)
           from pg_policies p where format('%I.%I', p.schemaname, p.tablename)::regclass = c.oid),
        (select string_agg(format(E'\\ngrant %s to %s;', g.rights, g.who), '' order by g.who) from (
           select coalesce(a.grantee::regrole::text, 'public') as who,
                  string_agg(lower(a.privilege_type), ', ' order by a.privilege_type) as rights
             from aclexplode(c.relacl) a where a.grantee <> c.relowner group by a.grantee) g)) as line
      from pg_class c where c.relnamespace::regnamespace::text = any($schemas) and c.relkind in ('r', 'p', 'v', 'm')
     order by c.oid::regclass::text`,
  functions: `
    select concat_ws(' ', 'function', p.oid::regprocedure, 'returns', pg_get_function_result(p.oid), 'language', l.lanname,
             case p.provolatile when 'i' then 'immutable' when 's' then 'stable' else 'volatile' end,
             case p.proparallel when 's' then 'parallel safe' end, case when p.proisstrict then 'strict' end,
             case when p.prosecdef then 'SECURITY DEFINER' end, 'set ' || array_to_string(p.proconfig, ', set '),
             'owner ' || p.proowner::regrole,
             'for ' || coalesce((select string_agg(coalesce(nullif(a.grantee, 0)::regrole::text, 'PUBLIC'), ', ' order by a.grantee::regrole::text)
                from aclexplode(coalesce(p.proacl, acldefault('f', p.proowner))) a where a.grantee <> p.proowner), 'nobody')) || ';' as line
      from pg_proc p join pg_language l on l.oid = p.prolang
     where p.pronamespace::regnamespace::text = any($schemas) order by p.oid::regprocedure::text`,
}

export async function schemaPicture(ask: Ask, schemas: readonly string[] = ['engine', 'access']): Promise<string> {
  const list = `array[${schemas.map((schema) => `'${schema}'`).join(', ')}]`
  const parts = [HEAD]
  for (const [title, text] of Object.entries(PARTS)) {
    const rows = await ask(text.replaceAll('$schemas', list))
    const gap = title === 'tables' ? '\n\n' : '\n'
    parts.push(`-- ${title}\n\n${rows.map((row) => String(row['line'])).join(gap)}`)
  }
  return `${parts.join('\n\n')}\n`
}

async function write() {
  const folder = mkdtempSync(join(tmpdir(), 'millrace-picture-'))
  const postgres = await openPostgres({ folder })
  const client = new pg.Client(ownerSettings(postgres.owner()))
  try {
    await migrate(postgres.owner(), [engineRoom], (login) => postgres.secret(login))
    await client.connect()
    writeFileSync(
      PICTURE,
      await schemaPicture(async (text) => (await client.query<Record<string, unknown>>(text)).rows),
    )
  } finally {
    await client.end()
    await postgres.close()
    rmSync(folder, { recursive: true, force: true })
  }
}

if (import.meta.main && process.argv.includes('--write')) await write()
