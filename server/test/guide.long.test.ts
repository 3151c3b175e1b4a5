/** The guide cannot rot: its files are type-checked and run, its commands give what it says. */
import { execFile, spawn } from 'node:child_process'
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Command as Commander } from 'commander'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../engine/testing/index.ts'
import { rooms } from '../src/app.ts'
import { commands } from '../src/cli.ts'
import { install, listenTo, REPOSITORY, type Installation } from '../testing/cli.ts'

const guide = readFileSync(join(REPOSITORY, 'docs/guides/write-a-kind-of-run.md'), 'utf8')

interface Block {
  readonly language: string
  readonly about: string
  readonly text: string
}
const blocks: readonly Block[] = Array.from(
  guide.matchAll(/^```(\w+)(?: (\S+))?\n([^]*?)^```$/gm),
  ([, language = '', about = '', text = '']) => ({ language, about, text }),
)
const of = (language: string) => blocks.filter((block) => block.language === language)

// In the clone, as the guide has it: what its files import is found from there.
mkdirSync(join(REPOSITORY, 'tmp'), { recursive: true })
const folder = mkdtempSync(join(REPOSITORY, 'tmp/guide-'))
for (const { about, text } of of('ts')) {
  mkdirSync(dirname(join(folder, about)), { recursive: true })
  writeFileSync(join(folder, about), text)
}
afterAll(() => rmSync(folder, { recursive: true, force: true }))

test('every block of the guide is one that is looked at here', () => {
  const known = ['ts', 'sh', 'text', 'sql']
  expect(blocks.filter((block) => !known.includes(block.language))).toEqual([])
  expect(of('ts').every((block) => block.about.endsWith('.ts'))).toBe(true)
  expect(guide.match(/^```/gm)).toHaveLength(2 * blocks.length)
})

test('the files of the guide have no error of types, and are part of what is checked where the guide puts them', async () => {
  writeFileSync(join(folder, 'tsconfig.json'), '{ "extends": "../../tsconfig.json", "include": ["."] }')
  const tsc = join(REPOSITORY, 'node_modules/.bin/tsc')
  const said = await new Promise<string>((resolve) => {
    execFile(tsc, ['-p', folder, '--listFiles'], (_, stdout) => resolve(stdout))
  })
  expect(said.split('\n').filter((line) => line.includes('error TS'))).toEqual([])
  for (const { about } of of('ts')) expect(said).toContain(join(folder, about))
  const { include } = JSON.parse(readFileSync(join(REPOSITORY, 'tsconfig.json'), 'utf8')) as { include: string[] }
  expect(include).toEqual(expect.arrayContaining(['engine', 'kinds']))
})

describe('the test of the guide', async () => {
  await import(pathToFileURL(join(folder, 'kinds/words.test.ts')).href)
})

describe('the commands of the guide', () => {
  let db: TestDatabase
  let place: Installation
  beforeAll(async () => {
    db = await freshDatabase(rooms.slice(1))
    place = await install(db)
  })
  afterAll(async () => {
    await place?.remove()
    await db?.drop()
  })

  test('give what it says that they give', async () => {
    for (const { text } of of('sql')) await db.sql(text)
    for (const [index, { language, about, text }] of blocks.entries()) {
      if (language !== 'sh' || about !== '') continue
      const wanted = blocks[index + 1]
      expect(wanted?.language).toBe('text')
      const env = { ...place.environment, NODE: process.execPath, BINARY: join(REPOSITORY, 'server/bin/millrace.js') }
      const line = text.replaceAll('npx millrace', '"$NODE" "$BINARY"').replaceAll('npx node', '"$NODE"')
      const ran = listenTo(
        spawn('bash', ['-c', line], { cwd: folder, env, stdio: ['ignore', 'pipe', 'pipe'], detached: true }),
      )
      const { stdout, stderr } = await ran.ended
      expect(stdout === '' ? stderr : timeless(stdout)).toBe(timeless(wanted?.text ?? ''))
    }
    expect(await db.sql('select task::int, title from titles order by 1')).toEqual([
      { task: 1, title: 'a short one' },
      { task: 2, title: 'an extraordinarily long winded' },
      { task: 3, title: 'an extraordinarily' },
    ])
  })

  test('that are for another place are ones that the program takes', () => {
    const lines = of('sh')
      .flatMap((block) => (block.about === 'elsewhere' ? block.text.trimEnd().split('\n') : []))
      .filter((line) => line.includes('npx millrace'))
    expect(lines.length).toBeGreaterThan(0)
    for (const line of lines) {
      const program = commands()
      let ran = 0
      for (const each of all(program)) each.action(() => void (ran += 1)).exitOverride()
      program.parse(line.split('npx millrace ')[1]?.split(' ') ?? [], { from: 'user' })
      expect(ran).toBe(1)
    }
  })
})

function all(parent: Commander): Commander[] {
  return parent.commands.flatMap((command) => [command, ...all(command)])
}

function timeless(said: string): string {
  return said.replaceAll(/ in [\d.]+ m?s\./g, ' in a moment.')
}
