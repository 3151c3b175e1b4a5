/** `millrace tools`: which there are, one of them, calling it, and what was behind an error. */
import { Refusal } from '@millrace/engine'
import { openApp, operator, productKinds, servedKinds, WORKSPACE, type App } from '../app.ts'
import { readConfig, type Config } from '../config.ts'
import { jobNumbered, outputOf, seenTools, stateOf, type SeenTool } from '../domains/tool/jobs.ts'
import { COMING_TO_AN_END, performRun } from './perform-run.ts'
import { shapeOf } from './kinds.ts'
import { bold, dim, remark, say, table } from './screen.ts'
import { onInterrupt } from './session.ts'
import { inputOf } from './start-run.ts'

async function withApp<T>(work: (app: App, config: Config) => Promise<T>): Promise<T> {
  const config = readConfig()
  const app = await openApp(config, remark, await servedKinds(config))
  try {
    await app.tools.load()
    return await work(app, config)
  } finally {
    await app.close()
  }
}

/** A file of the folder that is no tool. */
interface Broken {
  readonly name: string
  readonly state: string
  readonly file: string | null
  readonly line: number | null
  readonly reason: string | null
}

/** Those of workers, and those that are here while no worker is. */
async function allTools(app: App): Promise<{ tools: SeenTool[]; broken: Broken[] }> {
  const seen = new Map((await seenTools(app.engine, operator)).map((tool) => [tool.name, tool]))
  for (const tool of app.tools.runner.tools) {
    const { timeoutMs, ...here } = tool
    seen.set(tool.name, { ...NEVER_CALLED, ...seen.get(tool.name), ...here, timeout_ms: timeoutMs })
  }
  const broken = new Map<string, Broken>()
  for (const { name, version, places } of seen.values()) {
    const [place] = places
    if (version === null && place !== undefined) broken.set(name, { name, ...place })
  }
  for (const { name, state, reason, file = null, line = null } of app.tools.runner.absent) {
    broken.set(name, { name, state, reason, file, line })
  }
  const tools = [...seen.values()].filter(({ version }) => version !== null)
  return { tools: tools.toSorted((a, b) => (a.name < b.name ? -1 : 1)), broken: [...broken.values()] }
}

const NEVER_CALLED = {
  places: [],
  success_count: 0,
  error_count: 0,
  caller_error_count: 0,
  last_execution_time_ms: null,
  avg_execution_time_ms: null,
  p95_execution_time_ms: null,
  last_used: null,
}

/** Without a worker a tool that loads here is ready. */
const shownState = (tool: SeenTool) => (tool.places.length === 0 ? 'INITIALIZED' : stateOf(tool))
const ms = (value: number | null) => (value === null ? '' : `${Math.round(value * 10) / 10}`)

export function listTools(options: { json?: boolean }): Promise<number> {
  return withApp(async (app, config) => {
    const { tools, broken } = await allTools(app)
    if (options.json === true) {
      say(JSON.stringify({ tools: tools.map((tool) => ({ ...tool, state: shownState(tool) })), broken }))
      return 0
    }
    const rows = tools.map((tool) => [
      tool.name,
      tool.version ?? '',
      tool.carrier ?? '',
      shownState(tool),
      tool.success_count,
      tool.error_count,
      tool.caller_error_count,
      ms(tool.avg_execution_time_ms),
      ms(tool.p95_execution_time_ms),
    ])
    say(table(['tool', 'version', 'carrier', 'state', 'well', 'errors', 'by callers', 'avg ms', 'p95 ms'], rows))
    for (const { file, name, line, reason, state } of broken) {
      say()
      say(`${state}  ${file ?? name}${line === null ? '' : `:${line}`}  ${reason ?? ''}`)
    }
    if (config.ownTools === undefined) {
      say()
      say(dim('MILLRACE_TOOLS adds your own: docs/guides/write-a-tool.md.'))
    }
    return 0
  })
}

export function showTool(name: string, options: { json?: boolean }): Promise<number> {
  return withApp(async (app) => {
    const { tools, broken } = await allTools(app)
    const tool = tools.find((one) => one.name === name)
    if (tool === undefined) throw unknownTool(name, broken)
    if (options.json === true) {
      say(JSON.stringify({ ...tool, state: shownState(tool) }))
      return 0
    }
    say(`${bold(tool.name)} ${tool.version ?? ''}  ${tool.description ?? ''}`)
    say(`  takes   ${shapeOf(tool.input as Parameters<typeof shapeOf>[0])}`)
    say(`  gives   ${shapeOf(tool.output as Parameters<typeof shapeOf>[0])}`)
    say(`  at most ${tool.timeout_ms} ms a call, ${tool.concurrency} calls at a time in one worker`)
    say(`  state   ${shownState(tool)}`)
    say(`  calls   ${tool.success_count} well, ${tool.error_count} failed, ${tool.caller_error_count} by callers`)
    for (const [code, { message }] of Object.entries(tool.errors as Record<string, { message: string }>)) {
      say(`  error   ${code}: ${message}`)
    }
    for (const { worker, state, reason } of tool.places) {
      say(`  worker ${worker}: ${state}${reason === null ? '' : `, ${reason}`}`)
    }
    return 0
  })
}

