/** The guide cannot rot: its files are tools, its commands give what it says; and so do those that `tools new` writes. */
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../engine/testing/index.ts'
import { rooms } from '../src/app.ts'
import { install, REPOSITORY, type Installation } from '../testing/cli.ts'

const guide = readFileSync(join(REPOSITORY, 'docs/guides/write-a-tool.md'), 'utf8')
const blocks = Array.from(
  guide.matchAll(/^```(\w+)(?: (\S+))?\n([^]*?)^```$/gm),
  ([, language = '', about = '', text = '']) => ({ language, about, text }),
)

let db: TestDatabase
let place: Installation
let tools: string
beforeAll(async () => {
  db = await freshDatabase(rooms.slice(1))
  place = await install(db)
  tools = join(place.folder, 'tools')
})
afterAll(async () => {
  await place?.remove()
  await db?.drop()
})

const call = (name: string, input: unknown, ...more: string[]) =>
  place.run(['tools', 'call', name, '--input', JSON.stringify(input), ...more], { MILLRACE_TOOLS: tools })

test('`tools new` writes the file of the guide, never over another, and one in Python that works as well', async () => {
  const made = await place.run(['tools', 'new', 'word_count', '--typescript', '--folder', tools])
  expect(made.code).toBe(0)
  const shown = blocks.find(({ about }) => about === 'tools/word_count.ts')?.text
  expect(readFileSync(join(tools, 'word_count.ts'), 'utf8')).toBe(shown)
  expect(await place.run(['tools', 'new', 'word_count', '--folder', tools])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('is there already'),
  })
  expect((await place.run(['tools', 'new', 'py_count', '--python', '--folder', tools])).code).toBe(0)
  expect(JSON.parse((await call('py_count', { text: 'one two three' })).stdout)).toEqual({ words: 3 })
})

test('every command of the guide gives what stands below it', { timeout: 120_000 }, async () => {
  for (const { about, text } of blocks.filter(({ about }) => about.startsWith('tools/'))) {
    mkdirSync(dirname(join(place.folder, about)), { recursive: true })
    writeFileSync(join(place.folder, about), text)
  }
  let tried = 0
  for (const [at, { language, about, text }] of blocks.entries()) {
    const asked = /tools call (\w+) --input '(.*)'/.exec(text)
    if (language !== 'sh' || about !== '' || asked === null) continue
    const { code, stdout } = await call(asked[1] ?? '', JSON.parse(asked[2] ?? ''))
    expect([asked[1], code, stdout]).toEqual([asked[1], 0, blocks[at + 1]?.text])
    tried += 1
  }
  expect(tried).toBe(3)
  expect(JSON.parse((await call('greet', {})).stdout)).toEqual({ said: 'hello' })
})

test(
  'an error is told in a sentence, kept for who operates, and counted; a file that does not load says where',
  { timeout: 120_000 },
  async () => {
    const mistake = await call('word_count', { text: '' })
    expect([mistake.code, mistake.stdout]).toEqual([1, ''])
    expect(mistake.stderr).toContain('ValidationError NO_WORDS: The text has no words.')
    writeFileSync(
      join(tools, 'throws.py'),
      `${readFileSync(join(tools, 'shout.py'), 'utf8').replace('"shout"', '"throws"')}    raise ValueError("CANARY")\n`.replace(
        '    return',
        '    raise ValueError("CANARY")\n    return',
      ),
    )
    writeFileSync(join(tools, 'wrong.ts'), 'const x = 1\nx.y.z()\n')
    const failed = await call('throws', { text: 'a' }, '--json')
    const { error } = JSON.parse(failed.stdout) as { error: { code: string; correlationId: string } }
    expect([failed.code, error.code]).toEqual([1, 'TOOL_FAILED'])
    expect(failed.stdout + failed.stderr).not.toContain('CANARY')
    expect((await place.run(['tools', 'trace', error.correlationId])).stdout).toContain('ValueError: CANARY')
    const list = await place.run(['tools', 'list'], { MILLRACE_TOOLS: tools })
    expect(list.stdout).toMatch(/^throws +1\.0\.0 +process +INITIALIZED +0 +1 +0 /m)
    expect(list.stdout).toMatch(/^word_count +1\.0\.0 +process +INITIALIZED +\d+ +0 +1 /m)
    expect(list.stdout).toContain('FAILED  wrong.ts:2  TypeError')
    const show = await place.run(['tools', 'show', 'word_count'], { MILLRACE_TOOLS: tools })
    expect(show.stdout).toContain('takes   { text: string }')
    for (const asked of [['tools', 'list'], ['worker']]) {
      const refused = await place.run(asked, { MILLRACE_TOOLS: join(place.folder, 'nowhere') })
      expect(refused).toMatchObject({ code: 2, stderr: expect.stringContaining('cannot be read') })
    }
    expect(await call('no_such', {})).toMatchObject({
      code: 2,
      stderr: expect.stringContaining('There is no tool named "no_such"'),
    })
  },
)
