/**
 * Any program as a model: the conversation goes to its standard input, what it
 * writes to standard output is the answer.  No shell; none of our secrets in its
 * environment; when a call ends early, the whole process group is killed.
 */
import { spawn } from 'node:child_process'
import type { Failure } from '@millrace/engine'
import { endOf, type Dialect } from './answer.ts'
import { failureOf, fromAbort } from './failures.ts'
import { unusableSchema } from './json.ts'
import type { Listing, ModelEvent, ModelRequest, Provider } from './provider.ts'

export interface CommandConfig {
  /** Programs by model name, each as words: `['ollama', 'run', 'llama3.2']`. */
  readonly commands: ReadonlyMap<string, readonly [string, ...string[]]>
  /** The most that an answer may have, in bytes. */
  readonly maxBytes?: number
}

const MAX_BYTES = 64 * 1024 * 1024
/** After the program has ended: how long a child of it may hold its output open. */
const LINGER_MS = 1_000
const SETTING = 'MILLRACE_CLI_MODELS'
/** What a program needs of our environment. */
const INHERITED = /^(PATH|HOME|USER|LOGNAME|LANG|LC_\w+|TMPDIR|TZ|TERM|XDG_\w+)$/

export function createCommands(config: CommandConfig): Provider {
  return new Commands(config)
}

/** Process groups of calls under way; nobody outlives this process. */
const alive = new Set<number>()
process.on('exit', () => {
  for (const group of alive) killGroup(group)
})

class Commands implements Provider {
  readonly id = 'cli'
  readonly name = 'Commands'
  readonly #config: CommandConfig

  constructor(config: CommandConfig) {
    this.#config = config
  }

  async check(model: string): Promise<Failure | null> {
    return this.#config.commands.has(model) ? null : unknownCommand(model, this.#config.commands.keys())
  }

