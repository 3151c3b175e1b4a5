/** Following live: exact, shared, cut when the right is gone, and bounded for who does not read. */
import { connect } from 'node:net'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { until } from '../../engine/testing/index.ts'
import { operator } from '../src/app.ts'
import { openFeeds } from '../src/http/feeds.ts'
import { definition } from '../testing/bench.ts'
import { definitionText } from '../testing/probe.ts'
import { eventsOf, openHttpStage, type HttpStage } from './http-stage.ts'

let stage: HttpStage
beforeAll(async () => {
  stage = await openHttpStage({ lineTimes: { recheck: 50, keepAlive: 40, stall: 400 } })
})
afterAll(() => stage.close())

async function start(scenarios: number, more: object = {}): Promise<number> {
  const body = { definition: definition(definitionText(scenarios)), models: ['fake:a'], ...more }
  return (await stage.ask('/api/runs', { body })).body.run.id
}

/** Numbers of the events of a stream, and what it ended with. */
async function heard(path: string, headers: Record<string, string> = {}): Promise<{ numbers: number[]; last: string }> {
  const numbers: number[] = []
  let last = ''
  for await (const { event, id } of eventsOf(await stage.raw(path, { headers }))) {
    last = event
    if (id !== undefined) numbers.push(Number(id))
  }
  return { numbers, last }
}

const from = (first: number, last: number) => Array.from({ length: last - first + 1 }, (_, i) => first + i)

test('whoever comes again by the number of his last event goes on exactly there, also while it moves', async () => {
  const run = await start(60)
  const whole = heard(`/api/runs/${run}/logs?stream=true`)
  // This one hangs up after each few events, and comes again.
  const pieces: number[] = []
  const patchy = (async () => {
    for (;;) {
      const headers = pieces.length === 0 ? {} : { 'last-event-id': String(pieces.at(-1)) }
      const response = await stage.raw(`/api/runs/${run}/logs?stream=true`, { headers })
      if (response.status === 204) return
      let taken = 0
      for await (const { event, id } of eventsOf(response)) {
        if (event === 'end') return
        if (id !== undefined) pieces.push(Number(id))
        if ((taken += 1) === 7) break
      }
    }
  })()
  const worker = await stage.work(5)
  const { numbers, last } = await whole
  await patchy
  const { lastEvent } = await stage.engine.run(operator, run)
  expect(last).toBe('end')
  expect(numbers).toEqual(from(1, lastEvent))
  expect(pieces).toEqual(numbers)

  expect(await heard(`/api/runs/${run}/logs?stream=true&after=3`)).toEqual({ numbers: from(4, lastEvent), last: 'end' })
  const over = await stage.raw(`/api/runs/${run}/logs?stream=1`, { headers: { 'last-event-id': String(lastEvent) } })
  expect(over.status).toBe(204)
  // The same, page by page.
  const paged: number[] = []
  for (let cursor = ''; ;) {
    const { body } = await stage.ask(`/api/runs/${run}/logs?limit=10${cursor}`)
    paged.push(...body.items.map((event: { n: number }) => event.n))
    if (body.next === null) break
    cursor = `&cursor=${body.next}`
  }
  expect(paged).toEqual(numbers)
  await worker.drain(0)
})

test('many who follow one run cost one reading, and each gets everything', async () => {
  const run = await start(40, { hold: true })
  let follows = 0
  let reads = 0
  const feeds = openFeeds({
    ...stage.engine,
    follow(...asked) {
      follows += 1
      return stage.engine.follow(...asked)
    },
    as(...asked) {
      reads += 1
      return stage.engine.as(...asked)
    },
  })
  const { signal } = new AbortController()
  const readers = Array.from({ length: 50 }, async () => {
    const numbers: number[] = []
    for await (const { events } of feeds.read(operator, run, 0, signal)) numbers.push(...events.map(({ n }) => n))
    return numbers
  })
  await until(
    () => feeds.readers,
    (amount) => amount === 50,
  )
  await stage.engine.release(operator, run)
  const worker = await stage.work(3)
  const all = await Promise.all(readers)
  const { lastEvent } = await stage.engine.run(operator, run)
  for (const numbers of all) expect(numbers).toEqual(from(1, lastEvent))
  expect(lastEvent).toBeGreaterThan(5)
  expect(follows).toBe(1)
  // Each looks once when he comes and once at the end.
  expect(reads).toBeLessThanOrEqual(100)
  expect(feeds.readers).toBe(0)
  await feeds.close()
  await worker.drain(0)
})

