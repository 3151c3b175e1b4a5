/**
 * The port to work in other languages: a program is asked once, or kept warm and asked
 * again and again.  A warm process has one request at a time; as many are kept as are
 * used.  One that broke the protocol, or was stopped in the middle, is never used again.
 */
import { readFile } from 'node:fs/promises'
import { TaskFailed, type Failure } from '@millrace/engine'
import { failureOf, fromAbort } from '../../providers/failures.ts'
import { openLaunch, type Program } from './launch.ts'
import { openLineProcess, processFailed, type Caps, type LineProcess } from './line-process.ts'
import { readReply, type Document } from './reply.ts'

export interface Processes {
  /** One document in, one out, then it ends. @throws TaskFailed */
  once(program: Program, input: Document, until: Until): Promise<Document>
  /** A pool of such processes; begun when it is asked, ended when nobody asks. */
  warm(program: Program, options: PoolOptions): Pool
  /** A child that speaks lines of a protocol of its own; whoever opens it ends it. */
  lines(program: Program, caps: Caps): LineProcess
  /** Kills whatever is left. */
  close(): Promise<void>
}

export interface Pool {
  /**
   * Asks the next free process. `request` is what stands in the line beside id and time.
   * @throws TaskFailed WORKER_CRASH, WORKER_PROTOCOL, TIMEOUT, CANCELLED, or what the process says
   */
  ask(request: Document, until: Until): Promise<Document>
}

/** How long somebody waits. */
export interface Until {
  readonly signal: AbortSignal
  readonly deadline: Date
}

export interface PoolOptions extends Caps {
  /** Processes at a time. */
  readonly most: number
  /** Requests after which a process is replaced. Default 1,000. */
  readonly requests?: number
  /** Milliseconds after which it is. Default 15 minutes. */
  readonly age?: number
  /** Resident bytes above which it is. Default 512 MiB. */
  readonly resident?: number
  /** Milliseconds after which one that nobody asks is ended. Default 30 s. */
  readonly idle?: number
  /** What an answer is. Default: a document, or a failure in the words of the table, which is thrown. */
  readonly read?: typeof readReply
}

const REQUESTS = 1_000
const AGE = 15 * 60_000
const RESIDENT = 512 * 1024 * 1024
const IDLE = 30_000
/** Requests between two looks at how much memory a process holds. */
const LOOK = 20
/** Milliseconds in which a process must say that it is ready. */
const READY = 30_000
const PROTOCOL = 1
const PAGE = 4_096

export function openProcesses(): Processes {
  const launch = openLaunch()
  return {
    async once(program, input, until) {
      const left = until.deadline.getTime() - Date.now()
      const env = { ...program.env, MILLRACE_DEADLINE_MS: String(Math.max(0, Math.floor(left))) }
      const child = openLineProcess(launch, { ...program, env })
      const end = stopAt(child, until)
      try {
        child.say(`${JSON.stringify(input)}\n`)
        child.end()
        const line = await child.next()
        const { code } = await child.gone
        if (code !== 0) throw processFailed('WORKER_CRASH', program, { exitCode: code })
        const more = await child.next().catch(() => undefined)
        if (more !== undefined) throw processFailed('WORKER_PROTOCOL', program, { reason: 'more than one answer' })
        return readReply(program, line)
      } finally {
        end()
      }
    },
    warm: (program, options) => openPool(program, options, (caps) => openLineProcess(launch, program, caps)),
    lines: (program, caps) => openLineProcess(launch, program, caps),
    close: () => launch.close(),
  }
}

/** Stops a process at the deadline or at the abort; the function given ends the watch. */
function stopAt(child: LineProcess, { signal, deadline }: Until): () => void {
  const aborted = () => child.stop(new TaskFailed(fromAbort(signal.reason)))
  const late = () => child.stop(new TaskFailed(failureOf('TIMEOUT')))
  const timer = setTimeout(late, Math.max(0, deadline.getTime() - Date.now()))
  if (signal.aborted) aborted()
  else signal.addEventListener('abort', aborted, { once: true })
  return () => {
    clearTimeout(timer)
    signal.removeEventListener('abort', aborted)
  }
}

interface Warm {
  readonly child: LineProcess
  readonly begun: number
  asked: number
  /** It was seen to hold more than it may. */
  heavy: boolean
  retiring?: NodeJS.Timeout
}

interface Waiter {
  readonly resolve: (worker: Warm) => void
  readonly reject: (error: unknown) => void
}

