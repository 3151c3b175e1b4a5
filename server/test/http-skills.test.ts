/** Skills over HTTP: what a person and a program do with them, and what they are told. */
import { readFileSync } from 'node:fs'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { strToU8, zipSync } from 'fflate'
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { openSkills } from '../src/skills/open.ts'
import { startSkillsMp, type SkillsMpServer } from '../testing/skillsmp.ts'
import { openHttpStage, type HttpStage } from './http-stage.ts'

/** Those that come with Millrace. */
const SHIPPED = Object.keys(
  JSON.parse(readFileSync(new URL('../skills/digests.json', import.meta.url), 'utf8')) as Record<string, string>,
)

let stage: HttpStage
let market: SkillsMpServer
let folder = ''

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'skills-'))
  market = await startSkillsMp()
  stage = await openHttpStage({ skills: openSkills(folder, { key: market.key, baseUrl: market.url }) })
  stage.person('member', 'member')
  stage.person('viewer', 'viewer')
}, 60_000)
afterAll(async () => {
  await stage?.close()
  await market?.close()
  await rm(folder, { recursive: true, force: true })
})
beforeEach(() => {
  market.how = { form: 'nested' }
})

let made = 0
const zipOf = (text: string, more: Record<string, Uint8Array> = {}) =>
  Buffer.from(zipSync({ s: { 'SKILL.md': strToU8(text), ...more } })).toString('base64')
const fronted = (name: string, body = 'Do it.') => `---\nname: ${name}\ndescription: Does it.\n---\n${body}\n`
const bring = (body: object, as = 'member') => stage.ask('/api/skills', { as, body })
const importZip = (archive: string, more: object = {}) => bring({ action: 'import', archive, ...more })
async function created(): Promise<{ id: number; digest: string }> {
  const { body, status } = await bring({
    action: 'create',
    name: `made-${(made += 1)}`,
    description: 'Does it.',
    promptTemplate: 'Say {{word}}.',
    inputSchema: { type: 'object', properties: { word: { type: 'string' } }, required: ['word'] },
    outputSchema: { type: 'object', properties: { said: { type: 'string' } }, required: ['said'] },
    tags: ['x'],
  })
  expect(status).toBe(201)
  return body.skill
}

