/**
 * The workers of a storm over the real binary: hired, killed, stopped until they are
 * taken for dead, cut off, sent home, while PostgreSQL falls under them.
 */
import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import type pg from 'pg'
import { Refusal } from '@millrace/engine'
import { openPostgres, type Postgres } from '@millrace/engine/postgres'
import type { Command, Installation } from './cli.ts'

export type Ask = <R extends pg.QueryResultRow>(text: string, values?: unknown[]) => Promise<R[]>

/** The last two: to a program in Python that one of them keeps. */
export type Strike = 'kill' | 'stop' | 'cut' | 'terminate' | 'crash' | 'kill python' | 'stop python'

interface Hand {
  readonly name: string
  /** It was taken for dead and goes on; nobody kills it, because it has to say what came too late. */
  returned?: true
  readonly command: Command
}

export interface Crew {
  /** What those said who are gone. */
  readonly said: string[]
  hire(): Promise<void>
  /** False: it did not hit. */
  strike(fault: Strike): Promise<boolean>
  /** All go home in order, and one new one comes. */
  relieve(): Promise<void>
  /** All go in order; gives how many attempts of theirs came too late. */
  leave(): Promise<number>
}

export interface CrewOptions {
  readonly place: Installation
  /** Of Millrace. */
  readonly folder: string
  /** Who uses the embedded server; one more after each fall. */
  readonly servers: Postgres[]
  readonly sql: Ask
  readonly random: () => number
  /** Milliseconds that a stopped one stays away beyond being taken for dead. */
  readonly linger: number
}

export function openCrew({ place, folder, servers, sql, random, linger }: CrewOptions): Crew {
  const crew: Hand[] = []
  const said: string[] = []
  let hired = 0
  const hear = ({ command }: Hand) => void said.push(command.stdout, command.stderr)
  const hire = async () => {
    const name = `storm ${process.pid}/${(hired += 1)}`
    const hand: Hand = { name, command: place.begin(['worker', '--name', name]) }
    crew.push(hand)
    await hand.command.says(/Worker \d+ performs/, 60).catch(() => {})
  }

  /** Somebody who performs something. */
  async function busy(fits: (hand: Hand) => boolean = () => true): Promise<Hand | undefined> {
    let found: Hand | undefined
    await look(async () => {
      const rows = await sql<{ name: string }>(
        `select w.name from engine.workers w join engine.tasks t on t.worker = w.id where w.gone_at is null group by 1 order by 1`,
      )
      const there = crew.filter((hand) => fits(hand) && rows.some(({ name }) => name === hand.name))
      found = there[Math.floor(random() * there.length)]
      return found !== undefined
    }, 5_000)
    return found
  }

  async function cut({ name }: Hand): Promise<boolean> {
    const rows = await sql(
      `select pg_terminate_backend(l.pid) from pg_locks l join engine.workers w on w.id = l.objid::integer
        where l.locktype = 'advisory' and l.classid = engine.liveness()::oid and l.objsubid = 2 and l.granted and w.name = $1`,
      [name],
    )
    return rows.length > 0
  }

  /** A program in Python that somebody of the crew has begun. */
  async function snake(): Promise<number | undefined> {
    let found: number | undefined
    await look(() => {
      const all = pythonsOf(crew.map(({ command }) => command.pid))
      found = all[Math.floor(random() * all.length)]
      return found !== undefined
    }, 5_000)
    return found
  }

  const strikes: Readonly<Record<Strike, () => Promise<boolean>>> = {
    async kill() {
      const hand = await busy((one) => one.returned !== true)
      if (hand === undefined) return false
      crew.splice(crew.indexOf(hand), 1)
      await hand.command.kill()
      hear(hand)
      void hire()
      return true
    },
    async stop() {
      const some = crew.some((one) => one.returned === true)
      const hand = await busy((one) => !some || one.returned === true)
      if (hand === undefined) return false
      hand.returned = true
      hand.command.tell('SIGSTOP')
      await cut(hand)
      const gone = await look(async () => {
        const rows = await sql('select from engine.workers where name = $1 and gone_at is null', [hand.name])
        return rows.length === 0
      }, 12_000)
      // Its answers are there by now: it goes on with them, and must be told that they count no more.
      await pause(linger + random() * 200)
      hand.command.tell('SIGCONT')
      return gone
    },
    async cut() {
      const hand = await busy()
      return hand !== undefined && (await cut(hand))
    },
    async terminate() {
      const rows = await sql(
        `select pg_terminate_backend(pid) from pg_stat_activity where application_name = 'millrace worker'
          order by (state = 'active') desc, pid limit 1`,
      )
      return rows.length > 0
    },
    async crash() {
      await crash(sql)
      servers.push(await openPostgres({ folder }))
      return true
    },
    async 'kill python'() {
      const pid = await snake()
      return pid !== undefined && signal(pid, 'SIGKILL')
    },
    async 'stop python'() {
      const pid = await snake()
      if (pid === undefined || !signal(pid, 'SIGSTOP')) return false
      await pause(1_000 + random() * 1_000)
      signal(pid, 'SIGCONT')
      return true
    },
  }

  return {
    said,
    hire,
    strike: (fault) => strikes[fault](),
    async relieve() {
      const old = crew.splice(0)
      for (const { command } of old) command.tell('SIGTERM')
      await hire()
      await Promise.all(old.map(({ command }) => command.ended))
      for (const hand of old) hear(hand)
    },
    async leave() {
      for (const { command } of crew) command.tell('SIGTERM')
      await Promise.all(crew.map(({ command }) => command.ended))
      for (const hand of crew) hear(hand)
      return said.reduce((sum, text) => sum + Number(/; (\d+) came too late/.exec(text)?.[1] ?? 0), 0)
    },
  }
}

