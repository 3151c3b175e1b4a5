/** One PostgreSQL for a whole test run; each test file gets databases of its own in it. */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { openPostgres } from '../src/postgres.ts'

export default async function setup() {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-test-'))
  // As root the server runs as another user, who must be able to reach it there.
  await chmod(folder, 0o755)
  const postgres = await openPostgres({ folder })
  await spareTheDisk(postgres.owner('postgres'))
  process.env['MILLRACE_TEST_POSTGRES'] = JSON.stringify({
    owner: postgres.owner('postgres'),
    secrets: { millrace_api: postgres.secret('millrace_api'), millrace_worker: postgres.secret('millrace_worker') },
  })
  return async () => {
    await postgres.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** Its rows need not survive the machine: tests of what does have servers of their own. */
async function spareTheDisk(owner: pg.ClientConfig): Promise<void> {
  const client = new pg.Client(owner)
  await client.connect()
  for (const name of ['fsync', 'full_page_writes']) await client.query(`alter system set ${name} = off`)
  await client.query('select pg_reload_conf()')
  await client.end()
}
