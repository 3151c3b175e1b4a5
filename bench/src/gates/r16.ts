/** R16: what a warm Python process adds to a task: the smallest question to a worker script, there and back. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { openProcesses } from '../../../server/src/tools/process/processes.ts'
import { now } from '../contender.ts'
import { median, quantile, round } from '../numbers.ts'
import { QUIET, type Measured } from '../results.ts'
import type { Stage } from '../stage.ts'

const WORKERS = fileURLToPath(new URL('../../../server/workers', import.meta.url))
/** A worker as anybody writes one, that has nothing to do. */
const SCRIPT = `import os, sys
sys.path.insert(0, ${JSON.stringify(WORKERS)})
from millrace_worker import run_worker
if __name__ == "__main__":
    run_worker(lambda given, job: {"pid": os.getpid()})
`
/** Questions; a process is replaced after a thousand. */
const WARM = 100
const A_ROUND = 90

export async function r16(stage: Stage): Promise<Measured[]> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-r16-'))
  const file = join(folder, 'nothing.py')
  await writeFile(file, SCRIPT)
  const processes = openProcesses()
  const pool = processes.warm(
    { name: 'nothing.py', command: 'python3', args: ['-I', '-S', '-X', 'utf8', file, '--warm'] },
    { most: 4 },
  )
  const pids = new Set<unknown>()
  async function question(): Promise<number> {
    const at = now()
    const reply = await pool.ask(
      { input: {} },
      { signal: AbortSignal.timeout(30_000), deadline: new Date(Date.now() + 30_000) },
    )
    const took = now() - at
    pids.add(reply['pid'])
    return took
  }
  try {
    const cold = await question()
    for (let n = 0; n < WARM; n += 1) await question()
    const rounds: { took: number[]; foreign: number }[] = []
    const quiet = () => rounds.filter(({ foreign }) => foreign <= QUIET)
    for (let n = 0; n < (stage.quick ? 1 : 9) && quiet().length < 5; n += 1) {
      await stage.quiet()
      const usage = stage.meter.start()
      const took: number[] = []
      for (let i = 0; i < A_ROUND; i += 1) took.push(await question())
      rounds.push({ took, foreign: round(usage().foreign) })
      stage.tell(`  ${n + 1}  p50 ${round(median(took))} ms, p99 ${round(quantile(took, 0.99))}, cold ${round(cold)}`)
    }
    const counted = quiet().length > 0 ? quiet() : rounds
    const took = counted.flatMap((one) => one.took)
    const foreign = round(median(counted.map((one) => one.foreign)))
    return [
      {
        id: 'R16',
        value: round(median(took)),
        bound: { most: 1 },
        foreign,
        absolute: true,
        detail: {
          in: 'ms of a question to a warm process, there and back',
          ms: { p50: round(median(took)), p99: round(quantile(took, 0.99)), cold: round(cold) },
        },
      },
      { id: 'R16-starts', value: pids.size, bound: { most: 1 }, foreign, detail: { in: 'processes that answered' } },
    ]
  } finally {
    await processes.close()
    await rm(folder, { recursive: true, force: true })
  }
}
