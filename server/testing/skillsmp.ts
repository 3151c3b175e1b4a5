/** A server that speaks SkillsMP's API in both the forms in which it is described, and fails as it does. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface SkillsMpServer {
  /** As SKILLSMP_BASE_URL. */
  readonly url: string
  readonly key: string
  /** What was asked, in order: method and path with the query. */
  readonly asked: string[]
  /** Which form the next answers have, and what goes wrong with them. */
  how: { form: 'nested' | 'flat'; fault?: 'quota' | 'down' | 'prose' | 'elsewhere' | 'silent' | 'huge' | undefined }
  close(): Promise<void>
}

const KEY = 'sk_live_skillsmp_test'

const LISTED = Array.from({ length: 45 }, (_, i) => ({
  id: `smp_${i}`,
  name: i === 0 ? 'prd-writer' : `skill-${i}`,
  description: i === 0 ? 'Writes a PRD. Use it for product ideas.\u001b[31m' : `Does the thing ${i}, prd too.`,
  author: 'somebody',
  stars: 100 - i,
  updatedAt: '2026-06-01T00:00:00Z',
}))

export async function startSkillsMp(): Promise<SkillsMpServer> {
  const asked: string[] = []
  const server = createServer((request, response) => {
    asked.push(`${request.method} ${request.url}`)
    const say = (status: number, body: unknown, headers: Record<string, string> = {}) => {
      response.writeHead(status, { 'content-type': 'application/json', ...headers })
      response.end(typeof body === 'string' ? body : JSON.stringify(body))
    }
    const refuse = (status: number, code: string) =>
      say(status, { success: false, error: { code, message: `CANARY ${request.headers.authorization}` } })
    const { form, fault } = self.how
    if (fault === 'silent') return
    if (fault === 'down') return say(503, 'upstream')
    if (fault === 'prose') return say(200, '<html>Welcome</html>')
    if (fault === 'elsewhere') return say(302, '', { location: 'http://127.0.0.1:9/steal' })
    if (fault === 'huge') return say(200, `"${'x'.repeat(6 * 1024 * 1024)}"`)
    const given = request.headers.authorization
    if (given === undefined) return refuse(401, 'MISSING_API_KEY')
    if (given !== `Bearer ${KEY}`) return refuse(401, 'INVALID_API_KEY')
    if (fault === 'quota') return refuse(429, 'DAILY_QUOTA_EXCEEDED')
    const url = new URL(request.url ?? '/', 'http://x')
    if (url.pathname === '/api/v1/skills/search') {
      const q = url.searchParams.get('q') ?? ''
      const page = Number(url.searchParams.get('page') ?? 1)
      const limit = Math.min(100, Number(url.searchParams.get('limit') ?? 20))
      const all = LISTED.filter((one) => `${one.id} ${one.name} ${one.description}`.includes(q))
      const items = all.slice((page - 1) * limit, page * limit).map((one) => shaped(one, form))
      const pagination = { page, limit, total: all.length }
      if (form === 'nested') return say(200, { success: true, data: { skills: items, pagination } })
      return say(200, { data: items, ...pagination, hasMore: page * limit < all.length })
    }
    const [, id] = /^\/api\/v1\/skills\/([^/]+)$/.exec(url.pathname) ?? []
    const one = LISTED.find((it) => it.id === decodeURIComponent(id ?? ''))
    // The form that others describe has no address of one skill.
    if (one === undefined || form === 'nested') return refuse(404, 'NOT_FOUND')
    return say(200, { data: shaped(one, form) })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const self: SkillsMpServer = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/api/v1`,
    key: KEY,
    asked,
    how: { form: 'nested' },
    close: () =>
      new Promise((resolve) => {
        server.closeAllConnections()
        server.close(() => resolve())
      }),
  }
  return self
}

function shaped(one: (typeof LISTED)[number], form: 'nested' | 'flat') {
  const place = `https://github.com/somebody/skills/tree/main/${one.name}`
  if (form === 'nested') return { ...one, githubUrl: place, skillUrl: `https://skillsmp.com/skills/${one.id}` }
  return { ...one, repository: place, url: `https://skillsmp.com/skills/${one.id}`, version: '1.0.0', tags: ['prd'] }
}
