/**
 * A line to a server of tools: opened when somebody asks, in whichever revision of the
 * protocol it speaks, opened anew when it broke, closed when nobody asks for a while.
 */
import {
  Client,
  ProtocolError,
  SdkError,
  SdkErrorCode,
  SdkHttpError,
  StreamableHTTPClientTransport,
  UnauthorizedError,
  type CallToolResult,
  type Transport,
} from '@modelcontextprotocol/client'
import { AsyncLocalStorage } from 'node:async_hooks'
import { failed } from '../envelope.ts'
import type { Processes } from '../process/processes.ts'
import type { ToolHand } from '../runner.ts'
import { digestOf, MOST_TOOLS, toldOf, type Told } from './accepted.ts'
import { openGuardedFetch } from './guarded-fetch.ts'
import { lineTransport } from './line-transport.ts'
import { answered, type Underway } from './passed-on.ts'
import type { ServerFile } from './server-file.ts'
import { NeedsPerson, openSignIn, type SignIns } from './sign-in.ts'

export interface Connection {
  /** What it offers now. @throws UNAVAILABLE */
  list(): Promise<readonly Told[]>
  /**
   * @throws UNAVAILABLE where it is away, or the tool is not what was accepted any more;
   * TOOL_CRASHED, TIMEOUT, CANCELLED, INVALID_INPUT, TOOL_FAILED
   */
  call(tool: Told, input: object, hand: ToolHand): Promise<CallToolResult>
  close(): Promise<void>
}

/** Milliseconds in which it must have said what it has. */
const OPENS = 20_000
const PROBE = 5_000
/** Milliseconds after which it is asked once more whether its tools are what they were. */
const TRUSTED = 60_000
/** Milliseconds after which a line that nobody uses is closed. */
const IDLE = 300_000
/** By which the other side may be late: the runner's own deadline comes first. */
const LATE = 2_000
/** Bytes of a line: an image in base64 fits. */
const LINE = 16 * 1024 * 1024
const LOG = 64 * 1024 * 1024
/** Bytes that it may write to. */
const MEMORY = 1024 ** 3

interface Session {
  readonly client: Client
  digests: ReadonlyMap<string, string>
  tools: readonly Told[]
  listedAt: number
}

export interface ConnectionOptions {
  readonly processes: Processes
  /** A variable of our environment; of a token alone. */
  readonly secretOf: (name: string) => string | undefined
  /** Where what came of signing in is kept. */
  readonly signIns: SignIns
}

