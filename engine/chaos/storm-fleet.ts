/** The storm's worker processes: hired, watched through a pipe, stopped where they are, sent home, killed. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import type { Settings } from '../src/index.ts'
import type { Given, Place } from './storm-worker.ts'

export interface StormWorker {
  readonly name: string
  /** Attempts that it closed so far. */
  readonly closed: number
  /** Where its connections are in their turns, in words. */
  phases(): string[]
  signal(name: NodeJS.Signals): void
  /** Stopped when it comes there next; gives its backend. Undefined: it did not come in time, and goes on. */
  stopAt(place: Place, within: number): Promise<number | undefined>
  /** Its host's clock is set so much later, or earlier. */
  moveClock(ms: number): void
  /** SIGTERM; gives how it ended, `0` if in order. */
  drain(within: number): Promise<string>
  kill(): Promise<void>
}

export interface Fleet {
  hire(): Promise<StormWorker>
  living(): StormWorker[]
  /** Workers that perform something; waits for one. */
  busy(within: number): Promise<StormWorker[]>
  refill(to: number): Promise<void>
  /** Processes that ended and that nobody killed; told once. */
  surprises(): string[]
  /** Closes that came too late, deadlocks and refused connections since it was asked last. */
  takeCounts(): { fenced: number; deadlocks: number; refused: number }
  /** Refused for want of a connection, since the beginning. */
  refused(): number
  /** Did it have its end in its own hands? */
  wasKilled(name: string): boolean
  /** Those whose clock is wrong, or was. */
  readonly moved: ReadonlySet<string>
  close(): Promise<void>
}

const WORDS: Record<string, string> = {
  F: 'before save',
  S: 'in save',
  R: 'after save',
  C: 'at commit',
  T: 'in a turn',
}
const here = (name: string) => new URL(name, import.meta.url).pathname

interface Counts {
  fenced: number
  deadlocks: number
  performing: number
  closed: number
  refused: number
}

const NOTHING: Counts = { fenced: 0, deadlocks: 0, performing: 0, closed: 0, refused: 0 }

interface Member extends Omit<StormWorker, 'closed'>, Counts {
  readonly child: ChildProcess
  readonly linked: boolean
  /** Called with its backend when it has stopped itself. */
  stopped: ((backend: number) => void) | undefined
  /** It has said that it is ready. */
  begun: boolean
  ended: boolean
  expected: boolean
  output: string
}

const QUIET = ['pipe', 'pipe'] as const
const LOUD = ['inherit', 'inherit'] as const

