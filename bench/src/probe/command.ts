/** `millrace` as a person calls it, timed from outside: a process with its time and its memory. */
import { spawn, type ChildProcess } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { OwnerSettings } from '../../../engine/src/postgres.ts'

const MILLRACE = fileURLToPath(new URL('../../../server/bin/millrace.js', import.meta.url))

export interface Ran {
  readonly code: number | null
  readonly stdout: string
  readonly stderr: string
  /** Milliseconds of the whole command. */
  readonly wall: number
  /** Megabytes that were resident at most, without children. */
  readonly peak: number
}

export interface Running {
  readonly child: ChildProcess
  readonly ended: Promise<Ran>
}

export function begin(words: readonly string[], environment: Readonly<Record<string, string>>, cwd: string): Running {
  const at = performance.now()
  const child = spawn(process.execPath, [MILLRACE, ...words], {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', HOME: process.env['HOME'] ?? '', NO_COLOR: '1', ...environment },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  let peak = 0
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text))
  const timer = setInterval(() => (peak = Math.max(peak, residentOf(child.pid ?? 0))), 20)
  const ended = new Promise<Ran>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code) => {
      clearInterval(timer)
      resolve({ code, stdout, stderr, wall: performance.now() - at, peak })
    })
  })
  return { child, ended }
}

export async function run(
  words: readonly string[],
  environment: Readonly<Record<string, string>>,
  cwd: string,
): Promise<Ran> {
  const ran = await begin(words, environment, cwd).ended
  if (ran.code !== 0) throw new Error(`millrace ${words.join(' ')} ended with ${ran.code}: ${ran.stderr.slice(-2_000)}`)
  return ran
}

function residentOf(pid: number): number {
  try {
    return Number(/VmHWM:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0) / 1024
  } catch {
    return 0
  }
}

/** A folder with definitions of so many prompts; removed by what is given. */
export async function openFolder(): Promise<{
  folder: string
  define(prompts: number, followups?: number): Promise<string>
  close(): Promise<void>
}> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-probe-'))
  // As root PostgreSQL runs as another user, who must be able to reach it there.
  await chmod(folder, 0o755)
  return {
    folder,
    async define(prompts, followups = 0) {
      const file = join(folder, `prompts-${prompts}-${followups}.json`)
      const definition = {
        schemaVersion: 1,
        name: `${prompts} prompts`,
        template: 'How much do you like the number [Number] of [Hundred]?',
        dimensions: dimensionsOf(prompts),
        ...(followups === 0
          ? {}
          : {
              followups: Array.from({ length: followups }, (_, n) => ({
                label: `f${n}`,
                prompt: `And why, part ${n}?`,
              })),
            }),
        decision: {
          labels: [1, 2, 3, 4, 5].map((n) => ({ code: String(n), label: `level ${n}` })),
        },
      }
      await writeFile(file, JSON.stringify(definition))
      return file
    },
    close: () => rm(folder, { recursive: true, force: true }),
  }
}

/** A dimension has at most a thousand values. */
function dimensionsOf(prompts: number) {
  const values = (length: number) => Array.from({ length }, (_, n) => `n${n}`)
  const [numbers, hundreds] = prompts > 500 ? [100, prompts / 100] : [prompts, 1]
  return [
    { name: 'Number', values: values(numbers) },
    { name: 'Hundred', values: values(hundreds) },
  ]
}

export function urlOf({ user, password, host, port, database }: OwnerSettings): string {
  const secret = encodeURIComponent(typeof password === 'string' ? password : '')
  return `postgres://${user}:${secret}@localhost/${database}?host=${encodeURIComponent(host)}&port=${port}`
}