function unknownTool(name: string, broken: readonly Broken[]): Refusal {
  const file = broken.find((one) => one.name === name)
  if (file !== undefined) {
    return new Refusal('TOOL_NOT_LOADED', `The tool ${name} does not load.`, {
      causes: [`${file.file ?? name}${file.line === null ? '' : `:${file.line}`}: ${file.reason ?? ''}`],
    })
  }
  return new Refusal('NO_SUCH_TOOL', `There is no tool named ${JSON.stringify(name.slice(0, 64))} here.`, {
    remedy: '`millrace tools list` shows them; MILLRACE_TOOLS names the folder of your own.',
  })
}

export interface CallOptions {
  readonly input?: string
  readonly inputFile?: string
  readonly retries: number
  readonly json?: boolean
}

export async function callTool(name: string, options: CallOptions): Promise<number> {
  const input = await inputOf(options)
  return withApp(async (app, config) => {
    if (!app.tools.runner.tools.some((tool) => tool.name === name))
      throw unknownTool(name, (await allTools(app)).broken)
    const interruption = onInterrupt(() => remark(COMING_TO_AN_END))
    try {
      const asked = { tool: name, input, retries: options.retries }
      const { run } = await app.engine.start(operator, app.tool, asked, { workspace: WORKSPACE })
      await performRun(app, config, run, interruption.signal)
      const job = await jobNumbered(app.engine, operator, run)
      const failed = job?.error ?? null
      const kept = job?.run.state === 'succeeded' ? await outputOf(app.engine, operator, run) : undefined
      if (options.json === true) {
        say(JSON.stringify({ run, output: kept?.output ?? null, elapsedMs: kept?.elapsedMs ?? null, error: failed }))
      } else if (kept !== undefined) say(JSON.stringify(kept.output, null, 2))
      if (kept !== undefined) return 0
      if (failed === null) return 130
      remark(`${failed.type} ${failed.code}: ${failed.message}`)
      if (typeof failed.details['issues'] === 'string') remark(failed.details['issues'].replace(/^/gm, '  '))
      remark(`\`millrace tools trace ${failed.correlationId}\` shows what was behind it, if anything was thrown.`)
      return 1
    } finally {
      interruption.stop()
    }
  })
}

export async function acceptTools(server: string): Promise<number> {
  // Neither a database nor a worker is asked: what is accepted lies beside the server's file.
  const served = productKinds(readConfig())
  try {
    const changes = await served.tools.accept(server)
    for (const { tool, how } of changes) say(`${how.padEnd(8)} ${tool}`)
    say(changes.length === 0 ? `${server} is as it was accepted.` : `Accepted. Workers use it when they start again.`)
    return 0
  } finally {
    await served.leave()
  }
}

/** The address stands on standard output, for whoever opens it elsewhere. */
export async function loginTools(server: string): Promise<number> {
  const served = productKinds(readConfig())
  try {
    await served.tools.login(server, (address) => {
      remark('Open this address in a browser at this machine, and come back when you have signed in:')
      say(address.href)
    })
    remark(
      `Signed in to ${server}. A worker uses it with the next call; \`millrace tools accept ${server}\` takes its tools.`,
    )
    return 0
  } finally {
    await served.leave()
  }
}

export function traceTool(id: string): Promise<number> {
  return withApp(async ({ engine }) => {
    const { rows } = await engine.as(operator, (tx) =>
      tx.query<{ tool: string; run: number | null; at: Date; evidence: string }>(
        'select tool, run_id as run, at, evidence from tool.traces where correlation_id = $1',
        [id],
      ),
    )
    const [trace] = rows
    if (trace === undefined) {
      throw new Refusal('NO_SUCH_TRACE', 'Nothing is kept under this id.', {
        remedy: 'What tools throw is kept for a week; a caller’s own mistake is not.',
      })
    }
    say(`${trace.tool}, ${trace.at.toISOString()}${trace.run === null ? '' : `, run ${trace.run}`}`)
    say(trace.evidence)
    return 0
  })
}
