/** S4–S6, S16, S17: what waits for a person waits, and goes on by his word alone. */
import { createHmac, randomBytes } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { startWorker } from '@millrace/engine'
import { until } from '@millrace/engine/testing'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { operator } from '../src/app.ts'
import { act, decisionsOn, runNow, waitingRuns } from '../src/domains/stage/approvals.ts'
import { setSettings } from '../src/domains/stage/board.ts'
import { addCard, answerQuestion, cardOf, moveCard, questionsOf } from '../src/domains/stage/cards.ts'
import { webhookRun } from '../src/domains/stage/deliver.ts'
import { listNotices, markRead, unreadCount } from '../src/domains/stage/notices.ts'
import { addWebhook, changeWebhook, deliveriesOf } from '../src/domains/stage/webhooks.ts'
import { openKeys } from '../src/keys/keys.ts'
import { openStageBoard, person, type StageBoard } from '../testing/stage-board.ts'

let board: StageBoard
beforeAll(async () => {
  board = await openStageBoard()
  await board.work()
})
afterAll(() => board?.close())
beforeEach(async () => {
  await board.db.sql('delete from public.recipes')
  await setSettings(board.engine, operator, 1, { fourEyes: false, workerEnabled: true, workerMaxConcurrency: 20 })
  board.onStep = () => {}
  board.passes = () => true
})

const ann = person('user:1')
const add = async (stage: string, who = operator) => {
  const { card, run } = await addCard(board.engine, who, 1, { title: 'A card', stage })
  return { card, run: run ?? 0 }
}
const card = (id: number) => cardOf(board.engine, operator, id)
const status = async (run: number) => (await board.engine.run(operator, run)).status
const say = (run: number, action: Parameters<typeof act>[3], how: Parameters<typeof act>[4] = {}, who = operator) =>
  act(board.engine, who, run, action, how)

describe('a run that awaits approval', () => {
  beforeEach(() => board.recipe('prd', { level: 'human_approval', steps: 2 }))

  test('is claimed by nobody, is resumed by nobody, and stays so over restarts and without a worker', async () => {
    const { card: id, run } = await add('prd')
    await expect(say(run, 'resume')).rejects.toMatchObject({ code: 'AWAITS_APPROVAL' })
    await expect(board.engine.release(operator, run)).rejects.toMatchObject({ code: 'AWAITS_APPROVAL' })
    await (await board.work()).drain(0)
    await board.restart()
    await board.work()
    const other = await add('prd')
    await say(other.run, 'approve')
    await board.ended(other.run)
    expect(await status(run)).toBe('awaiting_approval')
    expect(await board.db.sql('select 1 from engine.tasks where run_id = $1 and attempt > 0', [run])).toEqual([])
    expect(await card(id)).toMatchObject({ activeRun: run, run: { awaits: 'approval' } })
    await say(run, 'approve')
    expect(await board.ended(run)).toMatchObject({ state: 'succeeded' })
  })

  test('keeps who approved it, when, and what he saw', async () => {
    const { card: id, run } = await add('prd')
    const [waits] = (await waitingRuns(board.engine, operator, { limit: 500 })).filter((one) => one.run === run)
    expect(waits).toMatchObject({ awaits: 'approval', needs: 'level', card: { id, version: 1 } })
    const wrong = say(run, 'approve', { seen: { digest: 'other' } }, ann)
    await expect(wrong).rejects.toMatchObject({ code: 'CARD_CHANGED' })
    await say(run, 'approve', { reason: 'go', seen: { digest: waits?.digest ?? '', cardVersion: 1 } }, ann)
    expect(await decisionsOn(board.engine, operator, run)).toMatchObject([
      {
        what: 'approval',
        decision: 'approved',
        by: 'user:1',
        reason: 'go',
        seen: { digest: waits?.digest, cardVersion: 1 },
      },
    ])
    await expect(say(run, 'approve')).rejects.toMatchObject({ code: 'WRONG_STATE' })
  })

  test('is not approved by a viewer, nor by who started it where four eyes are needed', async () => {
    await setSettings(board.engine, operator, 1, { fourEyes: true })
    const { run } = await add('prd', ann)
    await expect(say(run, 'approve', {}, person('v', 'viewer'))).rejects.toMatchObject({ code: 'NOT_ALLOWED' })
    await expect(say(run, 'approve', {}, ann)).rejects.toMatchObject({ code: 'FOUR_EYES' })
    await say(run, 'approve', {}, person('user:2'))
    expect(await board.ended(run)).toMatchObject({ state: 'succeeded' })
  })

  test('that is refused ends with its reason, and waits again when somebody retries it', async () => {
    const { card: id, run } = await add('prd')
    await say(run, 'cancel', { reason: 'not this quarter' }, ann)
    expect(await board.engine.run(operator, run)).toMatchObject({ state: 'cancelled' })
    expect(await card(id)).toMatchObject({ stage: 'prd', activeRun: null })
    expect(await decisionsOn(board.engine, operator, run)).toMatchObject([
      { decision: 'rejected', by: 'user:1', reason: 'not this quarter' },
    ])
    await say(run, 'retry')
    expect(await status(run)).toBe('awaiting_approval')
    expect(await card(id)).toMatchObject({ activeRun: run })
    await say(run, 'approve')
    expect(await board.ended(run)).toMatchObject({ state: 'succeeded', round: 2 })
  })

  test('is one whose skill is not trusted, whatever its level', async () => {
    await board.recipe('design', { level: 'fully_auto', untrusted: ['7'] })
    const { run } = await add('design')
    expect(await status(run)).toBe('awaiting_approval')
    const notices = await listNotices(board.engine, operator, { limit: 1 })
    expect(notices).toMatchObject([{ kind: 'approval_needed', run, data: { needs: 'trust' } }])
    await say(run, 'cancel')
  })
})

