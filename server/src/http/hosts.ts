/**
 * By which names may a server on loopback be asked?  A page of the web can let its
 * own name lead to 127.0.0.1 and then ask as this machine's browser; the name in
 * its requests gives it away.
 */
import { Refusal } from '@millrace/engine'
import { isLoopback } from '../access/origin.ts'

const OWN = new Set(['localhost', '127.0.0.1', '[::1]'])

/** @throws Refusal HOST_NOT_ALLOWED */
export function refuseHosts(asked: string | undefined, listensOn: string, further: readonly string[]): void {
  if (!isLoopback(listensOn) && further.length === 0) return
  const name = (asked ?? '').replace(/:\d+$/, '').toLowerCase()
  if (OWN.has(name) || name === listensOn || further.includes(name)) return
  throw new Refusal('HOST_NOT_ALLOWED', 'The host name of this request is not one of this server.', {
    remedy: 'Ask it by localhost, or name further hosts in MILLRACE_HOSTS.',
  })
}
