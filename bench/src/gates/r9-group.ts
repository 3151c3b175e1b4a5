/** R9: from the abort of a task until all that its process has started is dead: one that listens, and one that does not. */
import { existsSync, readFileSync } from 'node:fs'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { GRACE } from '../../../server/src/tools/process/line-process.ts'
import { openProcesses } from '../../../server/src/tools/process/processes.ts'
import { now, wait } from '../contender.ts'
import { median, round } from '../numbers.ts'
import { QUIET, type Measured } from '../results.ts'
import type { Stage } from '../stage.ts'

/** Sleeps, with a child that sleeps; the deaf ones do not mind SIGTERM. */
const SCRIPT = `import os, signal, sys, time
if sys.argv[2] == "deaf": signal.signal(signal.SIGTERM, signal.SIG_IGN)
child = os.fork()
if child == 0:
    time.sleep(600)
open(sys.argv[1] + ".part", "w").write(f"{os.getpid()} {child}")
os.rename(sys.argv[1] + ".part", sys.argv[1])
time.sleep(600)
`

export async function r9Group(stage: Stage): Promise<Measured> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-r9-'))
  const processes = openProcesses()
  let number = 0
  async function sample(manner: 'deaf' | 'listening'): Promise<number> {
    const file = join(folder, String((number += 1)))
    const abort = new AbortController()
    const ended = processes
      .once(
        { name: 'sleeper', command: 'python3', args: ['-c', SCRIPT, file, manner] },
        {},
        { signal: abort.signal, deadline: new Date(Date.now() + 120_000) },
      )
      .catch(() => {})
    while (!existsSync(file)) await wait(5)
    const pids = (await readFile(file, 'utf8')).split(' ')
    const at = now()
    abort.abort()
    while (pids.some(lives)) await wait(1)
    const took = now() - at
    await ended
    return took
  }
  try {
    const rounds: { listening: number; deaf: number; foreign: number }[] = []
    const quiet = () => rounds.filter(({ foreign }) => foreign <= QUIET)
    for (let n = 0; n < (stage.quick ? 1 : 12) && quiet().length < 7; n += 1) {
      await stage.quiet()
      const usage = stage.meter.start()
      const listening = await sample('listening')
      const deaf = await sample('deaf')
      rounds.push({ listening, deaf, foreign: round(usage().foreign) })
      stage.tell(`  ${n + 1}  listening ${round(listening)} ms, deaf ${round(deaf)} ms`)
    }
    const counted = quiet().length > 0 ? quiet() : rounds
    const all = (what: 'listening' | 'deaf') => counted.map((one) => one[what])
    return {
      id: 'R9-group',
      value: round(Math.max(...all('deaf'))),
      bound: { most: GRACE + 100 },
      foreign: round(median(counted.map(({ foreign }) => foreign))),
      absolute: true,
      detail: {
        in: `ms from the abort until a process that ignores SIGTERM and its child are dead, the longest; its grace is ${GRACE}`,
        listening: { median: round(median(all('listening'))), longest: round(Math.max(...all('listening'))) },
        samples: counted.length,
      },
    }
  } finally {
    await processes.close()
    await rm(folder, { recursive: true, force: true })
  }
}

/** A zombie that nobody has asked for yet is dead. */
function lives(pid: string): boolean {
  try {
    return !/^State:\s+[ZX]/m.test(readFileSync(`/proc/${pid}/status`, 'latin1'))
  } catch {
    return false
  }
}
