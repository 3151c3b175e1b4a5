/** The tools of a program: those of this repository, and those of a person's folder. */
import { availableParallelism } from 'node:os'
import { acceptFrom, loadFolder, loginFrom } from './folder.ts'
import type { Change } from './mcp/accepted.ts'
import type { SignIns } from './mcp/sign-in.ts'
import { openProcesses } from './process/processes.ts'
import type { Python } from './python/python.ts'
import { openRunner, type RunnerOptions, type ToolRunner } from './runner.ts'
import { openThreads } from './thread/threads.ts'

export interface ToolsOptions extends RunnerOptions {
  /** MILLRACE_TOOLS; undefined: ours alone. */
  readonly folder: string | undefined
  readonly python: Pick<Python, 'health'>
  /** What came of signing in to servers of tools; kept in memory if left out. */
  readonly signIns?: SignIns
}

export interface Tools {
  readonly runner: ToolRunner
  /** Ours, and those of the folder; once. @throws Refusal NO_SUCH_FOLDER */
  load(): Promise<void>
  /** Takes the tools of another server as they are now, from the next start on. @throws Refusal NO_SUCH_FOLDER, NO_SUCH_SERVER, NOT_ACCEPTED */
  accept(server: string): Promise<readonly Change[]>
  /**
   * Somebody signs in to another server: `open` shows him the address.
   * @throws Refusal NO_SUCH_FOLDER, NO_SUCH_SERVER, LOGIN_FAILED
   */
  login(server: string, open: (address: URL) => void | Promise<void>): Promise<void>
  close(): Promise<void>
}

export function openTools({ folder, python, signIns = inMemory(), ...options }: ToolsOptions): Tools {
  const runner = openRunner(options)
  const processes = openProcesses()
  const threads = openThreads(Math.max(2, availableParallelism()))
  // Imported when somebody performs: their schemas take a tenth of a second.
  async function loadAll(): Promise<() => Promise<void>> {
    const { ownTools } = await import('./own/own-tools.ts')
    for (const tool of ownTools(threads)) runner.add(tool)
    return folder === undefined ? async () => {} : loadFolder({ folder, runner, processes, python, signIns })
  }
  let loaded: Promise<() => Promise<void>> | undefined
  return {
    runner,
    async load() {
      await (loaded ??= loadAll())
    },
    accept: (server) => acceptFrom({ folder: folder ?? 'tools', processes, signIns }, server),
    login: (server, open) => loginFrom({ folder: folder ?? 'tools', signIns }, server, open),
    async close() {
      // Servers are left first: they leave by themselves when their input ends.
      await loaded?.then((leave) => leave()).catch(() => {})
      await Promise.all([processes.close(), threads.close()])
    },
  }
}

function inMemory(): SignIns {
  const all = new Map<string, string>()
  return {
    read: (name) => all.get(name),
    write: (name, text) => void (text === undefined ? all.delete(name) : all.set(name, text)),
  }
}
