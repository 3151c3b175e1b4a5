/**
 * The one door to every tool.  What `defineTool` gives is a description and cannot be
 * called: its handler lies in a map of this file, and `run` alone opens it.
 */
import { randomUUID } from 'node:crypto'
import type { z } from 'zod'
import { checkerOf, type Checker } from '../patterns.ts'
import {
  envelopeOf,
  failed,
  toEnvelope,
  type DeclaredErrors,
  type Details,
  type ErrorEnvelope,
  type ErrorType,
} from './envelope.ts'
import { openGate, type Gate } from './gate.ts'
import { MISSING, openLife, type Life, type MissingWhy, type Outcome, type Standing } from './lifecycle.ts'
import {
  ask,
  questions,
  questionsOf,
  type Answers,
  type Askable,
  type QuestionKind,
  type Questions,
} from './questions.ts'
import { issuesOf, schemaOf, type JsonSchema } from './schemas.ts'

/** How a tool is carried: in this program, in a thread of it, by a process, by a server of tools. */
export type Carrier = 'function' | 'thread' | 'process' | 'mcp'

/** What a tool says of itself. */
export interface Tool {
  /** `lower_snake`, unique in an installation. */
  readonly name: string
  readonly version: string
  readonly description: string
  /** JSON Schema of what it takes and gives. */
  readonly input: JsonSchema
  readonly output: JsonSchema
  /** Its own codes; each says who is to blame. */
  readonly errors: DeclaredErrors
  /** The longest that a call may take, waiting for its turn included. */
  readonly timeoutMs: number
  /** Calls at a time, in one worker. */
  readonly concurrency: number
  /** Closed words for callers; `image`: it takes `{image, mime_type}`. */
  readonly capabilities: readonly string[]
  readonly carrier: Carrier
}

/** What a tool's code holds besides its input. */
export interface ToolHand {
  /** Aborted at the deadline, or when nobody waits any more. */
  readonly signal: AbortSignal
  readonly deadline: Date
  /** How far it is, for whoever watches; a few a second are passed on, and none from a thread or a process. */
  readonly progress: (done: number, total?: number) => void
  /** A line of the run's log, for whoever watches; none from a thread or a process. */
  readonly log: (text: string, data?: Details) => void
  /** What this caller can be asked. */
  readonly asks: readonly QuestionKind[]
  /**
   * The caller's answers.  Where one is missing the call ends here, and the tool is called
   * anew with the answers: ask before anything is done that must not be done twice.
   */
  readonly ask: <const Q extends Questions>(all: Q) => Answers<Q>
}

export interface ToolDefinition<In extends z.ZodType, Out extends z.ZodType> {
  readonly name: string
  readonly version: string
  readonly description: string
  readonly input: In
  readonly output: Out
  readonly errors?: DeclaredErrors
  /** Default 30,000. */
  readonly timeoutMs?: number
  /** Default 8. */
  readonly concurrency?: number
  readonly capabilities?: readonly string[]
  readonly run: (input: z.output<In>, hand: ToolHand) => Promise<z.input<Out>> | z.input<Out>
}

/** `askable`: for who asks on the other side of a process. */
export type Carry = (input: unknown, hand: ToolHand & { readonly askable: Askable }) => Promise<unknown>

interface Handler {
  readonly takes: Checker
  readonly gives: Checker
  readonly perform: Carry
}
const handlers = new WeakMap<Tool, Handler>()

const NAME = /^[a-z][a-z0-9_]{0,63}$/
/** What agents steer runs with, beside the tools. */
const RESERVED = 'runs_'
const VERSION = /^[\w.+-]{1,40}$/
const CODE = /^[A-Z][A-Z0-9_]{1,63}$/
/** A task of the engine has ten minutes. */
const LONGEST = 590_000

/** @throws Error with what is wrong with the definition */
export function defineTool<In extends z.ZodType, Out extends z.ZodType>(definition: ToolDefinition<In, Out>): Tool {
  const { input, output, run } = definition
  const tool = describe({
    ...definition,
    input: schemaOf(input, 'input'),
    output: schemaOf(output, 'output'),
    carrier: 'function',
  })
  handlers.set(tool, { takes: input, gives: output, perform: async (given, hand) => run(given as z.output<In>, hand) })
  return tool
}

