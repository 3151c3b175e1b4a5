/**
 * Tools in a person's folder, one in a file: TypeScript, Python, or any program that a
 * `.tool.json` beside it describes; a `.mcp.json` names a server of tools.  Each runs in processes of its own; one that does
 * not load is shown with its file, line and reason, and the others are there.
 */
import { readdir, readFile, realpath } from 'node:fs/promises'
import { basename, isAbsolute, join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Refusal } from '@millrace/engine'
import { z } from 'zod'
import type { Change } from './mcp/accepted.ts'
import type { Connection } from './mcp/connection.ts'
import { acceptServer, ENDING, loadServer, loginToServer } from './mcp/remote-tools.ts'
import type { SignIns } from './mcp/sign-in.ts'
import type { Program } from './process/launch.ts'
import { describeProgram, programTool, told } from './process/program-tool.ts'
import type { Processes } from './process/processes.ts'
import type { Python } from './python/python.ts'
import type { Absent, ToolRunner } from './runner.ts'

export interface FolderOptions {
  readonly folder: string
  readonly runner: ToolRunner
  readonly processes: Processes
  readonly python: Pick<Python, 'health'>
  readonly signIns: SignIns
}

/** Bytes that a process may write to, or of its address space. */
const MEMORY = 1024 ** 3
const HEAP_MIB = 256
const AT_ONCE = 4

/** Gives how to leave what it has opened. @throws Refusal NO_SUCH_FOLDER */
export async function loadFolder({
  folder,
  runner,
  processes,
  python,
  signIns,
}: FolderOptions): Promise<() => Promise<void>> {
  const names = await toolFiles(folder)
  const here = await realpath(folder)

  const connections: Connection[] = []
  async function load(file: string): Promise<void> {
    const path = join(here, file)
    try {
      if (file.endsWith(ENDING)) {
        connections.push(await loadServer({ folder: here, file, path }, runner, { processes, secretOf, signIns }))
        return
      }
      const found = file.endsWith('.tool.json') ? await byManifest(here, path) : await byHost(path, processes, python)
      runner.add(programTool(processes, found.program, found.about))
    } catch (error) {
      runner.addAbsent(absentOf(file, error))
    }
  }
  // In the order of the names, so that of two with one name the first is taken.
  for (let at = 0; at < names.length; at += AT_ONCE) await Promise.all(names.slice(at, at + AT_ONCE).map(load))
  return async () => void (await Promise.all(connections.map((one) => one.close())))
}

/** Tokens of servers are in the environment, which no tool sees. */
const secretOf = (variable: string) => process.env[variable]

type Folder = Pick<FolderOptions, 'folder' | 'processes' | 'signIns'>

/**
 * Takes the tools of a server of the folder as they are now; gives what is otherwise.
 * @throws Refusal NO_SUCH_FOLDER, NO_SUCH_SERVER, NOT_ACCEPTED
 */
export async function acceptFrom({ folder, processes, signIns }: Folder, server: string): Promise<readonly Change[]> {
  const place = await placeOfServer(folder, server)
  try {
    return await acceptServer(place, { processes, secretOf, signIns })
  } catch (error) {
    throw new Refusal('NOT_ACCEPTED', `The tools of ${server} were not accepted.`, {
      causes: [error instanceof Error && !('code' in error) ? error.message : 'the file beside it cannot be written'],
      cause: error,
    })
  }
}

/**
 * Somebody signs in to a server of the folder.
 * @throws Refusal NO_SUCH_FOLDER, NO_SUCH_SERVER, LOGIN_FAILED
 */
export async function loginFrom(
  { folder, signIns }: Pick<Folder, 'folder' | 'signIns'>,
  server: string,
  open: (address: URL) => void | Promise<void>,
): Promise<void> {
  const place = await placeOfServer(folder, server)
  try {
    await loginToServer(place, { signIns, secretOf, open })
  } catch (error) {
    throw new Refusal('LOGIN_FAILED', `Nobody is signed in to ${server}.`, {
      causes: [error instanceof Error && !('code' in error) ? error.message : 'what came of it cannot be kept'],
      cause: error,
    })
  }
}

