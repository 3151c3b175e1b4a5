/** Where a patient's words may stand in the database, and everything that stands elsewhere. */
import type pg from 'pg'

/** By table; `*` is all of it. */
const BELONGS: Readonly<Record<string, readonly string[]>> = {
  'diagnosis.identities': ['*'],
  'diagnosis.answers': ['*'],
  'diagnosis.anamnesis_notes': ['*'],
  'diagnosis.diagnosis_runs': ['context_pack', 'diagnosis_result'],
  'diagnosis.patient_results': ['summary', 'next_steps', 'red_flags'],
}

type Ask = <R extends pg.QueryResultRow>(text: string, values?: unknown[]) => Promise<R[]>

/** Every column of every table of every room but those, as text. */
export async function everywhereElse({ sql }: { readonly sql: Ask }): Promise<string> {
  const columns = await sql<{ table: string; column: string }>(
    `select a.attrelid::regclass::text as table, quote_ident(a.attname) as column
       from pg_attribute a join pg_class c on c.oid = a.attrelid
      where c.relkind in ('r', 'm') and a.attnum > 0 and not a.attisdropped
        and c.relnamespace::regnamespace::text not in ('pg_catalog', 'information_schema', 'pg_toast')`,
  )
  const texts: string[] = []
  for (const { table, column } of columns) {
    const allowed = BELONGS[table] ?? []
    if (allowed.includes('*') || allowed.includes(column)) continue
    const rows = await sql<{ text: string | null }>(`select (${column})::text as text from ${table}`)
    texts.push(...rows.map(({ text }) => `${table}.${column}: ${text ?? ''}`))
  }
  return texts.join('\n')
}

/** The first of the words that stands in a text, with what stands before it. */
export function foundIn(text: string, words: readonly string[]): string | undefined {
  for (const one of words) {
    const at = text.indexOf(one)
    if (at >= 0) return `…${text.slice(Math.max(0, at - 200), at + one.length + 20)}…`
  }
  return undefined
}
