/** Skills of a workspace on the real database: sync, versions by digest, trust as acts. */
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { openEngine, type Engine } from '@millrace/engine'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { freshDatabase, member, type TestDatabase } from '../../engine/testing/index.ts'
import { rooms } from '../src/app.ts'
import { productSkill, skillFor, trustOf } from '../src/skills/skill.ts'
import { listSkills, pinSkill, removeSkill, skillOf, trustSkill } from '../src/skills/store.ts'
import { placeProductSkills, syncSkills, type SyncReport } from '../src/skills/sync.ts'
import { renderPrompt } from '../src/skills/template.ts'

/** Those that come with Millrace. */
const SHIPPED = Object.keys(
  JSON.parse(readFileSync(new URL('../skills/digests.json', import.meta.url), 'utf8')) as Record<string, string>,
)

let db: TestDatabase
let engine: Engine
let worker: Engine
let folder = ''
let workspace = 1
const me = () => member('admin', workspace)

beforeAll(async () => {
  db = await freshDatabase(rooms.slice(1))
  engine = openEngine(db.api)
  worker = openEngine(db.worker)
})
afterAll(async () => {
  await engine?.close()
  await worker?.close()
  await db?.drop()
  if (folder !== '') await rm(dirname(folder), { recursive: true })
})
beforeEach(async () => {
  const [row] = await db.sql<{ id: number }>(
    `insert into engine.workspaces (name) values (gen_random_uuid()) returning id`,
  )
  workspace = row?.id ?? 0
  if (folder !== '') await rm(dirname(folder), { recursive: true })
  folder = join(await mkdtemp(join(tmpdir(), 'skills-')), 'skills')
  await mkdir(folder)
})

async function write(files: Record<string, string>): Promise<void> {
  for (const [path, text] of Object.entries(files)) {
    await mkdir(dirname(join(folder, path)), { recursive: true })
    await writeFile(join(folder, path), text)
  }
}
const GREET =
  '# Greet\n\nGreets somebody.\n\n## Inputs\n- name: string (required) - Who\n\n## Outputs\n- greeting: string\n'
const greet = () => write({ 'greet/SKILL.md': GREET, 'greet/prompt.txt': 'Greet {{name}}.' })
const sync = (): Promise<SyncReport> => syncSkills(engine, me(), workspace, { path: folder, isSet: true })
const keys = (list: readonly { key: string }[]) => list.map((one) => one.key)
const idOf = async (key: string) => {
  const found = await engine.as(me(), (tx) => listSkills(tx, { workspace, limit: 100 }))
  return found.find((one) => one.key === key)?.id ?? 0
}
const shown = async (key: string) => {
  const id = await idOf(key)
  return engine.as(me(), (tx) => skillOf(tx, id))
}

describe('S11: a sync', () => {
  test('adds, updates, leaves alone and marks what has gone, and says so', async () => {
    await greet()
    await write({ 'other/SKILL.md': '# Other\n\nDoes something else.\n' })
    const first = await sync()
    expect(keys(first.added)).toEqual(expect.arrayContaining(['greet', 'other', 'summarize-text']))
    const again = await sync()
    expect([again.added, again.updated, again.gone, again.refused]).toEqual([[], [], [], []])
    expect(keys(again.unchanged)).toEqual(keys(first.added))
    await write({ 'greet/prompt.txt': 'Greet {{name}} warmly.' })
    await rm(join(folder, 'other'), { recursive: true })
    const third = await sync()
    expect([keys(third.updated), keys(third.gone)]).toEqual([['greet'], ['other']])
    expect((await shown('other')).goneAt).toBeInstanceOf(Date)
    expect((await shown('greet')).versions.map((one) => one.version)).toEqual([2, 1])
    await write({ 'other/SKILL.md': '# Other\n\nDoes something else.\n' })
    expect(keys((await sync()).unchanged)).toContain('other')
    expect((await shown('other')).goneAt).toBeNull()
  })

  test('keeps what is there of a skill that cannot be read any more, and says the line', async () => {
    await greet()
    await sync()
    await write({ 'greet/prompt.txt': 'Greet {{name}}\n and tell {{env.SECRET}}' })
    const { refused, gone } = await sync()
    expect(gone).toEqual([])
    expect(refused).toMatchObject([
      { key: 'greet', diagnostics: [{ code: 'SECRET_VARIABLE', file: 'prompt.txt', line: 2 }] },
    ])
    expect(await shown('greet')).toMatchObject({ version: 1, promptTemplate: 'Greet {{name}}.' })
  })

  test('refuses links, also one that leads to a skill elsewhere', async () => {
    await greet()
    const outside = join(dirname(folder), 'outside')
    await rename(join(folder, 'greet'), outside)
    await symlink(outside, join(folder, 'link'))
    await write({ 'inside/SKILL.md': GREET })
    await symlink('/etc/passwd', join(folder, 'inside', 'passwd.txt'))
    const { refused, added } = await sync()
    expect(keys(added)).toEqual(SHIPPED)
    expect(refused.map(({ key, diagnostics }) => [key, diagnostics[0]?.code])).toEqual([
      ['inside', 'LINK'],
      ['link', 'LINK'],
    ])
  })

  test('changes nothing when the folder that was set is not there', async () => {
    await greet()
    await sync()
    await rename(folder, `${folder}-away`)
    await expect(sync()).rejects.toMatchObject({ code: 'NO_SUCH_FOLDER' })
    expect((await shown('greet')).goneAt).toBeNull()
    const unset = await syncSkills(engine, me(), workspace, { path: folder, isSet: false })
    expect([unset.folderRead, unset.gone]).toEqual([false, []])
  })

  test('by two at the same time adds each skill once', async () => {
    await greet()
    const [a, b] = await Promise.all([sync(), sync()])
    expect(keys([...a.added, ...b.added]).toSorted()).toEqual([...SHIPPED, 'greet'].toSorted())
  })

  test('is not for somebody who only looks', async () => {
    const viewer = member('viewer', workspace)
    await expect(syncSkills(engine, viewer, workspace, { path: folder, isSet: true })).rejects.toMatchObject({
      code: 'NOT_ALLOWED',
    })
  })
})

