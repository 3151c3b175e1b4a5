/** The doctor's look at the database server: what only its owner may see. */
import { differenceTo, type Tx } from '@millrace/engine'
import type { Postgres } from '@millrace/engine/postgres'
import { rooms } from '../app.ts'
import type { Config } from '../config.ts'
import { holdsSensitive } from './doctor-words.ts'
import type { Finding } from './doctor.ts'
import { duration, grouped, when } from './screen.ts'

export interface ServerSeen {
  readonly findings: Finding[]
  /** Do its tables fit this program? */
  readonly fits: boolean
  /** Where the data lies, if this login may know it. */
  readonly folder: string | undefined
  /** Are there records or runs whose words belong in no log? */
  readonly sensitive: boolean
}

export async function lookAtServer(tx: Tx, postgres: Postgres, config: Config): Promise<ServerSeen> {
  const [about] = (
    await tx.query<{ connections: number; most: number; folder: string | null }>(
      `select (select count(*) from pg_stat_activity) as connections,
              current_setting('max_connections')::integer as most,
              (select setting from pg_settings where name = 'data_directory') as folder`,
    )
  ).rows
  const findings: Finding[] = [
    { what: 'database', state: 'well', says: postgres.place },
    connectionsOf(about?.connections ?? 0, about?.most ?? 0),
    ...(await lookAtVacuum(tx)),
  ]
  const { fits, finding } = await lookAtMigrations(tx)
  return {
    findings: [...findings, finding, ...(fits ? await lookAtClock(tx) : [])],
    fits,
    folder: about?.folder ?? undefined,
    sensitive: fits && (await asTheirOwner(tx, () => holdsSensitive(tx, config))),
  }
}

function connectionsOf(used: number, most: number): Finding {
  const says = `${most - used} of ${most} are free`
  return most - used >= 20
    ? { what: 'connections', state: 'well', says }
    : {
        what: 'connections',
        state: 'wrong',
        says,
        remedy: 'Raise max_connections, or stop programs that hold connections.',
      }
}

async function lookAtMigrations(tx: Tx): Promise<{ fits: boolean; finding: Finding }> {
  const { empty, missing, unknown, changed } = await asTheirOwner(tx, () => differenceTo(tx, rooms))
  const what = 'tables'
  if (empty) {
    return {
      fits: false,
      finding: {
        what,
        state: 'note',
        says: 'none were made yet',
        remedy: '`millrace migrate` or `millrace up` makes them.',
      },
    }
  }
  if (unknown.length > 0) {
    return {
      fits: false,
      finding: {
        what,
        state: 'wrong',
        says: `they are of a newer Millrace (${unknown.join(', ')})`,
        remedy: 'Use that version or a newer one, or another database.',
      },
    }
  }
  if (changed.length > 0) {
    return {
      fits: false,
      finding: {
        what,
        state: 'wrong',
        says: `${changed.join(', ')} was changed after it was applied`,
        remedy: 'Restore the file, and put the change into a new migration.',
      },
    }
  }
  if (missing.length > 0) {
    return {
      fits: false,
      finding: {
        what,
        state: 'wrong',
        says: `they are of an older Millrace (${missing.join(', ')} is to come)`,
        remedy: '`millrace migrate` brings them up to date; so does every other command.',
      },
    }
  }
  return { fits: true, finding: { what, state: 'well', says: 'as this version needs them' } }
}

/** Seconds; more, and times that people compare are wrong. */
const CLOCKS_APART = 2

async function lookAtClock(tx: Tx): Promise<Finding[]> {
  const before = Date.now()
  const { rows } = await asTheirOwner(tx, () => tx.query<{ now: Date }>('select engine.clock() as now'))
  const after = Date.now()
  const there = rows[0]?.now.getTime() ?? after
  // The answer was made between the two: only what lies outside is certain.
  const apart = (there > after ? there - after : Math.min(0, there - before)) / 1000
  if (Math.abs(apart) <= CLOCKS_APART) return []
  return [
    {
      what: 'clock',
      state: 'wrong',
      says: `the database's clock is ${duration(Math.abs(apart))} ${apart > 0 ? 'ahead of' : 'behind'} this host's`,
      remedy: 'Let both keep time (chrony, systemd-timesyncd).',
    },
  ]
}