describe('S20: skills', () => {
  test('are synced from the folder of the installation, and the request cannot name another', async () => {
    await mkdir(join(folder, 'greet'))
    await writeFile(join(folder, 'greet', 'SKILL.md'), fronted('greet'))
    const wrong = await bring({ action: 'sync', skillsPath: '/etc' })
    expect([wrong.status, wrong.body.code, wrong.text]).toEqual([
      400,
      'INVALID_REQUEST',
      expect.stringContaining('skillsPath'),
    ])
    const { status, body } = await bring({ action: 'sync', workspaceId: 1 })
    expect(status).toBe(200)
    expect(body.added.map((one: { key: string }) => one.key)).toEqual([...SHIPPED, 'greet'])
    expect(body.folderRead).toBe(true)
    const { body: list } = await stage.ask('/api/skills?workspaceId=1&source=local&q=greet', { as: 'viewer' })
    expect(list.items).toMatchObject([
      { key: 'greet', trustLevel: 'community', entrypoint: 'greet/SKILL.md', version: 1 },
    ])
    const vetted = await stage.ask('/api/skills?trustLevel=vetted', { as: 'viewer' })
    const byProduct = vetted.body.items.map(({ key, cameBy }: { key: string; cameBy: string }) => [key, cameBy])
    expect(byProduct.toSorted()).toEqual(SHIPPED.map((key) => [key, 'product']))
  })

  test('come in pages, and are found by tag', async () => {
    for (let i = 0; i < 3; i += 1) await created()
    const first = await stage.ask('/api/skills?limit=2&tag=x')
    expect(first.body.items).toHaveLength(2)
    const second = await stage.ask(`/api/skills?limit=2&tag=x&cursor=${first.body.next}`)
    expect(second.body.items[0].id).toBeLessThan(first.body.items[1].id)
  })

  test('are written in a form, whole, with exact schemas; a name once', async () => {
    const { id } = await created()
    const { body } = await stage.ask(`/api/skills/${id}`, { as: 'viewer' })
    expect(body).toMatchObject({
      trustLevel: 'experimental',
      promptTemplate: 'Say {{word}}.',
      inputSchema: { required: ['word'] },
      outputSchema: { required: ['said'] },
      tags: ['x'],
      diagnostics: [],
      versions: [{ version: 1 }],
      trustActs: [],
    })
    const file = await stage.ask(`/api/skills/${id}/file?path=prompt.txt`, { as: 'viewer' })
    expect(file.body).toMatchObject({ path: 'prompt.txt', text: 'Say {{word}}.' })
    expect((await stage.ask(`/api/skills/${id}/file?path=../x`)).status).toBe(404)
    const again = await bring({ action: 'create', name: body.name, description: 'x', promptTemplate: 'y' })
    expect([again.status, again.body.code]).toEqual([409, 'SKILL_EXISTS'])
    const wrong = await bring({ action: 'create', name: 'wrong', description: 'x', promptTemplate: 'a\n{{word}}' })
    expect([wrong.status, wrong.body.code]).toEqual([422, 'INVALID_SKILL'])
    expect(wrong.body.causes).toEqual([expect.stringContaining('prompt.txt:2: error UNKNOWN_VARIABLE')])
  })

  test('are vetted by a person with the right, by what he looked at; a viewer and a key for bringing are refused', async () => {
    const { id, digest } = await created()
    stage.person('bringer', 'admin', 1, ['skills:read', 'skills:write'])
    const body = { trustLevel: 'vetted', note: 'read', digest }
    const vet = (as: string, more: object = {}) =>
      stage.ask(`/api/skills/${id}`, { method: 'PATCH', as, body: { ...body, ...more } })
    expect((await vet('viewer')).status).toBe(403)
    expect((await vet('bringer')).body.code).toBe('MISSING_SCOPE')
    expect((await vet('member', { digest: `sha256:${'0'.repeat(64)}` })).body.code).toBe('SKILL_CHANGED')
    expect((await vet('member', { trustLevel: 'blessed' })).status).toBe(400)
    const done = await vet('member')
    expect(done.body).toMatchObject({
      trustLevel: 'vetted',
      trustActs: [{ by: 'member', level: 'vetted', before: 'experimental', note: 'read', digest }],
    })
  })

  test('are removed, and are not there any more', async () => {
    const { id } = await created()
    expect((await stage.ask(`/api/skills/${id}`, { method: 'DELETE', as: 'viewer' })).status).toBe(403)
    expect((await stage.ask(`/api/skills/${id}`, { method: 'DELETE', as: 'member' })).status).toBe(204)
    expect((await stage.ask(`/api/skills/${id}`)).body.code).toBe('NO_SUCH_SKILL')
  })
})

