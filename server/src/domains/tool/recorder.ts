/**
 * Writes down how calls of tools ended, and where each tool stands in this worker.  A
 * database that is away loses nothing: what was not written is written later.
 */
import { openApi, toJson, toText, type Api, type Settings } from '@millrace/engine'
import type { Absent, CallRecord, Recorder, Tool, ToolRunner } from '../../tools/runner.ts'
import type { Standing } from '../../tools/lifecycle.ts'

export interface DatabaseRecorder extends Recorder {
  /** From now on as this worker; its number may change. */
  join(worker: Settings, id: () => number, runner: ToolRunner): Promise<void>
  /** Writes what is left. */
  leave(): Promise<void>
}

/** The worker's login is nobody. */
const NOBODY = { sub: 'tools', workspaces: {} }
/** Milliseconds after which what could not be written is tried again, and after which a changed state is. */
const AGAIN = 1_000
const SOON = 50
/** Calls that are kept while the database is away. */
const MOST_KEPT = 100_000

export function openRecorder(): DatabaseRecorder {
  let api: Api | undefined
  let idOf = () => 0
  let runner: ToolRunner | undefined
  let published: number | undefined
  const changed = new Map<string, Standing>()
  let unwritten: CallRecord[] = []
  let timer: NodeJS.Timeout | undefined
  /** One write after the other, so that no older state comes after a newer one. */
  let writing: Promise<void> = Promise.resolve()

  function write(): Promise<void> {
    writing = writing.then(writeAll)
    return writing
  }

  async function writeAll(): Promise<void> {
    clearTimeout(timer)
    timer = undefined
    if (api === undefined || (unwritten.length === 0 && changed.size === 0 && published === idOf())) return
    const calls = unwritten
    const states = [...changed].map(([tool, standing]) => ({ tool, ...standing }))
    unwritten = []
    changed.clear()
    const worker = idOf()
    try {
      await api.as(NOBODY, async (tx) => {
        if (published !== worker && runner !== undefined) {
          const { tools, absent } = runner
          const all = [...tools.map((tool) => standingOf(tool, runner)), ...absent.map(rowOf)]
          await tx.query('select tool.publish($1, $2, $3)', [worker, toJson(tools), toJson(all)])
        }
        for (const { tool, outcome, elapsedMs } of calls.toSorted(byTool)) {
          await tx.query('select tool.count($1, $2, $3)', [tool, outcome, elapsedMs])
        }
        for (const { tool, trace } of calls) {
          if (trace === null) continue
          await tx.query('select tool.keep_trace($1, $2, $3, $4)', [
            trace.correlationId,
            tool,
            trace.run,
            toText(trace.evidence),
          ])
        }
        if (states.length > 0) await tx.query('select tool.stand($1, $2)', [worker, toJson(states)])
      })
      published = worker
    } catch {
      unwritten = [...calls, ...unwritten].slice(-MOST_KEPT)
      for (const { tool, ...standing } of states) if (!changed.has(tool)) changed.set(tool, standing)
      timer ??= setTimeout(() => void write(), AGAIN).unref()
    }
  }

  return {
    async record(call) {
      unwritten.push(call)
      if (unwritten.length > MOST_KEPT) unwritten.shift()
      changed.set(call.tool, call.standing)
      await write()
    },
    changed(tool, standing) {
      changed.set(tool, standing)
      timer ??= setTimeout(() => void write(), SOON).unref()
    },
    async join(settings, id, those) {
      api ??= openApi(settings, 1)
      idOf = id
      runner = those
      published = undefined
      await write()
    },
    async leave() {
      await write()
      clearTimeout(timer)
      const left = api
      api = undefined
      await left?.close()
    },
  }
}

/** Rows are locked in one order, so that two workers never wait for each other. */
const byTool = (a: CallRecord, b: CallRecord) => (a.tool < b.tool ? -1 : a.tool > b.tool ? 1 : 0)

function standingOf({ name }: Tool, runner: ToolRunner | undefined) {
  return { tool: name, ...runner?.standing(name) }
}

function rowOf({ name, ...rest }: Absent) {
  return { tool: name, inFlight: 0, lastOutcome: null, ...rest }
}
