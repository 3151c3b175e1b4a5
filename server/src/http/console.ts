/**
 * The console, as built files: those with a digest in their name are kept by
 * browsers for good, the page itself is asked for each time.  Every path that is
 * no file and nobody's route is the page, which knows what to show for it.
 */
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import fastifyStatic from '@fastify/static'
import type { FastifyRequest } from 'fastify'
import type { Door } from './door.ts'
import { PAGE_POLICY, pageOf } from './page.ts'

/** Where `npm run build -w web` puts it. */
export const CONSOLE = fileURLToPath(new URL('../../../web/dist', import.meta.url))

/** What the page may do: its own files, asking this server, pictures of its own; nothing in line, nothing from elsewhere. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "worker-src 'self'",
  "style-src 'self'",
  "img-src 'self' data: blob:",
  "font-src 'self'",
  "connect-src 'self'",
  "manifest-src 'self'",
  "base-uri 'none'",
  "form-action 'self'",
  "frame-ancestors 'none'",
].join('; ')

const NOT_BUILT = pageOf(
  'Millrace',
  `<h1>Millrace</h1><p class="dim">Runs AI work that must not be lost.</p>
<p>Its console is not built here. <code>npm run build -w web</code> builds it; then start the server again.</p>
<p>Everything can be done over HTTP and on the command line meanwhile: <a href="/api/docs">what can be asked over HTTP</a> · <a href="/api/openapi.json">the contract</a> · <a href="/health">is it well?</a></p>
<pre>npx millrace runs list
npx millrace --help</pre>`,
)

/** Is there a console to show? */
export const isBuilt = (folder: string | undefined): boolean =>
  folder !== undefined && existsSync(`${folder}/index.html`)

/** `/assets/` has what is named by its digest; beside it lie the few files whose names stay. */
const FILE = /^\/(assets\/[\w.-]+|[\w-]+\.(js|svg))$/

export async function consoleRoutes(door: Door, folder: string | undefined): Promise<void> {
  await door.register(fastifyStatic, {
    root: folder ?? CONSOLE,
    serve: false,
    preCompressed: true,
    cacheControl: false,
    // A worker's file says itself what the worker may do.
    setHeaders(reply, path) {
      const kept = path.includes('/assets/') ? 'public, max-age=31536000, immutable' : 'no-cache'
      reply.headers({ 'cache-control': kept, 'content-security-policy': POLICY })
    },
  })
  door.route({
    method: 'GET',
    url: '/*',
    schema: { hide: true },
    handler(request, reply) {
      const path = request.url.split('?')[0] ?? ''
      const built = isBuilt(folder)
      if (built && FILE.test(path)) return reply.sendFile(path.slice(1))
      if (!isPage(request, path)) return reply.callNotFound()
      if (built) return reply.sendFile('index.html')
      if (path !== '/') return reply.callNotFound()
      return reply.type('text/html; charset=utf-8').header('content-security-policy', PAGE_POLICY).send(NOT_BUILT)
    },
  })
}

/** Does a person's browser ask for a page, and for nothing that programs ask? */
function isPage({ headers }: FastifyRequest, path: string): boolean {
  return (
    (headers.accept ?? '').includes('text/html') && !/^\/(api|v1|graphql|health|metrics|gateway|mcp)(\/|$)/.test(path)
  )
}