describe('S12: an import', () => {
  test('brings an archive as community, whatever it says; the same twice is one skill', async () => {
    const archive = zipOf(fronted('brought'))
    const first = await importZip(archive, { trustLevel: 'vetted' })
    expect([first.status, first.body.outcome, first.body.skill.trustLevel]).toEqual([201, 'added', 'community'])
    const again = await importZip(archive)
    expect([again.status, again.body.outcome, again.body.skill.id]).toEqual([200, 'unchanged', first.body.skill.id])
    const changed = await importZip(zipOf(fronted('brought', 'Do it twice.')))
    expect([changed.body.outcome, changed.body.skill.version]).toEqual(['updated', 2])
  })

  test('of what the marketplace lists keeps what it says, and stays where it is pinned', async () => {
    const asked = { skillsmpId: 'smp_0', pinVersion: true }
    const first = await importZip(zipOf(fronted('prd-writer')), asked)
    expect(first.body.skill).toMatchObject({
      source: 'skillsmp',
      pinned: true,
      trustLevel: 'community',
      remoteMetadata: { skillsmpId: 'smp_0', stars: 100, pinnedVersion: first.body.skill.digest },
    })
    const { id, digest } = first.body.skill
    const newer = await importZip(zipOf(fronted('prd-writer', 'New.')), { skillsmpId: 'smp_0' })
    expect([newer.body.outcome, newer.body.skill.version, newer.body.skill.newest]).toEqual(['pinned', 1, 2])
    expect(newer.body.skill.remoteMetadata.pinnedVersion).toBe(digest)
    const free = await stage.ask(`/api/skills/${id}`, { method: 'PATCH', as: 'member', body: { pinVersion: false } })
    expect([free.body.version, free.body.pinned, free.body.remoteMetadata.pinnedVersion]).toEqual([2, false, null])
    const imported = await stage.ask('/api/skills?source=skillsmp')
    expect(imported.body.items).toMatchObject([{ id }])
  })

  test('without the files says where they lie', async () => {
    const { status, body } = await bring({
      action: 'import',
      workspaceId: 1,
      skillsmpId: 'smp_3',
      trustLevel: 'community',
      pinVersion: true,
    })
    expect([status, body.code]).toEqual([422, 'SKILL_CONTENT_NEEDED'])
    expect(body.causes).toEqual(['https://github.com/somebody/skills/tree/main/skill-3'])
  })

  test.each([
    ['no archive', Buffer.from('hello').toString('base64'), 422, 'NOT_AN_ARCHIVE'],
    ['no base64', '###', 400, 'INVALID_REQUEST'],
    ['a name that leads out', zipOf('# A\n\nB', { '../../x': strToU8('y') }), 422, 'ARCHIVE_PATH'],
    ['a SKILL.md of 20 MB', zipOf(`# A\n\n${'x'.repeat(14_000_000)}`), 422, 'INVALID_SKILL'],
    ['YAML tricks', zipOf('---\nname: &a x\ndescription: *a\n---\n'), 422, 'INVALID_SKILL'],
  ])('of %s is a clear refusal, and changes nothing', async (_, archive, status, code) => {
    const before = await stage.db.sql('select count(*) from skills.versions')
    const answer = await importZip(archive)
    expect([answer.status, answer.body.code]).toEqual([status, code])
    expect(await stage.db.sql('select count(*) from skills.versions')).toEqual(before)
  })

  test('of a large archive is read, of one that is too large is refused', async () => {
    const noise = new Uint8Array(3 * 1024 * 1024).map((_, i) => (i * 2_654_435_761) >>> 13)
    const large = Buffer.from(zipSync({ 'SKILL.md': strToU8(fronted('large')), noise: [noise, { level: 0 }] }))
    expect((await importZip(large.toString('base64'))).status).toBe(201)
    const answer = await importZip('A'.repeat(17 * 1024 * 1024 * 2))
    expect([answer.status, answer.body.code]).toEqual([413, 'BODY_TOO_LARGE'])
  })

  test('into a workspace of others is refused', async () => {
    const answer = await importZip(zipOf(fronted('x')), { workspaceId: 99 })
    expect([answer.status, answer.body.code]).toEqual([403, 'NOT_ALLOWED'])
  })
})

describe('S12: the marketplace', () => {
  test('is searched page by page', async () => {
    const first = await stage.ask('/api/skills?source=skillsmp&q=prd&limit=20', { as: 'viewer' })
    expect(first.body.items[0]).toMatchObject({
      id: 'smp_0',
      source: 'skillsmp',
      repository: expect.stringContaining('github.com'),
    })
    const second = await stage.ask(`/api/skills?source=skillsmp&q=prd&limit=20&cursor=${first.body.next}`)
    expect(second.body.items[0].id).toBe('smp_20')
    const third = await stage.ask(`/api/skills?source=skillsmp&q=prd&limit=20&cursor=${second.body.next}`)
    expect([third.body.items.length, third.body.next]).toEqual([5, null])
  })

  test.each([
    ['quota', 429, 'MARKETPLACE_QUOTA'],
    ['down', 502, 'MARKETPLACE_AWAY'],
    ['prose', 502, 'MARKETPLACE_ODD'],
  ] as const)('that answers with %s is told as a problem', async (fault, status, code) => {
    market.how = { form: 'nested', fault }
    const answer = await stage.ask('/api/skills?source=skillsmp&q=prd')
    expect([answer.status, answer.body.code]).toEqual([status, code])
    expect(answer.text + stage.logged.join('')).not.toContain(market.key)
  })
})
