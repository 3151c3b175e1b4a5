/** The storm's worker processes: hired, watched through a pipe, killed. */
import { spawn, type ChildProcess } from 'node:child_process'
import { createInterface } from 'node:readline'
import type { Readable } from 'node:stream'
import { setTimeout as pause } from 'node:timers/promises'
import type { Settings } from '../src/index.ts'

export interface StormWorker {
  readonly name: string
  /** Where its connections are in their turns, in words. */
  phases(): string[]
  signal(name: NodeJS.Signals): void
  kill(): Promise<void>
}

export interface Fleet {
  hire(): Promise<StormWorker>
  living(): StormWorker[]
  /** Workers that perform something and, if given, are in that phase at this moment; waits for one. */
  find(phase: string | undefined, within: number): Promise<StormWorker[]>
  refill(to: number): Promise<void>
  /** Processes that ended and that nobody killed; told once. */
  surprises(): string[]
  /** Closes that came too late since it was asked last. */
  takeFenced(): number
  close(): Promise<void>
}

const WORDS: Record<string, string> = {
  F: 'before save',
  S: 'in save',
  R: 'after save',
  C: 'at commit',
  T: 'in a turn',
}
const PROGRAM = new URL('./storm-worker.ts', import.meta.url).pathname

interface Member extends StormWorker {
  readonly child: ChildProcess
  readonly letters: Map<string, string>
  performing: number
  fenced: number
  deadlocks: number
  /** It has said that it is ready. */
  begun: boolean
  ended: boolean
  killed: boolean
  output: string
}

export function openFleet(given: { settings: Settings; effects: string }): Fleet {
  const members = new Set<Member>()
  const surprises: string[] = []
  let hired = 0
  let fencedBefore = 0
  let fencedOfDead = 0
  const listeners = new Set<() => void>()

  async function hire(): Promise<StormWorker> {
    const name = `storm ${process.pid}/${(hired += 1)}`
    const child = spawn(process.execPath, [PROGRAM], {
      env: { ...process.env, STORM: JSON.stringify({ ...given, name }) },
      stdio: ['ignore', 'pipe', 'pipe', 'pipe'],
    })
    const letters = new Map<string, string>()
    const member: Member = {
      name,
      child,
      letters,
      performing: 0,
      fenced: 0,
      deadlocks: 0,
      begun: false,
      ended: false,
      killed: false,
      output: '',
      phases() {
        const busy = [...letters.values()].filter((letter) => letter !== '-').map((letter) => WORDS[letter] ?? letter)
        return busy.length > 0 ? busy : ['between turns']
      },
      signal: (signal) => void child.kill(signal),
      async kill() {
        member.killed = true
        members.delete(member)
        fencedOfDead += member.fenced
        const gone = new Promise((resolve) => child.once('exit', resolve))
        child.kill('SIGKILL')
        if (!member.ended) await gone
      },
    }
    members.add(member)
    for (const stream of [child.stdout, child.stderr]) {
      stream?.on('data', (part: Buffer) => (member.output = (member.output + part.toString()).slice(-4_000)))
    }
    child.on('exit', (code, signal) => {
      member.ended = true
      members.delete(member)
      if (member.killed || !member.begun) return
      surprises.push(`the worker ${name} ended by itself (${code ?? signal}): ${member.output}`)
    })
    const ready = new Promise<void>((resolve, reject) => {
      createInterface({ input: child.stdio[3] as Readable }).on('line', (line) => {
        if (line === 'ready') resolve()
        else if (line.startsWith('f')) {
          const [fenced = 0, deadlocks = 0, performing = 0] = line.slice(1).split(',').map(Number)
          Object.assign(member, { fenced, deadlocks, performing })
        } else letters.set(line.slice(0, -1), line.slice(-1))
        for (const listener of listeners) listener()
      })
      child.once('exit', () => reject(new Error(`a worker did not start: ${member.output}`)))
    })
    await ready
    member.begun = true
    return member
  }

  let filling = Promise.resolve()
  const living = () => [...members].filter((member) => !member.ended)
  const fenced = () => fencedOfDead + [...members].reduce((sum, member) => sum + member.fenced, 0)
  return {
    hire,
    living,
    async find(phase, within) {
      const now = () =>
        living().filter((member) =>
          phase === undefined ? member.performing > 0 : [...member.letters.values()].includes(phase),
        )
      const first = now()
      if (first.length > 0 && phase === undefined) return first
      return await new Promise((resolve) => {
        const give = (found: StormWorker[]) => {
          clearTimeout(timer)
          listeners.delete(look)
          resolve(found)
        }
        const look = () => {
          const found = now()
          if (found.length > 0) give(found)
        }
        const timer = setTimeout(() => give([]), within)
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
    takeFenced() {
      const now = fenced()
      const since = now - fencedBefore
      fencedBefore = now
      return since
    },
    async close() {
      await Promise.all(
        living().map(async (member) => {
          member.killed = true
          const gone = new Promise((resolve) => member.child.once('exit', resolve))
          member.child.kill('SIGCONT')
          member.child.kill('SIGTERM')
          await Promise.race([gone, pause(8_000).then(() => member.child.kill('SIGKILL'))])
        }),
      )
    },
  }
}
