/** For a person's browser: what this is, and what can be asked; for programs the contract. */
import type { Door } from '../door.ts'
import { PAGE_POLICY, pageOf } from '../page.ts'
import { problemOf } from '../problem.ts'
import { referencePage, type Contract } from '../reference.ts'
import { tell } from '../door.ts'

const open = { right: 'open' } as const
const hide = { hide: true } as const

const FRONT = pageOf(
  'Millrace',
  `<h1>Millrace</h1><p class="dim">Runs AI work that must not be lost.</p>
<p>This is its server. It has no console yet; everything can be done over HTTP and on the command line.</p>
<p><a href="/api/docs">What can be asked over HTTP</a> · <a href="/api/openapi.json">the contract</a> · <a href="/health">is it well?</a></p>
<pre>npx millrace runs list
npx millrace --help</pre>`,
)

export function pageRoutes(door: Door): void {
  let page: string | undefined
  let contract: string | undefined
  const html = 'text/html; charset=utf-8'

  door.route({
    method: 'GET',
    url: '/',
    config: open,
    schema: hide,
    handler(request, reply) {
      if (!(request.headers.accept ?? '').includes('text/html')) return tell(reply, problemOf('NOT_FOUND', request.id))
      return reply.type(html).header('content-security-policy', PAGE_POLICY).send(FRONT)
    },
  })
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