function openPool(program: Program, options: PoolOptions, open: (caps: Caps) => LineProcess): Pool {
  const { most, requests = REQUESTS, age = AGE, resident = RESIDENT, idle = IDLE } = options
  const free: Warm[] = []
  const waiting: Waiter[] = []
  /** All that live: free, asked, or on their way. */
  let alive = 0
  let starting = 0
  let lastId = 0

  function serve() {
    while (waiting.length > 0) {
      // The one used last: what nobody needs grows old and is ended.
      const worker = free.pop()
      if (worker === undefined) break
      clearTimeout(worker.retiring)
      if (worker.child.broken) worker.child.stop(unfit())
      else waiting.shift()?.resolve(worker)
    }
    while (waiting.length > starting && alive < most) void begin()
  }

  const unfit = () => processFailed('WORKER_PROTOCOL', program, { reason: 'said what nobody asked' })

  async function begin() {
    alive += 1
    starting += 1
    const child = open(options)
    void child.gone.then(() => {
      alive -= 1
      serve()
    })
    const late = setTimeout(() => child.stop(processFailed('WORKER_PROTOCOL', program, { reason: 'not ready' })), READY)
    try {
      if (!isReady(await child.next())) {
        const why = processFailed('WORKER_PROTOCOL', program, { reason: 'not ready' })
        child.stop(why)
        throw why
      }
      starting -= 1
      setFree({ child, begun: Date.now(), asked: 0, heavy: false })
    } catch (error) {
      starting -= 1
      waiting.shift()?.reject(error)
    } finally {
      clearTimeout(late)
      serve()
    }
  }

  function setFree(worker: Warm) {
    free.push(worker)
    worker.retiring = setTimeout(() => {
      free.splice(free.indexOf(worker), 1)
      retire(worker)
    }, idle).unref()
    serve()
  }

  /** It has no request: the end of its stdin ends it, and if not, a signal does. */
  function retire({ child }: Warm) {
    child.end()
    const timer = setTimeout(() => child.stop(unfit()), 1_000).unref()
    void child.gone.then(() => clearTimeout(timer))
  }

  function giveBack(worker: Warm) {
    if (worker.child.broken) return worker.child.stop(unfit())
    if (worker.heavy || worker.asked >= requests || Date.now() - worker.begun > age) return retire(worker)
    setFree(worker)
    // Beside its work: whoever asks while we look would begin another.
    if (worker.asked % LOOK === 0) {
      void residentBytes(worker.child.pid).then((bytes) => (worker.heavy = bytes > resident))
    }
  }

  async function take({ signal, deadline }: Until): Promise<Warm> {
    if (signal.aborted) throw new TaskFailed(fromAbort(signal.reason))
    const { promise, resolve, reject } = Promise.withResolvers<Warm>()
    const waiter: Waiter = { resolve, reject }
    const leave = (failure: Failure) => {
      const place = waiting.indexOf(waiter)
      if (place >= 0) waiting.splice(place, 1)
      reject(new TaskFailed(failure))
    }
    const aborted = () => leave(fromAbort(signal.reason))
    signal.addEventListener('abort', aborted, { once: true })
    // Holds this process too: nothing else might, while a child is on its way.
    const timer = setTimeout(() => leave(failureOf('TIMEOUT')), Math.max(0, deadline.getTime() - Date.now()))
    waiting.push(waiter)
    serve()
    try {
      return await promise
    } finally {
      clearTimeout(timer)
      signal.removeEventListener('abort', aborted)
    }
  }

  return {
    async ask(request, until) {
      const worker = await take(until)
      const { child } = worker
      const end = stopAt(child, until)
      lastId += 1
      const id = String(lastId)
      try {
        worker.asked += 1
        const deadlineMs = Math.max(0, until.deadline.getTime() - Date.now())
        child.say(`${JSON.stringify({ id, op: 'invoke', deadlineMs, ...request })}\n`)
        return answerOf(child, program, await child.next(), id, options.read)
      } finally {
        end()
        giveBack(worker)
      }
    },
  }
}

/** What is no answer to this request poisons the process; a failure that it tells does not. */
function answerOf(child: LineProcess, program: Program, line: string, id: string, read = readReply): Document {
  try {
    return read(program, line, id)
  } catch (error) {
    if (error instanceof TaskFailed && error.failure.code === 'WORKER_PROTOCOL') child.stop(error)
    throw error
  }
}

function isReady(line: string): boolean {
  try {
    const said = JSON.parse(line) as { ready?: unknown; protocol?: unknown } | null
    return said?.ready === true && said.protocol === PROTOCOL
  } catch {
    return false
  }
}

/** 0 where nobody can say. */
async function residentBytes(pid: number | undefined): Promise<number> {
  const text = await readFile(`/proc/${pid}/statm`, 'utf8').catch(() => '')
  return (Number(text.split(' ')[1]) || 0) * PAGE
}