test('whose right is taken away is cut, and gets nothing that comes after', async () => {
  const run = await start(5, { hold: true })
  stage.person('guest', 'viewer')
  const seen: { event: string; data: unknown }[] = []
  const response = await stage.raw(`/api/runs/${run}/logs?stream=true`, { as: 'guest' })
  const reading = (async () => {
    for await (const one of eventsOf(response)) seen.push(one)
  })()
  await until(
    () => seen.length,
    (amount) => amount > 0,
  )
  stage.revoke('guest')
  await reading
  expect(seen.at(-1)).toMatchObject({ event: 'cut', data: { code: 'NOT_ALLOWED' } })
  await stage.engine.release(operator, run)
  expect(seen.map(({ event }) => event)).not.toContain('end')
})

test('who reads nothing is cut off, and nobody else waits for him', async () => {
  // Each event is long, so that what the network keeps for him is soon full.
  const run = await start(2, { hold: true })
  const filler = 'x'.repeat(4_000)
  await stage.db.sql(
    `insert into engine.events (run_id, n, workspace_id, at, kind, data)
       select $1, g + 10, 1, now(), 'log', jsonb_build_object('text', $2::text) from generate_series(1, 5000) g`,
    [run, filler],
  )
  await stage.db.sql(
    `insert into engine.events (run_id, n, workspace_id, at, kind) select $1, g, 1, now(), 'log' from generate_series(2, 10) g
    on conflict do nothing`,
    [run],
  )
  await stage.db.sql('update engine.runs set last_event = 5010 where id = $1', [run])
  const { port, hostname } = new URL(stage.url)
  const stuck = connect(Number(port), hostname)
  stuck.pause()
  let closed = false
  stuck.on('error', () => {}).on('close', () => (closed = true))
  stuck.write(
    `GET /api/runs/${run}/logs?stream=true HTTP/1.1\r\nhost: localhost\r\nauthorization: Bearer admin\r\n\r\n`,
  )
  await until(
    () => stage.house.feeds.readers,
    (amount) => amount === 1,
  )
  let other = 0
  const abort = new AbortController()
  const response = await stage.raw(`/api/runs/${run}/logs?stream=true`, { signal: abort.signal })
  for await (const { id } of eventsOf(response)) {
    other = Number(id)
    if (other === 5010) break
  }
  expect(other).toBe(5010)
  abort.abort()
  await until(
    () => stage.house.feeds.readers,
    (amount) => amount === 0,
  )
  stuck.resume()
  await until(
    () => closed,
    (it) => it,
  )
  stuck.destroy()
})

test('a restart of every connection of the database loses nothing and doubles nothing', async () => {
  const run = await start(60, { hold: true })
  const whole = heard(`/api/runs/${run}/logs?stream=true`)
  const worker = await stage.work(4)
  await stage.engine.release(operator, run)
  const cut = () =>
    stage.db.sql(
      "select pg_terminate_backend(pid) from pg_stat_activity where datname = current_database() and application_name in ('millrace api', 'millrace feed')",
    )
  await until(
    () => stage.engine.run(operator, run).catch(() => undefined),
    (seen) => (seen?.progress.succeeded ?? 0) > 5,
  )
  await cut()
  await stage.ended(run)
  const { numbers, last } = await whole
  const { lastEvent } = await stage.engine.run(operator, run)
  expect({ numbers, last }).toEqual({ numbers: from(1, lastEvent), last: 'end' })
  await worker.drain(0)
})

