/** R18: `millrace up` on a machine where it has run before, and what it takes while nobody asks for anything. */
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { begin, openFolder, urlOf, type Running } from '../probe/command.ts'
import { now, wait } from '../contender.ts'
import { median, round } from '../numbers.ts'
import { QUIET, type Measured } from '../results.ts'
import type { Stage } from '../stage.ts'

/** Seconds of idling that are measured, after those in which it settles. */
const IDLE = 30
const SETTLES = 15
const TICKS = 100

interface Taken {
  readonly ready: number
  readonly processor: number
  readonly memory: number
  readonly foreign: number
}

export async function r18(stage: Stage): Promise<Measured[]> {
  const place = (await stage.empty('up_r18')).owner
  const folder = await openFolder()
  const environment = { DATABASE_URL: urlOf(place), MILLRACE_FOLDER: folder.folder, PORT: '0' }
  async function up(idles: boolean): Promise<Taken> {
    await stage.quiet()
    const usage = stage.meter.start()
    const at = now()
    const running = begin(['up'], environment, folder.folder)
    try {
      const ready = await readyAfter(running, at)
      let idle = { processor: 0, memory: 0 }
      if (idles) {
        await wait((stage.quick ? 1 : SETTLES) * 1000)
        const before = ticksOf(treeOf(running.child.pid ?? 0))
        const seconds = stage.quick ? 1 : IDLE
        await wait(seconds * 1000)
        const tree = treeOf(running.child.pid ?? 0)
        idle = { processor: (ticksOf(tree) - before) / TICKS / seconds, memory: memoryOf(tree) }
      }
      return { ready, ...idle, foreign: round(usage().foreign) }
    } finally {
      running.child.kill('SIGTERM')
      await running.ended
    }
  }
  try {
    // The first one makes the tables and runs the example.
    await up(false)
    const rounds: Taken[] = []
    const quiet = () => rounds.filter(({ foreign }) => foreign <= QUIET)
    for (let n = 0; n < (stage.quick ? 1 : 8) && quiet().length < 5; n += 1) {
      const taken = await up(true)
      rounds.push(taken)
      stage.tell(
        `  ${n + 1}  ready after ${round(taken.ready / 1000)} s, idle ${round(taken.processor * 100)} % of a core, ` +
          `${Math.round(taken.memory)} MB, foreign ${taken.foreign}`,
      )
    }
    const counted = quiet().length > 0 ? quiet() : rounds
    const of = (what: (one: Taken) => number) => round(median(counted.map(what)))
    const gate = (id: string, value: number, most: number, what: string): Measured => ({
      id,
      value,
      bound: { most },
      foreign: of(({ foreign }) => foreign),
      absolute: true,
      detail: { in: what, rounds: counted.length },
    })
    return [
      gate(
        'R18-ready',
        of(({ ready }) => ready / 1000),
        3,
        's until /health/ready says ok, PostgreSQL running',
      ),
      gate(
        'R18-processor',
        of(({ processor }) => processor * 100),
        1,
        '% of a core, server and worker in one process',
      ),
      gate(
        'R18-memory',
        of(({ memory }) => memory),
        200,
        'MB of its own (proportional share) of server, worker and children',
      ),
    ]
  } finally {
    await folder.close()
  }
}

async function readyAfter(running: Running, at: number): Promise<number> {
  let said = ''
  running.child.stdout?.on('data', (text: string) => (said += text))
  for (;;) {
    const url = /serves on (http:\/\/\S+)/.exec(said)?.[1]
    if (url !== undefined) {
      const response = await fetch(`${url}/health/ready`).catch(() => undefined)
      if (response?.ok === true) return now() - at
    }
    if (running.child.exitCode !== null) throw new Error((await running.ended).stderr)
    await wait(10)
  }
}

function treeOf(root: number): number[] {
  const parents = new Map<number, number>()
  for (const name of readdirSync('/proc')) {
    const pid = Number(name)
    if (Number.isInteger(pid) && existsSync(`/proc/${pid}/stat`)) parents.set(pid, fieldsOf(pid)[1] ?? 0)
  }
  const within = (pid: number): boolean => pid === root || (pid > 1 && within(parents.get(pid) ?? 0))
  return [...parents.keys()].filter(within)
}

function fieldsOf(pid: number): number[] {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'latin1')
    return stat
      .slice(stat.lastIndexOf(')') + 2)
      .split(' ')
      .map(Number)
  } catch {
    return []
  }
}

const ticksOf = (pids: readonly number[]) =>
  pids.reduce((sum, pid) => sum + (fieldsOf(pid)[11] ?? 0) + (fieldsOf(pid)[12] ?? 0), 0)

/** Megabytes; what is shared with others counts for its part. */
const memoryOf = (pids: readonly number[]) =>
  pids.reduce((sum, pid) => {
    const text = readFileSync(`/proc/${pid}/smaps_rollup`, 'latin1')
    return sum + Number(/^Pss:\s+(\d+)/m.exec(text)?.[1] ?? 0) / 1024
  }, 0)
