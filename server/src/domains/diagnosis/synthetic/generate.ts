/** Fills an empty database with synthetic practices. */
import { Refusal, toJson, type Api, type Principal } from '@millrace/engine'
import { makePractice, TABLES } from './practice.ts'

const CHUNK = 5_000

/** @throws Refusal PRACTICE_IS_THERE */
export async function generate(
  api: Pick<Api, 'as'>,
  who: Principal,
  { workspace, patients, seed }: { workspace: number; patients: number; seed: number },
): Promise<Record<string, number>> {
  return api.as(who, async (tx) => {
    const { rows } = await tx.query<{ empty: boolean }>('select diagnosis.is_empty() as empty')
    if (rows[0]?.empty !== true) {
      throw new Refusal('PRACTICE_IS_THERE', 'There are records in this database already.', {
        remedy: 'Synthetic people are put beside nobody: use an empty database (DATABASE_URL, or MILLRACE_FOLDER).',
      })
    }
    const practice = makePractice(workspace, patients, seed)
    for (const table of TABLES) {
      for (let from = 0; from < practice[table].length; from += CHUNK) {
        const part = toJson(practice[table].slice(from, from + CHUNK))
        await tx.query('select diagnosis.bring($1, $2, $3)', [workspace, table, part])
      }
    }
    return Object.fromEntries(TABLES.map((table) => [table, practice[table].length]))
  })
}