test('the feed of a workspace begins with its runs and gives each again as it changes, and nobody else’s', async () => {
  await stage.db.sql("insert into engine.workspaces (name) values ('beside')")
  stage.person('beside', 'admin', 2)
  const run = await start(3, { hold: true })
  const abort = new AbortController()
  const seen: { id: number; status: string }[] = []
  const response = await stage.raw('/api/feed?stream=true', { signal: abort.signal })
  const foreign = await stage.ask('/api/feed', { as: 'beside' })
  expect(foreign.body).toEqual({ items: [] })
  const worker = await stage.work(2)
  for await (const { event, data } of eventsOf(response)) {
    expect(event).toBe('run')
    const { id, status } = data as { id: number; status: string }
    if (id !== run) continue
    seen.push({ id, status })
    if (seen.length === 1) await stage.engine.release(operator, run)
    if (status === 'succeeded') break
  }
  abort.abort()
  expect(seen[0]).toEqual({ id: run, status: 'paused' })
  expect(seen.at(-1)).toEqual({ id: run, status: 'succeeded' })
  await worker.drain(0)
})

test('a line on which nothing happens says now and then that it is there', async () => {
  const run = await start(1, { hold: true })
  const abort = new AbortController()
  const response = await stage.raw(`/api/runs/${run}/logs?stream=true`, { signal: abort.signal })
  expect(response.headers.get('content-type')).toBe('text/event-stream; charset=utf-8')
  let text = ''
  for await (const chunk of response.body ?? []) {
    text += Buffer.from(chunk as Uint8Array).toString()
    if (text.split(': still here').length > 3) break
  }
  expect(text).toMatch(/^retry: \d+\n\n/)
  abort.abort()
})

test('several runs are followed on one line, and who comes again by its last id goes on in each exactly there', async () => {
  const [one, two] = [await start(20), await start(20)]
  const worker = await stage.work(4)
  await Promise.all([one, two].map((run) => stage.ended(run)))
  await worker.drain(0)
  const ends = await Promise.all([one, two].map(async (run) => (await stage.engine.run(operator, run)).lastEvent))
  /** Takes so many messages, and says what each run got and how the last id reads. */
  async function take(path: string, messages: number, seen?: string) {
    const numbers = new Map<number, number[]>()
    const gone: number[] = []
    let last = ''
    let taken = 0
    const headers = seen === undefined ? {} : { 'last-event-id': seen }
    for await (const { event, id, data } of eventsOf(await stage.raw(path, { headers }))) {
      if (event === 'gone') gone.push((data as { run: number }).run)
      if (event === 'events') {
        const { run, events } = data as { run: number; events: { n: number }[] }
        numbers.set(run, [...(numbers.get(run) ?? []), ...events.map(({ n }) => n)])
        last = id ?? last
      }
      if (event === 'gone' || event === 'events') taken += 1
      if (taken === messages) break
    }
    return { numbers, gone, last }
  }
  const first = await take(`/api/feed?stream=true&runs=${one}:3,${two},999999`, 3)
  expect(first.gone).toEqual([999_999])
  expect(first.numbers.get(one)).toEqual(from(4, ends[0] ?? 0))
  expect(first.numbers.get(two)).toEqual(from(1, ends[1] ?? 0))
  expect(first.last.split(',').toSorted()).toEqual([`${one}:${ends[0]}`, `${two}:${ends[1]}`, '999999:0'].toSorted())
  // What the address says is where it began; the id says how far it came.
  const again = await take(`/api/feed?stream=true&runs=${one},${two}`, 2, `${one}:${(ends[0] ?? 0) - 2},${two}:1`)
  expect(again.numbers.get(one)).toEqual(from((ends[0] ?? 0) - 1, ends[0] ?? 0))
  expect(again.numbers.get(two)).toEqual(from(2, ends[1] ?? 0))
  expect((await stage.ask('/api/feed?stream=true&runs=x')).status).toBe(400)
  const many = from(1, 51).join(',')
  expect((await stage.ask(`/api/feed?stream=true&runs=${many}`)).body.code).toBe('INVALID_REQUEST')
})
