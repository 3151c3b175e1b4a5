/** Somebody follows a run while the server is killed and PostgreSQL restarts: he gets every event once. */
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

test('a reader that resumes by its last event gets all of them once, through a killed server and a restart of PostgreSQL', async () => {
  const place = await install(undefined, { PORT: '0', MILLRACE_FAKE_LATENCY_MS: '60', WORKER_SLOTS: '4' })
  const folder = place.environment['MILLRACE_FOLDER'] ?? ''
  const servers: Postgres[] = []
  let serve: Command | undefined
  let worker: Command | undefined
  const begin = async () => {
    serve = place.begin(['serve'])
    await serve.says(/`millrace worker` starts a worker/, 40)
  }
  const token = () => readFileSync(join(folder, 'api-token'), 'utf8').trim()
  const ask = (path: string, init: RequestInit = {}, headers: Record<string, string> = {}) => {
    const url = /serves on (http:\/\/\S+)/.exec(serve?.stdout ?? '')?.[1] ?? 'http://127.0.0.1:9'
    return fetch(url + path, {
      ...init,
      headers: { authorization: `Bearer ${token()}`, 'content-type': 'application/json', ...headers },
    })
  }
  try {
    servers.push(await openPostgres({ folder }))
    await begin()
    worker = place.begin(['worker'])
    await worker.says(/Worker \d+ performs/, 40)
    const started = await ask('/api/runs', {
      method: 'POST',
      body: JSON.stringify({ definition: definition(definitionText(SCENARIOS)), models: ['fake:a'] }),
    })
    expect(started.status).toBe(201)

    const numbers: number[] = []
    let lines = 0
    let ended = false
    const reading = (async () => {
      while (!ended) {
        try {
          const last = numbers.at(-1)
          const response = await ask(
            '/api/runs/1/logs?stream=true',
            { signal: AbortSignal.timeout(60_000) },
            last === undefined ? {} : { 'last-event-id': String(last) },
          )
          if (response.status !== 200) throw new Error(`status ${response.status}`)
          lines += 1
          for await (const { event, id } of eventsOf(response)) {
            if (event === 'end') ended = true
            else if (id !== undefined) numbers.push(Number(id))
          }
        } catch {
          // The line is cut, or nobody is there yet: again, as a browser does.
          await new Promise((resolve) => setTimeout(resolve, 50))
        }
      }
    })()
    const more = (amount: number) =>
      until(
        () => numbers.length,
        (seen) => seen >= amount || ended,
      )

    await more(15)
    expect(ended).toBe(false)
    await serve?.kill()
    await begin()
    await more(numbers.length + 15)
    expect(ended).toBe(false)
    const pid = Number(readFileSync(join(folder, 'pg', 'postmaster.pid'), 'utf8').split('\n')[0])
    process.kill(pid, 'SIGINT')
    await until(
      () => existsSync(`/proc/${pid}`),
      (there) => !there,
    )
    servers.push(await openPostgres({ folder }))
    await reading
    expect(lines).toBeGreaterThan(1)
    expect(numbers).toEqual(Array.from({ length: numbers.length }, (_, i) => i + 1))
    const run = (await (await ask('/api/runs/1')).json()) as { lastEvent: number; status: string; progress: object }
    expect(run).toMatchObject({
      status: 'succeeded',
      lastEvent: numbers.length,
      progress: { total: SCENARIOS, completed: SCENARIOS },
    })
    expect(numbers.length).toBeGreaterThan(30)
  } finally {
    await Promise.all([serve?.kill(), worker?.kill()])
    for (const server of servers) await server.close()
    await place.remove()
  }
}, 120_000)