  async models(): Promise<Listing> {
    return { names: [...this.#config.commands.keys()] }
  }

  async *stream(request: ModelRequest, signal: AbortSignal): AsyncGenerator<ModelEvent, void, undefined> {
    const command = this.#config.commands.get(request.model)
    if (command === undefined) {
      yield { type: 'failed', failure: unknownCommand(request.model, this.#config.commands.keys()) }
      return
    }
    const obstacle = signal.aborted ? fromAbort(signal.reason) : unusableSchema(request)
    if (obstacle !== undefined) {
      yield { type: 'failed', failure: obstacle }
      return
    }
    const startedAt = new Date()
    const said = new Said(command, inputOf(request), this.#config.maxBytes ?? MAX_BYTES, signal)
    let text = ''
    // A last line break is the program's way to end, not the model's.
    let held = ''
    try {
      for await (const part of said.pieces()) {
        const all = held + part
        held = /\r?\n$/.exec(all)?.[0] ?? ''
        const piece = all.slice(0, all.length - held.length)
        if (piece === '') continue
        text += piece
        yield { type: 'text', text: piece }
      }
    } finally {
      said.kill()
    }
    const failure = said.failure(signal)
    if (failure !== undefined) {
      yield { type: 'failed', failure }
      return
    }
    yield endOf(request, SILENT, { ...UNTOLD, text, startedAt })
  }
}

/** A program takes no settings and reports nothing. */
const SILENT: Dialect = { settings: {}, served: [], usage: { input: [], reasoning: [], cached: [] } }
const UNTOLD = {
  finishReason: { unified: 'stop', raw: undefined },
  usage: { input: undefined, output: undefined, raw: undefined },
  served: null,
  body: undefined,
} as const

/** One program under way. */
class Said {
  readonly #waiting: string[] = []
  readonly #decoder = new TextDecoder()
  readonly #group: number | undefined
  #wake: () => void = () => {}
  #ended = false
  #problem: Failure | undefined

  constructor(
    [program, ...args]: readonly [string, ...string[]],
    input: string,
    maxBytes: number,
    signal: AbortSignal,
  ) {
    const environment = Object.fromEntries(Object.entries(process.env).filter(([name]) => INHERITED.test(name)))
    // What it says on standard error may hold anything; nobody reads it.
    const child = spawn(program, args, { detached: true, env: environment, stdio: ['pipe', 'pipe', 'ignore'] })
    this.#group = child.pid
    if (child.pid !== undefined) alive.add(child.pid)
    const stop = () => {
      this.kill()
      this.#end()
    }
    signal.addEventListener('abort', stop, { once: true })
    let bytes = 0
    child.stdout.on('data', (piece: Buffer) => {
      bytes += piece.length
      if (bytes > maxBytes) {
        this.#problem ??= failureOf('INVALID_RESPONSE', { details: { bytes: maxBytes } })
        stop()
      } else this.#say(this.#decoder.decode(piece, { stream: true }))
    })
    // A program may answer without reading all of it.
    child.stdin.on('error', () => {})
    child.stdin.end(input)
    child.on('error', () => {
      this.#problem ??= failureOf('CONFIGURATION', {
        message: `The program of this model cannot be started; look at ${SETTING}.`,
        details: { setting: SETTING },
      })
      this.#end()
    })
    child.on('exit', (code, killedBy) => {
      if (code !== 0) {
        this.#problem ??= failureOf('WORKER_CRASH', {
          details: killedBy === null ? { exitCode: code } : { signal: killedBy },
        })
      }
      setTimeout(stop, LINGER_MS).unref()
    })
    child.on('close', () => {
      signal.removeEventListener('abort', stop)
      if (this.#group !== undefined) alive.delete(this.#group)
      this.#say(this.#decoder.decode())
      this.#end()
    })
  }

  async *pieces(): AsyncGenerator<string, void, undefined> {
    for (;;) {
      const piece = this.#waiting.shift()
      if (piece !== undefined) yield piece
      else if (this.#ended) return
      else await new Promise<void>((resolve) => (this.#wake = resolve))
    }
  }

  failure(signal: AbortSignal): Failure | undefined {
    return signal.aborted ? fromAbort(signal.reason) : this.#problem
  }

  kill(): void {
    if (this.#group === undefined || !alive.has(this.#group)) return
    killGroup(this.#group)
  }

  #say(text: string): void {
    if (text === '' || this.#ended) return
    this.#waiting.push(text)
    this.#wake()
  }

  #end(): void {
    this.#ended = true
    this.#wake()
  }
}

function killGroup(group: number): void {
  try {
    process.kill(-group, 'SIGKILL')
  } catch {
    // It has ended by itself.
  }
}

/** A single question as it is, below its instructions; a conversation with its roles, the next turn left open. */
function inputOf({ messages, schema }: ModelRequest): string {
  const said =
    messages.filter(({ role }) => role !== 'system').length === 1
      ? messages.map(({ content }) => content).join('\n\n')
      : [...messages.map(({ role, content }) => `${ROLES[role]}:\n${content}`), 'Assistant:\n'].join('\n\n')
  if (schema === undefined) return said
  return `Answer with one JSON value that fits this JSON schema, and nothing else:\n${JSON.stringify(schema)}\n\n${said}`
}

const ROLES = { system: 'System', user: 'User', assistant: 'Assistant' } as const

function unknownCommand(model: string, known: Iterable<string>): Failure {
  return failureOf('UNKNOWN_MODEL', { details: { provider: 'cli', model, known: [...known].join(', ') } })
}

/**
 * From `name=program words…`, separated by semicolons or line breaks; quotes keep
 * words together.  Gives what cannot be read as `wrong`.
 */
export function readCommands(
  text: string,
): { readonly commands: CommandConfig['commands'] } | { readonly wrong: string } {
  const commands = new Map<string, readonly [string, ...string[]]>()
  for (const entry of text.split(/[;\n]/).map((part) => part.trim())) {
    if (entry === '') continue
    const [, name = '', line = ''] = /^([\w.:/-]+)\s*=\s*(.+)$/.exec(entry) ?? []
    const [program, ...args] = Array.from(
      line.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g),
      ([, a, b, c]) => a ?? b ?? c ?? '',
    )
    if (program === undefined || program === '') return { wrong: entry }
    commands.set(name, [program, ...args])
  }
  return { commands }
}