/** What somebody says of a tool that runs elsewhere. */
export type Told = Pick<Tool, 'name' | 'version' | 'description' | 'input' | 'output'> &
  Partial<Pick<Tool, 'errors' | 'timeoutMs' | 'concurrency' | 'capabilities'>>

/** A tool that something carries: a thread, a process, a server. @throws Error */
export function carriedTool(told: Told, carrier: Exclude<Carrier, 'function'>, carry: Carry): Tool {
  const tool = describe({ ...told, carrier })
  handlers.set(tool, { takes: checkerOf(tool.input), gives: checkerOf(tool.output), perform: carry })
  return tool
}

function describe(told: Told & { carrier: Carrier }): Tool {
  const { name, version, description, input, output, carrier } = told
  const { errors = {}, timeoutMs = 30_000, concurrency = 8, capabilities = [] } = told
  const wrong = [
    NAME.test(name) && !name.startsWith(RESERVED)
      ? []
      : `its name must be lower_snake, at most 64 letters, and not begin with ${RESERVED}`,
    VERSION.test(version) ? [] : 'its version must be a word like 1.0.0',
    typeof description === 'string' && description.trim() !== '' ? [] : 'it must describe itself',
    Number.isInteger(timeoutMs) && timeoutMs >= 1 && timeoutMs <= LONGEST ? [] : `timeoutMs is 1 to ${LONGEST}`,
    Number.isInteger(concurrency) && concurrency >= 1 && concurrency <= 1_000 ? [] : 'concurrency is 1 to 1000',
    Object.entries(errors).every(([code, { message, blame }]) => CODE.test(code) && message !== '' && BLAME.has(blame))
      ? []
      : 'each of its errors has an UPPER_SNAKE code, a message and a blame: caller, tool or outside',
  ].flat()
  if (wrong.length > 0) throw new Error(wrong.join('; '))
  const tool: Tool = {
    name,
    version,
    description,
    input,
    output,
    errors,
    timeoutMs,
    concurrency,
    capabilities,
    carrier,
  }
  return freezeAll(structuredClone(tool))
}
const BLAME = new Set(['caller', 'tool', 'outside'])

function freezeAll<T>(value: T): T {
  if (typeof value === 'object' && value !== null) {
    for (const part of Object.values(value)) freezeAll(part)
    Object.freeze(value)
  }
  return value
}

export interface CallContext {
  readonly signal?: AbortSignal
  /** The id of the request, if somebody has given it one; a UUID. */
  readonly correlationId?: string
  readonly run?: number
  readonly progress?: ToolHand['progress']
  readonly log?: ToolHand['log']
  readonly askable?: Askable
}

export type Called =
  | { readonly ok: true; readonly output: unknown; readonly elapsedMs: number }
  /** `questions`: what the tool asks before it goes on; to who does not know them it is an error. */
  | { readonly ok: false; readonly error: ErrorEnvelope; readonly questions?: Questions }

/** One call, as it is counted. */
export interface CallRecord {
  readonly tool: string
  readonly outcome: Outcome
  /** Null where the tool was not reached. */
  readonly elapsedMs: number | null
  readonly standing: Standing
  readonly trace: { readonly correlationId: string; readonly run: number | null; readonly evidence: string } | null
}

/** Where calls are counted and states are shown; must not throw. */
export interface Recorder {
  record(call: CallRecord): Promise<void>
  changed(tool: string, standing: Standing): void
}

/** What is in a folder and cannot be called, as far as it is known. */
export interface Absent {
  readonly name: string
  readonly state: 'FAILED' | 'UNAVAILABLE'
  readonly reason: string
  readonly file?: string
  readonly line?: number
}

export interface ToolRunner {
  /** @param unavailable why it cannot be called just now: it is tried with the next call @throws Error when the name is taken */
  add(tool: Tool, unavailable?: string): void
  addAbsent(absent: Absent): void
  readonly tools: readonly Tool[]
  readonly absent: readonly Absent[]
  standing(name: string): Standing | undefined
  /** Never throws. */
  run(name: string, input: unknown, context?: CallContext): Promise<Called>
}

