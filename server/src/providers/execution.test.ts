import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test, vi } from 'vitest'
import { TaskFailed } from '@millrace/engine'
import { simulated } from '../../testing/simulator.ts'
import { loadProviders, refuseWrongNames } from '../own-providers.ts'
import { openProviders } from './catalogue.ts'
import type { ExecutionProvider, ExecutionResult, StreamCallback } from './execution.ts'
import { AnthropicProvider, CLIProvider } from './execution-providers.ts'
import { isFailure } from './failures.ts'
import { generate, type ModelRequest } from './provider.ts'

const never = new AbortController().signal
const context = { runId: '7', workspaceId: '1', cardId: '3', stage: 'prd' }
const schema = { type: 'object', properties: { title: { type: 'string' } }, required: ['title'] }

function own(execute: ExecutionProvider['execute']): ExecutionProvider {
  return { name: 'mine', execute }
}

async function ask(provider: ExecutionProvider, more: Partial<ModelRequest> = {}, signal = never) {
  const found = openProviders({ own: [provider] }).resolve('mine:large@2')
  if (isFailure(found)) throw new Error(found.code)
  const messages = [
    { role: 'system' as const, content: 'Be brief.' },
    { role: 'user' as const, content: 'Why?' },
  ]
  return generate(found.provider, { model: found.model, messages, ...more }, signal)
}

function listening() {
  const onLog = vi.fn<(level: string, message: string) => void>()
  const callbacks: StreamCallback = { onLog, onProgress() {}, onArtifact() {} }
  return { callbacks, onLog }
}

describe("a person's own provider", () => {
  test('is asked like any other, and told for which card', async () => {
    const execute = vi.fn<ExecutionProvider['execute']>(async () => ({
      success: true,
      output: '{"title":"So"}',
      tokensUsed: { input: 5, output: 2 },
      durationMs: 40,
      toolCalls: [{ name: 'look', input: {}, output: {} }],
    }))
    const { callbacks, onLog } = listening()
    const { answer } = await ask(own(execute), { schema, seed: 4, execution: { context, callbacks } })
    expect(answer).toMatchObject({
      json: { title: 'So' },
      usage: { inputTokens: 5, outputTokens: 2, source: 'reported' },
      settings: { asked: { seed: 4 }, sent: {}, dropped: ['seed'] },
    })
    expect((answer?.completedAt.getTime() ?? 0) - (answer?.startedAt.getTime() ?? 0)).toBe(40)
    expect(execute).toHaveBeenCalledWith(
      'Be brief.',
      'Why?',
      { ...context, model: 'large', schema, signal: never },
      callbacks,
    )
    expect(onLog).toHaveBeenCalledWith('info', 'called look')
  })

  test.each<[string, ExecutionProvider['execute'], object]>([
    ['that says no', async () => ({ success: false, error: 'secret words' }), { code: 'SERVER_ERROR' }],
    ['that says nothing', async () => ({ success: true }), { code: 'INVALID_RESPONSE' }],
    [
      'that says what does not fit',
      async () => ({ success: true, output: '{}' }),
      { code: 'INVALID_RESPONSE', details: { json: 'does not fit the schema' } },
    ],
    ['that throws', () => Promise.reject(new Error('secret words')), { code: 'UNKNOWN' }],
    [
      'that throws what it knows',
      () => Promise.reject(new TaskFailed({ code: 'CLOSED', message: 'Closed.', retryable: false, origin: 'task' })),
      { code: 'CLOSED', retryable: false },
    ],
  ])('%s is a failure without its words', async (_, execute, wanted) => {
    const { failure } = await ask(own(execute), { schema })
    expect(failure).toMatchObject(wanted)
    expect(JSON.stringify(failure)).not.toContain('secret')
  })

  test('that does not listen to its signal is not waited for', async () => {
    const deaf = own(() => new Promise<ExecutionResult>(() => {}))
    expect((await ask(deaf, {}, AbortSignal.timeout(20))).failure?.code).toBe('TIMEOUT')
  })

  test('comes from a folder, and all that is wrong with the folder is said at once', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'millrace-providers-'))
    const good = `export const mine = { name: 'mine', execute: async () => ({ success: true, output: 'Yes.' }) }`
    writeFileSync(join(folder, 'mine.ts'), good)
    const [found] = await loadProviders(folder, ['fake'])
    expect((await ask(found as ExecutionProvider)).answer?.text).toBe('Yes.')

    writeFileSync(join(folder, 'a.ts'), 'export const nothing = 1')
    writeFileSync(join(folder, 'b.ts'), good.replace("'mine'", "'fake'"))
    writeFileSync(join(folder, 'c.ts'), good.replace("'mine'", "'Not a name'"))
    writeFileSync(join(folder, 'd.ts'), "throw new Error('secret words')")
    await expect(loadProviders(folder, ['fake'])).rejects.toMatchObject({
      code: 'INVALID_PROVIDERS',
      causes: [
        'a.ts: no provider in it; export an object with name and execute',
        'd.ts: does not load: Error in line 1',
        'b.ts: there is a provider named fake already',
        "c.ts: a provider's name has lower-case letters, digits and hyphens, at most 40, a letter first",
      ],
    })
    await expect(loadProviders(join(folder, 'none'), [])).rejects.toMatchObject({ code: 'NO_SUCH_FOLDER' })
    expect(() =>
      refuseWrongNames([own(async () => ({ success: true })), own(async () => ({ success: true }))], []),
    ).toThrow('These providers cannot be served.')
  })
})

