/** What is asked about runs from the console: which there are, how many, and what went on inside one. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { definition } from '../testing/bench.ts'
import { definitionText } from '../testing/probe.ts'
import { openHttpStage, type HttpStage } from './http-stage.ts'

let stage: HttpStage
let failed = 0
let held = 0

beforeAll(async () => {
  stage = await openHttpStage()
  const start = async (body: object) => (await stage.ask('/api/runs', { body })).body.run.id as number
  const worker = await stage.work(8)
  // Words of its own: the model fails on a request the first time that its process is asked, whoever asks.
  const text = definitionText(14).replace('Rate case', 'How good is case')
  failed = await start({ definition: definition(text), models: ['fake:flaky', 'fake:empty'] })
  await stage.ended(failed)
  await worker.drain(0)
  held = await start({ definition: definition(definitionText(2, 0, 'Held')), models: ['fake:b'], hold: true })
})
afterAll(() => stage?.close())

const counts = async (query = '') => (await stage.ask(`/api/runs/counts${query}`)).body.counts

test('runs are counted by status, after the same filters as they are listed by', async () => {
  expect(await counts('?kind=probe')).toEqual({ succeeded: 1, paused: 1 })
  expect(await counts('?model=FLAKY')).toEqual({ succeeded: 1 })
  expect(await counts('?search=held')).toEqual({ paused: 1 })
  expect(await counts('?workspaceId=2')).toEqual({})
  const { body } = await stage.ask('/api/runs?kind=probe&model=fake:b&workspaceId=1')
  expect(body.items.map(({ id }: { id: number }) => id)).toEqual([held])
})

test('why tasks failed is told by cause, apart from what was overcome by trying again', async () => {
  const { body } = await stage.ask(`/api/runs/${failed}/failures`)
  const told = body.groups.map(
    (one: { failure: { code: string }; tasks: number; again: number; examples: number[] }) => [
      one.failure.code,
      one.tasks,
      one.again > 0,
      one.examples,
    ],
  )
  expect(told[0]).toEqual(['INVALID_RESPONSE', 14, true, [2, 4, 6, 8, 10]])
  expect(told.slice(1).every(([, tasks]: [string, number]) => tasks === 0)).toBe(true)
  expect(told.length).toBeGreaterThan(1)
})

test('how a run went is told by what happened to it and how far it was when', async () => {
  const { body } = await stage.ask(`/api/runs/${failed}/timeline`)
  expect(body.moments.map(({ kind }: { kind: string }) => kind)).toEqual(['run.queued', 'run.running', 'run.succeeded'])
  expect(body.pace.at(-1)).toMatchObject({ completed: 14, failed: 14, cancelled: 0 })
  expect(body.attempts.filter(({ outcome }: { outcome: string }) => outcome === 'failed')).toHaveLength(14)
  const { body: asked } = await stage.ask(`/api/runs/${held}/input`)
  expect(asked).toMatchObject({ kind: 'probe', input: { models: ['fake:b'] } })
})

test('who did what to a run is told in order, with decisions that were put otherwise', async () => {
  await stage.ask(`/api/runs/${failed}/transcripts/1/decision`, { method: 'PUT', body: { decision: 'refusal' } })
  await stage.ask(`/api/runs/${failed}/transcripts/1/decision`, { method: 'PUT', body: { decision: null } })
  const { body } = await stage.ask(`/api/runs/${failed}/audit`)
  expect(body.items).toMatchObject([
    { what: 'run.queued', by: 'admin', task: null },
    { what: 'decision.overridden', by: 'admin', task: 1, data: { outcome: 'refusal' } },
    { what: 'decision.overridden', by: 'admin', task: 1, data: { outcome: null } },
  ])
  const { body: other } = await stage.ask(`/api/runs/${held}/audit`)
  expect(other.items.map(({ what, by }: { what: string; by: string }) => [what, by])).toContainEqual([
    'run.queued',
    'admin',
  ])
})

test('the log is searched, and thinned to what matters; a page that is not full is the last', async () => {
  const kinds = async (query: string) => {
    const { body } = await stage.ask(`/api/runs/${failed}/logs?${query}`)
    return { kinds: new Set(body.items.map(({ kind }: { kind: string }) => kind)), next: body.next, items: body.items }
  }
  expect((await kinds('level=info')).kinds.has('progress')).toBe(false)
  const warned = await kinds('level=warn')
  expect([...warned.kinds]).toEqual(['tasks.closed'])
  expect(warned.items.every(({ data }: { data: { again: number } }) => data.again > 0)).toBe(true)
  expect(warned.next).toBeNull()
  const found = await kinds('search=RUN.SUCC')
  expect([...found.kinds]).toEqual(['run.succeeded'])
  const page = await kinds('level=info&limit=2')
  expect(page.items).toHaveLength(2)
  expect(page.next).not.toBeNull()
})

test('many runs are let go on at once, each for itself', async () => {
  const { body } = await stage.ask('/api/runs/resume', { body: { runs: [held, failed, 999_999] } })
  expect(body.results).toEqual([
    { run: held, status: 'queued', code: null },
    { run: failed, status: null, code: 'WRONG_STATE' },
    { run: 999_999, status: null, code: 'NO_SUCH_RUN' },
  ])
})

test('what is rare among very many runs is looked for page by page, and none is passed over', async () => {
  await stage.db.sql(
    `with r as (insert into engine.runs (workspace_id, kind, state, has_next, total, open, succeeded, last_event, created_at, started_at, finished_at)
       select 1, 'other', 'succeeded', false, 1, 0, 1, 0, now(), now(), now() from generate_series(1, 20100) returning id)
     insert into engine.run_bodies (run_id, workspace_id, input) select id, 1, '{}' from r`,
  )
  const pages: number[][] = []
  for (let next: string | null = ''; next !== null;) {
    const cursor: string = next === '' ? '' : `&cursor=${next}`
    const { body, status } = await stage.ask(`/api/runs?status=queued&limit=2${cursor}`)
    expect(status).toBe(200)
    pages.push(body.items.map(({ id }: { id: number }) => id))
    next = body.next
  }
  expect(pages[0]).toEqual([])
  expect(pages.flat()).toEqual([held])
  expect((await counts()).queued).toBe(1)
  // Where nothing has to be compared, a page is a page.
  expect((await stage.ask('/api/runs?limit=2')).body.items).toHaveLength(2)
  expect((await stage.ask('/api/runs?limit=2&kind=other')).body.items).toHaveLength(2)
})
