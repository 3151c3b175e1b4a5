/** The stage of signing in: a database, the routes as browsers and programs reach them, and somebody to be. */
import Fastify, { type FastifyInstance, type InjectOptions } from 'fastify'
import { serializerCompiler, validatorCompiler } from 'fastify-type-provider-zod'
import { openEngine, Refusal, type Engine } from '@millrace/engine'
import { freshDatabase, type TestDatabase } from '../../engine/testing/index.ts'
import { openAccess, type Access, type AccessOptions } from '../src/access/access.ts'
import { addUser, makeLink, setRole } from '../src/access/people.ts'
import { ACCESS_PROBLEMS } from '../src/access/refusals.ts'
import { accessRoutes } from '../src/access/routes.ts'
import { setPassword } from '../src/access/sign-in.ts'
import { operator, rooms } from '../src/app.ts'

export const HOST = '127.0.0.1:3000'
export const GOOD = 'correct horse battery staple'

export interface Somebody {
  readonly id: number
  readonly email: string
}

export interface PeopleStage {
  readonly db: TestDatabase
  readonly engine: Engine
  readonly access: Access
  readonly app: FastifyInstance
  /** Another program on the same database, with settings of its own. */
  another(options?: Partial<AccessOptions>): Promise<{ access: Access; app: FastifyInstance; engine: Engine }>
  /** An account; with a role in the workspace `default`, and the good password if it is asked for. */
  somebody(how?: { role?: 'admin' | 'member' | 'viewer'; operator?: boolean; password?: boolean }): Promise<Somebody>
  /** Signs in with the good password; gives the cookie. */
  cookieOf(person: Somebody, app?: FastifyInstance): Promise<string>
  close(): Promise<void>
}

/** As a browser on one of our own pages sends it. */
export const browser = (cookie?: string): Record<string, string> => ({
  host: HOST,
  'sec-fetch-site': 'same-origin',
  ...(cookie === undefined ? {} : { cookie }),
})

export async function ask(
  app: FastifyInstance,
  method: InjectOptions['method'],
  url: string,
  more: Omit<InjectOptions, 'method' | 'url'> = {},
) {
  const reply = await app.inject({ method: method ?? 'GET', url, headers: { host: HOST }, ...more })
  const set = reply.headers['set-cookie']
  return {
    status: reply.statusCode,
    body: reply.body === '' ? undefined : (JSON.parse(reply.body) as Record<string, unknown>),
    setCookie: typeof set === 'string' ? set : undefined,
  }
}

export const cookieIn = (set: string | undefined): string => /^[^;]+/.exec(set ?? '')?.[0] ?? ''

export async function openPeopleStage(options: Partial<AccessOptions> = {}): Promise<PeopleStage> {
  const db = await freshDatabase(rooms.slice(1))
  const left: (() => Promise<void>)[] = []
  let people = 0
  async function another(more: Partial<AccessOptions> = {}) {
    const engine = openEngine(db.api)
    const access = openAccess({ engine, ...more })
    const app = await serve(access)
    left.push(async () => {
      await app.close()
      access.close()
      await engine.close()
    })
    return { access, app, engine }
  }
  const here = await another(options)
  return {
    db,
    ...here,
    another,
    async somebody({ role, operator: operates = false, password = false } = {}) {
      people += 1
      const email = `person${people}@example.org`
      const id = await addUser(here.engine, operator, { email, operator: operates })
      if (role !== undefined) await setRole(here.engine, operator, 1, id, role)
      if (password) await setPassword(here.access, { sub: `user:${id}`, workspaces: {} }, { next: GOOD })
      return { id, email }
    },
    async cookieOf(person, app = here.app) {
      const token = await makeLink(here.engine, operator, person.id)
      const { setCookie } = await ask(app, 'POST', '/api/sign-in/link', { headers: browser(), payload: { token } })
      return cookieIn(setCookie)
    },
    async close() {
      for (const leave of left) await leave()
      await db.drop()
    },
  }
}

async function serve(access: Access): Promise<FastifyInstance> {
  const app = Fastify()
  app.setValidatorCompiler(validatorCompiler)
  app.setSerializerCompiler(serializerCompiler)
  const problems: Readonly<Record<string, readonly [number, string]>> = {
    ...ACCESS_PROBLEMS,
    NOT_SIGNED_IN: [401, ''],
    NOT_ALLOWED: [403, ''],
    MISSING_SCOPE: [403, ''],
    CROSS_ORIGIN: [403, ''],
  }
  app.setErrorHandler((error, _, reply) => {
    const code = error instanceof Refusal ? error.code : undefined
    const status =
      code === undefined ? ((error as { statusCode?: number }).statusCode ?? 500) : (problems[code]?.[0] ?? 422)
    return reply.code(status).send(JSON.stringify({ code: code ?? String(error) }))
  })
  await app.register(accessRoutes, { access: () => access })
  return app
}
