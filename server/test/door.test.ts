/** The library: what `import … from 'millrace'` gives to a program. */
import { chmod, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { z } from 'zod'
import { freshDatabase, until } from '../../engine/testing/index.ts'
import { rooms } from '../src/app.ts'
import { defineRun, defineTask, openMillrace, startWorker, TaskFailed } from '../src/index.ts'
import { leave, left } from './cli-stage.ts'

afterEach(async () => {
  vi.unstubAllEnvs()
  await leave()
})

const numbers = z.object({ xs: z.array(z.number()) })
const square = defineTask({
  name: 'square',
  input: z.object({ x: z.number() }),
  output: z.object({ y: z.number() }),
  async perform({ input }) {
    if (input.x < 0) {
      throw new TaskFailed({ code: 'NEGATIVE', message: 'It is negative.', retryable: false, origin: 'task' })
    }
    return { y: input.x ** 2 }
  },
})
const squares = defineRun({
  name: 'squares',
  input: numbers,
  tasks: [square],
  plan: (input) => input.xs.map((x) => ({ kind: 'square', input: { x } })),
  next: async (soFar) => {
    if (soFar.failed > 0) return { fail: (await soFar.commonestFailure()) ?? never() }
    return { succeed: (await soFar.outputs('square', square.output)).map((one) => one.output.y) }
  },
})
function never(): never {
  throw new Error('a failed task has a failure')
}

async function freshUrl(options: { empty?: boolean } = {}) {
  const db = await freshDatabase(rooms.slice(1), options)
  left.push(() => db.drop())
  return db
}

describe('a program', () => {
  test('starts a worker and a run on a database that it migrates, and follows the run to its end', async () => {
    const db = await freshUrl({ empty: true })
    const database = { url: db.url }
    const millrace = await openMillrace({ kinds: [squares], database })
    left.push(() => millrace.close())
    const worker = await startWorker({ kinds: [squares], database, slots: 3, workerId: 'own' })
    left.push(() => worker.drain(1))
    const { run, created } = await millrace.start(squares, { xs: [1, 2, 3] }, { key: 'k', priority: 'high' })
    expect(created).toBe(true)
    const kinds: string[] = []
    for await (const event of millrace.follow(run)) kinds.push(event.kind)
    expect([kinds[0], kinds.at(-1)]).toEqual(['run.queued', 'run.succeeded'])
    expect(await millrace.run(run)).toMatchObject({ state: 'succeeded', output: [1, 4, 9], priority: 10 })
    expect(await millrace.start('squares', { xs: [1, 2, 3] }, { key: 'k' })).toEqual({ run, created: false })
    expect(await db.sql('select id, name, slots from engine.workers')).toEqual([
      { id: worker.id, name: 'own', slots: 3 },
    ])
    const failed = await millrace.start(squares, { xs: [-1] })
    expect(await millrace.ended(failed.run)).toMatchObject({ state: 'failed', failure: { code: 'NEGATIVE' } })

    await worker.drain()
    await millrace.close()
    // A connection that was closed stands in PostgreSQL's list for a moment longer.
    await until(
      () =>
        db.sql(`select application_name from pg_stat_activity
          where datname = current_database() and application_name in ('millrace worker', 'millrace api')`),
      (rows) => rows.length === 0,
    )
  })

  test('holds, lets go and cancels its runs, and starts none of a kind that it did not name', async () => {
    const db = await freshUrl()
    const millrace = await openMillrace({ kinds: [squares], database: { url: db.url } })
    left.push(() => millrace.close())
    const { run } = await millrace.start(squares, { xs: [1] }, { hold: true })
    expect(await millrace.run(run)).toMatchObject({ status: 'paused' })
    await millrace.resume(run)
    expect(await millrace.run(run)).toMatchObject({ status: 'queued' })
    await millrace.pause(run)
    await millrace.cancel(run)
    const late = await millrace.start(squares, { xs: [1] }, { delay: 60, budget: { tokens: 9 } })
    const [due] = await db.sql('select due_at > now() as later from engine.tasks where run_id = $1', [late.run])
    expect(due).toEqual({ later: true })
    expect(await millrace.ended(run)).toMatchObject({ state: 'cancelled' })
    await expect(millrace.start('cubes', {})).rejects.toMatchObject({
      code: 'UNKNOWN_KIND',
      remedy: 'Known are: squares.',
    })
    await expect(millrace.start('squares', { xs: ['one'] })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
    // @ts-expect-error: by the kind itself the type says so already
    await expect(millrace.start(squares, { xs: ['one'] })).rejects.toMatchObject({ code: 'INVALID_INPUT' })
  })

  test('that knows only the restricted logins works on what somebody else has migrated', async () => {
    const db = await freshUrl()
    const login = (user: string, password: unknown) => {
      const url = new URL(db.url)
      url.username = user
      url.password = String(password)
      return url.href
    }
    vi.stubEnv('DATABASE_URL', undefined)
    vi.stubEnv('WORKER_DATABASE_URL', login('millrace_worker', db.worker.password))
    const worker = await startWorker({ kinds: [squares] })
    left.push(() => worker.drain(1))
    vi.stubEnv('WORKER_DATABASE_URL', undefined)
    vi.stubEnv('API_DATABASE_URL', login('millrace_api', db.api.password))
    const millrace = await openMillrace({ kinds: [squares] })
    left.push(() => millrace.close())
    const { run } = await millrace.start(squares, { xs: [5] })
    expect(await millrace.ended(run)).toMatchObject({ output: [25] })
  })

  test('without a server has one in a folder, shared by its worker and its runs and stopped by the last of them', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-door-'))
    left.push(() => rm(folder, { recursive: true, force: true }))
    // As root the database runs as another user, who must be able to reach it there.
    await chmod(folder, 0o755)
    const said = vi.spyOn(process.stderr, 'write').mockReturnValue(true)
    const database = { folder: join(folder, '.millrace') }
    const millrace = await openMillrace({ kinds: [squares], database })
    const worker = await startWorker({ kinds: [squares], database })
    const { run } = await millrace.start(squares, { xs: [4] })
    expect(await millrace.ended(run)).toMatchObject({ output: [16] })
    await millrace.close()
    await worker.drain()
    expect(said.mock.calls.map(([text]) => String(text))).toEqual([expect.stringMatching(/^Making a database in /)])
    said.mockRestore()
  })
})