describe('AnthropicProvider', () => {
  test('asks the API and tells the pieces as they come', async () => {
    const { url } = await simulated()
    const { callbacks, onLog } = listening()
    const provider = new AnthropicProvider('sk-1', 'claude-sonnet-5', { baseUrl: `${url}/anthropic/v1` })
    const said = await provider.execute('Be brief.', 'Rate from 1 to 5: it rains.', context, callbacks)
    expect(said).toMatchObject({ success: true, output: expect.stringMatching(/^Rating: \d/) })
    expect(said.tokensUsed?.input).toBeGreaterThan(0)
    const pieces = onLog.mock.calls.map(([, text]) => text)
    expect(pieces.length).toBeGreaterThan(1)
    expect(pieces.join('')).toBe(said.output)
  })

  test('without a key asks nobody, and says so', async () => {
    vi.stubEnv('ANTHROPIC_API_KEY', '')
    const said = await new AnthropicProvider().execute('', 'Why?', context)
    vi.unstubAllEnvs()
    expect(said).toMatchObject({ success: false, error: expect.stringContaining('MISSING_API_KEY') })
  })
})

describe('CLIProvider', () => {
  const shell = (line: string, timeoutMs = 20_000) => new CLIProvider('/bin/sh', { args: ['-c', line], timeoutMs })

  test('gives a program the prompt on its standard input and nothing of it in its arguments', async () => {
    const { callbacks, onLog } = listening()
    const said = await shell('cat; echo "$0 $*"').execute('Be brief.', 'Why, $(echo not)?', context, callbacks)
    expect(said.output).toBe('Be brief.\n\nWhy, $(echo not)?/bin/sh ')
    expect(onLog).toHaveBeenCalledWith('debug', expect.stringContaining('Be brief.'))
  })

  test('kills the program and all that it started when its time is over', async () => {
    const file = join(mkdtempSync(join(tmpdir(), 'millrace-')), 'pid')
    const said = await shell(`sleep 300 & echo $! > ${file}; wait`, 300).execute('', 'Why?', context)
    expect(said).toMatchObject({ success: false, error: expect.stringContaining('TIMEOUT') })
    const pid = Number(readFileSync(file, 'utf8'))
    await vi.waitFor(() => expect(isRunning(pid)).toBe(false))
  })

  test('that ends badly has not succeeded, and what it wrote to standard error stays there', async () => {
    const said = await shell('echo secret >&2; exit 3').execute('', 'Why?', context)
    expect(said).toMatchObject({ success: false, error: expect.stringContaining('WORKER_CRASH') })
    expect(JSON.stringify(said)).not.toContain('secret')
  })
})

/** A zombie has ended too: in a container nobody may reap it. */
function isRunning(pid: number): boolean {
  try {
    return !/^State:\s+Z/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'))
  } catch {
    return false
  }
}
