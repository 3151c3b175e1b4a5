/** Work in other languages: real children of sh, Node and Python, good ones and bad ones. */
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { TaskFailed } from '@millrace/engine'
import { until } from '../../engine/testing/index.ts'
import type { Program } from '../src/tools/process/launch.ts'
import { openProcesses, type Pool, type PoolOptions, type Processes } from '../src/tools/process/processes.ts'

let folder: string
let processes: Processes
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-processes-'))
  processes = openProcesses()
  process.env['TESTED_API_KEY'] = 'sk-not-for-children'
  process.env['DATABASE_URL'] = 'postgres://owner:not-for-children@127.0.0.1/x'
})
afterAll(async () => {
  delete process.env['TESTED_API_KEY']
  delete process.env['DATABASE_URL']
  await processes?.close()
  await rm(folder, { recursive: true })
})
const left: number[] = []
afterEach(() => {
  for (const pid of left.splice(0)) if (lives(pid)) process.kill(pid, 'SIGKILL')
})

const PORT = fileURLToPath(new URL('../src/tools/process/processes.ts', import.meta.url))
const soon = (seconds = 20) => ({
  signal: new AbortController().signal,
  deadline: new Date(Date.now() + seconds * 1000),
})
const sh = (script: string): Program => ({ name: 'script', command: '/bin/sh', args: ['-c', script] })
const READY = `printf '{"ready":true,"protocol":1}\\n'`
const warmSh = (answer: string) => sh(`${READY}; while read -r line; do ${answer}; done`)

/** A warm program in Node: `work` is a function of the input, as source. */
async function node(name: string, work: string): Promise<Program> {
  const file = join(folder, `${name}.mjs`)
  await writeFile(
    file,
    `import { createInterface } from 'node:readline'
     import { setTimeout as sleep } from 'node:timers/promises'
     const say = (value) => process.stdout.write(JSON.stringify(value) + '\\n')
     const work = ${work}
     say({ ready: true, protocol: 1 })
     for await (const line of createInterface({ input: process.stdin })) {
       const { id, input, deadlineMs } = JSON.parse(line)
       const given = await work(input, id, deadlineMs)
       if (given !== undefined) say({ id, success: true, pid: process.pid, ...given })
     }`,
  )
  return { name, command: process.execPath, args: [file] }
}

async function failureOf(asked: Promise<unknown>): Promise<TaskFailed> {
  const error = await asked.then(
    (answer) => expect.fail(`answered ${JSON.stringify(answer)}`),
    (thrown: unknown) => thrown,
  )
  if (!(error instanceof TaskFailed)) throw error
  return error
}

/** A zombie that nobody has buried is dead all the same. */
function lives(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
const gone = (pids: readonly number[], seconds = 10) =>
  until(
    async () => pids.filter(lives),
    (alive) => alive.length === 0,
    seconds,
  )
const parentOf = (pid: number) => Number(/^PPid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1])

