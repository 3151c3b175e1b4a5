/** The doctor's look at PostgreSQL's own log: can what a person wrote come into it? */
import { sqlState, type Tx } from '@millrace/engine'
import { whatIsLogged, type Loud, type Postgres } from '@millrace/engine/postgres'
import { loginsOf, productKinds, servedKinds } from '../app.ts'
import type { Config } from '../config.ts'
import type { Finding } from './doctor.ts'

/**
 * Records of people, or runs of a kind that keeps no word of theirs: then a word in the
 * log is wrong, else it is worth knowing.  To be asked as the tables' owner; who may not
 * look at records has to take it that there are some.
 */
export async function holdsSensitive(tx: Tx, config: Config): Promise<boolean> {
  const sees = await tx.query<{ all: boolean }>("select current_user = 'millrace_owner' as all")
  if (sees.rows[0]?.all !== true) return true
  // What is wrong with kinds or providers of one's own is told by whoever serves them.
  const served = await servedKinds(config).catch(() => productKinds(config))
  await served.leave()
  const names = served.kinds.filter(({ sensitive }) => sensitive !== undefined).map(({ name }) => name)
  const { rows } = await tx.query<{ holds: boolean }>(
    `select exists (select from engine.runs where kind = any($1::text[])) or exists (select from diagnosis.patients) as holds`,
    [names],
  )
  return rows[0]?.holds === true
}

export async function lookAtWords(postgres: Postgres, config: Config, sensitive: boolean): Promise<Finding[]> {
  const logins = loginsOf(postgres, config)
  const findings: Finding[] = []
  for (const as of ['api', 'worker'] as const) {
    const heard = await whatIsLogged(logins[as], as).catch((error: unknown) => {
      // Told where that login is looked at.
      if (sqlState(error)?.startsWith('28') === true) return undefined
      throw error
    })
    for (const loud of heard?.loud ?? [])
      findings.push(told(loud, heard?.login ?? '', heard?.database ?? '', sensitive))
  }
  if (findings.length > 0) return findings
  return [{ what: 'log', state: 'well', says: 'PostgreSQL writes down no value that Millrace sends' }]
}

const COMES: Record<Loud['what'], string> = {
  errors: 'the message of an error can hold what a person wrote',
  parameters: 'values that are sent come with the statement',
  plans: 'values that are sent come with the plan',
}

/** What makes a setting harmless, and leaves the rest of the log as its owner wants it. */
const QUIET: Record<string, string> = {
  log_min_messages: "log_min_messages = 'log'",
  log_parameter_max_length_on_error: 'log_parameter_max_length_on_error = 0',
  'auto_explain.log_min_duration': 'auto_explain.log_min_duration = -1',
}

function told({ setting, value, what }: Loud, login: string, database: string, sensitive: boolean): Finding {
  const quiet = QUIET[setting] ?? (what === 'plans' ? `${setting} = off` : 'log_parameter_max_length = 0')
  return {
    what: 'log',
    state: sensitive ? 'wrong' : 'note',
    says: `PostgreSQL's own log, by ${setting} = ${value} for ${login}: ${COMES[what]}`,
    remedy: `As a superuser: alter role ${quoted(login)} in database ${quoted(database)} set ${quiet}; then start Millrace again.`,
  }
}

const quoted = (name: string) => (/^[a-z_][a-z0-9_]*$/.test(name) ? name : `"${name.replaceAll('"', '""')}"`)
