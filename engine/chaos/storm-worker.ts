/** A worker process of the storm.  Tells its parent, byte by byte, where in a turn it is. */
import { writeSync } from 'node:fs'
import pg from 'pg'
import { sqlState, startWorker, type Settings } from '../src/index.ts'
import { stormKinds } from './storm-kinds.ts'

const { settings, effects, name } = JSON.parse(process.env['STORM'] ?? '{}') as {
  settings: Settings
  effects: string
  name: string
}

const PIPE = 3
function tell(line: string) {
  try {
    writeSync(PIPE, `${line}\n`)
  } catch (error) {
    // A parent that is busy misses a letter of its statistics; without a parent there is no storm.
    if (error instanceof Error && 'code' in error && error.code === 'EPIPE') process.exit(1)
  }
}

/** Letters: F before the save, S in it, R after it, C commit sent, T a turn of its own; `-` between turns. */
function phaseOf(text: string, name: string | undefined): string | undefined {
  if (name === 'fence') return 'F'
  if (text === 'savepoint save') return 'S'
  if (text.endsWith('savepoint save')) return 'R'
  if (text === 'commit') return 'C'
  return name === 'turn' ? 'T' : undefined
}

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
  if (typeof last === 'function') {
    args[args.length - 1] = (...answer: unknown[]) => {
      ended()
      Reflect.apply(last, undefined, answer)
    }
    return original.apply(this, args)
  }
  const result = original.apply(this, args) as Promise<unknown>
  result.then(ended, () => tell(`${number}-`))
  return result
}
pg.Client.prototype.query = watched as typeof pg.Client.prototype.query

const { flat, rounds } = stormKinds(effects)
let deadlocks = 0
const worker = await startWorker({
  settings,
  kinds: [flat, rounds],
  slots: 12,
  name,
  report(error) {
    if (sqlState(error) === '40P01') deadlocks += 1
    if (process.env['STORM_LOUD'] !== undefined) console.error(name, error)
  },
})
tell('ready')
const watch = setInterval(() => tell(`f${worker.counts.fenced},${deadlocks},${worker.performing}`), 50)
process.on('SIGTERM', () => {
  void worker.drain(5).then(() => {
    clearInterval(watch)
    tell(`f${worker.counts.fenced},${deadlocks},0`)
    process.exit(0)
  })
})