describe('a program of any language', () => {
  test('is asked once: one document in, one out, and it ends', async () => {
    const answer = await processes.once(
      sh(`read -r line; printf '{"success":true,"given":%s}' "$line"`),
      { a: '雪' },
      soon(),
    )
    expect(answer).toEqual({ success: true, given: { a: '雪' } })
  })

  test('is kept warm and asked again and again, with what is left of the time', async () => {
    const pool = processes.warm(await node('echo', '(input, id, deadlineMs) => ({ input, deadlineMs })'), { most: 3 })
    const pids = new Set<unknown>()
    for (const word of ['one', 'Größe 🙃', 'lone \ud83d end', 'x'.repeat(1_000_000)]) {
      const { input, deadlineMs, pid } = await pool.ask({ input: { word } }, soon(20))
      expect(input).toEqual({ word })
      expect(deadlineMs).toBeGreaterThan(10_000)
      expect(deadlineMs).toBeLessThanOrEqual(20_000)
      pids.add(pid)
    }
    expect(pids.size).toBe(1)
  })

  test('whose letters come in pieces is understood', async () => {
    const bytes = `async (input, id) => {
      const text = Buffer.from(JSON.stringify({ id, success: true, text: 'Größe 🙃 雪' }) + '\\n')
      for (const byte of text) { process.stdout.write(Buffer.of(byte)); if (byte > 127) await sleep(1) }
    }`
    const pool = processes.warm(await node('pieces', bytes), { most: 1 })
    expect(await pool.ask({ input: {} }, soon())).toMatchObject({ text: 'Größe 🙃 雪' })
  })

  test('tells what failed in the words of the table; its own words are not passed on', async () => {
    const told = (error: object) =>
      failureOf(processes.once(sh(`echo '${JSON.stringify({ success: false, error })}'`), {}, soon()))
    const limit = { message: 'Mr Doe is ill', code: 'RATE_LIMIT', retryable: true, retryAfter: 7, statusCode: 429 }
    expect((await told(limit)).failure).toEqual({
      code: 'RATE_LIMIT',
      message: 'The provider limits the rate of requests.',
      retryable: true,
      retryAfter: 7,
      details: { status: 429 },
      origin: 'provider',
    })
    const own = { message: 'Mr Doe is ill', code: 'MR_DOE', retryable: false }
    expect((await told(own)).failure).toMatchObject({ code: 'UNKNOWN', retryable: false })
  })

  test('sees neither keys nor the database, and neither does the launcher', async () => {
    const pool = processes.warm(await node('environment', '() => ({})'), { most: 1 })
    const { pid } = (await pool.ask({ input: {} }, soon())) as unknown as { pid: number }
    for (const one of [pid, parentOf(pid)]) {
      const environment = readFileSync(`/proc/${one}/environ`, 'utf8')
      expect(environment).toContain('PATH=')
      expect(environment).not.toMatch(/not-for-children|API_KEY|DATABASE_URL/)
    }
    expect(parentOf(pid)).not.toBe(process.pid)
  })

  test('may hold no more memory than it is given', async () => {
    const answer = await processes.once(
      { ...sh(`printf '{"success":true,"kilobytes":"%s"}' "$(ulimit -v)"`), memory: 300 * 1024 ** 2 },
      {},
      soon(),
    )
    expect(answer).toMatchObject({ kilobytes: String(300 * 1024) })
  })
})

describe('a process that', () => {
  test.each([
    ['dies before it has read', sh('exec 0<&-; exit 0'), 'WORKER_CRASH', { exitCode: 0 }],
    ['ends without an answer', sh('cat > /dev/null; exit 3'), 'WORKER_CRASH', { exitCode: 3 }],
    ['is killed', sh('cat > /dev/null; kill -9 $$'), 'WORKER_CRASH', { signal: 'SIGKILL' }],
    ['answers and then fails', sh(`echo '{"success":true}'; exit 4`), 'WORKER_CRASH', { exitCode: 4 }],
    ['does not exist', { name: 'none', command: '/no/such/program', args: [] }, 'WORKER_CRASH', { exitCode: 127 }],
    ['says what is no JSON', sh('echo hello'), 'WORKER_PROTOCOL', { reason: 'not an answer' }],
    ['says what is no answer', sh(`echo '{"ok":1}'`), 'WORKER_PROTOCOL', { reason: 'not an answer' }],
    ['says what is no text', sh(`printf '\\377\\376\\n'`), 'WORKER_PROTOCOL', { reason: 'not UTF-8' }],
    [
      'answers twice',
      sh(`echo '{"success":true}'; echo '{"success":true}'`),
      'WORKER_PROTOCOL',
      { reason: 'more than one answer' },
    ],
  ])('%s, asked once, is told as a failure that may be tried again', async (_, program, code, details) => {
    const { failure } = await failureOf(processes.once(program, { text: 'x'.repeat(300_000) }, soon()))
    expect(failure).toMatchObject({ code, retryable: true, origin: 'worker', details })
  })

  test.each<[string, Program, Partial<PoolOptions>, string, object]>([
    ['is never ready', sh('echo hello; cat'), {}, 'WORKER_PROTOCOL', { reason: 'not ready' }],
    ['dies at its start', sh('exit 5'), {}, 'WORKER_CRASH', { exitCode: 5 }],
    ['dies at work', warmSh('exit 6'), {}, 'WORKER_CRASH', { exitCode: 6 }],
    [
      'answers another request',
      warmSh(`echo '{"id":"another","success":true}'`),
      {},
      'WORKER_PROTOCOL',
      { reason: 'not an answer' },
    ],
    [
      'says a line without end',
      warmSh('head -c 100000 /dev/zero | tr "\\0" x'),
      { line: 50_000 },
      'WORKER_PROTOCOL',
      { reason: 'a line too long' },
    ],
    [
      'says a long line',
      warmSh('head -c 100000 /dev/zero | tr "\\0" x; echo'),
      { line: 50_000 },
      'WORKER_PROTOCOL',
      { reason: 'a line too long' },
    ],
    [
      'logs without end',
      warmSh('head -c 100000 /dev/zero >&2'),
      { log: 50_000 },
      'WORKER_PROTOCOL',
      { reason: 'a log too long' },
    ],
  ])('%s, kept warm, is told so', async (_, program, options, code, details) => {
    const { failure } = await failureOf(processes.warm(program, { most: 1, ...options }).ask({ input: {} }, soon()))
    expect(failure).toMatchObject({ code, retryable: true, origin: 'worker', details })
  })

  test('died leaves the end of its log as evidence, beside the failure and not in it', async () => {
    const error = await failureOf(processes.once(sh('echo "Mr Doe, line 7" >&2; exit 3'), {}, soon()))
    expect(JSON.stringify(error.failure)).not.toContain('Doe')
    expect((error.cause as Error).message).toBe(
      'script: WORKER_CRASH, exitCode 3, signal null; it said last:\nMr Doe, line 7',
    )
  })

  test('broke the protocol is not asked again: the next request gets another', async () => {
    const pool = processes.warm(
      await node('broken', `(input) => { if (input.bad) { console.log('rubbish') } else return {} }`),
      { most: 1 },
    )
    const first = await pool.ask({ input: {} }, soon())
    await failureOf(pool.ask({ input: { bad: true } }, soon()))
    const second = await pool.ask({ input: {} }, soon())
    expect(second['pid']).not.toBe(first['pid'])
    await gone([first['pid'] as number])
  })
})