export interface RunnerOptions {
  readonly recorder?: Recorder
  /** Faults in a row after which a tool is not asked for a while. Default 5. */
  readonly faults?: number
  /** Milliseconds before it is tried with one call. Default 30,000. */
  readonly pause?: number
}

interface Entry {
  readonly tool: Tool
  readonly life: Life
  readonly gate: Gate
}

/** Bytes of JSON. */
export const LARGEST_OUTPUT = 8 * 1024 * 1024
const CALLERS = new Set<ErrorType>(['ValidationError', 'NotFoundError', 'CancelledError'])
const NOBODY_COUNTS: Recorder = { record: async () => {}, changed: () => {} }

export function openRunner({ recorder = NOBODY_COUNTS, faults = 5, pause = 30_000 }: RunnerOptions = {}): ToolRunner {
  const entries = new Map<string, Entry>()
  const absent = new Map<string, Absent>()

  async function run(name: string, input: unknown, context: CallContext = {}): Promise<Called> {
    const correlationId = context.correlationId ?? randomUUID()
    const entry = entries.get(name)
    let entered = false
    let begun: number | undefined
    let outcome: Outcome = 'error'
    let gone: MissingWhy | undefined
    let trace: CallRecord['trace'] = null
    const { progress = () => {}, log = () => {}, askable = NOBODY } = context
    const watch = openWatch(entry?.tool.timeoutMs ?? 0, context.signal)
    try {
      const handler = entry === undefined ? undefined : handlers.get(entry.tool)
      if (entry === undefined || handler === undefined) throw missing(absent.get(name))
      const given = handler.takes.safeParse(plain(input))
      if (!given.success) throw failed('INVALID_INPUT', { issues: issuesOf(given.error.issues) })
      const turn = entry.gate.enter(watch.signal).then(() => void (entered = true))
      await watch.orEnd(turn, 'TOO_BUSY')
      if (Date.now() >= watch.deadline.getTime()) throw failed('TOO_BUSY')
      if (!entry.life.admits(performance.now())) {
        throw failed(entry.life.standing.state === 'UNAVAILABLE' ? 'UNAVAILABLE' : 'OUT_OF_SERVICE')
      }
      begun = performance.now()
      entry.life.begin(begun)
      recorder.changed(name, entry.life.standing)
      const { signal, deadline } = watch
      const hand = {
        signal,
        deadline,
        progress,
        log,
        askable,
        asks: askable.asks,
        ask: <const Q extends Questions>(all: Q) => ask(all, askable),
      }
      const answer = await watch.orEnd(handler.perform(given.data, hand), 'TIMEOUT')
      const output = checked(handler.gives, answer)
      outcome = 'success'
      return { ok: true, output, elapsedMs: performance.now() - begun }
    } catch (ended) {
      const asked = readQuestions(ended)
      if (asked.questions !== undefined) {
        // It has done what it could do by then.
        outcome = 'success'
        return { ok: false, error: envelopeOf('INPUT_REQUIRED', { tool: name, correlationId }), ...asked }
      }
      const { thrown } = asked
      const { envelope, evidence } = toEnvelope(thrown, { tool: name, correlationId, errors: entry?.tool.errors ?? {} })
      outcome = CALLERS.has(envelope.type) ? 'caller_error' : 'error'
      gone = envelope.code === 'UNAVAILABLE' ? whyOf(envelope.details['why']) : undefined
      if (outcome === 'error') trace = { correlationId, run: context.run ?? null, evidence }
      return { ok: false, error: envelope }
    } finally {
      watch.end()
      if (entry !== undefined) {
        const now = performance.now()
        if (entered) entry.gate.leave()
        if (begun !== undefined) entry.life.end(outcome, now, gone)
        const elapsedMs = begun === undefined ? null : now - begun
        await recorder.record({ tool: name, outcome, elapsedMs, standing: entry.life.standing, trace })
      }
    }
  }

  return {
    add(tool, unavailable) {
      if (!handlers.has(tool)) throw new Error('it is not what defineTool gave')
      if (entries.has(tool.name)) throw new Error(`the name ${tool.name} is taken`)
      const life = openLife(faults, pause)
      life.move(unavailable === undefined ? 'INITIALIZED' : 'UNAVAILABLE', unavailable)
      entries.set(tool.name, { tool, life, gate: openGate(tool.concurrency) })
      absent.delete(tool.name)
    },
    addAbsent: (one) => void absent.set(one.name, one),
    get tools() {
      return [...entries.values()].map(({ tool }) => tool)
    },
    get absent() {
      return [...absent.values()]
    },
    standing: (name) => entries.get(name)?.life.standing,
    run,
  }
}

