/**
 * Python for tasks: which interpreter there is and whether it will do, and the workers
 * of `server/workers`, kept warm.  Nothing is looked for before somebody asks, and no
 * Python is no fault: what needs none works without.
 */
import { fileURLToPath } from 'node:url'
import { TaskFailed } from '@millrace/engine'
import { z } from 'zod'
import { failureOf } from '../../providers/failures.ts'
import type { Program } from '../process/launch.ts'
import { openProcesses, type Pool, type Until } from '../process/processes.ts'
import type { Document } from '../process/reply.ts'

/** The programs that are here. */
export type Script = 'probe.py' | 'analyze_basic.py'

export interface PythonHealth {
  readonly healthy: boolean
  /** `3.11.7`; null when there is none. */
  readonly version: string | null
  /** The interpreter itself, behind shims. */
  readonly executable: string | null
  /** Modules that workers need or want: are they there? */
  readonly packages: Readonly<Record<string, boolean>>
  /** Names of the keys that this installation has; never their values. */
  readonly keys: readonly string[]
  /** What must be there and is not. */
  readonly missing: readonly string[]
  readonly warnings: readonly string[]
}

export interface PythonOptions {
  /** MILLRACE_PYTHON: a path, or a name on the path. */
  readonly command: string
  /** Processes of a script at a time. */
  readonly most: number
  /** For the program's own log: what a process said before it died. */
  readonly tell: (line: string) => void
}

export interface Python {
  /** Looked at once; what was not well is looked at again later. */
  health(): Promise<PythonHealth>
  /** Asks a script. `request` is its `input`, and the gateway where it asks models. @throws TaskFailed */
  ask(script: Script, request: Document, until: Until): Promise<Document>
  close(): Promise<void>
}

/** Milliseconds. */
const LOOK_AGAIN = 30_000
const LONGEST_LOOK = 20_000
/** Bytes of address space. */
const MEMORY = 2 * 1024 ** 3
/** Understood by every Python, so that an old one can be told its age. */
const WHO_ARE_YOU =
  'import json, sys; print(json.dumps({"success": True, "executable": sys.executable, "version": list(sys.version_info[:3])}))'
const OLDEST = [3, 10] as const
const FOLDER = new URL('../../../workers/', import.meta.url)
/** Alone, without packages of the site, UTF-8 whatever the machine's language. */
const ISOLATED = ['-I', '-S', '-X', 'utf8']

const identity = z.object({ executable: z.string().min(1), version: z.array(z.number()).length(3) })
const report = z.object({
  healthy: z.boolean(),
  packages: z.record(z.string(), z.boolean()),
  keys: z.array(z.string()),
  missing: z.array(z.string()),
  warnings: z.array(z.string()),
})

export function openPython({ command, most, tell }: PythonOptions): Python {
  const processes = openProcesses()
  const pools = new Map<Script, Pool>()
  let looked: { readonly health: Promise<PythonHealth>; readonly at: number } | undefined
  let told = ''
  let closing = false

  const once = (program: Pick<Program, 'name' | 'command' | 'args'>, input: Document) =>
    processes.once({ ...program, memory: MEMORY }, input, {
      signal: AbortSignal.timeout(LONGEST_LOOK),
      deadline: new Date(Date.now() + LONGEST_LOOK),
    })

  async function look(): Promise<PythonHealth> {
    const nothing = { healthy: false, version: null, executable: null, packages: {}, keys: keysHere(), warnings: [] }
    let who: z.output<typeof identity>
    try {
      who = identity.parse(await once({ name: 'python', command, args: ['-c', WHO_ARE_YOU] }, {}))
    } catch {
      return { ...nothing, missing: [`a Python that starts: ${command} does not`] }
    }
    const { executable } = who
    const version = who.version.join('.')
    const [major = 0, minor = 0] = who.version
    if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
      const missing = [`Python ${OLDEST.join('.')} or newer: ${command} is ${version}`]
      return { ...nothing, version, executable, missing }
    }
    try {
      const args = [...ISOLATED, pathOf('health_check.py')]
      const said = await once({ name: 'health_check.py', command: executable, args }, { keys: keysHere() })
      return { ...report.parse(said), version, executable }
    } catch (error) {
      tellEvidence(error)
      return { ...nothing, version, executable, missing: ['a health check that ends well'] }
    }
  }

  async function health(): Promise<PythonHealth> {
    if (looked !== undefined) {
      const { healthy } = await looked.health
      if (healthy || Date.now() - looked.at < LOOK_AGAIN) return looked.health
    }
    looked = { health: look(), at: Date.now() }
    return looked.health
  }

  async function poolOf(script: Script): Promise<Pool> {
    const known = pools.get(script)
    if (known !== undefined) return known
    const { healthy, executable } = await health()
    if (!healthy || executable === null) {
      // On another worker, or here a little later, it may be otherwise.
      throw new TaskFailed(failureOf('WORKER_CRASH', { message: NO_PYTHON }))
    }
    const args = [...ISOLATED, pathOf(script), '--warm']
    const pool =
      pools.get(script) ?? processes.warm({ name: script, command: executable, args, memory: MEMORY }, { most })
    pools.set(script, pool)
    return pool
  }

  function tellEvidence(error: unknown) {
    // What ends because we end has not crashed.
    if (closing) return
    if (!(error instanceof Error) || !(error.cause instanceof Error) || error.cause.message === told) return
    told = error.cause.message
    tell(told)
  }

  return {
    health,
    async ask(script, request, until) {
      const pool = await poolOf(script)
      try {
        return await pool.ask(request, until)
      } catch (error) {
        tellEvidence(error)
        throw error
      }
    },
    close() {
      closing = true
      return processes.close()
    },
  }
}

const NO_PYTHON = 'This worker has no Python that could do it; `millrace doctor` says why.'

function pathOf(file: string): string {
  return fileURLToPath(new URL(file, FOLDER))
}

function keysHere(): string[] {
  return Object.keys(process.env).filter((name) => name.endsWith('_API_KEY') && process.env[name] !== '')
}

/** What to say of it, and what to do if it is not well. */
export function sayHealth({ healthy, version, executable, missing }: PythonHealth): string {
  if (healthy) return `Python ${version} (${executable}) is ready.`
  return `No Python can be used; missing is ${missing.join(', ')}.`
}

export const PYTHON_REMEDY = 'Install Python 3.10 or newer, or name one: MILLRACE_PYTHON=/path/to/python3.'