/** Answers with the pid of a grandchild that it leaves in its group, and hangs when it is told to. */
const PARENTS = `async (input) => {
  const { spawn } = await import('node:child_process')
  if (input.deaf) process.on('SIGTERM', () => {})
  const { pid } = spawn('/bin/sh', ['-c', (input.deaf ? 'trap "" TERM; ' : '') + 'while :; do sleep 1; done'], { stdio: 'inherit' })
  if (input.file) { const { writeFileSync } = await import('node:fs'); writeFileSync(input.file, JSON.stringify([process.pid, pid])) }
  if (input.hang) await sleep(100000)
  return { grandchild: pid }
}`

describe('nobody is left', () => {
  let pool: Pool
  beforeAll(async () => {
    pool = processes.warm(await node('parents', PARENTS), { most: 2 })
  })
  const file = () => join(folder, `pids-${Math.random()}`)
  const pidsIn = async (path: string) => {
    const pids = await until(
      async () => JSON.parse(readFileSync(path, 'utf8') || '[]') as number[],
      (seen) => seen.length === 2,
    ).catch(() => [])
    left.push(...pids)
    return pids
  }

  async function hanging(more: object, signal: AbortSignal, deadline: Date) {
    const path = file()
    await writeFile(path, '')
    const asked = failureOf(pool.ask({ input: { hang: true, file: path, ...more } }, { signal, deadline }))
    return { asked, pids: await pidsIn(path) }
  }

  test('of a group that was cancelled, soon after', async () => {
    const abort = new AbortController()
    const { asked, pids } = await hanging({}, abort.signal, soon().deadline)
    abort.abort()
    expect((await asked).failure.code).toBe('CANCELLED')
    await gone(pids, 4)
  })

  test('of a group that is past its deadline, although it does not listen to SIGTERM', async () => {
    const { asked, pids } = await hanging({ deaf: true }, new AbortController().signal, new Date(Date.now() + 1_500))
    expect((await asked).failure).toMatchObject({ code: 'TIMEOUT', retryable: true })
    expect(pids.filter(lives)).toHaveLength(2)
    await gone(pids)
  })

  test('of the descendants of a child that ended', async () => {
    const answer = await processes.once(sh(`sleep 1000 & printf '{"success":true,"pid":%s}' $!`), {}, soon())
    await gone([answer['pid'] as number])
  })

  test('when the launcher is killed; who waits is told, and the next is served by another', async () => {
    const { asked, pids } = await hanging({ deaf: true }, new AbortController().signal, soon().deadline)
    process.kill(parentOf(pids[0] ?? 0), 'SIGKILL')
    expect((await asked).failure).toMatchObject({ code: 'WORKER_CRASH', details: { signal: 'SIGKILL' } })
    await gone(pids)
    const again = await pool.ask({ input: {} }, soon())
    left.push(again['grandchild'] as number)
    expect(lives(again['pid'] as number)).toBe(true)
  })

  test('when the parent is killed', async () => {
    const path = file()
    await writeFile(path, '')
    const script = `
      import { openProcesses } from ${JSON.stringify(PORT)}
      const pool = openProcesses().warm(${JSON.stringify(await node('parents', PARENTS))}, { most: 1 })
      await pool.ask({ input: { hang: true, deaf: true, file: ${JSON.stringify(path)} } },
        { signal: new AbortController().signal, deadline: new Date(Date.now() + 60000) })`
    const parent = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'inherit' })
    const pids = await pidsIn(path)
    const launcher = parentOf(pids[0] ?? 0)
    expect(parentOf(launcher)).toBe(parent.pid)
    parent.kill('SIGKILL')
    await gone([...pids, launcher])
  })
})

