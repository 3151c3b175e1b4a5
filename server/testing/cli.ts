/** The real binary as a child process: started, listened to, told to stop, killed with everything under it. */
import { spawn, type ChildProcess } from 'node:child_process'
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { TestDatabase } from '../../engine/testing/index.ts'

export const BINARY = fileURLToPath(new URL('../bin/millrace.js', import.meta.url))
export const REPOSITORY = fileURLToPath(new URL('../../', import.meta.url))

/** How a command ended, and all that it said. */
export interface Ran {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly stdout: string
  readonly stderr: string
}

export interface Command {
  readonly pid: number
  readonly stdout: string
  readonly stderr: string
  readonly ended: Promise<Ran>
  /** To the program alone, as `kill` does. */
  tell(signal: NodeJS.Signals): void
  /** SIGKILL for the program and all that it started and that is still in its process group. */
  kill(): Promise<void>
  /** Waits until standard output and error together match; fails when the program ends first. */
  says(wanted: RegExp, seconds?: number): Promise<void>
}

/** A place on disk and the settings for commands in it. */
export interface Installation {
  readonly folder: string
  readonly environment: Readonly<Record<string, string>>
  /** Begins a command; `more` are settings beside those of the installation, `input` its standard input. */
  begin(args: readonly string[], more?: Record<string, string>, input?: string): Command
  /** Runs a command to its end. */
  run(args: readonly string[], more?: Record<string, string>, input?: string): Promise<Ran>
  /** A file in the folder; gives its path. */
  file(name: string, content: string | Uint8Array): Promise<string>
  /** Kills what still runs and removes the folder. */
  remove(): Promise<void>
}

/** Without a database it is the embedded one, in the folder. */
export async function install(
  database?: Pick<TestDatabase, 'url'> | string,
  settings: Record<string, string> = {},
): Promise<Installation> {
  const folder = await mkdtemp(join(tmpdir(), 'millrace-cli-'))
  // As root the database runs as another user, who must be able to reach it there.
  await chmod(folder, 0o755)
  const environment: Record<string, string> = {
    PATH: process.env['PATH'] ?? '',
    HOME: folder,
    MILLRACE_FOLDER: join(folder, '.millrace'),
    MILLRACE_FAKE_LATENCY_MS: '0',
    ...(database === undefined ? {} : { DATABASE_URL: typeof database === 'string' ? database : database.url }),
    ...settings,
  }
  const begun: Command[] = []
  const begin: Installation['begin'] = (args, more = {}, input) => {
    const child = spawn(process.execPath, [BINARY, ...args], {
      cwd: folder,
      env: { ...environment, ...more },
      stdio: [input === undefined ? 'ignore' : 'pipe', 'pipe', 'pipe'],
      detached: true,
    })
    child.stdin?.end(input)
    const command = listenTo(child)
    begun.push(command)
    return command
  }
  return {
    folder,
    environment,
    begin,
    run: (args, more, input) => begin(args, more, input).ended,
    async file(name, content) {
      const path = join(folder, name)
      await writeFile(path, content)
      return path
    },
    async remove() {
      await Promise.all(begun.map((command) => command.kill()))
      await rm(folder, { recursive: true, force: true })
    },
  }
}

/** Any program that was started with `detached` and pipes. */
export function listenTo(child: ChildProcess): Command {
  let stdout = ''
  let stderr = ''
  let over = false
  const listeners = new Set<() => void>()
  const heard = () => {
    for (const listener of listeners) listener()
  }
  child.stdout?.setEncoding('utf8').on('data', (text: string) => {
    stdout += text
    heard()
  })
  child.stderr?.setEncoding('utf8').on('data', (text: string) => {
    stderr += text
    heard()
  })
  const ended = new Promise<Ran>((resolve, reject) => {
    child.on('error', reject)
    child.on('close', (code, signal) => {
      over = true
      resolve({ code, signal, stdout, stderr })
      heard()
    })
  })
  const pid = child.pid ?? 0
  return {
    pid,
    get stdout() {
      return stdout
    },
    get stderr() {
      return stderr
    },
    ended,
    tell: (signal) => void child.kill(signal),
    async kill() {
      if (pid === 0) return
      try {
        process.kill(-pid, 'SIGKILL')
      } catch {
        // Nobody is left in it.
      }
      await ended
    },
    says: (wanted, seconds = 20) =>
      new Promise((resolve, reject) => {
        const look = () => {
          const all = stdout + stderr
          if (!wanted.test(all) && !over) return
          clearTimeout(timer)
          listeners.delete(look)
          if (wanted.test(all)) resolve()
          else reject(new Error(`it ended without saying ${wanted}:\n${all}`))
        }
        const timer = setTimeout(() => {
          listeners.delete(look)
          reject(new Error(`it did not say ${wanted} in ${seconds} s:\n${stdout}${stderr}`))
        }, seconds * 1000)
        listeners.add(look)
        look()
      }),
  }
}
