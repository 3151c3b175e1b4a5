/** The PostgreSQL that DATABASE_URL names: can it be used, and if not, why?  No message holds the URL's password. */
import { Client, escapeIdentifier } from 'pg'
import { setTimeout as pause } from 'node:timers/promises'
import { Refusal } from '../errors.ts'
import { leaveQuietly, visitor, type OwnerSettings } from './knock.ts'
import { errorCode } from './server-user.ts'

const OLDEST = 15
const PATIENCE = 10_000

export async function enterDatabase(url: string): Promise<{ settings: OwnerSettings; place: string }> {
  const settings = settingsFrom(url)
  const at = settings.host.startsWith('/') ? settings.host : `${settings.host}:${settings.port}`
  const deadline = Date.now() + PATIENCE
  for (;;) {
    const client = visitor(settings, PATIENCE)
    try {
      await client.connect()
      const version = await serverVersion(client)
      if (version < OLDEST) {
        throw new Refusal(
          'DATABASE_TOO_OLD',
          `The server at ${at} is PostgreSQL ${version}; Millrace needs ${OLDEST} or newer.`,
          {
            remedy: 'Upgrade that server, or unset DATABASE_URL to let Millrace run its own.',
          },
        )
      }
      return { settings, place: `PostgreSQL ${version} at ${at}, database ${settings.database}` }
    } catch (error) {
      if (errorCode(error) !== '57P03' || Date.now() > deadline) throw refusalFor(error, settings, at)
    } finally {
      await leaveQuietly(client)
    }
    await pause(200)
  }
}

async function serverVersion(client: Client): Promise<number> {
  const answer = await client.query<{ version: number }>(
    "SELECT current_setting('server_version_num')::int / 10000 AS version",
  )
  return answer.rows[0]?.version ?? 0
}

/** As pg itself reads it, with its environment variables, so that the same URL works everywhere. */
function settingsFrom(url: string): OwnerSettings {
  const malformed = new Refusal(
    'DATABASE_URL_INVALID',
    'DATABASE_URL cannot be read as postgres://user:password@host:port/database.',
    {
      remedy: 'Percent-encode special characters in the password (/ as %2F, # as %23, ? as %3F, @ as %40).',
    },
  )
  let parsed: URL
  let client: Client
  try {
    // psql's form with the socket folder in the query has nothing between @ and /, which URL refuses.
    parsed = new URL(url.replace(/^(postgres(?:ql)?:\/\/[^/?#]*@)(?=\/[^@]*$)/, '$1localhost'))
    client = new Client({ connectionString: url })
  } catch {
    // Not kept as the cause: it holds the whole URL.
    throw malformed
  }
  if (parsed.protocol !== 'postgres:' && parsed.protocol !== 'postgresql:') throw malformed
  // A password with a raw / or # ends the host early: its rest, and the @, would be shown as something else.
  if (parsed.username === '' && /@/.test(parsed.pathname + parsed.search + parsed.hash)) throw malformed
  const options = parsed.searchParams.get('options')
  return {
    host: client.host,
    port: client.port,
    user: client.user ?? '',
    database: client.database ?? '',
    ssl: client.ssl,
    ...(client.password ? { password: client.password } : {}),
    ...(options === null ? {} : { options }),
  }
}

function refusalFor(error: unknown, settings: OwnerSettings, at: string): Refusal {
  if (error instanceof Refusal) return error
  const code = errorCode(error)
  const server = `the server at ${at}`
  switch (code) {
    case '28P01':
    case '28000':
      return new Refusal('DATABASE_LOGIN_REFUSED', `The login of user ${settings.user} was refused by ${server}.`, {
        remedy: 'Check user and password in DATABASE_URL, and the pg_hba.conf of that server.',
        cause: error,
      })
    case '3D000':
      return new Refusal('DATABASE_MISSING', `There is no database ${settings.database} on ${server}.`, {
        remedy: `Create it there (CREATE DATABASE ${escapeIdentifier(settings.database)}), or name another in DATABASE_URL.`,
        cause: error,
      })
    case '42501':
      return new Refusal(
        'DATABASE_LOGIN_REFUSED',
        `User ${settings.user} may not connect to database ${settings.database} on ${server}.`,
        {
          remedy: `Grant it there (GRANT CONNECT ON DATABASE ${escapeIdentifier(settings.database)} TO ${escapeIdentifier(settings.user)}).`,
          cause: error,
        },
      )
    case '53300':
      return new Refusal('DATABASE_FULL', `All connections of ${server} are taken.`, {
        remedy: 'Close other programs that use it, or raise its max_connections.',
        cause: error,
      })
    case '57P03':
      return new Refusal(
        'DATABASE_STARTING',
        `After ${PATIENCE / 1000} s ${server} was still starting up or shutting down.`,
        {
          remedy: 'Start again when it is up.',
          cause: error,
        },
      )
  }
  const said = error instanceof Error ? error.message : ''
  if (/SASL|password/i.test(said)) {
    return new Refusal(
      'DATABASE_LOGIN_REFUSED',
      `User ${settings.user} needs a password for ${server}, and DATABASE_URL has none that serves.`,
      {
        remedy: 'Put it into DATABASE_URL, percent-encoded.',
        cause: error,
      },
    )
  }
  if (/SSL|certificate|TLS/i.test(said)) {
    return new Refusal(
      'DATABASE_UNREACHABLE',
      `No encrypted connection could be agreed on with ${server} (${code ?? 'TLS'}).`,
      {
        remedy:
          'Set sslmode in DATABASE_URL to what that server offers: disable, no-verify or verify-full (with sslrootcert).',
        cause: error,
      },
    )
  }
  return new Refusal('DATABASE_UNREACHABLE', `Nothing answers as PostgreSQL at ${at} (${code ?? 'no answer'}).`, {
    remedy: 'Check host and port in DATABASE_URL, and that the server runs and accepts connections from here.',
    cause: error,
  })
}
