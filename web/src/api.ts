/**
 * Asking the server: the one place that fetches.  Paths, parameters and answers are
 * those of the contract, which the server's routes say of themselves.
 */
import type { Paths, Problem } from './contract.d.ts'
import { kept } from './kept.ts'
import { words } from './words/shell.ts'

export type * from './contract.d.ts'

type Method = 'get' | 'post' | 'put' | 'patch' | 'delete'
/** The paths that know a method. */
export type PathOf<M extends Method> = {
  [P in keyof Paths]: Paths[P] extends Record<M, unknown> ? P : never
}[keyof Paths]
type Operation<M extends Method, P extends PathOf<M>> = Paths[P] extends Record<M, infer O> ? O : never
/** What a path is asked with: what its route takes, by where it stands. */
export type Given<M extends Method, P extends PathOf<M>> = Pick<
  Operation<M, P>,
  Extract<keyof Operation<M, P>, 'path' | 'query' | 'body'>
>
/** What comes back: JSON, so a date is a string. */
export type Answer<M extends Method, P extends PathOf<M>> = Operation<M, P> extends { answer: infer A } ? A : never

/** What went wrong, as RFC 9457 tells it; also when nobody answered at all. */
export class Refused extends Error {
  readonly problem: Problem
  constructor(problem: Problem) {
    super(problem.detail ?? problem.title)
    this.name = 'Refused'
    this.problem = problem
  }
}

interface Asked {
  readonly path?: object | undefined
  readonly query?: object | undefined
  readonly body?: unknown
}

/** A path with its parts and its query filled in. */
export function addressOf(path: string, { path: parts = {}, query = {} }: Asked): string {
  const values = new Map(Object.entries(parts))
  const filled = path.replace(/\{(\w+)\}/g, (_, name: string) => encodeURIComponent(String(values.get(name))))
  const search = new URLSearchParams()
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== '') search.set(name, String(value))
  }
  return search.size === 0 ? filled : `${filled}?${search.toString()}`
}

/**
 * @throws Refused with the server's problem, or OFFLINE when nobody answered
 */
export async function ask<M extends Method, P extends PathOf<M>>(
  method: M,
  path: P,
  given: Given<M, P>,
  how: { signal?: AbortSignal; key?: string } = {},
): Promise<Answer<M, P>> {
  const { body, ...where }: Asked = given
  return (await fetched(addressOf(path, where), {
    method: method.toUpperCase(),
    ...(body === undefined ? {} : { body: JSON.stringify(body), type: 'application/json' }),
    ...how,
  })) as Answer<M, P>
}

interface Sent {
  readonly method?: string
  readonly body?: string
  readonly type?: string
  readonly signal?: AbortSignal
  /** Given twice with the same key, it is done once. */
  readonly key?: string
}

/** The request itself, for what is not JSON; else `ask` is the way. */
export async function fetched(
  address: string,
  { method = 'GET', body, type, signal, key }: Sent = {},
): Promise<unknown> {
  const workspace = kept<number>('workspace').read()
  let response: Response
  try {
    response = await fetch(address, {
      method,
      headers: {
        accept: 'application/json, application/problem+json',
        ...(type === undefined ? {} : { 'content-type': type }),
        ...(key === undefined ? {} : { 'idempotency-key': key }),
        ...(workspace === undefined ? {} : { 'x-millrace-workspace': String(workspace) }),
      },
      ...(body === undefined ? {} : { body }),
      ...(signal === undefined ? {} : { signal }),
    })
  } catch (error) {
    if (signal?.aborted === true) throw error
    throw new Refused(nobodyAnswered())
  }
  const text = await response.text()
  const json = response.headers.get('content-type')?.includes('json') === true
  const said: unknown = json && text !== '' ? JSON.parse(text) : undefined
  if (response.ok) return json ? said : text === '' ? undefined : text
  throw new Refused(isProblem(said) ? said : unclear(response.status))
}

const isProblem = (said: unknown): said is Problem =>
  typeof said === 'object' && said !== null && 'code' in said && 'title' in said

const nobodyAnswered = (): Problem => problem('OFFLINE', 0, words.offline.title, words.offline.detail)
const unclear = (status: number): Problem => problem('UNCLEAR', status, words.unclear.title, words.unclear.detail)

function problem(code: string, status: number, title: string, detail: string): Problem {
  return { type: 'about:blank', code, status, title, detail, instance: '', correlationId: '' }
}

/** The problem behind an error; what is none is a bug of ours, told as such. */
/** What is wrong with which field, and what else was the cause: a sentence each. */
export function reasonsIn({ errors = [], causes = [] }: Problem): string[] {
  // `/body/url` is the way of the server to say `url`.
  return [
    ...errors.map(({ pointer, message }) =>
      [pointer.replace(/^\/(body|query|params)\/?/, ''), message].filter(Boolean).join(': '),
    ),
    ...causes,
  ]
}

export function problemIn(error: unknown): Problem {
  if (error instanceof Refused) return error.problem
  return problem('CONSOLE', 0, words.bug.title, words.bug.detail)
}