describe('a required gate that does not pass', () => {
  const gates = [
    { id: 'g', message: 'Say who pays.' },
    { id: 'soft', required: false },
  ] as const
  const begin = async (onFailBehavior: 'stay' | 'revert' | 'create_questions' | 'review_required') => {
    await board.recipe('prd', { level: 'auto_notify', gates, onFailBehavior })
    board.passes = (gate) => gate !== 'g'
    const { card: id } = await add('discovery')
    const moved = await moveCard(board.engine, operator, id, { to: 'prd', version: 1 })
    return { id, run: moved?.run ?? 0 }
  }

  test('and stays: the run fails, the card is where it was, and the gates alone are retried', async () => {
    const { id, run } = await begin('stay')
    expect(await board.ended(run)).toMatchObject({
      state: 'failed',
      failure: { code: 'GATE_FAILED', details: { gates: 'g' } },
    })
    expect(await card(id)).toMatchObject({ stage: 'prd', activeRun: null })
    board.passes = () => true
    await say(run, 'retry')
    expect(await board.ended(run)).toMatchObject({ state: 'succeeded', round: 2 })
    expect(board.performed.filter((one) => one.startsWith(`${run}/`))).toEqual([`${run}/0`])
  })

  test('and reverts: the card goes back with the reason, and nothing begins there', async () => {
    await board.recipe('discovery', { level: 'manual' })
    const { id, run } = await begin('revert')
    await board.ended(run)
    expect(await card(id)).toMatchObject({ stage: 'discovery', activeRun: null })
    const [row] = await board.sql<object>(
      'select actor, reason, not_started, caused_by from stage.stage_transition_events where card_id = $1 order by id desc limit 1',
      [id],
    )
    expect(row).toEqual({
      actor: 'automation',
      reason: 'Gates did not pass: g',
      not_started: 'reverted',
      caused_by: run,
    })
  })

  test('and asks: its questions are on the card, and answering and retrying goes on', async () => {
    const { id, run } = await begin('create_questions')
    await board.status(run, 'awaiting_approval')
    const [question] = await questionsOf(board.engine, operator, id)
    expect(question).toMatchObject({ run, gate: 'g', question: 'Say who pays.', answer: null })
    await expect(say(run, 'retry')).rejects.toMatchObject({ code: 'QUESTIONS_OPEN' })
    await expect(say(run, 'approve')).rejects.toMatchObject({ code: 'QUESTIONS_OPEN' })
    await answerQuestion(board.engine, ann, { card: id, question: question?.id ?? 0, answer: 'They do.' })
    // It is asked again as long as it does not pass.
    await say(run, 'retry')
    await until(
      () => questionsOf(board.engine, operator, id),
      (seen) => seen.length === 2,
    )
    const [again] = await questionsOf(board.engine, operator, id)
    await answerQuestion(board.engine, ann, { card: id, question: again?.id ?? 0, answer: 'They really do.' })
    board.passes = () => true
    await say(run, 'retry')
    expect(await board.ended(run)).toMatchObject({ state: 'succeeded', output: { gates: { waived: [] } } })
    expect(board.performed.filter((one) => one.startsWith(`${run}/`))).toEqual([`${run}/0`])
  })

  test('and waits for a review: who passes it says why, and what he saw is kept', async () => {
    const { run } = await begin('review_required')
    await board.status(run, 'awaiting_approval')
    await expect(say(run, 'approve')).rejects.toMatchObject({ code: 'REASON_NEEDED' })
    await say(run, 'retry', { reason: 'look again' })
    await until(
      () => listNotices(board.engine, operator, { limit: 50 }),
      (seen) => seen.filter((one) => one.run === run && one.kind === 'review_needed').length === 2,
    )
    await say(run, 'approve', { reason: 'it stands in the annex' }, ann)
    expect(await board.ended(run)).toMatchObject({
      state: 'succeeded',
      output: { gates: { passed: 1, warned: [], waived: ['g'] } },
    })
    expect(await decisionsOn(board.engine, operator, run)).toMatchObject([
      { what: 'review', decision: 'again', reason: 'look again' },
      {
        what: 'review',
        decision: 'approved',
        by: 'user:1',
        reason: 'it stands in the annex',
        seen: { gates: [{ id: 'g', passed: false }, {}] },
      },
    ])
  })

  test('is no obstacle where it is not required', async () => {
    await board.recipe('prd', { level: 'auto_notify', gates: [{ id: 'soft', required: false }] })
    board.passes = () => false
    const { run } = await add('prd')
    expect(await board.ended(run)).toMatchObject({ state: 'succeeded', output: { gates: { warned: ['soft'] } } })
  })
})

