/**
 * An upgrade under a program's hands: the verbs that it calls may be gone or ask
 * for something else.  A worker that cannot say that it is alive would perform each
 * task again and again, so it is told once and claims nothing more.
 */
import { sqlState, type Tx } from './database.ts'
import { Refusal } from './errors.ts'
import { textsOf } from './migrate.ts'

/** A function, table or column that is not there, or not so. */
const UNKNOWN_NAME = /^42(883|P01|703|704|P13|725)$/

/**
 * @param report who is told of errors
 * @param superseded called once, when the database has other verbs than at the start and one of ours failed for it
 * @returns to be told of errors instead
 */
export async function watchVersion(
  query: Tx['query'],
  report: (failed: unknown) => void,
  superseded: () => void,
): Promise<(failed: unknown) => void> {
  const begun = await textsOf(query)
  let over = false
  async function look(failed: unknown) {
    try {
      if ((await textsOf(query)) === begun) return report(failed)
    } catch {
      return report(failed)
    }
    if (over) return
    over = true
    report(
      new Refusal(
        'SUPERSEDED',
        'The database was brought to another version of Millrace, which this program does not know.',
        {
          remedy: 'Start it again in the version of the database. What it had claimed is claimed again by others.',
          cause: failed,
        },
      ),
    )
    superseded()
  }
  return (failed) => {
    if (!UNKNOWN_NAME.test(sqlState(failed) ?? '')) report(failed)
    else if (!over) void look(failed)
  }
}
