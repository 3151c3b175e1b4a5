/**
 * The page of signing in, for a browser that has nothing else yet: a form for a
 * password, and a button for a one-time link.  To look at it uses nothing up:
 * programs that look into mails and chats follow links.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { Refusal } from '@millrace/engine'
import { writeCookie } from './cookie.ts'
import { askingOf, visitOf, type Opened } from './guard.ts'
import { isSecret } from './secrets.ts'
import { signIn, takeLink } from './sign-in.ts'

const HEADERS = {
  'content-type': 'text/html; charset=utf-8',
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'content-security-policy':
    "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'",
}

const STYLE = `body{font:16px/1.5 system-ui,sans-serif;max-width:22rem;margin:15vh auto;padding:0 1rem;color-scheme:light dark}
label,input,button{display:block;width:100%;box-sizing:border-box;font:inherit}input,button{padding:.5rem;margin:.25rem 0 1rem}`

const PASSWORD = `<label for="email">Email</label><input id="email" name="email" autocomplete="username" required autofocus>
<label for="password">Password</label><input id="password" name="password" type="password" autocomplete="current-password" required>`

/** Nothing in it is a person's text: a token has only letters that need no escaping. */
function html(token: string | undefined, remark = ''): string {
  const fields = token === undefined ? PASSWORD : `<input type="hidden" name="token" value="${token}">`
  return `<!doctype html><html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<title>Sign in · Millrace</title><style>${STYLE}</style>
<main><h1>Millrace</h1>${remark === '' ? '' : `<p role="alert">${remark}</p>`}
<form method="post" action="/sign-in">${fields}<button>Sign in</button></form></main></html>\n`
}

/** Said on the page; what else goes wrong is told as everywhere. */
const REMARKS: Readonly<Record<string, string>> = {
  WRONG_SIGN_IN: 'There is no such account, or that is not its password.',
  TOO_MANY_TRIES: 'Too many tries. Wait a quarter of an hour.',
  LINK_GONE: 'This link was used already, or it has expired.',
  SIGN_IN_FIRST: 'You have an account: sign in, then open the invitation once more.',
}

export async function page(app: FastifyInstance, { access }: Opened): Promise<void> {
  app.addContentTypeParser(
    'application/x-www-form-urlencoded',
    { parseAs: 'string', bodyLimit: 4_096 },
    (_, body, done) => done(null, new URLSearchParams(String(body))),
  )
  const show = (reply: FastifyReply, text: string, status = 200) => reply.code(status).headers(HEADERS).send(text)

  app.get('/sign-in', { schema: { hide: true } }, (request, reply) => {
    const token = new URL(request.url, 'http://here').searchParams.get('token') ?? ''
    return show(reply, html(isSecret(token) ? token : undefined))
  })

  async function enter(request: FastifyRequest, form: URLSearchParams): Promise<string | undefined> {
    const visit = visitOf(access, request)
    const token = form.get('token')
    if (token === null) return signIn(access(), form.get('email') ?? '', form.get('password') ?? '', visit)
    const who = await access().authenticate(askingOf(request))
    return takeLink(access(), token, visit, who?.by === 'session' ? who.principal : undefined)
  }

  app.post('/sign-in', { schema: { hide: true } }, async (request, reply) => {
    try {
      const secret = await enter(
        request,
        request.body instanceof URLSearchParams ? request.body : new URLSearchParams(),
      )
      if (secret !== undefined) reply.header('set-cookie', writeCookie(askingOf(request), access().publicUrl, secret))
      return await reply.redirect('/', 303)
    } catch (error) {
      const remark = error instanceof Refusal ? REMARKS[error.code] : undefined
      if (remark === undefined) throw error
      return show(reply, html(undefined, remark), 401)
    }
  })
}