/** The tables' owner cannot log in; whoever migrates may act as him. */
async function asTheirOwner<T>(tx: Tx, look: () => Promise<T>): Promise<T> {
  const { rows } = await tx.query<{ may: boolean }>(
    "select coalesce((select pg_has_role(oid, 'member') from pg_roles where rolname = 'millrace_owner'), false) as may",
  )
  if (rows[0]?.may !== true) return look()
  await tx.query('set local role millrace_owner')
  const seen = await look()
  await tx.query('reset role')
  return seen
}

interface Holder {
  readonly who: 'session' | 'prepared' | 'slot'
  readonly name: string
  readonly idle: boolean
  readonly age: number
  /** Seconds. */
  readonly since: number | null
}

const DEAD = `select format('%I.%I', schemaname, relname) as name, n_dead_tup as dead, n_live_tup as live, last_autovacuum as vacuumed
  from pg_stat_user_tables
 where schemaname = any($1::text[]) and n_dead_tup > 10000 and n_dead_tup > n_live_tup order by n_dead_tup desc`

/** A snapshot is old when ten thousand transactions have begun since, or a minute has gone by without a word. */
const HOLDERS = `
  select 'session' as who, pid::text as name, state like 'idle in transaction%' as idle,
         coalesce(greatest(age(backend_xmin), age(backend_xid)), 0) as age, extract(epoch from now() - xact_start)::float8 as since
    from pg_stat_activity
   where datname = current_database() and pid <> pg_backend_pid() and backend_type = 'client backend'
     and (greatest(age(backend_xmin), age(backend_xid)) > 10000
          or (state like 'idle in transaction%' and state_change < now() - interval '1 minute'))
  union all
  select 'prepared', gid, false, age(transaction), extract(epoch from now() - prepared)::float8 from pg_prepared_xacts
   where database = current_database() and (age(transaction) > 10000 or prepared < now() - interval '1 minute')
  union all
  select 'slot', slot_name, not active, greatest(age(xmin), age(catalog_xmin)), null from pg_replication_slots
   where greatest(age(xmin), age(catalog_xmin)) > 10000
   order by 4 desc limit 10`

async function lookAtVacuum(tx: Tx): Promise<Finding[]> {
  const { rows: dead } = await tx.query<{ name: string; dead: number; live: number; vacuumed: Date | null }>(DEAD, [
    rooms.map(({ name }) => name),
  ])
  const { rows: holders } = await tx.query(HOLDERS)
  return [...(holders as unknown as Holder[]).map(holding), ...dead.map((one) => dying(one, holders.length > 0))]
}

function holding({ who, name, idle, age, since }: Holder): Finding {
  const long = since === null ? '' : ` for ${duration(since)}`
  const remedy = {
    session: `End that program, or its session: select pg_terminate_backend(${name}).`,
    prepared: `Whoever prepared it must end it: commit prepared or rollback prepared '${name.replaceAll("'", "''")}'.`,
    slot: `If its reader is gone for good: select pg_drop_replication_slot('${name}').`,
  }[who]
  const says = {
    session: `session ${name} ${idle ? 'is idle in a transaction' : 'has held its snapshot'}${long}`,
    prepared: `the prepared transaction ${name} is open${long}`,
    slot: `the replication slot ${name}${idle ? ', which nobody reads,' : ''} holds on`,
  }[who]
  return {
    what: 'vacuum',
    state: 'wrong',
    says: `${says}: nothing that died in ${grouped(age)} transactions is cleaned up`,
    remedy,
  }
}

function dying(one: { name: string; dead: number; live: number; vacuumed: Date | null }, held: boolean): Finding {
  const last = one.vacuumed === null ? 'autovacuum has never been there' : `autovacuum was there ${when(one.vacuumed)}`
  return {
    what: 'bloat',
    state: 'wrong',
    says: `${one.name} has ${grouped(one.dead)} dead rows for ${grouped(one.live)} live ones; ${last}`,
    remedy: held
      ? `End what holds vacuum back, then: vacuum ${one.name}.`
      : `See that autovacuum is on and keeps up; now: vacuum ${one.name}.`,
  }
}
