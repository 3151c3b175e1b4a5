/** A person signs in to a server of tools: sent to its page, heard on loopback when he comes back. */
import {
  auth,
  Client,
  IssuerMismatchError,
  OAuthClientFlowError,
  OAuthError,
  StreamableHTTPClientTransport,
  UnauthorizedError,
} from '@modelcontextprotocol/client'
import { randomUUID } from 'node:crypto'
import { createServer } from 'node:http'
import { openGuardedFetch } from './guarded-fetch.ts'
import type { ServerFile } from './server-file.ts'
import { openSignIn, type SignIns } from './sign-in.ts'

/** Times that he is sent to a page: once, and once more where more is wanted than was asked for at first. */
const MOST_ROUNDS = 2
/** Milliseconds in which he must come back. */
const PATIENCE = 5 * 60_000

export interface LoginOptions {
  readonly signIns: SignIns
  readonly secretOf: (name: string) => string | undefined
  /** Shows him the address. */
  readonly open: (address: URL) => void | Promise<void>
}

/** @throws Error with what is wrong, in words that may be shown */
export async function login(file: ServerFile, { signIns, secretOf, open }: LoginOptions): Promise<void> {
  const { url } = file
  if (url === undefined) throw new Error('it is a program of this machine: nobody signs in to it')
  if (file.bearer !== undefined) throw new Error('its file names a token in `bearer`: nobody signs in to it')
  const guarded = openGuardedFetch(file.private)
  const state = randomUUID()
  const door = await openReturn(state)
  try {
    const person = { redirectUrl: door.url, state, open }
    const { provider, wanted } = openSignIn(file, signIns, secretOf, person)
    const scope = wanted()
    const about = { serverUrl: url, fetchFn: guarded.fetch }
    if (scope !== undefined) {
      // A call has wanted more than he granted.
      if ((await auth(provider, { ...about, scope, forceReauthorization: true })) === 'REDIRECT') {
        const came = await door.came()
        const iss = came.get('iss')
        const code = { authorizationCode: codeIn(came), ...(iss === null ? {} : { iss }) }
        await auth(provider, { ...about, scope, ...code })
      }
      return
    }
    for (let round = 0; ; round += 1) {
      const transport = new StreamableHTTPClientTransport(new URL(url), {
        fetch: guarded.fetch,
        authProvider: provider,
      })
      const client = new Client({ name: 'millrace', version: '0.1.0' }, { versionNegotiation: { mode: 'auto' } })
      try {
        await client.connect(transport)
        await client.listTools()
        return
      } catch (error) {
        if (!UnauthorizedError.isInstance(error) || round === MOST_ROUNDS) throw error
        const came = await door.came()
        codeIn(came)
        await transport.finishAuth(came)
      } finally {
        await client.close().catch(() => {})
      }
    }
  } catch (error) {
    throw new Error(reasonOf(error), { cause: error })
  } finally {
    door.close()
    await guarded.close()
  }
}

class NotGranted extends Error {}
class NobodyCame extends Error {}

function codeIn(came: URLSearchParams): string {
  const code = came.get('code')
  if (code === null) throw new NotGranted('it was not granted')
  return code
}

/** What the other side says is evidence, not words to show. */
function reasonOf(error: unknown): string {
  if (error instanceof NotGranted) return 'it was not granted'
  if (error instanceof NobodyCame) return 'nobody came back from its page'
  if (IssuerMismatchError.isInstance(error)) return 'who answered is not the authorization server that it names'
  if (OAuthClientFlowError.isInstance(error)) return 'its authorization server cannot be trusted with a sign-in'
  if (error instanceof OAuthError) return 'its authorization server refuses us'
  if (UnauthorizedError.isInstance(error)) return 'it still refuses who has signed in'
  return 'it, or its authorization server, cannot be asked'
}

interface Return {
  readonly url: string
  /** What he brings; the next one each time. */
  came(): Promise<URLSearchParams>
  close(): void
}

async function openReturn(state: string): Promise<Return> {
  const there: URLSearchParams[] = []
  let hear: (() => void) | undefined
  const server = createServer((request, response) => {
    const { pathname, searchParams } = new URL(request.url ?? '/', 'http://127.0.0.1')
    const isHe = pathname === '/callback' && searchParams.get('state') === state
    response.writeHead(isHe ? 200 : 404, { 'content-type': 'text/plain; charset=utf-8', connection: 'close' })
    response.end(isHe ? 'Millrace has heard from you: close this page.\n' : 'There is nothing here.\n')
    if (!isHe) return
    there.push(searchParams)
    hear?.()
  })
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject).listen(0, '127.0.0.1', resolve)
  })
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  return {
    url: `http://127.0.0.1:${port}/callback`,
    async came() {
      if (there.length === 0) {
        await new Promise<void>((resolve, reject) => {
          const late = setTimeout(() => reject(new NobodyCame('nobody came')), PATIENCE)
          hear = () => {
            clearTimeout(late)
            resolve()
          }
        })
      }
      return there.shift() ?? new URLSearchParams()
    },
    close: () => void server.close(),
  }
}
