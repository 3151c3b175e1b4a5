/** The guide cannot rot: its commands give what it says, its files are read by who reads them, its programs run. */
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Command } from 'commander'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { parse } from 'yaml'
import { openEngine, type Engine } from '@millrace/engine'
import { freshDatabase, until, type TestDatabase } from '@millrace/engine/testing'
import { operator, rooms } from '../src/app.ts'
import { commands } from '../src/cli.ts'
import { readPanel } from '../src/domains/stage/executors/panel.ts'
import { readRecords } from '../src/domains/stage/executors/records.ts'
import { GATE_TYPES } from '../src/domains/stage/recipes/gate.ts'
import { LEVELS, ON_FAIL, readRecipe } from '../src/domains/stage/recipes/recipe.ts'
import { REPOSITORY } from '../testing/cli.ts'

const guide = readFileSync(join(REPOSITORY, 'docs/guides/automate-a-board.md'), 'utf8')
const blocks = Array.from(
  guide.matchAll(/^```(\w+)(?: (\S+))?\n([^]*?)^```$/gm),
  ([, language = '', about = '', text = '']) => ({ language, about, text }),
)
const of = (language: string, about = '') =>
  blocks.filter((block) => block.language === language && block.about === about).map(({ text }) => text)

// In the clone, so that what its programs import is found from there.
mkdirSync(join(REPOSITORY, 'tmp'), { recursive: true })
const folder = mkdtempSync(join(REPOSITORY, 'tmp/board-guide-'))
let db: TestDatabase
let engine: Engine
beforeAll(async () => {
  db = await freshDatabase(rooms.slice(1))
  engine = openEngine(db.api)
  vi.stubEnv('DATABASE_URL', db.url)
  vi.stubEnv('MILLRACE_FOLDER', join(folder, '.millrace'))
  vi.stubEnv('MILLRACE_FAKE_LATENCY_MS', '0')
  vi.stubEnv('WORKSPACE_PATH', join(folder, 'workspace'))
  mkdirSync(join(folder, 'workspace'))
})
afterAll(async () => {
  vi.unstubAllEnvs()
  await engine?.close()
  await db?.drop()
  rmSync(folder, { recursive: true, force: true })
})

