/** The board over HTTP: S5 with its file, S6's stream, S17's runs of a card. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { eventsOf, openHttpStage, type HttpStage } from './http-stage.ts'

let stage: HttpStage
let folder = ''
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-board-'))
  stage = await openHttpStage({ folder })
  await stage.db.sql(`create or replace function stage.snapshot(in_workspace bigint, in_stage text) returns jsonb
    language sql stable security definer set search_path = pg_temp as $$
      select case when in_stage = 'prd' then '{"level": "human_approval", "enabled": true, "steps": [], "gates": [],
        "onFailBehavior": "stay", "untrusted": []}'::jsonb end $$`)
  await stage.work()
})
afterAll(async () => {
  await stage?.close()
  await rm(folder, { recursive: true, force: true })
})

const send = (path: string, body: unknown, method = 'POST', as = 'admin') => stage.ask(path, { method, body, as })

test('a card goes from the board to its run, and the run waits for a word', async () => {
  const made = await send('/api/cards', { title: 'An idea', priority: 'high' })
  expect(made).toMatchObject({ status: 201, body: { run: null, card: { stage: 'inbox', version: 1 } } })
  const { id } = made.body.card
  const moved = await send(`/api/cards/${id}/move`, { to: 'prd', version: 1, reason: 'enough' })
  const { run } = moved.body.transition
  expect(moved).toMatchObject({
    status: 200,
    body: { card: { stage: 'prd', run: { id: run, status: 'awaiting_approval', awaits: 'approval', active: true } } },
  })
  const locked = await send(`/api/cards/${id}/move`, { to: 'ga', version: 2 })
  expect(locked).toMatchObject({
    status: 409,
    body: { code: 'RUN_UNDER_WAY', detail: `Run ${run} of this card is under way.` },
  })
  const late = await send(`/api/cards/${id}/move`, { to: 'ga', version: 1, cancelActiveRun: true })
  expect(late).toMatchObject({ status: 409, body: { code: 'CARD_CHANGED' } })

  const { body: board } = await stage.ask('/api/board?limit=10')
  const prd = board.columns.find(({ key }: { key: string }) => key === 'prd')
  expect(prd).toMatchObject({ count: 1, busy: 1, next: null, cards: [{ id, run: { id: run } }] })
  const { body: waiting } = await stage.ask('/api/approvals')
  expect(waiting.items).toMatchObject([{ run, awaits: 'approval', needs: 'level', card: { id } }])

  // Asked for again it is the one that is there, and who asks is who is signed in.
  const again = await send('/api/runs', { cardId: id, workspaceId: 1, stage: 'prd', triggeredBy: 'somebody else' })
  expect(again).toMatchObject({ status: 200, body: { created: false, run: { id: run } } })
  const { body: listed } = await stage.ask(`/api/runs?cardId=${id}`)
  expect(listed.items).toMatchObject([{ id: run, kind: 'stage', card: { triggeredBy: 'user:admin', stage: 'prd' } }])
  const elsewhere = await send('/api/runs', { cardId: id, stage: 'ga' })
  expect(elsewhere).toMatchObject({ status: 409, body: { code: 'CARD_ELSEWHERE' } })
  const missing = await send('/api/runs', { kind: 'stage', input: {} })
  expect(missing).toMatchObject({ status: 422, body: { code: 'CANNOT_START' } })

  const resumed = await send(`/api/runs/${run}`, { action: 'resume' })
  expect(resumed).toMatchObject({ status: 409, body: { code: 'AWAITS_APPROVAL' } })
  stage.person('viewer', 'viewer')
  const viewer = await send(`/api/runs/${run}`, { action: 'approve' }, 'POST', 'viewer')
  expect(viewer.status).toBe(403)
  const { digest } = waiting.items[0]
  const approved = await send(`/api/runs/${run}`, { action: 'approve', reason: 'go', seen: { digest } })
  expect(approved).toMatchObject({ status: 200, body: { run: { id: run } } })
  await stage.ended(run)
  const { body: whole } = await stage.ask(`/api/runs/${run}`)
  expect(whole).toMatchObject({
    status: 'succeeded',
    artifacts: [],
    card: { active: false, decisions: [{ decision: 'approved', by: 'user:admin', reason: 'go' }] },
  })
  expect(whole.logs.map(({ kind }: { kind: string }) => kind)).toEqual(
    expect.arrayContaining(['run.queued', 'run.released', 'run.succeeded']),
  )
  // All its steps at once would be no stage any more.
  const anew = await send(`/api/runs/${run}/retry`, { what: 'all' })
  expect(anew).toMatchObject({ status: 409, body: { code: 'STEPS_IN_ORDER' } })
  const { body: way } = await stage.ask(`/api/cards/${id}/transitions`)
  expect(way.items).toMatchObject([
    { to: 'prd', reason: 'enough', run },
    { to: 'inbox', from: null },
  ])
})

test('a run is called in lists as people know it, is found by that, and is nobody’s who does not see it', async () => {
  const { body: made } = await send('/api/cards', { title: 'A quieter chat', stage: 'inbox' })
  const { body: moved } = await send(`/api/cards/${made.card.id}/move`, { to: 'prd', version: 1 })
  const { body: chat } = await send('/api/runs', {
    kind: 'chat',
    input: { model: 'fake:a', messages: [{ role: 'user', content: 'x' }] },
  })
  const nameOf = async (run: number, as = 'admin') => (await stage.ask(`/api/runs/${run}`, { as })).body.name
  expect(await nameOf(moved.transition.run)).toBe('A quieter chat → PRD')
  expect(await nameOf(chat.run.id)).toBe('fake:a')
  const found = await stage.ask(`/api/runs?search=${encodeURIComponent('quieter chat → p')}`)
  expect(found.body.items).toMatchObject([{ id: moved.transition.run, name: 'A quieter chat → PRD' }])
  const counted = await stage.ask('/api/runs/counts?search=QUIETER')
  expect(counted.body.counts).toEqual({ awaiting_approval: 1 })
  const elsewhere = await stage.ask('/api/runs?search=quieter', { as: 'stranger' })
  expect(JSON.stringify(elsewhere.body)).not.toContain('quieter')
  // As it is called now.
  await send(`/api/cards/${made.card.id}`, { title: 'A calm chat', version: 2 }, 'PATCH')
  expect(await nameOf(moved.transition.run)).toBe('A calm chat → PRD')
})

test('a run of any kind is cancelled with a reason, which stands in its log', async () => {
  const { body } = await send('/api/runs', {
    kind: 'chat',
    input: { model: 'fake:a', messages: [{ role: 'user', content: 'x' }] },
    hold: true,
  })
  await send(`/api/runs/${body.run.id}`, { action: 'cancel', reason: 'changed my mind' })
  const { body: logs } = await stage.ask(`/api/runs/${body.run.id}/logs`)
  expect(logs.items).toContainEqual(
    expect.objectContaining({ kind: 'run.cancel_asked', data: { reason: 'changed my mind', by: 'admin' } }),
  )
})

test('who follows is told at once, and how much he has not read', async () => {
  const abort = new AbortController()
  const line = await stage.raw('/api/notifications?stream=true', { signal: abort.signal })
  const seen: { event: string; data: unknown }[] = []
  const { body } = await send('/api/cards', { title: 'Told', stage: 'prd' })
  for await (const event of eventsOf(line)) {
    seen.push(event)
    if (event.event === 'notification' && (event.data as { run: number }).run === body.run) break
  }
  abort.abort()
  expect(seen.at(-1)).toMatchObject({ data: { kind: 'approval_needed', card: { id: body.card.id, title: 'Told' } } })
  const { body: listed } = await stage.ask('/api/notifications?unread=true')
  expect(listed.unread).toBe(listed.items.length)
  const { body: left } = await send('/api/notifications/read', { upTo: listed.items[0].id })
  expect(left).toEqual({ unread: 0 })
})

test('settings are what was said last: in the file when it has changed, by people after it', async () => {
  const write = (given: unknown) => writeFile(join(folder, 'settings.json'), JSON.stringify(given))
  const read = async () => (await stage.ask('/api/board/settings')).body
  expect(await read()).toMatchObject({
    workerMaxConcurrency: 2,
    automationStopStage: 'validate',
    file: { state: 'none' },
  })
  await write({ workerMaxConcurrency: 7, theme: 'dark' })
  expect(await read()).toMatchObject({ workerMaxConcurrency: 7, file: { state: 'taken', ignored: ['theme'] } })
  const changed = await send('/api/board/settings', { workerMaxConcurrency: 3 }, 'PATCH')
  expect(changed).toMatchObject({ status: 200, body: { workerMaxConcurrency: 3, changedBy: 'user:admin' } })
  expect(await read()).toMatchObject({ workerMaxConcurrency: 3, file: { state: 'same' } })
  await write({ workerMaxConcurrency: 'many', automationStopStage: 'nowhere' })
  expect(await read()).toMatchObject({
    workerMaxConcurrency: 3,
    file: { state: 'refused', problems: [expect.stringContaining('workerMaxConcurrency')] },
  })
  await write({ automationStopStage: 'nowhere' })
  expect(await read()).toMatchObject({ automationStopStage: 'validate', file: { state: 'refused' } })
  const stale = await send('/api/board/settings', { fourEyes: true, version: 1 }, 'PATCH')
  expect(stale).toMatchObject({ status: 409, body: { code: 'SETTINGS_CHANGED' } })
})