export function openConnection(file: ServerFile, { processes, secretOf, signIns }: ConnectionOptions): Connection {
  const guarded = file.url === undefined ? undefined : openGuardedFetch(file.private)
  const underWay = new AsyncLocalStorage<Underway>()
  const calls = new Set<Underway>()
  let opening: Promise<Session> | undefined
  let idle: NodeJS.Timeout | undefined

  function transport(): Transport {
    if (file.url !== undefined && guarded !== undefined) {
      const { bearer } = file
      return new StreamableHTTPClientTransport(new URL(file.url), {
        fetch: guarded.fetch,
        reconnectionOptions: {
          maxRetries: 2,
          initialReconnectionDelay: 1_000,
          maxReconnectionDelay: 10_000,
          reconnectionDelayGrowFactor: 2,
        },
        authProvider:
          bearer === undefined ? openSignIn(file, signIns, secretOf).provider : { token: async () => secretOf(bearer) },
      })
    }
    const [command = '', ...args] = file.command ?? []
    const program = { name: file.name, command, args, env: file.env, data: MEMORY }
    return lineTransport(file.name, () => processes.lines(program, { line: LINE, log: LOG }))
  }

  async function connect(mode: 'auto' | 'legacy'): Promise<Session> {
    const client = new Client(
      { name: 'millrace', version: '0.1.0' },
      {
        versionNegotiation: { mode, probe: { timeoutMs: PROBE } },
        listMaxPages: 20,
        capabilities: { elicitation: { form: {} } },
      },
    )
    client.setRequestHandler('elicitation/create', ({ params }, { mcpReq }) =>
      answered(params, underWay.getStore() ?? only(), mcpReq.signal),
    )
    const session: Session = { client, digests: new Map(), tools: [], listedAt: -Infinity }
    // It is asked again before a call, not in the middle of it.
    client.setNotificationHandler('notifications/tools/list_changed', () => void (session.listedAt = -Infinity))
    // oxlint-disable-next-line unicorn/prefer-add-event-listener -- it is no target of events
    client.onclose = () => {
      if (known === session) {
        known = undefined
        opening = undefined
      }
    }
    try {
      await client.connect(transport(), { timeout: OPENS })
      await look(session)
      return session
    } catch (error) {
      await client.close().catch(() => {})
      throw error
    }
  }

  let known: Session | undefined

  /** Over one line a server's question does not say of which call it is. */
  const only = () => (calls.size === 1 ? [...calls][0] : undefined)

  async function look(session: Session): Promise<void> {
    const { tools } = await session.client.listTools(undefined, { timeout: OPENS, cacheMode: 'refresh' })
    const wanted = tools.flatMap((tool) => toldOf(tool) ?? []).slice(0, MOST_TOOLS)
    session.tools = wanted.filter(({ name }) => file.tools === undefined || file.tools.includes(name))
    session.digests = new Map(session.tools.map((tool) => [tool.name, digestOf(tool)]))
    session.listedAt = performance.now()
  }

  async function begin(): Promise<Session> {
    try {
      // A server that leaves when it hears a word of the newer revision is asked in the older one.
      const session = await connect('auto').catch((error: unknown) => {
        if (file.command === undefined) throw error
        return connect('legacy')
      })
      known = session
      return session
    } catch (error) {
      opening = undefined
      throw away(error)
    }
  }

  async function session(): Promise<Session> {
    clearTimeout(idle)
    const open = await (opening ??= begin())
    if (performance.now() - open.listedAt > TRUSTED) {
      await look(open).catch((error: unknown) => {
        void leave()
        throw away(error)
      })
    }
    idle = setTimeout(() => void leave(), IDLE).unref()
    return open
  }

  async function leave(): Promise<void> {
    clearTimeout(idle)
    const left = opening
    opening = undefined
    known = undefined
    await left?.then(({ client }) => client.close()).catch(() => {})
  }

  return {
    list: async () => (await session()).tools,
    async call(tool, input, hand) {
      const { deadline, progress } = hand
      const accepted = digestOf(tool)
      let open = await session()
      if (open.digests.get(tool.name) !== accepted) {
        // It may be again what it was.
        open.listedAt = -Infinity
        open = await session()
      }
      const digest = open.digests.get(tool.name)
      if (digest === undefined) throw failed('UNAVAILABLE', { why: 'GONE' })
      if (digest !== accepted) throw failed('UNAVAILABLE', { why: 'CHANGED' })
      const { name, inputSchema } = tool
      const call: Underway = { server: file.name, hand, left: new AbortController() }
      const signal = AbortSignal.any([hand.signal, call.left.signal])
      calls.add(call)
      try {
        const called = () =>
          open.client.callTool(
            { name, arguments: { ...input } },
            {
              signal,
              timeout: Math.max(1, deadline.getTime() - Date.now()) + LATE,
              onprogress: (told) => progress(told.progress, told.total),
              // What it gives is checked by us, against what was accepted.
              toolDefinition: { name, inputSchema: inputSchema as { type: 'object' } },
            },
          )
        const result = await underWay.run(call, called)
        if (call.asked !== undefined) throw call.asked
        return result
      } catch (error) {
        throw call.asked ?? named(error, hand.signal)
      } finally {
        calls.delete(call)
      }
    },
    async close() {
      await leave()
      await guarded?.close()
    },
  }
}

const REFUSED = new Set([401, 403])

const refuses = (error: unknown) =>
  UnauthorizedError.isInstance(error) || (SdkHttpError.isInstance(error) && REFUSED.has(error.status))

/** Also where the package says so in an error of its own. */
function needsPerson(error: unknown): boolean {
  return (
    error instanceof NeedsPerson || (error instanceof Error && error.cause !== undefined && needsPerson(error.cause))
  )
}

function away(error: unknown): Error {
  if (needsPerson(error)) return failed('UNAVAILABLE', { why: 'SIGN_IN' }, error)
  return failed('UNAVAILABLE', { why: refuses(error) ? 'REFUSED' : 'AWAY' }, error)
}

/** What the other side says is evidence for operators; a caller is told our own words. */
function named(error: unknown, signal: AbortSignal): Error {
  if (signal.aborted) return failed('CANCELLED')
  if (refuses(error) || needsPerson(error)) return away(error)
  if (ProtocolError.isInstance(error)) {
    return error.code === -32602
      ? failed('INVALID_INPUT', { by: 'server' }, error)
      : failed('TOOL_FAILED', { rpc: error.code }, error)
  }
  if (SdkHttpError.isInstance(error)) return failed('TOOL_CRASHED', { status: error.status }, error)
  if (!SdkError.isInstance(error)) return failed('TOOL_CRASHED', {}, error)
  if (error.code === SdkErrorCode.RequestTimeout) return failed('TIMEOUT')
  const lost = [SdkErrorCode.ConnectionClosed, SdkErrorCode.NotConnected, SdkErrorCode.SendFailed]
  return failed(lost.includes(error.code) ? 'TOOL_CRASHED' : 'TOOL_PROTOCOL', {}, error)
}