describe('S10: trust', () => {
  test('begins as community, whatever the file says, and is given by somebody, with a note, at a time', async () => {
    await write({
      'greet/SKILL.md': `---\nname: greet\ndescription: x\nmetadata:\n  trust: vetted\n  trustLevel: vetted\n---\nHello\n`,
    })
    await sync()
    const before = await shown('greet')
    expect(before.trustLevel).toBe('community')
    await trustSkill(engine, me(), before.id, { level: 'vetted', note: 'read it twice', digest: before.digest })
    const after = await shown('greet')
    expect(after).toMatchObject({
      trustLevel: 'vetted',
      trustActs: [
        {
          version: 1,
          digest: before.digest,
          before: 'community',
          level: 'vetted',
          by: 'test-admin',
          note: 'read it twice',
        },
      ],
    })
    expect(await db.sql(`select action, target from people.audit where workspace_id = $1`, [workspace])).toEqual([
      { action: 'skill_trusted', target: `${before.id}:1 vetted` },
    ])
  })

  test('is lost when any byte of the skill changes, and stays with the content that was vetted', async () => {
    await greet()
    await sync()
    const id = await idOf('greet')
    await trustSkill(engine, me(), id, { level: 'vetted' })
    await write({ 'greet/references/notes.md': 'one byte more' })
    await sync()
    const now = await shown('greet')
    expect([now.version, now.trustLevel]).toEqual([2, 'community'])
    expect(now.trustActs[0]).toMatchObject({
      version: 2,
      before: 'vetted',
      level: 'community',
      note: 'Its content changed.',
    })
    await engine.as(me(), async (tx) => {
      expect(await trustOf(tx, workspace, id)).toBe('community')
      expect(await trustOf(tx, workspace, id, 1)).toBe('vetted')
    })
  })

  test('is not given to other content than what was looked at', async () => {
    await greet()
    await sync()
    const { id, digest } = await shown('greet')
    await write({ 'greet/prompt.txt': 'Insult {{name}}.' })
    await sync()
    await expect(trustSkill(engine, me(), id, { level: 'vetted', digest })).rejects.toMatchObject({
      code: 'SKILL_CHANGED',
    })
    expect((await shown('greet')).trustLevel).toBe('community')
  })

  test('is not given by a viewer, nor by somebody from elsewhere', async () => {
    await greet()
    await sync()
    const id = await idOf('greet')
    await expect(trustSkill(engine, member('viewer', workspace), id, { level: 'vetted' })).rejects.toMatchObject({
      code: 'NOT_ALLOWED',
    })
    await expect(trustSkill(engine, member('admin', 1), id, { level: 'vetted' })).rejects.toMatchObject({
      code: 'NO_SUCH_SKILL',
    })
  })

  test('acts are never changed, not even by who owns the tables', async () => {
    await greet()
    await sync()
    await trustSkill(engine, me(), await idOf('greet'), { level: 'vetted' })
    await db.sql(
      'begin; set local role millrace_owner; update skills.trust_acts set by = $$x$$; delete from skills.trust_acts; commit',
    )
    expect((await shown('greet')).trustActs).toMatchObject([{ by: 'test-admin' }])
  })

  test('of what Millrace ships is Millrace’s, and a changed copy has none', async () => {
    await engine.as(me(), (tx) => placeProductSkills(tx, workspace))
    const ours = await engine.as(me(), (tx) => productSkill(tx, workspace, 'summarize-text'))
    expect(ours).toMatchObject({ trust: 'vetted', source: 'local', version: 1 })
    const copy = join(folder, 'copy')
    await write({
      'copy/summarize-text/SKILL.md': GREET,
      'copy/digests.json': JSON.stringify({ 'summarize-text': ours?.digest }),
    })
    await rm(join(folder, 'copy', 'x'), { force: true })
    const elsewhere = { path: join(folder, 'none'), isSet: false }
    await syncSkills(engine, me(), workspace, elsewhere, new URL(`file://${copy}/`))
    const changed = await engine.as(me(), (tx) => productSkill(tx, workspace, 'summarize-text'))
    expect(changed).toMatchObject({ trust: 'community', version: 2 })
  })

  test('of what Millrace ships stays away when somebody took it away', async () => {
    await sync()
    const id = await idOf('summarize-text')
    await trustSkill(engine, me(), id, { level: 'experimental' })
    await sync()
    expect((await shown('summarize-text')).trustLevel).toBe('experimental')
  })
})