async function placeOfServer(folder: string, server: string) {
  const file = `${server}${ENDING}`
  const servers = (await toolFiles(folder)).filter((name) => name.endsWith(ENDING))
  if (!servers.includes(file)) {
    throw new Refusal('NO_SUCH_SERVER', `There is no file ${file} in ${resolve(folder)}.`, {
      remedy:
        servers.length === 0
          ? 'docs/guides/write-a-tool.md says how a server of tools is named.'
          : `There are: ${servers.map((name) => name.slice(0, -ENDING.length)).join(', ')}.`,
    })
  }
  const here = await realpath(folder)
  return { folder: here, file, path: join(here, file) }
}

async function toolFiles(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch((error: unknown) => {
    throw new Refusal('NO_SUCH_FOLDER', `The folder of your own tools, ${resolve(folder)}, cannot be read.`, {
      remedy: 'Make it, or set MILLRACE_TOOLS to the folder where they are.',
      cause: error,
    })
  })
  return entries
    .filter((entry) => !entry.isDirectory() && /^[^._].*\.(ts|js|mjs|py|(tool|mcp)\.json)$/.test(entry.name))
    .map((entry) => entry.name)
    .filter((name) => !/\.test\.[a-z]+$|\.d\.ts$/.test(name))
    .toSorted()
}

/** What is wrong with a file, in words that may be shown. */
class NotLoaded extends Error {
  readonly state: Absent['state']
  readonly line: number | undefined
  constructor(reason: string, how: { state?: Absent['state']; line?: number | undefined } = {}) {
    super(reason)
    this.state = how.state ?? 'FAILED'
    this.line = how.line
  }
}

function absentOf(file: string, error: unknown): Absent {
  const name = basename(file).replace(/\.((tool|mcp)\.json|[a-z]+)$/, '')
  const reason = error instanceof Error ? error.message : 'it does not load'
  if (!(error instanceof NotLoaded)) return { name, state: 'FAILED', reason, file }
  return { name, state: error.state, reason, file, ...(error.line === undefined ? {} : { line: error.line }) }
}

async function byHost(path: string, processes: Processes, python: Pick<Python, 'health'>) {
  const program = path.endsWith('.py') ? await pythonProgram(path, python) : nodeProgram(path)
  const described = await describeProgram(processes, program).catch(() => {
    throw new NotLoaded('it ended, or was ended, before it had said what it is')
  })
  if ('problem' in described) throw new NotLoaded(described.problem.reason, { line: described.problem.line })
  return { program: { ...program, args: [...program.args, '--warm'] }, about: described.tool }
}

function nodeProgram(path: string): Program {
  // Beside the source it is the source; in the package both are JavaScript.
  const host = import.meta.url.endsWith('.ts') ? './host/node-host.ts' : './host/node-host.js'
  return {
    name: basename(path),
    command: process.execPath,
    args: [`--max-old-space-size=${HEAP_MIB}`, fileURLToPath(new URL(host, import.meta.url)), path],
    data: MEMORY,
  }
}

async function pythonProgram(path: string, python: Pick<Python, 'health'>): Promise<Program> {
  const { healthy, executable } = await python.health()
  if (!healthy || executable === null) {
    throw new NotLoaded('There is no Python that can be used; `millrace doctor` says why.', { state: 'UNAVAILABLE' })
  }
  const host = fileURLToPath(new URL('../../workers/millrace_tool.py', import.meta.url))
  return {
    name: basename(path),
    command: executable,
    args: ['-I', '-X', 'utf8', host, path],
    memory: MEMORY,
  }
}

const manifest = told.extend({ command: z.array(z.string().min(1)).min(1) })

/** A program of any language: the file says what it is, the program answers call by call. */
async function byManifest(folder: string, path: string) {
  let document: unknown
  try {
    document = JSON.parse(await readFile(path, 'utf8'))
  } catch {
    throw new NotLoaded('it is not JSON')
  }
  const read = manifest.safeParse(document)
  if (!read.success) {
    const [issue] = read.error.issues
    throw new NotLoaded(`${issue?.path.map(String).join('.') || 'it'}: ${issue?.message ?? 'is not as it must be'}`)
  }
  const { command, ...about } = read.data
  const [first = '', ...args] = command
  const there = (part: string) => (part.startsWith('./') && !isAbsolute(part) ? join(folder, part) : part)
  const program: Program = { name: basename(path), command: there(first), args: args.map(there), data: MEMORY }
  return { program, about: about as Parameters<typeof programTool>[2] }
}