/** A command as a shell would give it, in this process. */
async function run(line: string): Promise<string> {
  const words = Array.from(line.matchAll(/"([^"]*)"|(\S+)/g), ([, quoted, plain]) => quoted ?? plain ?? '')
  const args = words.slice(2).map((word) => word.replace(/^examples\//, join(REPOSITORY, 'examples/')))
  let said = ''
  const out = vi.spyOn(process.stdout, 'write').mockImplementation((text) => {
    said += String(text)
    return true
  })
  try {
    await commands().parseAsync(args, { from: 'user' })
  } finally {
    out.mockRestore()
  }
  return said
}

test('every block of the guide is one that is looked at here', () => {
  const known = [
    'sh ',
    'text ',
    'yaml recipe',
    'yaml records',
    'yaml panel',
    'json settings',
    'ts providers/shouting.ts',
    'ts worker.ts',
  ]
  expect([...new Set(blocks.map(({ language, about }) => `${language} ${about}`))].toSorted()).toEqual(known.toSorted())
  expect(guide.match(/^```/gm)).toHaveLength(2 * blocks.length)
})

test('the commands of the guide give what it says that they give', async () => {
  let ran = 0
  for (const [index, { language, text }] of blocks.entries()) {
    if (language !== 'sh') continue
    expect(blocks[index + 1]?.language).toBe('text')
    expect(await run(text.trim()), text).toBe(blocks[index + 1]?.text)
    ran += 1
  }
  expect(ran).toBeGreaterThan(10)
  // Its files lie where it says.
  expect(readFileSync(join(folder, 'workspace/cards/1/pricing.md'), 'utf8')).toContain('Free for a household')
}, 120_000)

describe('the files of the guide', () => {
  test('are read by whoever reads such files', () => {
    const { stage: _, ...recipe } = parse(of('yaml', 'recipe')[0] ?? '') as Record<string, unknown>
    expect(readRecipe({ enabled: true, ...recipe })).toHaveProperty('recipe')
    expect(readRecords(of('yaml', 'records')[0] ?? '')).toEqual({ tickets: 'tickets' })
    expect(readPanel(of('yaml', 'panel')[0] ?? '').personas).toHaveLength(2)
  })

  test('name every level, gate, behaviour and setting that there is, and no other', async () => {
    const words = (after: string, amount: number) =>
      Array.from(guide.slice(guide.indexOf(`| ${after} |`)).matchAll(/^\| `([a-z_]+)` \|/gm), ([, word]) => word).slice(
        0,
        amount,
      )
    expect(words('automationLevel', LEVELS.length)).toEqual(LEVELS)
    expect(words('type', GATE_TYPES.length)).toEqual(GATE_TYPES)
    expect(words('onFailBehavior', ON_FAIL.length)).toEqual(ON_FAIL)
    const settings = JSON.parse(of('json', 'settings')[0] ?? '') as Record<string, unknown>
    const there = JSON.parse(await run('npx millrace board settings --json')) as { settings?: object }
    const known = Object.keys(there.settings ?? there)
    expect(known).toEqual(expect.arrayContaining(Object.keys(settings)))
    for (const [name, value] of Object.entries(settings))
      await run(`npx millrace board settings --set ${name}=${String(value)}`)
    await run('npx millrace board settings --set automationStopStage=tickets --set fourEyes=false')
  }, 60_000)

  test('run: a worker of one’s own performs stages whose recipe names a provider of one’s own', async () => {
    for (const { language, about, text } of blocks) {
      if (language !== 'ts') continue
      mkdirSync(dirname(join(folder, about)), { recursive: true })
      writeFileSync(join(folder, about), text)
    }
    vi.stubEnv('MILLRACE_PROVIDERS', join(folder, 'providers'))
    writeFileSync(
      join(folder, 'loud.yaml'),
      `stage: build
automationLevel: manual
provider: shouting
recipeSteps:
  - { skillId: summarize-text, order: 1, inputsMapping: { text: card.description }, outputsMapping: { summary: "documents['loud.md']" } }
gates: []
`,
    )
    await run(`npx millrace recipes set ${join(folder, 'loud.yaml')}`)
    vi.stubEnv('MILLRACE_PROVIDERS', '')
    const { worker } = (await import(pathToFileURL(join(folder, 'worker.ts')).href)) as {
      worker: { id: number; drain(seconds?: number): Promise<void> }
    }
    try {
      const added = JSON.parse(
        await run('npx millrace cards add "Quiet please" --description "x" --stage build --json'),
      ) as { card: number }
      const begun = JSON.parse(await run(`npx millrace cards run ${added.card} --json`)) as { run: number }
      const ended = await until(
        () => engine.run(operator, begun.run),
        ({ finishedAt }) => finishedAt !== null,
      )
      expect(ended).toMatchObject({ state: 'succeeded' })
      expect(await run(`npx millrace cards documents ${added.card} loud.md`)).toMatch(/!\n$/)
      const names = await db.sql<{ name: string }>('select name from engine.workers where gone_at is null order by 1')
      expect(names).toEqual([{ name: 'desk-1' }, { name: 'desk-1 stages' }])
    } finally {
      await worker.drain(5)
    }
  }, 60_000)
})

test('an address is called, looked at, switched off and taken away; a recipe is set where it is still what was looked at', async () => {
  const added = JSON.parse(
    await run('npx millrace webhooks add https://example.org/millrace --kind approval_needed --kind run_failed --json'),
  ) as { webhook: number; secret: string }
  expect(added.secret).toHaveLength(43)
  const shown = await run('npx millrace webhooks')
  expect(shown).toMatch(/on +approval_needed run_failed +– +https:\/\/example\.org\/millrace\n$/)
  expect(shown).not.toContain(added.secret)
  expect(await run(`npx millrace webhooks disable ${added.webhook}`)).toContain('is called no more')
  expect(await run(`npx millrace webhooks deliveries ${added.webhook}`)).toBe('Nothing was sent yet.\n')
  expect(await run(`npx millrace webhooks remove ${added.webhook}`)).toContain('is gone')
  expect(await run('npx millrace webhooks')).toMatch(/^Nobody is called/)
  const notices = JSON.parse(await run('npx millrace notifications --json')) as { notifications: { read: boolean }[] }
  expect(notices.notifications.some(({ read }) => read)).toBe(true)
  await expect(run('npx millrace recipes set examples/board/recipes/design.yaml --base 1')).rejects.toMatchObject({
    code: 'RECIPE_CHANGED',
    causes: [expect.stringContaining('it is at version 2 now')],
  })
  expect(await run('npx millrace recipes set examples/board/recipes/design.yaml --base 2')).toContain('at version 3')
})

test('what the guide names besides is there', () => {
  const all = (parent: Command): string[] =>
    parent.commands.flatMap((one) => [`${parent.name()} ${one.name()}`, ...all(one)])
  const there = all(commands())
  for (const [, group = '', name = ''] of guide.matchAll(/`millrace (\w+) ([a-z]+)[^`]*`/g)) {
    expect(there).toContain(`${group} ${name}`)
  }
})
