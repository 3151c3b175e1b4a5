/** SkillsMP through a server that speaks as it does. */
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { startSkillsMp, type SkillsMpServer } from '../../testing/skillsmp.ts'
import { openSkillsMp } from './skillsmp.ts'

let server: SkillsMpServer
beforeAll(async () => {
  server = await startSkillsMp()
})
afterAll(() => server?.close())
beforeEach(() => {
  server.how = { form: 'nested' }
  server.asked.length = 0
})

const open = (key: string | undefined = server.key, baseUrl = server.url) =>
  openSkillsMp({ key, baseUrl, timeout: 500 })
const refusal = (work: Promise<unknown>) =>
  work.then(
    () => 'answered',
    (error: { code: string }) => error.code,
  )

describe.each(['nested', 'flat'] as const)('S12: the marketplace, in the %s form', (form) => {
  beforeEach(() => {
    server.how = { form }
  })

  test('finds skills page by page, with a link to their files and no prompt', async () => {
    const first = await open().search({ q: 'prd', page: 1, limit: 20 })
    expect(first).toMatchObject({ page: 1, total: 45, more: true })
    expect(first.items[0]).toEqual({
      id: 'smp_0',
      name: 'prd-writer',
      description: 'Writes a PRD. Use it for product ideas.[31m',
      author: 'somebody',
      url: 'https://skillsmp.com/skills/smp_0',
      repository: 'https://github.com/somebody/skills/tree/main/prd-writer',
      stars: 100,
      updatedAt: '2026-06-01T00:00:00Z',
    })
    const last = await open().search({ q: 'prd', page: 3, limit: 20 })
    expect([last.items.length, last.more]).toEqual([5, false])
  })

  test('tells of one skill by its id, and of none that it has not', async () => {
    expect(await open().fetch('smp_7')).toMatchObject({ id: 'smp_7', name: 'skill-7' })
    expect(await refusal(open().fetch('smp_none'))).toBe('NO_SUCH_LISTING')
    expect(await refusal(open().fetch('../../keys'))).toBe('NO_SUCH_LISTING')
  })
})

describe('S12: the marketplace', () => {
  test('is off without a key, says so, and is not asked', async () => {
    expect(
      await refusal(openSkillsMp({ key: undefined, baseUrl: server.url }).search({ q: 'x', page: 1, limit: 5 })),
    ).toBe('MARKETPLACE_OFF')
    expect(server.asked).toEqual([])
  })

  test.each([
    ['quota', 'MARKETPLACE_QUOTA'],
    ['down', 'MARKETPLACE_AWAY'],
    ['silent', 'MARKETPLACE_AWAY'],
    ['elsewhere', 'MARKETPLACE_AWAY'],
    ['prose', 'MARKETPLACE_ODD'],
    ['huge', 'MARKETPLACE_ODD'],
  ] as const)('that answers with %s is a clear refusal', async (fault, code) => {
    server.how = { form: 'nested', fault }
    const refused = await open()
      .search({ q: 'x', page: 1, limit: 5 })
      .catch((error: unknown) => error)
    expect(refused).toMatchObject({ code })
    expect(JSON.stringify(refused) + String(refused)).not.toMatch(/CANARY|sk_live/)
  })

  test('that does not take the key, or is not there, is a clear refusal', async () => {
    expect(await refusal(open('sk_live_other').search({ q: 'x', page: 1, limit: 5 }))).toBe('MARKETPLACE_KEY')
    expect(await refusal(open('two\nlines').search({ q: 'x', page: 1, limit: 5 }))).toBe('MARKETPLACE_KEY')
    expect(await refusal(open(server.key, 'http://127.0.0.1:9').search({ q: 'x', page: 1, limit: 5 }))).toBe(
      'MARKETPLACE_AWAY',
    )
  })
})
