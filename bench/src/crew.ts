/** Child processes, seen from the parent. */
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Order, Said } from './child.ts'
import type { Heard, Worked } from './contender.ts'

export interface Child {
  readonly pid: number
  /** Work, and say how long it took. */
  go(): Promise<Worked>
  /** The same for an act, which says something else. */
  act(): Promise<unknown>
  /** Waits until the task `n` has begun here. */
  heard(n: number): Promise<Heard>
  kill(signal: NodeJS.Signals): void
  close(): Promise<void>
}

const CHILD = fileURLToPath(new URL('child.ts', import.meta.url))
const PATIENCE = 120_000
/** A drain beside an old snapshot, on a machine that others use too. */
const WORK = 600_000

export async function hire(order: Order): Promise<Child> {
  const child = fork(CHILD, [JSON.stringify(order)], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
  const waiting = new Map<string, (said: never) => void>()
  const kept = new Map<string, unknown>()
  let gone = false
  const ended = new Promise<void>((resolve) =>
    child.once('exit', () => {
      gone = true
      resolve()
    }),
  )
  child.on('error', () => {})
  child.on('message', (said: Said) => {
    const [what, value] = said.ready ? ['ready', true] : nameOf(said)
    const listener = waiting.get(what)
    waiting.delete(what)
    if (listener === undefined) kept.set(what, value)
    else listener(value as never)
  })
  async function next<T>(what: string, patience = PATIENCE): Promise<T> {
    if (kept.has(what)) {
      const value = kept.get(what) as T
      kept.delete(what)
      return value
    }
    let timer: NodeJS.Timeout | undefined
    try {
      return await Promise.race([
        new Promise<T>((resolve) => waiting.set(what, resolve)),
        ended.then(() => Promise.reject(new Error(`${order.contender}: the child ended before it said "${what}"`))),
        new Promise<never>((_, reject) => {
          timer = setTimeout(() => reject(new Error(`${order.contender}: no "${what}" in time`)), patience)
        }),
      ])
    } finally {
      clearTimeout(timer)
    }
  }
  function worked<T>(): Promise<T> {
    child.send('go')
    return next<T>('worked', WORK)
  }
  await next('ready')
  return {
    pid: child.pid ?? 0,
    go: () => worked<Worked>(),
    act: () => worked<unknown>(),
    heard: (n) => next<Heard>(`heard ${n}`),
    kill: (signal) => void child.kill(signal),
    async close() {
      if (gone) return
      child.send('close')
      const timer = setTimeout(() => child.kill('SIGKILL'), 10_000)
      await ended
      clearTimeout(timer)
    },
  }
}

function nameOf(said: Said): [string, unknown] {
  if (said.heard !== undefined) return [`heard ${(said.heard as Heard).n}`, said.heard]
  return ['worked', said.worked]
}
