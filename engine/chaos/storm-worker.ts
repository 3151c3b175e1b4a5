/**
 * A worker process of the storm.  Tells its parent, byte by byte, where in a turn
 * it is, and stops itself exactly where its parent asked it to.
 */
import { writeSync } from 'node:fs'
import { createInterface } from 'node:readline'
import pg from 'pg'
import { sqlState, startWorker, type Settings } from '../src/index.ts'
import { moveClock } from './storm-clock.ts'
import { stormKinds } from './storm-kinds.ts'

export interface Given {
  readonly settings: Settings
  readonly effects: string
  readonly name: string
  /** Seconds that it waits for what it performs when it is to leave. */
  readonly patience: number
}

/** Where a worker can be stopped, to the statement. */
export type Place = 'before save' | 'in save' | 'in a turn' | 'at commit'

const { settings, effects, name, patience } = JSON.parse(process.env['STORM'] ?? '{}') as Given

const PIPE = 3
function tell(line: string) {
  try {
    writeSync(PIPE, `${line}\n`)
  } catch (error) {
    // A parent that is busy misses a letter of its statistics; without a parent there is no storm.
    if (error instanceof Error && 'code' in error && error.code === 'EPIPE') process.exit(1)
  }
}

let stopAt: Place | undefined
function passing(place: Place, client: unknown) {
  if (stopAt !== place) return
  stopAt = undefined
  tell(`stopped ${(client as { processID: number }).processID}`)
  process.kill(process.pid, 'SIGSTOP')
}
createInterface({ input: process.stdin }).on('line', (line) => {
  const [, word, rest = ''] = /^(\w+) ?(.*)$/.exec(line) ?? []
  if (word === 'clock') moveClock(Number(rest))
  else stopAt = word === 'stop' ? (rest as Place) : undefined
})

/** Letters: F before the save, S in it, R after it, C commit sent, T a turn of its own; `-` between turns. */
function phaseOf(text: string, name: string | undefined): string | undefined {
  if (name === 'fence') return 'F'
  if (text === 'savepoint save') return 'S'
  if (text.endsWith('savepoint save')) return 'R'
  if (text === 'commit') return 'C'
  return name === 'turn' ? 'T' : undefined
}
const PLACES: Record<string, Place> = { F: 'before save', T: 'in a turn', C: 'at commit' }

type Query = (this: pg.Client, ...args: unknown[]) => unknown
let clients = 0
const numbers = new WeakMap<pg.Client, number>()
const saving = new WeakSet<pg.Client>()
const original = Reflect.get(pg.Client.prototype, 'query') as Query
const watched: Query = function watched(...args) {
  const [first] = args
  const { text, name } = (typeof first === 'string' ? { text: first } : first) as { text?: string; name?: string }
  const phase = phaseOf(text ?? '', name)
  if (phase === undefined) return original.apply(this, args)
  const number = numbers.get(this) ?? (clients += 1)
  numbers.set(this, number)
  if (phase === 'F') saving.add(this)
  tell(`${number}${phase}`)
  const ended = () => {
    if (phase === 'C') saving.delete(this)
    if (phase === 'C' || (phase === 'T' && !saving.has(this))) tell(`${number}-`)
  }
  const last = args.at(-1)
  let result: unknown
  if (typeof last === 'function') {
    args[args.length - 1] = (...answer: unknown[]) => {
      ended()
      Reflect.apply(last, undefined, answer)
    }
    result = original.apply(this, args)
  } else {
    result = original.apply(this, args)
    ;(result as Promise<unknown>).then(ended, () => tell(`${number}-`))
  }
  // The statement is on its way; its answer finds nobody.
  const place = PLACES[phase]
  if (place !== undefined && (saving.has(this) || place === 'in a turn')) process.nextTick(passing, place, this)
  return result
}
pg.Client.prototype.query = watched as typeof pg.Client.prototype.query

const { flat, rounds } = stormKinds(effects, { by: name, inSave: (tx) => passing('in save', tx) })
let deadlocks = 0
let full = 0
const worker = await startWorker({
  settings,
  kinds: [flat, rounds],
  slots: 12,
  name,
  report(error) {
    if (sqlState(error) === '40P01') deadlocks += 1
    if (sqlState(error) === '53300') full += 1
    if (process.env['STORM_LOUD'] !== undefined) console.error(name, error)
  },
})
const counts = () => tell(`f${worker.counts.fenced},${deadlocks},${worker.performing},${worker.counts.closed},${full}`)
tell('ready')
const watch = setInterval(counts, 50)
process.on('SIGTERM', () => {
  void worker.drain(patience).then(() => {
    clearInterval(watch)
    counts()
    process.exit(0)
  })
})
