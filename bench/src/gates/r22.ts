/**
 * R22: everything is killed in the middle, the command, its worker and PostgreSQL;
 * the same command again.  What was lost, what was paid twice, and do the totals hold?
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { begin, openFolder, run } from '../probe/command.ts'
import { openStub } from '../probe/stub.ts'
import { wait } from '../contender.ts'
import type { Measured } from '../results.ts'
import type { Stage } from '../stage.ts'

const FLIGHT = 20
const CALL = 200

interface Totals {
  readonly run: { readonly progress: { readonly total: number; readonly succeeded: number } }
}

export async function r22(stage: Stage): Promise<Measured[]> {
  const prompts = stage.quick ? 60 : 500
  const lost: number[] = []
  const twice: number[] = []
  let wrong = 0
  for (let n = 0; n < (stage.quick ? 1 : 3); n += 1) {
    const folder = await openFolder()
    const stub = await openStub({ latency: CALL })
    try {
      const home = join(folder.folder, 'home')
      const environment = {
        MILLRACE_FOLDER: home,
        OPENAI_COMPATIBLE_URL: stub.url,
        WORKER_SLOTS: String(FLIGHT),
      }
      const file = await folder.define(prompts)
      const words = ['probe', file, '--models', 'openai-compatible:stub', '--json', '--out', 'answers.csv']
      const first = begin(words, environment, folder.folder)
      while ((await stub.counted()).answered < prompts * 0.4) await wait(10)
      const cluster = postmasterOf(home)
      first.child.kill('SIGKILL')
      const backends = childrenOf(cluster)
      for (const pid of [cluster, ...backends]) killIfThere(pid)
      await first.ended
      const before = await stub.counted()
      const second = await run(words, environment, folder.folder)
      const after = await stub.counted()
      const { run: ended } = JSON.parse(second.stdout) as Totals
      const exported = await run(['runs', 'export', '1', '--format', 'jsonl', '--out', '-'], environment, folder.folder)
      const kept = exported.stdout.trim().split('\n').length
      lost.push(prompts - kept)
      twice.push(after.again)
      if (ended.progress.total !== prompts || ended.progress.succeeded !== prompts) wrong += 1
      stage.tell(
        `  ${n + 1}  killed after ${before.answered} answers; ${kept} of ${prompts} kept, ${after.again} answered twice, ` +
          `${after.requests} requests`,
      )
    } finally {
      await stub.close()
      await folder.close()
    }
  }
  return [
    { id: 'R22-lost', value: Math.max(...lost), bound: { most: 0 }, foreign: 0, detail: { in: 'slots', lost } },
    {
      id: 'R22-twice',
      value: Math.max(...twice),
      bound: { most: FLIGHT },
      foreign: 0,
      detail: { in: 'answers', twice },
    },
    { id: 'R22-totals', value: wrong, bound: { most: 0 }, foreign: 0, detail: { in: 'rounds with wrong totals' } },
  ]
}

/** The database of the folder; it lies there, since the folder lets everybody pass. */
function postmasterOf(home: string): number {
  return Number.parseInt(readFileSync(join(home, 'pg', 'postmaster.pid'), 'utf8'), 10)
}

function childrenOf(pid: number): number[] {
  return readdirSync('/proc').flatMap((name) => {
    if (!/^\d+$/.test(name)) return []
    try {
      const stat = readFileSync(`/proc/${name}/stat`, 'latin1')
      return stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1] === String(pid) ? [Number(name)] : []
    } catch {
      return []
    }
  })
}

function killIfThere(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL')
  } catch {
    // It went with its parent.
  }
}
