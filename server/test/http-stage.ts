/** The server on the real wiring, in this process: a database, a worker when asked for, and people with tokens. */
import { randomBytes } from 'node:crypto'
import {
  openEngine,
  startWorker,
  type AnyRunKind,
  type Engine,
  type Principal,
  type Role,
  type Worker,
} from '@millrace/engine'
import { freshDatabase, until, type TestDatabase } from '../../engine/testing/index.ts'
import { openAccess } from '../src/access/access.ts'
import { scopesOf, type SignedIn } from '../src/access/signed-in.ts'
import { operator, providerHealth, rooms } from '../src/app.ts'
import { analysisRun } from '../src/domains/probe/analysis/analyse.ts'
import { openKeys } from '../src/keys/keys.ts'
import { chatRun } from '../src/domains/chat/chat.ts'
import { diagnosisRun } from '../src/domains/diagnosis/examine.ts'
import { probeRun } from '../src/domains/probe/run.ts'
import { stageKind } from '../src/domains/stage/stage.ts'
import { openRecorder } from '../src/domains/tool/recorder.ts'
import { toolRun } from '../src/domains/tool/run.ts'
import type { LineTimes } from '../src/http/lines.ts'
import { openLog } from '../src/http/log.ts'
import { openHouse, type OpenHouse } from '../src/http/open-house.ts'
import { listen, openServer } from '../src/http/server.ts'
import { openProviders, type Catalogue } from '../src/providers/catalogue.ts'
import { openSkills, type Skills } from '../src/skills/open.ts'
import { openTools, type Tools, type ToolsOptions } from '../src/tools/tools.ts'
import { carrying, traced } from '../src/traces/carried.ts'
import { outside } from '../testing/probe.ts'

export interface Answer {
  readonly status: number
  readonly headers: Headers
  // oxlint-disable-next-line typescript/no-explicit-any -- what came is looked at field by field
  readonly body: any
  readonly text: string
}

export interface Asked {
  readonly method?: string
  /** JSON, unless it is a text. */
  readonly body?: unknown
  readonly headers?: Readonly<Record<string, string>>
  /** Whose token; undefined for the admin's, null for none. */
  readonly as?: string | null
}

export interface HttpStage {
  readonly db: TestDatabase
  readonly engine: Engine
  readonly house: OpenHouse
  readonly url: string
  /** What the program logged, line by line. */
  readonly logged: string[]
  readonly probe: ReturnType<typeof probeRun>
  readonly tools: Tools
  ask(path: string, how?: Asked): Promise<Answer>
  /** The request itself, for streams. */
  raw(path: string, how?: Asked & { signal?: AbortSignal }): Promise<Response>
  /** Another person with a token of his name. */
  person(name: string, role: Role, workspace?: number, scopes?: readonly string[]): void
  revoke(name: string): void
  work(slots?: number): Promise<Worker>
  ended(run: number): Promise<void>
  /** The server is away while this is done, then it is there again, at its address. */
  away(meanwhile: () => Promise<void>): Promise<void>
  close(): Promise<void>
}

