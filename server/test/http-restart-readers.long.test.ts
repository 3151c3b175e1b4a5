/** Two who follow while PostgreSQL is stopped hard: the log of a run, and what moves in a workspace. */
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { openPostgres, type Postgres } from '@millrace/engine/postgres'
import { until } from '../../engine/testing/index.ts'
import { definition } from '../testing/bench.ts'
import { install, type Command } from '../testing/cli.ts'
import { definitionText } from '../testing/probe.ts'
import { eventsOf } from './http-stage.ts'

const SCENARIOS = 400

interface Reader {
  /** Of the events that came, in the order in which they came. */
  readonly numbers: number[]
  /** What the workspace's feed said of the run last. */
  last: { status?: string; progress?: { completed: number }; lastEvent?: number }
  ended: boolean
  /** How often a line was opened. */
  lines: number
}

test('a reader of a run and a reader of the workspace get every event once and in order, though PostgreSQL is stopped hard, twice', async () => {
  const place = await install(undefined, { PORT: '0', MILLRACE_FAKE_LATENCY_MS: '80', WORKER_SLOTS: '4' })
  const folder = place.environment['MILLRACE_FOLDER'] ?? ''
  const servers: Postgres[] = []
  const programs: Command[] = []
  const over = new AbortController()
  try {
    servers.push(await openPostgres({ folder }))
    const serve = place.begin(['serve'])
    programs.push(serve)
    await serve.says(/`millrace worker` starts a worker/, 60)
    const worker = place.begin(['worker'])
    programs.push(worker)
    await worker.says(/Worker \d+ performs/, 60)
    const url = /serves on (http:\/\/\S+)/.exec(serve.stdout)?.[1] ?? ''
    const token = readFileSync(join(folder, 'api-token'), 'utf8').trim()
    const ask = (path: string, init: RequestInit = {}, headers: Record<string, string> = {}) =>
      fetch(url + path, {
        ...init,
        headers: { authorization: `Bearer ${token}`, 'content-type': 'application/json', ...headers },
      })
    const started = await ask('/api/runs', {
      method: 'POST',
      body: JSON.stringify({ definition: definition(definitionText(SCENARIOS)), models: ['fake:a'] }),
    })
    expect(started.status).toBe(201)

    /** As a browser does: a line that is cut is opened again with the last `id:`. */
    async function follow(path: string, heard: (reader: Reader, event: string, data: never) => void, reader: Reader) {
      let seen: string | undefined
      while (!reader.ended && !over.signal.aborted) {
        try {
          const response = await ask(path, { signal: over.signal }, seen === undefined ? {} : { 'last-event-id': seen })
          if (response.status !== 200) throw new Error(`status ${response.status}`)
          reader.lines += 1
          for await (const { event, id, data } of eventsOf(response)) {
            seen = id ?? seen
            heard(reader, event, data as never)
            if (reader.ended) break
          }
        } catch {
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
      }
    }
    const reader = (): Reader => ({ numbers: [], last: {}, ended: false, lines: 0 })
    const [one, all] = [reader(), reader()]
    const reading = Promise.all([
      follow(
        '/api/runs/1/logs?stream=true',
        (me, event, data: { n: number }) => {
          if (event === 'end') me.ended = true
          else me.numbers.push(data.n)
        },
        one,
      ),
      follow(
        '/api/feed?stream=true&runs=1',
        (me, event, data: { events: { n: number }[] } & Reader['last']) => {
          if (event === 'events') me.numbers.push(...data.events.map(({ n }) => n))
          if (event === 'run') me.last = data
          me.ended = me.last.status === 'succeeded' && me.numbers.at(-1) === me.last.lastEvent
        },
        all,
      ),
    ])
    const more = (amount: number) =>
      until(
        () => Math.min(one.numbers.length, all.numbers.length),
        (seen) => seen >= amount || one.ended,
        60,
      )
    for (const signal of ['SIGQUIT', 'SIGKILL'] as const) {
      await more(one.numbers.length + 15)
      expect(one.ended).toBe(false)
      const pid = Number(readFileSync(join(folder, 'pg', 'postmaster.pid'), 'utf8').split('\n')[0])
      process.kill(pid, signal)
      await until(
        () => existsSync(`/proc/${pid}`),
        (there) => !there,
      )
      servers.push(await openPostgres({ folder }))
    }
    await until(
      () => one.ended && all.ended,
      (ended) => ended,
      150,
    ).catch(() => Promise.reject(new Error(`they do not end: ${JSON.stringify([one, all])}`)))
    await reading
    const run = (await (await ask('/api/runs/1')).json()) as { lastEvent: number; status: string; progress: object }
    expect(run).toMatchObject({ status: 'succeeded', progress: { total: SCENARIOS, completed: SCENARIOS } })
    const every = Array.from({ length: run.lastEvent }, (_, i) => i + 1)
    expect(one.numbers).toEqual(every)
    expect(all.numbers).toEqual(every)
    expect(all.last.progress).toMatchObject({ completed: SCENARIOS })
    expect(every.length).toBeGreaterThan(45)
    // Neither program went.
    for (const program of programs) expect(existsSync(`/proc/${program.pid}`)).toBe(true)
  } finally {
    over.abort()
    await Promise.all(programs.map((program) => program.kill()))
    for (const server of servers) await server.close()
    await place.remove()
  }
}, 300_000)
