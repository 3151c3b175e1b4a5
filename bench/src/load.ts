/**
 * Who used the processors?  Ours: this program, its children and the server with
 * its backends.  Everything else that was busy is foreign, time stolen by other
 * machines too.
 */
import { readdirSync, readFileSync } from 'node:fs'

/** Clock ticks a second in /proc. */
const TICKS = 100

interface Reading {
  readonly at: number
  readonly busy: number
  readonly ours: number
  readonly server: number
}

export interface Usage {
  readonly seconds: number
  /** Cores, mean over the time. */
  readonly foreign: number
  /** Processor seconds of the server and of all that is ours. */
  readonly server: number
  readonly ours: number
}

export interface Meter {
  /** Starts a measurement; call what it gives to end it. */
  start(): () => Usage
  /** Waits until others are quiet; gives up after some seconds. */
  quiet(seconds: number): Promise<void>
}

export function openMeter(postmaster: number): Meter {
  function read(): Reading {
    const tree = readTree()
    const server = sumOf(tree, postmaster)
    return { at: performance.now(), busy: readBusy(), ours: server + sumOf(tree, process.pid, postmaster), server }
  }
  function between(a: Reading, b: Reading): Usage {
    const seconds = (b.at - a.at) / 1000
    const foreign = Math.max(0, (b.busy - a.busy - (b.ours - a.ours)) / TICKS / seconds)
    return { seconds, foreign, server: (b.server - a.server) / TICKS, ours: (b.ours - a.ours) / TICKS }
  }
  function start() {
    const before = read()
    return () => between(before, read())
  }
  return {
    start,
    async quiet(seconds) {
      for (const end = Date.now() + seconds * 1000; Date.now() < end;) {
        const usage = start()
        await new Promise((resolve) => setTimeout(resolve, 300))
        if (usage().foreign <= 0.2) return
      }
    },
  }
}

function readBusy(): number {
  const [line = ''] = readFileSync('/proc/stat', 'utf8').split('\n', 1)
  const [user = 0, nice = 0, system = 0, , , irq = 0, softirq = 0, steal = 0] = line.split(/\s+/).slice(1).map(Number)
  return user + nice + system + irq + softirq + steal
}

interface Process {
  readonly parent: number
  /** Own time and that of children that have ended, in ticks. */
  readonly ticks: number
}

function readTree(): Map<number, Process> {
  const tree = new Map<number, Process>()
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (!Number.isInteger(pid)) continue
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1')
      const fields = stat
        .slice(stat.lastIndexOf(')') + 2)
        .split(' ')
        .map(Number)
      const [, parent = 0] = fields
      tree.set(pid, { parent, ticks: fields.slice(11, 15).reduce((sum, ticks) => sum + ticks, 0) })
    } catch {
      // It has ended.
    }
  }
  return tree
}

function sumOf(tree: ReadonlyMap<number, Process>, root: number, without = 0): number {
  let sum = 0
  for (const [pid, { ticks }] of tree) {
    for (let at = pid; at > 1 && at !== without; at = tree.get(at)?.parent ?? 0) {
      if (at !== root) continue
      sum += ticks
      break
    }
  }
  return sum
}