export async function openHttpStage(
  how: {
    lineTimes?: LineTimes
    exportStall?: number
    catalogue?: Catalogue
    origins?: string[]
    hosts?: string[]
    /** The folder of the built console. */
    web?: string
    skills?: Skills
    tools?: Partial<Pick<ToolsOptions, 'folder' | 'faults' | 'pause'>>
    /** Where settings.json lies; by default nowhere. */
    folder?: string
  } = {},
): Promise<HttpStage> {
  const db = await freshDatabase(rooms.slice(1))
  const engine = carrying(openEngine(db.api))
  const catalogue = how.catalogue ?? openProviders({ fakeLatencyMs: 0 })
  const others = outside()
  const { prices, python } = others
  const probe = probeRun(catalogue, others)
  const chat = chatRun(catalogue, prices)
  const diagnosis = { kind: diagnosisRun({ catalogue, prices, model: 'fake:a' }), autoProcess: true }
  const probeAnalysis = analysisRun(python)
  const recorder = openRecorder()
  const tools = openTools({ folder: undefined, python, recorder, ...how.tools })
  const tool = toolRun(tools)
  const stage = stageKind({ catalogue, prices, tools })
  const kinds = [probe, probeAnalysis, chat, diagnosis.kind, tool, stage].map((kind) => traced<AnyRunKind>(kind))
  const keys = openKeys({}, { given: randomBytes(32).toString('base64'), folder: '' }, console.error)
  const house = openHouse(
    {
      engine,
      kinds,
      probe,
      probeAnalysis,
      chat,
      diagnosis,
      tool,
      keys,
      catalogue,
      prices,
      python,
      home: { folder: how.folder ?? db.name, workspace: 1, who: operator },
      skills: how.skills ?? openSkills(undefined, {}),
      providerHealth: (fresh) => providerHealth(catalogue, Date.now, fresh),
    },
    db.api,
  )
  const access = openAccess({ engine })
  const people = new Map<string, SignedIn>()
  const person: HttpStage['person'] = (name, role, workspace = 1, scopes) => {
    const principal: Principal = { sub: name, workspaces: { [workspace]: role } }
    people.set(name, {
      principal: name === 'admin' ? { ...operator, sub: name } : principal,
      by: 'api_key',
      scopes: scopes === undefined ? 'all' : scopesOf(scopes),
      id: name,
    })
  }
  person('admin', 'admin')
  const workers: Worker[] = []
  const logged: string[] = []
  const serving: Parameters<typeof openServer>[0] = {
    house: () => house,
    access: () => access,
    authenticate: async (asking) =>
      people.get(/^Bearer (.+)$/.exec(asking.headers.authorization ?? '')?.[1] ?? '') ?? access.authenticate(asking),
    health: async () => [],
    performed: () => workers[0],
    log: openLog('debug', { write: (line) => void logged.push(line) }, false),
    host: '127.0.0.1',
    hosts: how.hosts,
    origins: how.origins,
    web: how.web,
    ...(how.lineTimes === undefined ? {} : { lineTimes: how.lineTimes }),
    ...(how.exportStall === undefined ? {} : { exportStall: how.exportStall }),
  }
  let http = await listen(await openServer(serving), '127.0.0.1', 0)
  const { url } = http
  const raw: HttpStage['raw'] = (path, { method, body, headers = {}, as = 'admin', signal } = {}) =>
    fetch(`${url}${path}`, {
      method: method ?? (body === undefined ? 'GET' : 'POST'),
      headers: {
        ...(as === null ? {} : { authorization: `Bearer ${as}` }),
        ...(body === undefined || typeof body === 'string' ? {} : { 'content-type': 'application/json' }),
        ...headers,
      },
      ...(body === undefined ? {} : { body: typeof body === 'string' ? body : JSON.stringify(body) }),
      ...(signal === undefined ? {} : { signal }),
    })
  return {
    db,
    engine,
    house,
    probe,
    tools,
    url,
    logged,
    raw,
    async ask(path, asked) {
      const response = await raw(path, asked)
      const text = await response.text()
      const json = response.headers.get('content-type')?.includes('json') === true && !text.includes('\n{')
      return {
        status: response.status,
        headers: response.headers,
        text,
        body: json && text !== '' ? JSON.parse(text) : undefined,
      }
    },
    person,
    revoke: (name) => void people.delete(name),
    async work(slots = 60) {
      await tools.load()
      const worker = await startWorker({ settings: db.worker, kinds, slots, report: console.error })
      workers.push(worker)
      await recorder.join(db.worker, () => worker.id, tools.runner)
      return worker
    },
    ended: async (run) => {
      await until(
        () => engine.run(operator, run).catch(() => undefined),
        (seen) => seen !== undefined && seen.finishedAt !== null,
      )
    },
    async away(meanwhile) {
      await http.close()
      await meanwhile()
      http = await listen(await openServer(serving), '127.0.0.1', Number(new URL(url).port))
    },
    async close() {
      await http.close()
      access.close()
      await Promise.all(workers.map((worker) => worker.drain(0)))
      await Promise.all([house.close(), others.close(), tools.close(), recorder.leave()])
      await engine.close()
      await db.drop()
    },
  }
}

/** A stream of server-sent events, event by event. */
export async function* eventsOf(response: Response): AsyncIterable<{ event: string; id?: string; data: unknown }> {
  let text = ''
  const decoder = new TextDecoder()
  for await (const chunk of response.body ?? []) {
    text += decoder.decode(chunk, { stream: true })
    for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
      const lines = text.slice(0, end).split('\n')
      text = text.slice(end + 2)
      const field = (name: string) => lines.find((line) => line.startsWith(`${name}: `))?.slice(name.length + 2)
      const data = field('data')
      if (data === undefined) continue
      const id = field('id')
      yield { event: field('event') ?? 'message', ...(id === undefined ? {} : { id }), data: JSON.parse(data) }
    }
  }
}
