/**
 * The program's log: one JSON object a line on standard error, or short lines for
 * a person at a terminal.  What may stand in it is listed here; bodies, values of
 * queries, headers and texts of exceptions do not.
 */
import { pino, type Logger } from 'pino'
import type { Level } from './log-levels.ts'

export type { Logger } from 'pino'

export interface Sink {
  write(line: string): void
}

/** `person`: short lines instead of JSON. */
export function openLog(level: Level, sink: Sink = process.stderr, person = process.stderr.isTTY): Logger {
  const listed = (record: Record<string, unknown>) =>
    Object.fromEntries(
      Object.entries(record).flatMap(([name, value]) => {
        const shown = FIELDS[name]?.(value)
        return shown === undefined ? [] : [[name, shown]]
      }),
    )
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      // What is listed has taken care of it already.
      serializers: { err: (told: unknown) => told },
      hooks: {
        logMethod(given, method) {
          const [first] = given as unknown[]
          // Without a text of ours pino takes the error's.
          if (first instanceof Error) method.apply(this, [{ err: first }, first.name])
          else if (typeof first === 'object' && given.length === 1) method.apply(this, [first, ''])
          else method.apply(this, given)
        },
      },
      formatters: { level: (label) => ({ level: label }), log: listed },
    },
    person ? { write: (line: string) => sink.write(lineOf(line)) } : sink,
  )
}

const text = (value: unknown) => (typeof value === 'string' ? value.slice(0, 200) : undefined)
const number = (value: unknown) => (typeof value === 'number' ? value : undefined)

/** What a line may hold; other fields are left out. */
const FIELDS: Readonly<Record<string, (value: unknown) => unknown>> = {
  reqId: text,
  method: text,
  /** The route's pattern, never the address. */
  route: text,
  status: number,
  ms: number,
  run: number,
  code: text,
  sub: text,
  readers: number,
  err: facts,
}

const DEEPEST = 5

/** An error without its texts: they may hold anybody's data. */
function facts(error: unknown, depth = 0): unknown {
  if (!(error instanceof Error)) return { name: typeof error }
  const code = 'code' in error && typeof error.code === 'string' ? { code: error.code.slice(0, 60) } : {}
  const frames = (error.stack ?? '')
    .split('\n')
    .filter((line) => /^\s+at /.test(line))
    .slice(0, 8)
  const cause = error.cause === undefined || depth === DEEPEST ? {} : { cause: facts(error.cause, depth + 1) }
  return { name: error.name, ...code, at: frames.map((line) => line.trim().slice(3)), ...cause }
}

/** `12:30:01 warn GET /api/runs/:id 503 12 ms` */
function lineOf(json: string): string {
  const record = JSON.parse(json) as Record<string, unknown>
  const { time, level, msg, method, route, status, ms, code } = record
  const request = [method, route, status, code, typeof ms === 'number' ? `${ms} ms` : undefined]
  const said = [String(time).slice(11, 19), level, msg, ...request].filter((part) => part !== undefined && part !== '')
  return `${said.join(' ')}\n`
}