/** Nobody is there who could be asked. */
const NOBODY: Askable = { asks: [], answers: {} }

/** What somebody asks in the wrong way is a fault of his. */
function readQuestions(ended: unknown): { questions: Questions } | { questions?: undefined; thrown: unknown } {
  const found = questionsOf(ended)
  if (found === undefined) return { thrown: ended }
  const read = questions.safeParse(found.asked)
  if (read.success) return { questions: read.data }
  return { thrown: failed('INVALID_OUTPUT', { issues: issuesOf(read.error.issues) }) }
}

const whyOf = (why: unknown): MissingWhy => (Object.hasOwn(MISSING, String(why)) ? (why as MissingWhy) : 'OTHER')

function missing(absent: Absent | undefined): Error {
  if (absent === undefined) return failed('UNKNOWN_TOOL')
  return failed(absent.state === 'FAILED' ? 'OUT_OF_SERVICE' : 'UNAVAILABLE')
}

/** A copy that holds data only: no getter, no proxy, nothing that somebody else may change. */
function plain(value: unknown): unknown {
  let text: string | undefined
  try {
    text = JSON.stringify(value)
  } catch (error) {
    throw failed('INVALID_INPUT', { issues: '/: is not JSON' }, error)
  }
  return text === undefined ? undefined : (JSON.parse(text) as unknown)
}

/** What a tool gave, as data that its schema allows. */
function checked(gives: Checker, answer: unknown): unknown {
  let text: string | undefined
  try {
    text = JSON.stringify(answer)
  } catch (error) {
    throw failed('INVALID_OUTPUT', { issues: '/: is not JSON' }, error)
  }
  if (text === undefined) throw failed('INVALID_OUTPUT', { issues: '/: nothing was given' })
  if (text.length > LARGEST_OUTPUT) throw failed('OUTPUT_TOO_LARGE', { mostBytes: LARGEST_OUTPUT })
  const output = gives.safeParse(JSON.parse(text))
  if (!output.success) throw failed('INVALID_OUTPUT', { issues: issuesOf(output.error.issues) })
  return output.data
}

/** The deadline of a call, and whoever may end it before. */
function openWatch(milliseconds: number, outer: AbortSignal | undefined) {
  const abort = new AbortController()
  const deadline = new Date(Date.now() + milliseconds)
  let late = false
  const timer = setTimeout(() => {
    late = true
    abort.abort(new DOMException('late', 'TimeoutError'))
  }, milliseconds)
  const leave = () => abort.abort(new DOMException('left', 'AbortError'))
  if (outer?.aborted === true) leave()
  else outer?.addEventListener('abort', leave, { once: true })
  return {
    signal: abort.signal,
    deadline,
    /** What comes, or the end of the time: whoever does not end by himself is not waited for. */
    orEnd<T>(work: Promise<T>, lateCode: 'TIMEOUT' | 'TOO_BUSY'): Promise<T> {
      return new Promise((resolve, reject) => {
        const ended = () => reject(failed(late ? lateCode : 'CANCELLED'))
        if (abort.signal.aborted) ended()
        else abort.signal.addEventListener('abort', ended, { once: true })
        work.then(resolve, reject)
      })
    },
    end() {
      clearTimeout(timer)
      outer?.removeEventListener('abort', leave)
    },
  }
}