describe('the settings of a workspace', () => {
  test('let no task of its stage runs be claimed while the worker is disabled, and all when it is not', async () => {
    await board.recipe('prd', { level: 'auto_notify' })
    await setSettings(board.engine, operator, 1, { workerEnabled: false })
    const { run } = await add('prd')
    expect(await board.engine.why(operator, run)).toMatchObject([{ kind: 'stage.begin', reason: 'stopped' }])
    await setSettings(board.engine, operator, 1, { workerEnabled: true })
    expect(await board.ended(run)).toMatchObject({ state: 'succeeded' })
  })

  test('bound how many stage runs are worked on at a time, over all workers', async () => {
    await board.recipe('prd', { level: 'auto_notify', steps: 2 })
    await setSettings(board.engine, operator, 1, { workerMaxConcurrency: 2 })
    await board.work()
    let [now, most] = [0, 0]
    board.onStep = async () => {
      now += 1
      most = Math.max(most, now)
      const [seen] = await board.db.sql<{ amount: number }>(
        "select count(*)::integer as amount from engine.tasks t join engine.lanes l on l.id = t.lane_id where l.key = 'stage:1' and t.worker is not null",
      )
      most = Math.max(most, seen?.amount ?? 0)
      now -= 1
    }
    const runs = await Promise.all(Array.from({ length: 8 }, async () => (await add('prd')).run))
    await Promise.all(runs.map((run) => board.ended(run)))
    expect(most).toBe(2)
  })
})

