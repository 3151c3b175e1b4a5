/** The cookie of a session: what it is called, what it is written with, and how it is read. */
import type { Asking } from './signed-in.ts'

/** The installation as browsers see it; undefined: as they ask for it. */
export type Own = URL | undefined

/**
 * Browsers keep one jar for all ports of a host, so that two installations on one
 * machine would end one another's sessions: the port is in the name.
 */
function nameFor({ headers: { host = '' } }: Asking, own: Own): string {
  if (own?.protocol === 'https:') return '__Host-millrace'
  const port = own === undefined ? /:(\d{1,5})$/.exec(host)?.[1] : own.port
  return `millrace_${port === undefined || port === '' ? '80' : port}`
}

/** Two of one name are none: one of them was put there by somebody else. */
export function readCookie(request: Asking, own: Own): string | undefined {
  const start = `${nameFor(request, own)}=`
  const values = (request.headers.cookie ?? '').split(/; */).filter((one) => one.startsWith(start))
  return values.length === 1 ? values[0]?.slice(start.length) : undefined
}

/** Without a secret it takes the cookie away. */
export function writeCookie(request: Asking, own: Own, secret?: string): string {
  const age = secret === undefined ? 0 : 30 * 24 * 60 * 60
  const secure = own?.protocol === 'https:' ? '; Secure' : ''
  return `${nameFor(request, own)}=${secret ?? ''}; Max-Age=${age}; Path=/; HttpOnly; SameSite=Lax${secure}`
}
