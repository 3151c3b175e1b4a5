/**
 * Our side of the launcher: begun with the first child, ended some time after the
 * last.  Should it die, what it started is killed from here.
 */
import { fork, type ChildProcess } from 'node:child_process'
import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { FromLauncher, ToLauncher } from './launcher-words.ts'

/** What is started: a program of any language that speaks the protocol. */
export interface Program {
  /** For people and logs. */
  readonly name: string
  readonly command: string
  readonly args: readonly string[]
  /** Added to the few variables that every child gets. */
  readonly env?: Readonly<Record<string, string>>
  /** Bytes of address space; not for programs that reserve more than they use, as Node does. */
  readonly memory?: number
  /** Bytes of memory that it writes to: for those programs. */
  readonly data?: number
}

export interface Gone {
  readonly code: number | null
  readonly signal: string | null
}

export interface Listener {
  out(data: Uint8Array): void
  err(data: Uint8Array): void
  gone(how: Gone): void
}

/** A started child. */
export interface Link {
  /** Once the launcher has started it. */
  readonly pid: number | undefined
  write(text: string): void
  /** Ends its stdin: it answers what it was asked, and leaves. */
  end(): void
  /** SIGTERM to its group, SIGKILL after the grace. */
  stop(graceMs: number): void
}

export interface Launch {
  start(program: Program, listener: Listener): Link
  /** Ends the launcher, and with it all that it started. */
  close(): Promise<void>
}

/** Milliseconds without a child after which the launcher is ended too. */
const LINGER = 30_000
/** What a child sees of our environment: no key, no database. */
const PASSED_ON = ['PATH', 'LANG', 'LC_ALL', 'TZ', 'TMPDIR']

interface Entry {
  readonly listener: Listener
  pid: number | undefined
}

export function openLaunch(): Launch {
  let launcher: ChildProcess | undefined
  let leaving: NodeJS.Timeout | undefined
  let lastId = 0
  const entries = new Map<number, Entry>()

  function begin(): ChildProcess {
    // Beside the source it is the source; in the package both are JavaScript.
    const file = import.meta.url.endsWith('.ts') ? './launcher.ts' : './launcher.js'
    const begun = fork(fileURLToPath(new URL(file, import.meta.url)), [], {
      serialization: 'advanced',
      // Out of the terminal's group: Ctrl-C is for us to pass on.
      detached: true,
      execArgv: ['--max-semi-space-size=1'],
      env: passedOn(),
      stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    })
    begun.on('message', (word) => hear(word as FromLauncher))
    begun.on('error', () => {})
    begun.on('exit', () => lose(begun))
    // Whoever waits for a child has a deadline that keeps this process; the launcher alone does not.
    begun.unref()
    begun.channel?.unref()
    return begun
  }

  function hear(word: FromLauncher) {
    const entry = entries.get(word.id)
    if (entry === undefined) return
    if (word.word === 'begun') entry.pid = word.pid
    else if (word.word !== 'gone') entry.listener[word.word](word.data)
    else {
      entries.delete(word.id)
      if (entries.size === 0) leaving = setTimeout(leave, LINGER).unref()
      entry.listener.gone({ code: word.code, signal: word.signal })
    }
  }

  function leave() {
    const left = launcher
    launcher = undefined
    if (left?.connected === true) left.disconnect()
  }

  function lose(lost: ChildProcess) {
    if (launcher === lost) launcher = undefined
    if (launcher !== undefined) return
    for (const [id, { pid, listener }] of entries) {
      entries.delete(id)
      killGroup(pid)
      listener.gone({ code: null, signal: 'SIGKILL' })
    }
  }

  const say = (word: ToLauncher) => {
    if (launcher?.connected === true) launcher.send(word, () => {})
  }

  return {
    start(program, listener) {
      clearTimeout(leaving)
      launcher ??= begin()
      lastId += 1
      const id = lastId
      const entry: Entry = { listener, pid: undefined }
      entries.set(id, entry)
      const [command, ...args] = guarded(program)
      const env = { ...passedOn(), ...program.env }
      say({ word: 'start', id, command: command ?? '', args, cwd: '/', env })
      return {
        get pid() {
          return entry.pid
        },
        write: (text) => say({ word: 'write', id, data: Buffer.from(text) }),
        end: () => say({ word: 'end', id }),
        stop: (grace) => say({ word: 'stop', id, grace }),
      }
    },
    async close() {
      clearTimeout(leaving)
      const left = launcher
      if (left === undefined) return
      const ended = new Promise((resolve) => left.once('exit', resolve))
      left.ref()
      if (left.connected) left.disconnect()
      await ended
    },
  }
}

function passedOn(): Record<string, string> {
  return Object.fromEntries(PASSED_ON.flatMap((name) => (process.env[name] ? [[name, process.env[name]]] : [])))
}

function killGroup(pid: number | undefined) {
  if (pid === undefined) return
  try {
    process.kill(-pid, 'SIGKILL')
  } catch {
    // The group is empty.
  }
}

/** The command behind what util-linux has for it: limits, and death with the launcher. */
function guarded({ command, args, memory, data }: Program): string[] {
  const bounds = [memory === undefined ? [] : [`--as=${memory}`], data === undefined ? [] : [`--data=${data}`]]
  const limits = ['--core=0', ...bounds.flat()]
  return [
    ...(has('prlimit') ? ['prlimit', ...limits, '--'] : []),
    ...(has('setpriv') ? ['setpriv', '--pdeathsig', 'KILL', '--'] : []),
    command,
    ...args,
  ]
}

const found = new Map<string, boolean>()

/** Is there such a program on the path?  Linux has both; elsewhere a child goes without. */
function has(name: string): boolean {
  const known = found.get(name)
  if (known !== undefined) return known
  const folders = (process.env['PATH'] ?? '').split(delimiter).filter(Boolean)
  const there = process.platform === 'linux' && folders.some((folder) => existsSync(join(folder, name)))
  found.set(name, there)
  return there
}
