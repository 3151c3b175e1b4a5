/**
 * A child that speaks lines: one of ours in, one of its out.  It is taken for broken,
 * and killed with its group, when it says what nobody asked for or more than it may.
 */
import { TaskFailed } from '@millrace/engine'
import type { FailureCode } from '../../providers/failure-table.ts'
import { failureOf } from '../../providers/failures.ts'
import type { Gone, Launch, Link, Program } from './launch.ts'

/** Bytes. */
const LONGEST_LINE = 64 * 1024 * 1024
const MOST_LOG = 64 * 1024 * 1024
/** How much of its log is kept to explain its end. */
const TAIL = 4_000
/** Milliseconds between SIGTERM and SIGKILL. */
export const GRACE = 5_000

export interface Caps {
  /** Bytes of one line of stdout. Default 64 MiB. */
  readonly line?: number
  /** Bytes of stderr in all. Default 64 MiB. */
  readonly log?: number
}

export interface LineProcess {
  readonly pid: number | undefined
  /** Not to be used any more: it ended, broke the protocol, or was stopped. */
  readonly broken: boolean
  /** Its next line. @throws TaskFailed WORKER_CRASH, WORKER_PROTOCOL */
  next(): Promise<string>
  say(text: string): void
  /** Ends its stdin. */
  end(): void
  /** It is not waited for; whoever waits for its line is told why. */
  stop(why: TaskFailed): void
  /** Its end, also where it was stopped. */
  readonly gone: Promise<Gone>
}

export function openLineProcess(launch: Launch, program: Program, caps: Caps = {}): LineProcess {
  const longest = caps.line ?? LONGEST_LINE
  const decoder = new TextDecoder('utf-8', { fatal: true })
  let pieces: Uint8Array[] = []
  let size = 0
  const lines: string[] = []
  let waiting: { resolve: (line: string) => void; reject: (error: unknown) => void } | undefined
  let failure: TaskFailed | undefined
  let tail = ''
  let logged = 0
  let tellGone: (how: Gone) => void = () => {}
  const gone = new Promise<Gone>((resolve) => (tellGone = resolve))

  function fail(why: TaskFailed) {
    if (failure !== undefined) return
    failure = why
    waiting?.reject(why)
    waiting = undefined
  }

  function stop(why: TaskFailed) {
    fail(why)
    link.stop(GRACE)
  }

  const offend = (reason: string) => stop(processFailed('WORKER_PROTOCOL', program, { reason }, tail))

  function give(bytes: Uint8Array) {
    let line: string
    try {
      // Whole lines only: no letter is ever cut in two.
      line = decoder.decode(bytes)
    } catch {
      return offend('not UTF-8')
    }
    if (waiting === undefined) return void lines.push(line)
    waiting.resolve(line)
    waiting = undefined
  }

  const link: Link = launch.start(program, {
    out(data) {
      if (failure !== undefined) return
      let rest = data
      for (let end = rest.indexOf(10); end >= 0; end = rest.indexOf(10)) {
        if (size + end > longest) return offend('a line too long')
        const line = Buffer.concat([...pieces, rest.subarray(0, end)])
        pieces = []
        size = 0
        if (line.some((byte) => byte > 32)) give(line)
        rest = rest.subarray(end + 1)
      }
      size += rest.length
      if (size > longest) return offend('a line too long')
      if (rest.length > 0) pieces.push(rest)
    },
    err(data) {
      logged += data.length
      tail = (tail + Buffer.from(data).toString('utf8')).slice(-TAIL)
      if (logged > (caps.log ?? MOST_LOG)) offend('a log too long')
    },
    gone(how) {
      // A last line may come without its end.
      if (failure === undefined && size > 0) give(Buffer.concat(pieces))
      const { code, signal } = how
      fail(processFailed('WORKER_CRASH', program, { exitCode: code, signal }, tail))
      tellGone(how)
    },
  })

  return {
    get pid() {
      return link.pid
    },
    get broken() {
      return failure !== undefined || lines.length > 0
    },
    next() {
      const line = lines.shift()
      if (line !== undefined) return Promise.resolve(line)
      if (failure !== undefined) return Promise.reject(failure)
      return new Promise((resolve, reject) => (waiting = { resolve, reject }))
    },
    say: (text) => link.write(text),
    end: () => link.end(),
    stop,
    gone,
  }
}

/**
 * A failure of a process.  What it wrote to its log is evidence for the program's own
 * log: it stands in the cause, never in the failure.
 */
export function processFailed(
  code: Extract<FailureCode, 'WORKER_CRASH' | 'WORKER_PROTOCOL'>,
  program: Pick<Program, 'name'>,
  details: Record<string, string | number | null>,
  tail = '',
): TaskFailed {
  const facts = Object.entries(details).map(([name, value]) => `${name} ${value}`)
  const evidence = `${program.name}: ${code}, ${facts.join(', ')}${tail === '' ? '' : `; it said last:\n${tail.trimEnd()}`}`
  return new TaskFailed(failureOf(code, { details: { program: program.name, ...details } }), {
    cause: new Error(evidence),
  })
}
