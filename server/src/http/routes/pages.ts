/** What can be asked: a page for a person's browser, and for programs the contract. */
import type { Door } from '../door.ts'
import { PAGE_POLICY } from '../page.ts'
import { referencePage, type Contract } from '../reference.ts'

const open = { right: 'open' } as const
const hide = { hide: true } as const

export function pageRoutes(door: Door): void {
  let page: string | undefined
  let contract: string | undefined
  const html = 'text/html; charset=utf-8'

  door.route({
    method: 'GET',
    url: '/api/docs',
    config: open,
    schema: hide,
    handler(_request, reply) {
      page ??= referencePage(door.swagger() as Contract)
      return reply.type(html).header('content-security-policy', PAGE_POLICY).send(page)
    },
  })
  door.route({
    method: 'GET',
    url: '/api/openapi.json',
    config: open,
    schema: hide,
    handler(_request, reply) {
      contract ??= JSON.stringify(door.swagger())
      return reply.type('application/json; charset=utf-8').send(contract)
    },
  })
}