/** Below these, at whatever depth. */
function pythonsOf(parents: readonly number[]): number[] {
  const all = execFileSync('ps', ['-eo', 'pid=,ppid=,comm='], { encoding: 'utf8' })
    .trim()
    .split('\n')
    .map((line) => line.trim().split(/\s+/))
    .map(([pid, parent, name = '']) => ({ pid: Number(pid), parent: Number(parent), name }))
  const mine = new Set(parents)
  for (let before = 0; before !== mine.size;) {
    before = mine.size
    for (const { pid, parent } of all) if (mine.has(parent)) mine.add(pid)
  }
  return all.filter(({ pid, name }) => mine.has(pid) && name.startsWith('python')).map(({ pid }) => pid)
}

function signal(pid: number, name: NodeJS.Signals): boolean {
  try {
    return process.kill(pid, name)
  } catch {
    // It has ended by itself.
    return false
  }
}

/** SIGQUIT: no checkpoint, no goodbye. */
async function crash(sql: Ask) {
  const [row] = await sql<{ folder: string }>("select current_setting('data_directory') as folder")
  const pid = Number(readFileSync(join(row?.folder ?? '', 'postmaster.pid'), 'utf8').split('\n')[0])
  process.kill(pid, 'SIGQUIT')
  await look(() => {
    try {
      return !process.kill(pid, 0)
    } catch {
      return true
    }
  }, 10_000)
}

/** Again until it works: people do not give up because the database falls. */
export async function insist<T>(work: () => Promise<T>): Promise<T> {
  for (const end = Date.now() + 60_000; ;) {
    try {
      return await work()
    } catch (error) {
      const away = !(error instanceof Refusal) || ['DATABASE_STARTING', 'DATABASE_FULL'].includes(error.code)
      if (!away || Date.now() > end) throw error
      await pause(50)
    }
  }
}

export async function look(at: () => Promise<boolean> | boolean, within: number): Promise<boolean> {
  for (const end = Date.now() + within; ; await pause(20)) {
    if (await at()) return true
    if (Date.now() > end) return false
  }
}

export function shuffled<T>(of: readonly T[], random: () => number): T[] {
  const list = [...of]
  for (let at = list.length - 1; at > 0; at -= 1) {
    const other = Math.floor(random() * (at + 1))
    ;[list[at], list[other]] = [list[other] as T, list[at] as T]
  }
  return list
}
