/**
 * What a PostgreSQL server writes into its own log of what our two logins send: an
 * error's message can hold a value of somebody's row, a statement's parameters are such
 * values.  Our own server writes down neither; in another's it is said for our logins,
 * where we may, and otherwise found by the doctor.
 */
import { Client } from 'pg'
import { apiSettings, workerSettings, type Settings } from '../database.ts'
import { leaveQuietly } from './knock.ts'

/** Only a superuser, or who was granted to set it, may say these; so they are said once, for each login. */
const HUSHED = [
  ['log_min_messages', 'log'],
  ['log_parameter_max_length', '0'],
  ['auto_explain.log_min_duration', '-1'],
] as const

/**
 * Says them for the logins in this database.  What somebody said for a login in this
 * database before stays: he may be looking for something, and the doctor tells him.
 */
export async function hush(owner: Pick<Client, 'query' | 'escapeIdentifier'>, logins: readonly string[]) {
  const { rows } = await owner.query<{ login: string; name: string; place: string }>(
    `select l.login, s.name, current_database() as place
       from unnest($1::text[]) as l(login) join pg_roles r on r.rolname = l.login cross join unnest($2::text[]) as s(name)
      where case when s.name like '%.%' then (select rolsuper from pg_roles where rolname = current_user)
                                               and current_setting(s.name, true) is not null
                 else has_parameter_privilege(current_user, s.name, 'set') end
        and not exists (
              select from pg_db_role_setting d cross join unnest(d.setconfig) as c(said)
               where d.setrole = r.oid and c.said like s.name || '=%'
                 and d.setdatabase = (select oid from pg_database where datname = current_database()))`,
    [logins, HUSHED.map(([name]) => name)],
  )
  for (const { login, name, place } of rows) {
    const value = HUSHED.find(([hushed]) => hushed === name)?.[1] ?? ''
    await owner
      .query(
        `alter role ${owner.escapeIdentifier(login)} in database ${owner.escapeIdentifier(place)} set ${name} = '${value}'`,
      )
      // Who may not change the role of another's cluster; the doctor says what it comes to.
      .catch(() => {})
  }
}

/** A setting by which words come into the log. */
export interface Loud {
  readonly setting: string
  readonly value: string
  /** What comes into the log by it. */
  readonly what: 'errors' | 'parameters' | 'plans'
}

export interface Heard {
  /** Who is logged in, in fact: it need not be the one that we would have made. */
  readonly login: string
  readonly database: string
  readonly loud: readonly Loud[]
}

/** As one of our programs logs in, with what such a session says for itself. */
export async function whatIsLogged(settings: Settings, as: 'api' | 'worker'): Promise<Heard> {
  const client = new Client({
    ...(as === 'api' ? apiSettings(settings) : workerSettings(settings)),
    application_name: 'millrace doctor',
  })
  client.on('error', () => {})
  try {
    await client.connect()
    const { rows } = await client.query<{ login: string; database: string; said: Record<string, string> }>(
      `select current_user as login, current_database() as database,
              jsonb_object_agg(n, current_setting(n, true)) filter (where current_setting(n, true) is not null) as said
         from unnest($1::text[]) as n`,
      [NAMES],
    )
    const { login = '', database = '', said = {} } = rows[0] ?? {}
    return { login, database, loud: loudOf(said) }
  } finally {
    await leaveQuietly(client)
  }
}

const STATEMENTS = [
  'log_statement',
  'log_min_duration_statement',
  'log_min_duration_sample',
  'log_transaction_sample_rate',
]
const PRINTS = ['debug_print_parse', 'debug_print_rewritten', 'debug_print_plan']
const NAMES = [
  'log_min_messages',
  'log_parameter_max_length',
  'log_parameter_max_length_on_error',
  'log_statement_sample_rate',
  'auto_explain.log_min_duration',
  ...STATEMENTS,
  ...PRINTS,
]

/**
 * `log_error_verbosity` and `log_min_error_statement` are not among them: the terse form
 * of an error still has its message, and a statement of ours holds no value.
 */
function loudOf(said: Readonly<Record<string, string>>): Loud[] {
  const messages = said['log_min_messages'] ?? ''
  const loud = (setting: string, what: Loud['what']): Loud => ({ setting, value: said[setting] ?? '', what })
  const isOn = (setting: string) => said[setting] === 'on'
  const errors = ['log', 'fatal', 'panic'].includes(messages) ? [] : [loud('log_min_messages', 'errors')]
  // Above `log`, nothing that is said of a statement comes through.
  const muffled = messages === 'fatal' || messages === 'panic'
  const parameters =
    said['log_parameter_max_length'] === '0'
      ? []
      : STATEMENTS.filter((setting) => logsStatements(setting, said)).map((setting) => loud(setting, 'parameters'))
  const onError =
    said['log_parameter_max_length_on_error'] === '0' ? [] : [loud('log_parameter_max_length_on_error', 'parameters')]
  const explained = Number.parseFloat(said['auto_explain.log_min_duration'] ?? '-1') >= 0
  return [
    ...errors,
    ...onError,
    ...(muffled ? [] : parameters),
    ...(muffled || !explained ? [] : [loud('auto_explain.log_min_duration', 'plans')]),
    ...(muffled ? [] : PRINTS.filter(isOn).map((setting) => loud(setting, 'plans'))),
  ]
}

function logsStatements(setting: string, said: Readonly<Record<string, string>>): boolean {
  const value = said[setting] ?? ''
  if (setting === 'log_statement') return value === 'mod' || value === 'all'
  if (setting === 'log_transaction_sample_rate') return Number(value) > 0
  // With its unit, as SHOW gives it: `-1`, `0`, `250ms`.
  const sampled = setting !== 'log_min_duration_sample' || Number(said['log_statement_sample_rate'] ?? 0) > 0
  return sampled && Number.parseFloat(value) >= 0
}
