/** Guides whose commands say nothing that could be compared: they are taken, and do what the page says. */
import { execFile } from 'node:child_process'
import { copyFileSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { until } from '@millrace/engine/testing'
import { startWorker, type Worker } from '../src/index.ts'
import { REPOSITORY } from '../testing/cli.ts'
import { blocksOf, openGuideStage, type GuideStage } from '../testing/guide.ts'

const PAGES = ['limits-and-budgets', 'sign-in-and-access', 'python-workers'].map((name) => `docs/guides/${name}.md`)
const blocks = new Map(PAGES.map((page) => [page, blocksOf(page)]))

describe('the commands of the guides', () => {
  let stage: GuideStage
  beforeAll(async () => {
    stage = await openGuideStage([...blocks.values()].flat())
    await stage.run('npx millrace probe examples/refusal-prone/definition.yaml --models fake:a --test --out x.csv')
  }, 60_000)
  afterAll(() => stage?.close())

  test.each(PAGES)('of %s do what it says', { timeout: 120_000 }, async (page) => {
    expect(await stage.follow(blocks.get(page) ?? [])).toBeGreaterThan(0)
  })

  test('set limits and budgets that are there afterwards, and make the people that they name', async () => {
    expect(await stage.run('npx millrace limits --json')).toMatch(/"openai-compatible"/)
    expect(await stage.run('npx millrace users list')).toMatch(/ada@example\.org +ada +research: member/)
    expect(await stage.run('npx millrace workspaces list')).toMatch(/research/)
  })

  test('on sensitive data bring one question to its result', { timeout: 120_000 }, async () => {
    const [begin] = blocksOf('docs/guides/sensitive-data.md')
    const told: Record<string, string> = {}
    let worker: Worker | undefined
    let shown = ''
    try {
      for (const line of (begin?.text ?? '')
        .trim()
        .split('\n')
        .map((whole) => whole.replace(/ +#.*$/, ''))) {
        const [, name = '', value = ''] = /^export (\w+)=(\S+)$/.exec(line) ?? []
        if (name !== '') vi.stubEnv(name, value)
        else if (line === 'millrace worker') worker = await startWorker()
        else {
          const command = line.replaceAll(/\b(ASSESSMENT|RUN)\b/g, (word) => told[word] ?? word)
          const look = () => stage.run(command)
          const said = / show /.test(line)
            ? (shown = await until(look, (text) => !/queued|in_progress/.test(text)))
            : await look()
          const [id] = /[0-9a-f-]{36}(?= is| +completed)/.exec(said) ?? []
          if (id !== undefined) told[/ ask /.test(line) ? 'RUN' : 'ASSESSMENT'] ??= id
        }
      }
    } finally {
      await worker?.drain(5)
    }
    expect(shown).toMatch(/completed/)
    expect(readFileSync(join(stage.folder, 'runs.jsonl'), 'utf8').trim().split('\n')).toHaveLength(1)
  })

  test('and the worker in Python of its page works as it stands there', async () => {
    copyFileSync(join(REPOSITORY, 'server/workers/millrace_worker.py'), join(stage.folder, 'millrace_worker.py'))
    const said = await new Promise<string>((resolve, reject) => {
      const child = execFile('python3', ['-I', join(stage.folder, 'letters.py')], (error, stdout) =>
        error === null ? resolve(stdout) : reject(error),
      )
      child.stdin?.end('{"text": "mill"}')
    })
    expect(JSON.parse(said)).toEqual({ success: true, letters: 4 })
  })
})
