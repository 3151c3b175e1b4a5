/**
 * The model-based proof: random verbs on a real database and on a small model
 * of the promises; the first difference is told with the shortest sequence found.
 */
import { fork } from 'node:child_process'
import { chmodSync, existsSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { ownerSettings, type Settings } from '../src/database.ts'
import { engineRoom, migrate } from '../src/index.ts'
import { openPostgres } from '../src/postgres.ts'
import { commandLine } from '../testing/command-line.ts'
import { LENGTH, play, sequenceFrom, shorten } from './play.ts'
import { openStage, type Stage } from './stage.ts'

const USAGE = `Random verbs on a real database, and on a small model of the promises.

  node engine/model/model.ts --verbs 2000000 --seed 1 --processes 2
  node engine/model/model.ts --only 4711      this sequence alone

  --verbs N       about so many (20000)
  --seed S        sequences of the seeds from S million on (1)
  --processes P   so many players beside each other (1)
  --only SEED     the sequence that a difference was told of

Ends with 0: no difference, 1: some, 2: not understood.`

const VACUUM_EVERY = 40

interface Told {
  readonly seed: number
  readonly verbs: number
  readonly differences: readonly string[]
}

/** One sequence; if it differs, what was found of it is told. */
async function playSeed(stage: Stage, seed: number, tell: (line: string) => void): Promise<Told> {
  const commands = sequenceFrom(seed, LENGTH)
  const { verbs, differences } = await play(stage, commands)
  if (differences.length > 0) {
    tell(`FALSE: seed ${seed}: ${differences.join('; ')}`)
    const short = await shorten(stage, commands, {}, 15)
    tell(`the shortest of it: ${short.played.differences.join('; ')}`)
    for (const line of short.played.script) tell(`  ${line}`)
  }
  return { seed, verbs, differences }
}

/////////////////////////////////////////////////////////////////// processes

interface Order {
  readonly owner: Settings
  readonly from: number
  readonly step: number
  readonly verbs: number
  readonly only: boolean
}

interface Report {
  readonly verbs: number
  readonly sequences: number
  readonly differences: number
  readonly done: boolean
}

async function child() {
  const order = await new Promise<Order>((resolve) => process.once('message', (message) => resolve(message as Order)))
  const stage = await openStage(order.owner)
  // Nobody hears us any more.
  process.once('disconnect', () => process.exit(1))
  let [verbs, sequences, differences] = [0, 0, 0]
  const report = (done: boolean) => process.send?.({ verbs, sequences, differences, done } satisfies Report)
  for (let seed = order.from; verbs < order.verbs && differences < 3; seed += order.step) {
    const told = await playSeed(stage, seed, (line) => console.log(line))
    verbs += told.verbs
    sequences += 1
    if (told.differences.length > 0) differences += 1
    if (order.only) break
    if (sequences % VACUUM_EVERY === 0) {
      await stage.vacuum()
      report(false)
    }
  }
  report(true)
  await stage.close()
  process.removeAllListeners('disconnect')
  process.disconnect()
}

async function main() {
  const { values, whole } = commandLine(USAGE, {
    verbs: { type: 'string', default: '20000' },
    seed: { type: 'string', default: '1' },
    only: { type: 'string' },
    processes: { type: 'string', default: '1' },
  })
  const processes = values.only === undefined ? whole('processes', 1) : 1
  const verbs = Math.ceil(whole('verbs', 1) / processes)
  // Sequences of the seeds from seed × 1,000,000 on, taken in turns.
  const first = values.only === undefined ? whole('seed') * 1_000_000 : whole('only')
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'millrace-model-'))
  chmodSync(folder, 0o755)
  const postgres = await openPostgres({ folder })
  const reports = new Map<number, Report>()
  const since = Date.now()
  const sum = (of: (report: Report) => number) => [...reports.values()].reduce((total, report) => total + of(report), 0)
  let told = since
  try {
    await hurry(postgres.owner('postgres'))
    const children = Array.from({ length: processes }, async (_, index) => {
      const owner = postgres.owner(`model_${index}`)
      await asOwner(postgres.owner('postgres'), [`create database model_${index}`])
      await migrate(owner, [engineRoom], (login) => postgres.secret(login))
      await order({ owner, from: first + index, step: processes, verbs, only: values.only !== undefined }, (report) => {
        reports.set(index, report)
        if (Date.now() - told < 10_000) return
        told = Date.now()
        const rate = Math.round((sum((one) => one.verbs) / (told - since)) * 1000)
        console.log(`${sum((one) => one.verbs)} verbs, ${rate} a second, ${sum((one) => one.differences)} differences`)
      })
    })
    await Promise.all(children)
  } finally {
    await postgres.close()
    rmSync(folder, { recursive: true, force: true })
  }
  const differences = sum((one) => one.differences)
  console.log(`${sum((one) => one.verbs)} verbs, ${sum((one) => one.sequences)} sequences, ${differences} differences`)
  const done = [...reports.values()].filter((report) => report.done).length === processes
  process.exitCode = differences === 0 && done ? 0 : 1
}

function order(what: Order, hear: (report: Report) => void): Promise<void> {
  return new Promise((resolve, reject) => {
    const player = fork(import.meta.filename, ['--child'], { serialization: 'advanced' })
    player.on('message', (message) => hear(message as Report))
    player.on('error', reject)
    player.on('exit', (code) => (code === 0 ? resolve() : reject(new Error(`a player ended with ${code}`))))
    player.send(what)
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => player.kill())
  })
}

/** This cluster is thrown away: nothing has to reach a disk. */
async function hurry(owner: Settings) {
  const settings = ['fsync = off', 'full_page_writes = off', 'synchronous_commit = off', 'autovacuum = off']
  await asOwner(owner, [...settings.map((one) => `alter system set ${one}`), 'select pg_reload_conf()'])
}

async function asOwner(owner: Settings, sentences: readonly string[]) {
  const client = new pg.Client(ownerSettings(owner))
  await client.connect()
  for (const sentence of sentences) await client.query(sentence)
  await client.end()
}

if (import.meta.main) await (process.argv[2] === '--child' ? child() : main())