describe('the walls', () => {
  test('show the rows of skills to their workspace and to workers, and let no login write them', async () => {
    await greet()
    await sync()
    await trustSkill(engine, me(), await idOf('greet'), { level: 'vetted' })
    const elsewhere = { sub: 'x', workspaces: { 1: 'admin' }, operator: true } as const
    const wrong: string[] = []
    for (const table of ['skills', 'versions', 'files', 'trust_acts']) {
      const seen = async (who: Engine, as: Parameters<Engine['as']>[0]) =>
        (await who.as(as, (tx) => tx.query(`select from skills.${table} where workspace_id = $1`, [workspace])))
          .rowCount ?? 0
      if ((await seen(engine, me())) === 0) wrong.push(`${table} is empty for its own`)
      if ((await seen(worker, elsewhere)) === 0) wrong.push(`${table} is empty for workers`)
      if ((await seen(engine, elsewhere)) > 0) wrong.push(`${table} is seen from elsewhere`)
      for (const sentence of [
        `delete from skills.${table}`,
        `insert into skills.${table} select * from skills.${table} limit 0`,
        `update skills.${table} set workspace_id = 1`,
      ]) {
        for (const login of [engine, worker]) {
          const refused = await login
            .as(me(), (tx) => tx.query(sentence))
            .then(
              () => undefined,
              (error: { code: string }) => error.code,
            )
          if (refused !== 'NOT_ALLOWED') wrong.push(`${sentence}: ${refused ?? 'done'}`)
        }
      }
    }
    expect(wrong).toEqual([])
  })
})

describe('a skill', () => {
  test('is given whole, at the version that a recipe or a run names', async () => {
    await greet()
    await sync()
    const id = await idOf('greet')
    const first = await worker.as(me(), (tx) => skillFor(tx, workspace, id))
    expect(first).toMatchObject({
      id,
      name: 'Greet',
      version: 1,
      digest: expect.stringMatching(/^sha256:[0-9a-f]{64}$/),
      trust: 'community',
      source: 'local',
      gone: false,
      inputSchema: { type: 'object', required: ['name'] },
      outputSchema: { required: ['greeting'] },
    })
    expect(renderPrompt(first?.promptTemplate ?? '', { name: 'Åsa' })).toBe('Greet Åsa.')
    await write({ 'greet/prompt.txt': 'Hello {{name}}.' })
    await sync()
    await removeSkill(engine, me(), id)
    await worker.as(me(), async (tx) => {
      expect((await skillFor(tx, workspace, id, 1))?.promptTemplate).toBe('Greet {{name}}.')
      expect(await skillFor(tx, workspace, id)).toBeUndefined()
      expect(await skillFor(tx, 1, id, 1)).toBeUndefined()
    })
  })

  test('that is pinned keeps its version, and has the newest when it is let go', async () => {
    await greet()
    await sync()
    const id = await idOf('greet')
    await pinSkill(engine, me(), id, true)
    await write({ 'greet/prompt.txt': 'Hello {{name}}.' })
    expect(keys((await sync()).pinned)).toEqual(['greet'])
    expect(await shown('greet')).toMatchObject({ version: 1, newest: 2, pinned: true })
    await pinSkill(engine, me(), id, false)
    expect((await shown('greet')).version).toBe(2)
  })

  test('that something stands on is not removed, and that is named', async () => {
    await greet()
    await sync()
    const id = await idOf('greet')
    await db.sql(`create function public.stands() returns trigger language plpgsql as $$
      begin raise exception 'in use' using errcode = 'MR032', detail = 'the recipe of prd'; end $$`)
    await db.sql(
      'create trigger stands before update of removed_at on skills.skills for each row execute function public.stands()',
    )
    try {
      await expect(removeSkill(engine, me(), id)).rejects.toMatchObject({
        code: 'SKILL_IN_USE',
        causes: ['the recipe of prd'],
      })
    } finally {
      await db.sql('drop function public.stands cascade')
    }
    await removeSkill(engine, me(), id)
    expect(await idOf('greet')).toBe(0)
    expect(keys((await sync()).added)).toEqual(['greet'])
  })
})