/** `link`: the same server through a link of ours; one of the workers uses it. */
export function openFleet(given: { settings: Settings; link: Settings; effects: string }): Fleet {
  const members = new Set<Member>()
  const surprises: string[] = []
  const killed = new Set<string>()
  const moved = new Set<string>()
  const listeners = new Set<() => void>()
  const ofGone = { fenced: 0, deadlocks: 0, refused: 0 }
  let taken = { ...ofGone }
  let hired = 0

  async function hire(): Promise<StormWorker> {
    const name = `storm ${process.pid}/${given.effects.slice(-14, -8)}/${(hired += 1)}`
    const linked = ![...members].some((member) => member.linked)
    const settings = linked ? given.link : given.settings
    // Half of them give back what they perform when they leave, the others end it.
    const told: Given = { settings, effects: given.effects, name, patience: hired % 2 === 0 ? 5 : 0.02 }
    const child = spawn(process.execPath, ['--import', here('./storm-clock.ts'), here('./storm-worker.ts')], {
      env: { ...process.env, STORM: JSON.stringify(told) },
      // STORM_LOUD shows what the workers report.
      stdio: ['pipe', ...(process.env['STORM_LOUD'] === undefined ? QUIET : LOUD), 'pipe'],
    })
    const letters = new Map<string, string>()
    const gone = new Promise<string>((resolve) => child.once('exit', (code, signal) => resolve(String(code ?? signal))))
    const say = (line: string) => void child.stdin?.write(`${line}\n`)
    const member: Member = {
      ...NOTHING,
      name,
      child,
      linked,
      begun: false,
      ended: false,
      expected: false,
      output: '',
      stopped: undefined,
      phases() {
        const busy = [...letters.values()].filter((letter) => letter !== '-').map((letter) => WORDS[letter] ?? letter)
        return busy.length > 0 ? busy : ['between turns']
      },
      signal: (signal) => void child.kill(signal),
      stopAt: (place, within) =>
        new Promise((resolve) => {
          const timer = setTimeout(() => {
            member.stopped = undefined
            say('go')
            resolve(undefined)
          }, within)
          member.stopped = (backend) => {
            clearTimeout(timer)
            member.stopped = undefined
            resolve(backend)
          }
          say(`stop ${place}`)
        }),
      moveClock(ms) {
        moved.add(name)
        say(`clock ${ms}`)
      },
      async drain(within) {
        member.expected = true
        child.kill('SIGTERM')
        const late = pause(within, 'it does not end', { ref: false })
        return await Promise.race([gone, late])
      },
      async kill() {
        member.expected = true
        killed.add(name)
        child.kill('SIGKILL')
        if (!member.ended) await gone
      },
    }
    members.add(member)
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (part: Buffer) => (member.output = (member.output + part.toString()).slice(-4_000)))
    }
    child.stdin?.on('error', () => {})
    void gone.then((how) => {
      member.ended = true
      members.delete(member)
      for (const count of ['fenced', 'deadlocks', 'refused'] as const) ofGone[count] += member[count]
      if (member.expected || !member.begun) return
      killed.add(name)
      surprises.push(`the worker ${name} ended by itself (${how}): ${member.output}`)
    })
    const ready = new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stdio[3] as Readable }).on('line', (line) => {
        if (line === 'ready') resolve()
        else if (line.startsWith('stopped')) {
          // Too late for who asked: it goes on.
          if (member.stopped === undefined) child.kill('SIGCONT')
          else member.stopped(Number(line.split(' ')[1]))
        } else if (line.startsWith('f')) {
          const [fenced = 0, deadlocks = 0, performing = 0, closed = 0, refused = 0] = line
            .slice(1)
            .split(',')
            .map(Number)
          Object.assign(member, { fenced, deadlocks, performing, closed, refused } satisfies Counts)
        } else letters.set(line.slice(0, -1), line.slice(-1))
        for (const listener of listeners) listener()
      })
      void gone.then(() => reject(new Error(`a worker did not start: ${member.output}`)))
    })
    await ready
    member.begun = true
    return member
  }

  let filling = Promise.resolve()
  const living = () => [...members].filter((member) => !member.ended && member.begun && !member.expected)
  const sum = (of: 'fenced' | 'deadlocks' | 'refused') =>
    ofGone[of] + [...members].reduce((total, member) => total + member[of], 0)
  return {
    hire,
    living,
    async busy(within) {
      const now = () => living().filter((member) => member.performing > 0)
      if (now().length > 0) return now()
      return await new Promise((resolve) => {
        const give = () => {
          clearTimeout(timer)
          listeners.delete(look)
          resolve(now())
        }
        const look = () => {
          if (now().length > 0) give()
        }
        const timer = setTimeout(give, within)
        listeners.add(look)
      })
    },
    refill(to) {
      filling = filling.then(async () => {
        // The server may be away just now; then a worker does not start, and its master tries again.
        for (let tries = 0; living().length < to; tries += 1) {
          await hire().catch(async (error: unknown) => {
            if (tries > 20) throw error
            await pause(100)
          })
        }
      })
      // Whoever waits for it hears of a failure; whoever does not ends with it later.
      filling.catch(() => {})
      return filling
    },
    surprises: () => surprises.splice(0),
    takeCounts() {
      const before = taken
      taken = { fenced: sum('fenced'), deadlocks: sum('deadlocks'), refused: sum('refused') }
      return {
        fenced: taken.fenced - before.fenced,
        deadlocks: taken.deadlocks - before.deadlocks,
        refused: taken.refused - before.refused,
      }
    },
    refused: () => sum('refused'),
    wasKilled: (name) => killed.has(name),
    moved,
    async close() {
      await filling.catch(() => {})
      await Promise.all(
        living().map(async (member) => {
          member.signal('SIGCONT')
          if ((await member.drain(8_000)) !== '0') await member.kill()
        }),
      )
    },
  }
}
