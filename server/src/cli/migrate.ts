/** `millrace migrate`: the database as this version needs it. */
import { say } from './screen.ts'
import { withApp } from './session.ts'

export async function migrateNow(): Promise<number> {
  return withApp(async ({ migrated, postgres }) => {
    for (const name of migrated.applied) say(`applied ${name}`)
    if (migrated.applied.length === 0)
      say(
        migrated.refreshed ? 'Functions and policies were written anew.' : 'Nothing to do: the database is up to date.',
      )
    say(`Database: ${postgres.place}`)
    return 0
  })
}
