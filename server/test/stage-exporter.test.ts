/** S13: documents are files in the workspace folder, and a file that a person changed is never overwritten. */
import { mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest'
import { digestOf } from '../src/domains/stage/steps/outputs.ts'
import { openExporter, type Exporter } from '../src/domains/stage/documents/exporter.ts'
import { openWorkBench, type WorkBench } from '../testing/stage-work.ts'

let bench: WorkBench
let folder: string
let exporter: Exporter
let told: string[]
let card: number
beforeAll(async () => {
  bench = await openWorkBench()
})
afterAll(() => bench?.close())
const open = (where = folder) => {
  const options = { settings: bench.db.worker, folder: where, every: 3_600_000 }
  return openExporter({ ...options, report: (error) => told.push(String(error)), tell: (line) => told.push(line) })
}
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'millrace-files-'))
  told = []
  exporter = open()
  card = (await bench.card('inbox')).card
  await bench.db.sql('update stage.documents set exported_version = version')
})
afterEach(async () => {
  await exporter.close()
  await rm(folder, { recursive: true, force: true })
})

const write = async (text: string, base: number, path = 'prd.md') =>
  (
    await bench.sql<{ version: number }>('select stage.write($1, $2, $3, $4, $5) as version', [
      card,
      path,
      text,
      digestOf(text),
      base,
    ])
  )[0]?.version
const place = (path = 'prd.md') => join(folder, 'cards', String(card), path)
const file = (path?: string) => readFile(place(path), 'utf8').catch(() => undefined)
const versions = () =>
  bench.db.sql<{ version: number; content: string; origin: string }>(
    `select v.version, v.content, v.origin from stage.document_versions v join stage.documents d on d.id = v.document_id
      where d.card_id = $1 order by v.version`,
    [card],
  )

test('each new version is written to its file, and nothing else lies there', async () => {
  await write('One.\n', 0)
  await write('A.\n', 0, 'hypotheses/a.md')
  await exporter.look()
  await write('Two.\n', 1)
  await exporter.look()
  expect([await file(), await file('hypotheses/a.md')]).toEqual(['Two.\n', 'A.\n'])
  expect(await readdir(join(folder, 'cards', String(card)))).toEqual(['hypotheses', 'prd.md'])
  expect(told).toEqual([])
})

test('a file that a person changed becomes a version of its own, and stays as it is', async () => {
  await write('One.\n', 0)
  await exporter.look()
  await writeFile(place(), 'Mine.\n')
  await exporter.look()
  expect(await versions()).toMatchObject([
    { version: 1, content: 'One.\n', origin: 'person' },
    { version: 2, content: 'Mine.\n', origin: 'file' },
  ])
  expect(await file()).toBe('Mine.\n')
})

test('a file that was changed while a new version came is taken in first and never overwritten', async () => {
  await write('One.\n', 0)
  await exporter.look()
  await writeFile(place(), 'Mine.\n')
  await write('Two.\n', 1)
  await exporter.look()
  expect(await file()).toBe('Mine.\n')
  expect((await versions()).map(({ content }) => content)).toEqual(['One.\n', 'Two.\n', 'Mine.\n'])
  // Whoever writes on from there is written again.
  await write('Three.\n', 3)
  await exporter.look()
  expect(await file()).toBe('Three.\n')
})

test('a person who goes back to an older text is heard too', async () => {
  await write('One.\n', 0)
  await write('Two.\n', 1)
  await exporter.look()
  await writeFile(place(), 'One.\n')
  await exporter.look()
  expect((await versions()).map(({ content }) => content)).toEqual(['One.\n', 'Two.\n', 'One.\n'])
  expect(await file()).toBe('One.\n')
})

test('a process that died between the file and its mark makes no version of what it wrote itself', async () => {
  await write('One.\n', 0)
  await exporter.look()
  await writeFile(place(), 'Two.\n')
  await write('Two.\n', 1)
  await write('Three.\n', 2)
  await exporter.look()
  expect((await versions()).map(({ content }) => content)).toEqual(['One.\n', 'Two.\n', 'Three.\n'])
  expect(await file()).toBe('Three.\n')
})

test('another process that takes over knows what was written, and files of its own are left alone', async () => {
  await write('One.\n', 0)
  await exporter.look()
  await writeFile(place('notes.txt'), 'My own.\n')
  await exporter.close()
  exporter = open()
  await exporter.look()
  expect((await versions()).length).toBe(1)
  expect(await file('notes.txt')).toBe('My own.\n')
})

test('no link leads out of the folder, be it a folder or the file', async () => {
  const outside = await mkdtemp(join(tmpdir(), 'millrace-outside-'))
  await writeFile(join(outside, 'prd.md'), 'Secret.\n')
  await mkdir(join(folder, 'cards', String(card)), { recursive: true })
  await symlink(outside, place('hypotheses'))
  await symlink(join(outside, 'prd.md'), place())
  await write('A.\n', 0, 'hypotheses/a.md')
  await write('One.\n', 0)
  await exporter.look()
  await exporter.look()
  expect(await readdir(outside)).toEqual(['prd.md'])
  expect(await readFile(join(outside, 'prd.md'), 'utf8')).toBe('Secret.\n')
  expect(told.toSorted()).toEqual([
    `cards/${card}/hypotheses/a.md is left alone in the workspace folder: a part of its path is a link.`,
    `cards/${card}/prd.md is left alone in the workspace folder: a part of its path is a link.`,
  ])
  expect((await versions()).map(({ content }) => content).toSorted()).toEqual(['A.\n', 'One.\n'])
  await rm(outside, { recursive: true })
})

test('what is no text is not taken in, and not overwritten either', async () => {
  await write('One.\n', 0)
  await exporter.look()
  await writeFile(place(), Buffer.from([0xff, 0xfe, 0x00]))
  await write('Two.\n', 1)
  await exporter.look()
  expect(await readFile(place())).toEqual(Buffer.from([0xff, 0xfe, 0x00]))
  expect(told).toEqual([`cards/${card}/prd.md is left alone in the workspace folder: it is no text in UTF-8.`])
})

test('two processes at once write one file and make no version', async () => {
  const other = open()
  await write('One.\n', 0)
  await Promise.all([exporter.look(), other.look(), exporter.look()])
  await write('Two.\n', 1)
  await Promise.all([exporter.look(), other.look()])
  await other.close()
  expect(await file()).toBe('Two.\n')
  expect((await versions()).length).toBe(2)
})
