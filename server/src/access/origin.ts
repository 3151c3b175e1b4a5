/** Does one of our own pages ask, or another site's page in the same browser? */
import { Refusal } from '@millrace/engine'
import type { Asking } from './signed-in.ts'

const SAFE = new Set(['GET', 'HEAD', 'OPTIONS'])

export const changes = ({ method }: Asking): boolean => !SAFE.has(method)

/**
 * What the browser itself says of where a request comes from; `unknown`: it was
 * no browser.  `same-site` is foreign: another port of this machine is that.
 */
export function cameFrom({ headers }: Asking, own?: URL): 'here' | 'elsewhere' | 'unknown' {
  const site = headers['sec-fetch-site']
  if (site !== undefined) return site === 'same-origin' || site === 'none' ? 'here' : 'elsewhere'
  const { origin, host } = headers
  if (origin === undefined) return 'unknown'
  const sender = URL.canParse(origin) ? new URL(origin) : undefined
  if (sender === undefined || host === undefined) return 'elsewhere'
  return (own === undefined ? sender.host === host.toLowerCase() : sender.origin === own.origin) ? 'here' : 'elsewhere'
}

export function crossOrigin(): Refusal {
  return new Refusal('CROSS_ORIGIN', 'This came from a page of another site.', {
    remedy: 'Programs use a key (millrace tokens create); the browser uses the pages of this server.',
  })
}

const LOOPBACK_NAME = /^(localhost|127(\.\d{1,3}){3}|\[::1\])(:\d{1,5})?$/i
const LOOPBACK = /^(127(\.\d{1,3}){3}|::1|::ffff:127(\.\d{1,3}){3})$/

/** Somebody at this machine, under its own name (another name may be an attacker's that leads here), through no proxy. */
export function isLocal({ headers, address }: Asking): boolean {
  const through = ['forwarded', 'x-forwarded-for', 'x-real-ip', 'via'].some((name) => headers[name] !== undefined)
  return !through && LOOPBACK.test(address) && LOOPBACK_NAME.test(headers.host ?? '')
}

export const isLoopback = (host: string): boolean => host === 'localhost' || LOOPBACK.test(host)

/** Whose tries are counted together: of IPv6 a network, because one person has as many addresses as he likes. */
export function neighbourhood(address: string): string {
  if (!address.includes(':') || /^::ffff:\d+\./i.test(address)) return address.replace(/^::ffff:/i, '')
  const [before = '', after] = address.split('%')[0]?.split('::') ?? []
  const front = before.split(':').filter(Boolean)
  const back = (after ?? '').split(':').filter(Boolean)
  const all = after === undefined ? front : [...front, ...Array(8 - front.length - back.length).fill('0'), ...back]
  return `${all.slice(0, 4).join(':')}::/64`
}
