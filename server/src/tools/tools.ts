/** The tools of a program: those of this repository, and those of a person's folder. */
import { availableParallelism } from 'node:os'
import { loadFolder } from './folder.ts'
import { ownTools } from './own/own-tools.ts'
import { openProcesses } from './process/processes.ts'
import type { Python } from './python/python.ts'
import { openRunner, type RunnerOptions, type ToolRunner } from './runner.ts'
import { openThreads } from './thread/threads.ts'

export interface ToolsOptions extends RunnerOptions {
  /** MILLRACE_TOOLS; undefined: ours alone. */
  readonly folder: string | undefined
  readonly python: Pick<Python, 'health'>
}

export interface Tools {
  readonly runner: ToolRunner
  /** Those of the folder too; once. @throws Refusal NO_SUCH_FOLDER */
  load(): Promise<void>
  close(): Promise<void>
}

export function openTools({ folder, python, ...options }: ToolsOptions): Tools {
  const runner = openRunner(options)
  const processes = openProcesses()
  const threads = openThreads(Math.max(2, availableParallelism()))
  for (const tool of ownTools(threads)) runner.add(tool)
  let loaded: Promise<void> | undefined
  return {
    runner,
    load: () =>
      (loaded ??= folder === undefined ? Promise.resolve() : loadFolder({ folder, runner, processes, python })),
    async close() {
      await Promise.all([processes.close(), threads.close()])
    },
  }
}