describe('a pool', () => {
  const NAP = '(input) => sleep(input.ms ?? 0).then(() => ({}))'

  test('is as large as it is used, never larger than it may be, and ends what nobody asks', async () => {
    const pool = processes.warm(await node('nap', NAP), { most: 2, idle: 100 })
    const alone = await pool.ask({ input: {} }, soon())
    const many = await Promise.all(Array.from({ length: 6 }, () => pool.ask({ input: { ms: 150 } }, soon())))
    const pids = new Set(many.map((answer) => answer['pid'] as number))
    expect(pids.size).toBe(2)
    expect(pids).toContain(alone['pid'])
    await gone([...pids])
    expect(pids).not.toContain((await pool.ask({ input: {} }, soon()))['pid'])
  })

  test('replaces a process after so many requests', async () => {
    const pool = processes.warm(await node('nap', NAP), { most: 1, requests: 2 })
    const pids: unknown[] = []
    for (let n = 0; n < 4; n++) pids.push((await pool.ask({ input: {} }, soon()))['pid'])
    expect(pids[0]).toBe(pids[1])
    expect(pids[2]).toBe(pids[3])
    expect(pids[0]).not.toBe(pids[2])
  })

  test('keeps a program that waits for an answer, and does not keep one that has nothing to wait for', async () => {
    const script = `
      import { openProcesses } from ${JSON.stringify(PORT)}
      const pool = openProcesses().warm(${JSON.stringify(await node('nap', NAP))}, { most: 1, requests: 1 })
      for (let n = 1; n < 4; n++) {
        await pool.ask({ input: {} }, { signal: new AbortController().signal, deadline: new Date(Date.now() + 60000) })
        process.stdout.write(String(n))
      }`
    const { promise, resolve } = Promise.withResolvers<[string, number | null]>()
    const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    let said = ''
    child.stdout.on('data', (text: Uint8Array) => (said += Buffer.from(text).toString()))
    child.on('close', (code) => resolve([said, code]))
    expect(await promise).toEqual(['123', 0])
  })

  test('replaces a process that has grown', async () => {
    const pool = processes.warm(await node('nap', NAP), { most: 1, resident: 1 })
    const pids = new Set<unknown>()
    let asked = 0
    // Its memory is looked at now and then, beside its work.
    for (; pids.size < 2 && asked < 60; asked++) pids.add((await pool.ask({ input: {} }, soon()))['pid'])
    expect([pids.size, asked > 20]).toEqual([2, true])
  })

  test('is one process for who asks one thing after the other, also while it is looked how large it is', async () => {
    const pool = processes.warm(await node('nap', NAP), { most: 4 })
    const pids = new Set<unknown>()
    for (let n = 0; n < 61; n++) pids.add((await pool.ask({ input: {} }, soon()))['pid'])
    expect(pids.size).toBe(1)
  })

  test('lets nobody wait for a process longer than until his deadline', async () => {
    const pool = processes.warm(await node('nap', NAP), { most: 1 })
    const long = pool.ask({ input: { ms: 2_000 } }, soon())
    const { failure } = await failureOf(pool.ask({ input: {} }, soon(0.3)))
    expect(failure.code).toBe('TIMEOUT')
    await long
  })
})