describe('what people are told', () => {
  test('is counted for each of them, until he has read it', async () => {
    await board.recipe('prd', { level: 'auto_notify' })
    const { run } = await add('prd')
    await board.ended(run)
    const before = await unreadCount(board.engine, ann, 1)
    const [newest] = await listNotices(board.engine, ann, { limit: 1 })
    expect(newest).toMatchObject({
      kind: 'run_succeeded',
      run,
      read: false,
      sentence: expect.stringContaining('succeeded'),
    })
    await markRead(board.engine, ann, 1, { ids: [newest?.id ?? 0] })
    expect(await unreadCount(board.engine, ann, 1)).toBe(before - 1)
    await markRead(board.engine, ann, 1, { upTo: newest?.id ?? 0 })
    expect(await unreadCount(board.engine, ann, 1)).toBe(0)
    expect(await unreadCount(board.engine, operator, 1)).toBe(before)
  })

  test('is sent signed to who asked for it, tried again until it is taken, and to no private address', async () => {
    const heard: { body: string; signature: string; delivery: string }[] = []
    const server = createServer((request, response) => {
      let body = ''
      request.on('data', (part: Buffer) => (body += part.toString()))
      request.on('end', () => {
        const { 'millrace-signature': signature = '', 'millrace-delivery': delivery = '' } = request.headers
        heard.push({ body, signature: String(signature), delivery: String(delivery) })
        response.writeHead(heard.length === 1 ? 500 : 200, { 'content-type': 'text/plain' }).end('x')
      })
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const { port } = server.address() as AddressInfo
    const keys = openKeys({}, { given: randomBytes(32).toString('base64'), folder: '' }, console.error)
    // The smaller world of a test: every name leads here, and only 127.0.0.1 is public in it.
    const world = {
      resolve: async (host: string) => (host === 'inside' ? ['10.0.0.7'] : ['127.0.0.1']),
      isPublic: (at: string) => at === '127.0.0.1',
    }
    const worker = await startWorker({
      settings: board.db.worker,
      kinds: [webhookRun(keys, world)],
      report: console.error,
    })
    try {
      const outside = await addWebhook(board.engine, operator, keys, {
        workspace: 1,
        url: `http://example.org:${port}/hook`,
      })
      const inside = await addWebhook(board.engine, operator, keys, {
        workspace: 1,
        url: `http://inside:${port}/`,
        kinds: ['run_succeeded'],
      })
      await board.recipe('prd', { level: 'auto_notify' })
      const { card: id, run } = await add('prd')
      await board.ended(run)
      const [sent] = await until(
        () => deliveriesOf(board.engine, operator, outside.webhook, { limit: 9 }),
        (seen) => seen[0]?.runStatus === 'succeeded',
      )
      expect(sent).toMatchObject({ status: 200, kind: 'run_succeeded', deliveredAt: expect.any(Date) })
      expect(heard).toHaveLength(2)
      expect(heard[0]?.delivery).toBe(heard[1]?.delivery)
      for (const { body, signature } of heard) {
        const [, at = '', sum] = /^t=(\d+),v1=([0-9a-f]{64})$/.exec(signature) ?? []
        expect(sum).toBe(createHmac('sha256', outside.secret).update(`${at}.${body}`).digest('hex'))
        expect(JSON.parse(body)).toMatchObject({ kind: 'run_succeeded', run, card: { id } })
      }
      const [refused] = await until(
        () => deliveriesOf(board.engine, operator, inside.webhook, { limit: 9 }),
        (seen) => seen[0]?.runStatus === 'failed',
      )
      expect(refused).toMatchObject({ status: null })
      expect(await board.engine.run(operator, refused?.run ?? 0)).toMatchObject({
        failure: { code: 'WEBHOOK_NOT_PUBLIC' },
      })
      // No row that a login reads holds the secret.
      const rows = await board.db.sql<{ text: string }>('select w::text as text from stage.webhooks w')
      expect(JSON.stringify(rows)).not.toContain(outside.secret)
      await changeWebhook(board.engine, operator, outside.webhook, { enabled: false })
      await changeWebhook(board.engine, operator, inside.webhook, { enabled: false })
      await board.ended((await runNow(board.engine, operator, { card: id })).run)
      expect(heard).toHaveLength(2)
    } finally {
      await worker.drain(0)
      server.close()
    }
  })
})
