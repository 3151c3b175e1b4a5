/**
 * Six providers without a key: one server that speaks their wire formats, for the
 * demo, the tests and the measurements.  Each provider has its own path; what they
 * answer, how long it takes and what goes wrong hangs on the seed.  `/_simulator`
 * tells what was seen and changes what is to come, also from another process.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { anthropic } from './anthropic.ts'
import { compatible } from './compatible.ts'
import { Counts, type Stats } from './counts.ts'
import { deepseek } from './deepseek.ts'
import { sendJson } from './delivery.ts'
import { PROVIDERS, type Dialect, type ProviderName } from './dialect.ts'
import { bodyOf, exchange, type Stage } from './exchange.ts'
import type { FaultName, FaultRates, Planned, PlannedCall } from './faults.ts'
import { google } from './google.ts'
import { Account, type Credit, type Limits } from './limits.ts'
import { mistral } from './mistral.ts'
import { openai } from './openai.ts'
import { readSettings, type Settings } from './settings.ts'
import { xai } from './xai.ts'

const DIALECTS: Readonly<Record<ProviderName, Dialect>> = {
  openai,
  anthropic,
  google,
  xai,
  deepseek,
  mistral,
  compatible,
}

/** What a plan says of a request; `well` is the usual answer whatever the rates. */
type Step = Planned | FaultName | 'well'

export interface SimulatorOptions {
  /** 0, the default, takes a free one. */
  readonly port?: number
  readonly host?: string
  /** Everything that varies hangs on it. */
  readonly seed?: string
  /** Milliseconds of every answer, instead of 100 to 400 by the request. */
  readonly latencyMs?: number
  /** Milliseconds that the fault `slow` takes. */
  readonly slowMs?: number
  /** Of all providers. */
  readonly faults?: FaultRates
  /** Of each provider. */
  readonly limits?: Limits
  /** Of each provider. */
  readonly credit?: Credit
  /** What becomes of a request, before the rates; a list is for the next ones, one each. */
  readonly plan?: readonly Step[] | ((call: PlannedCall) => Step | undefined)
}

export interface Simulator {
  /** Without a slash at its end. */
  readonly url: string
  /** What to use as a provider's base URL. */
  readonly baseUrls: Readonly<Record<ProviderName, string>>
  stats(): Stats
  /** Changes what is named, for what comes from now on. */
  set(settings: Settings): void
  /** The next requests, one each, whichever provider they are for. */
  next(...steps: Step[]): void
  /** Forgets what was counted, and that requests were tried. */
  reset(): void
  /** Ends every connection and the server. */
  close(): Promise<void>
}

/** Milliseconds that an idle connection stays open: clients that pool must not find it closed. */
const IDLE = 120_000

/** Starts on 127.0.0.1 unless told otherwise. @throws when the port is taken */
export async function startSimulator(options: SimulatorOptions = {}): Promise<Simulator> {
  const counts = new Counts()
  const queue: Step[] = Array.isArray(options.plan) ? [...(options.plan as readonly Step[])] : []
  const planned = typeof options.plan === 'function' ? options.plan : undefined
  const stage: Stage = {
    seed: options.seed ?? '0',
    counts,
    accounts: forEach(() => new Account(options.limits ?? {}, options.credit)),
    latencyMs: options.latencyMs,
    slowMs: options.slowMs ?? 5_000,
    faults: forEach(() => options.faults ?? {}),
    plan(call) {
      const step = queue.shift() ?? planned?.(call)
      if (typeof step !== 'string') return step
      return step === 'well' ? {} : { fault: step }
    },
    attempts: new Map(),
  }

  function set(settings: Settings): void {
    if (settings.latencyMs !== undefined) stage.latencyMs = settings.latencyMs ?? undefined
    if (settings.next !== undefined) queue.push(...settings.next)
    for (const name of settings.provider === undefined ? PROVIDERS : [settings.provider]) {
      if (settings.faults !== undefined) stage.faults[name] = settings.faults
      if (settings.limits !== undefined) stage.accounts[name].limit(settings.limits)
      if (settings.credit !== undefined) stage.accounts[name].fill(settings.credit ?? undefined)
    }
  }

  function reset(): void {
    counts.reset()
    stage.attempts.clear()
  }

  function settingsNow() {
    const providers = forEach((name) => ({
      faults: stage.faults[name],
      limits: stage.accounts[name].limits,
      credit: stage.accounts[name].credit,
    }))
    return { latencyMs: stage.latencyMs ?? null, waiting: queue.length, providers }
  }

  async function control(path: string, request: IncomingMessage, response: ServerResponse): Promise<void> {
    switch (`${request.method} ${path}`) {
      case 'GET /_simulator/stats':
        return sendJson(response, 200, {}, counts.stats())
      case 'GET /_simulator/settings':
        return sendJson(response, 200, {}, settingsNow())
      case 'POST /_simulator/settings':
        try {
          set(readSettings(JSON.parse(await bodyOf(request))))
        } catch (error) {
          return sendJson(response, 400, {}, { error: error instanceof Error ? error.message : 'It cannot be read.' })
        }
        return sendJson(response, 200, {}, settingsNow())
      case 'POST /_simulator/reset':
        reset()
        return sendJson(response, 200, {}, {})
      default:
        return sendJson(response, 404, {}, { error: 'There are stats, settings and reset.' })
    }
  }

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://simulator')
    const [, first = ''] = url.pathname.split('/', 2)
    if (first === '_simulator') return await control(url.pathname, request, response)
    const name = PROVIDERS.find((one) => one === first)
    if (name === undefined) {
      return sendJson(response, 404, {}, { error: `The first part of the path is one of ${PROVIDERS.join(', ')}.` })
    }
    const place = {
      method: request.method ?? 'GET',
      path: url.pathname.slice(first.length + 1),
      query: url.searchParams,
      headers: request.headers,
    }
    await exchange(stage, DIALECTS[name], place, request, response)
  }

  const server = createServer({ keepAliveTimeout: IDLE, requestTimeout: 0 }, (request, response) => {
    // A client that goes away in the middle is one of the cases, not a fault of the server.
    handle(request, response).catch(() => response.destroy())
  })
  const host = options.host ?? '127.0.0.1'
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(options.port ?? 0, host, 1024, resolve)
  })
  const { port } = server.address() as AddressInfo
  const url = `http://${host.includes(':') ? `[${host}]` : host}:${port}`
  return {
    url,
    baseUrls: forEach((name) => `${url}/${name}${DIALECTS[name].basePath}`),
    stats: () => counts.stats(),
    set,
    next: (...steps) => void queue.push(...steps),
    reset,
    async close() {
      const closed = new Promise<void>((resolve) => server.close(() => resolve()))
      server.closeAllConnections()
      await closed
    },
  }
}

function forEach<T>(make: (name: ProviderName) => T): Record<ProviderName, T> {
  return Object.fromEntries(PROVIDERS.map((name) => [name, make(name)])) as Record<ProviderName, T>
}
