/** Artifacts as files: where they were asked for, whole, and nowhere else. */
import { mkdir, readdir, readFile, symlink } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { defineRun, defineTask, openEngine, startWorker } from '@millrace/engine'
import { until } from '../../engine/testing/index.ts'
import { operator } from '../src/app.ts'
import { document, leave, left, stage } from './cli-stage.ts'

afterEach(leave)

const make = defineTask({
  name: 'make',
  input: z.object({ at: z.number() }),
  output: z.object({}),
  async perform(hand) {
    await hand.artifact('report.txt', `number ${hand.input.at}`)
    await hand.artifact('deep/er/data.bin', new Uint8Array(700_000).fill(hand.input.at))
    return {}
  },
})
const making = defineRun({
  name: 'making',
  input: z.object({}),
  tasks: [make],
  plan: () => [1, 2].map((at) => ({ kind: 'make', input: { at } })),
})

/** A run whose two tasks have made two artifacts each. */
async function made() {
  const { db, place } = await stage()
  const engine = openEngine(db.api)
  left.push(() => engine.close())
  const worker = await startWorker({ settings: db.worker, kinds: [making] })
  const { run } = await engine.start(operator, making, {}, { workspace: 1 })
  await until(
    () => engine.run(operator, run),
    (seen) => seen.finishedAt !== null,
  )
  await worker.drain()
  return { db, place }
}

const filesIn = async (folder: string) =>
  (await readdir(folder, { recursive: true, withFileTypes: true }))
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort()

test('artifacts are listed, and written whole below the folder that was named, over nothing that is there', async () => {
  const { place } = await made()
  const [told, json, none] = await Promise.all([
    place.run(['runs', 'artifacts', '1']),
    place.run(['runs', 'artifacts', '1', '--json']),
    place.run(['runs', 'artifacts', '2']),
  ])
  expect(told.stdout).toMatch(
    /^task +name +type +bytes +sha256\n *1 +deep\/er\/data\.bin +application\/octet-stream +700,000 +[0-9a-f]{16}\n/,
  )
  expect(document(json.stdout)).toMatchObject([
    { task: 1, name: 'deep/er/data.bin', size: 700_000 },
    { task: 1, name: 'report.txt', size: 8, mediaType: 'text/plain; charset=utf-8' },
    { task: 2 },
    { task: 2 },
  ])
  expect(none).toMatchObject({ code: 2, stdout: '' })

  const written = await place.run(['runs', 'artifacts', '1', '--out', 'made'])
  expect(written).toMatchObject({ code: 0, stdout: '4 artifacts are in made\n' })
  const folder = join(place.folder, 'made')
  const all = ['1/deep/er/data.bin', '1/report.txt', '2/deep/er/data.bin', '2/report.txt']
  expect(await filesIn(folder)).toEqual(all)
  expect(await readFile(join(folder, '2/report.txt'), 'utf8')).toBe('number 2')
  expect((await readFile(join(folder, '1/deep/er/data.bin'))).equals(Buffer.alloc(700_000, 1))).toBe(true)

  await place.file('made/2/report.txt', 'mine')
  const again = await place.run(['runs', 'artifacts', '1', '--out', 'made'])
  expect(again).toMatchObject({ code: 2, stdout: '' })
  expect(again.stderr).toMatch(/4 files are there already\.\n( {2}- made\/.*\n){4}.*--force/)
  expect(await readFile(join(folder, '2/report.txt'), 'utf8')).toBe('mine')
  expect((await place.run(['runs', 'artifacts', '1', '--out', 'made', '--force'])).code).toBe(0)
  expect(await readFile(join(folder, '2/report.txt'), 'utf8')).toBe('number 2')
  expect(await filesIn(folder)).toEqual(all)
})

test('an artifact never gets out of the folder: not by its name, and not by a link that lies there', async () => {
  const { db, place } = await made()
  await mkdir(join(place.folder, 'outside'))
  await mkdir(join(place.folder, 'linked'))
  await symlink(join(place.folder, 'outside'), join(place.folder, 'linked/1'))
  const byLink = await place.run(['runs', 'artifacts', '1', '--out', 'linked', '--force'])
  expect(byLink).toMatchObject({ code: 2, stdout: '' })
  expect(byLink.stderr).toContain('is not a folder, or a link to one')

  for (const name of ['../../outside/evil', '/etc/evil']) {
    await db.sql("update engine.artifacts set name = $1 where n = 1 and name not in ('report.txt')", [name])
    const byName = await place.run(['runs', 'artifacts', '1', '--out', 'made'])
    expect(byName).toMatchObject({ code: 2, stdout: '' })
    expect(byName.stderr).toMatch(/a name that leads out of the folder; nothing was written/)
  }
  expect(await filesIn(place.folder)).toEqual(['d.yaml'])
  await db.sql("update engine.artifacts set name = E'a\\u001b[31mb' where n = 1 and name not in ('report.txt')")
  const told = await place.run(['runs', 'artifacts', '1'])
  expect(told.stdout).toContain('a\ufffd[31mb')
})
