import { mkdtempSync, readFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, it, vi } from 'vitest'
import { openProviders } from './catalogue.ts'
import { createCommands, readCommands } from './command.ts'
import { isFailure } from './failures.ts'
import { providerContract, type Situation } from './provider.contract.ts'
import { generate } from './provider.ts'

const never = new AbortController().signal
const shell = (line: string): [string, ...string[]] => ['/bin/sh', '-c', line]

const PROGRAMS: Partial<Record<Situation, [string, ...string[]]>> = {
  // Answers in pieces, and ends with a line break as programs do.
  well: shell("cat > /dev/null; printf 'Rating: 4\\n\\n'; sleep 0.01; echo 'It helps.'"),
  large: shell("cat > /dev/null; printf 'Rating: 2\\n\\n'; yes 'All work and no play.' | head -c 1100000"),
  'in-words': shell('cat > /dev/null; echo It depends.'),
  rated: shell(`cat > /dev/null; echo '{"rating":4,"reason":"It helps."}'`),
  fenced: shell('cat > /dev/null; printf \'```json\\n{"rating":2,"reason":"fenced"}\\n```\\n\''),
  empty: shell('cat > /dev/null; echo'),
  'no-version': shell('cat > /dev/null; echo Rating: 1'),
  'hang-before': shell('sleep 60'),
  'hang-midway': shell('echo Rating; sleep 60'),
}

providerContract(
  'cli',
  {
    takes: [],
    usage: 'estimated',
    lacks: [
      ...(['odd', 'cut', 'filtered', 'filtered-midway', 'other-version', 'reasons', 'no-temperature'] as const),
      ...(['error-mid-stream', 'error-in-200', 'rate-limited', 'rate-limited-long', 'no-quota', 'no-money'] as const),
      ...(['bad-key', 'forbidden', 'not-found', 'request-timeout', 'conflict', 'too-large', 'unprocessable'] as const),
      ...(['server-error', 'bad-gateway', 'unavailable', 'overloaded', 'reset', 'cut-midway'] as const),
      ...(['not-json', 'wrong-shape'] as const),
    ],
    streams: [true],
  },
  async () => ({
    provider: createCommands({ commands: new Map(Object.entries(PROGRAMS)) }),
    arrange: (situation) => situation,
  }),
)

async function run(line: string, more: object = {}, signal = never) {
  const provider = createCommands({ commands: new Map([['m', shell(line)]]), maxBytes: 10_000 })
  return await generate(provider, { model: 'm', messages: [{ role: 'user', content: 'Ünï 🙃' }], ...more }, signal)
}

describe('a program as a model', () => {
  it('reads a single question as it is, and a conversation with its roles', async () => {
    expect((await run('cat')).answer?.text).toBe('Ünï 🙃')
    const messages = [
      { role: 'system', content: 'Be brief.' },
      { role: 'user', content: 'Why?' },
      { role: 'assistant', content: 'So.' },
      { role: 'user', content: 'How?' },
    ]
    expect((await run('cat', { messages })).answer?.text).toBe(
      'System:\nBe brief.\n\nUser:\nWhy?\n\nAssistant:\nSo.\n\nUser:\nHow?\n\nAssistant:',
    )
  })

  it('that ends with another code than 0, or by a signal, has crashed', async () => {
    expect((await run('echo secret >&2; exit 3')).failure).toMatchObject({
      code: 'WORKER_CRASH',
      retryable: true,
      details: { exitCode: 3 },
    })
    expect((await run('echo half; kill -9 $$')).failure).toMatchObject({
      code: 'WORKER_CRASH',
      details: { signal: 'SIGKILL' },
    })
  })

  it('that cannot be started is a matter of configuration', async () => {
    const provider = createCommands({ commands: new Map([['m', ['/no/such/program']]]) })
    const { failure } = await generate(provider, { model: 'm', messages: [{ role: 'user', content: 'x' }] }, never)
    expect(failure).toMatchObject({ code: 'CONFIGURATION', details: { setting: 'MILLRACE_CLI_MODELS' } })
  })

  it('may leave its input unread, and says no more than we take', async () => {
    const messages = [{ role: 'user', content: 'x'.repeat(1_000_000) }]
    expect((await run('echo done', { messages })).answer?.text).toBe('done')
    expect((await run('yes')).failure).toMatchObject({ code: 'INVALID_RESPONSE' })
  })

  it('gets none of our secrets', async () => {
    vi.stubEnv('OPENAI_API_KEY', 'sk-very-secret')
    const { answer } = await run('env')
    vi.unstubAllEnvs()
    expect(answer?.text).toContain('PATH=')
    expect(answer?.text).not.toMatch(/secret|API_KEY|DATABASE/)
  })

  it.each([
    ['its deadline', 'TIMEOUT', () => AbortSignal.timeout(150)],
    ['a cancel', 'CANCELLED', () => abortedSoon()],
  ])('is killed at %s with all that it started', async (_, code, signal) => {
    const file = join(mkdtempSync(join(tmpdir(), 'millrace-')), 'pid')
    const { failure } = await run(`sleep 300 & echo $! > ${file}; echo begun; wait`, {}, signal())
    expect(failure?.code).toBe(code)
    const pid = Number(readFileSync(file, 'utf8'))
    await vi.waitFor(() => expect(isRunning(pid)).toBe(false))
  })

  it('does not wait for a child that keeps its output open', async () => {
    const began = performance.now()
    expect((await run('sleep 300 & echo done')).answer?.text).toBe('done')
    expect(performance.now() - began).toBeLessThan(10_000)
  })
})

describe('the setting of programs', () => {
  it('is names and words, with quotes where words belong together', () => {
    const read = readCommands(`llama=ollama run llama3.2 ; say = printf "%s and" 'two words'\nx:7b=cat`)
    expect('commands' in read && [...read.commands]).toEqual([
      ['llama', ['ollama', 'run', 'llama3.2']],
      ['say', ['printf', '%s and', 'two words']],
      ['x:7b', ['cat']],
    ])
  })

  it('that makes no sense is told when such a model is asked for', () => {
    const found = openProviders({ commands: 'just some words' }).resolve('cli:x')
    expect(isFailure(found) && found).toMatchObject({
      code: 'CONFIGURATION',
      message: 'MILLRACE_CLI_MODELS has an entry that is not name=program: just some words',
    })
  })

  it('names models that can be asked, and no others', async () => {
    const catalogue = openProviders({ commands: 'c=cat' })
    const checked = await catalogue.check(['cli:c', 'cli:d'])
    expect(checked.map(({ failure }) => failure?.code ?? null)).toEqual([null, 'UNKNOWN_MODEL'])
    expect((await catalogue.models('cli'))[0]?.models).toMatchObject([{ spec: 'cli:c' }])
  })
})

function abortedSoon(): AbortSignal {
  const controller = new AbortController()
  setTimeout(() => controller.abort(new Error('enough')), 150)
  return controller.signal
}

/** A zombie has ended too: in a container nobody may reap it. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
