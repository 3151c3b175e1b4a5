/** People at the command line: the first start, the links and keys that it prints, and the server that takes them. */
import { spawn } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { until } from '../../engine/testing/index.ts'
import { listenTo, REPOSITORY, type Command } from '../testing/cli.ts'
import { cookieIn } from '../testing/people.ts'
import { document, leave, left, stage } from './cli-stage.ts'

afterEach(leave)

async function serving(up: Command): Promise<string> {
  await up.says(/Try next/)
  return /serves on (http:\/\/\S+)/.exec(up.stdout)?.[1] ?? ''
}
async function ask(url: string, path: string, init: RequestInit = {}) {
  const reply = await fetch(`${url}${path}`, { redirect: 'manual', ...init })
  const text = await reply.text()
  const body: unknown = reply.headers.get('content-type')?.includes('json') === true ? JSON.parse(text) : text
  return { status: reply.status, body, cookie: cookieIn(reply.headers.get('set-cookie') ?? undefined) }
}
const take = (url: string, token: string) =>
  ask(url, '/api/sign-in/link', {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ token }),
  })
const tokenIn = (text: string) => /\/sign-in\?token=([\w-]{43})/.exec(text)?.[1] ?? ''

describe('the first start', () => {
  test('prints a link that makes its reader the admin once; later starts print none, and nothing secret is in the log', async () => {
    const { place } = await stage()
    const up = place.begin(['up', '--no-example'], { PORT: '0' })
    const url = await serving(up)
    const token = tokenIn(up.stdout)
    expect(up.stdout).toContain(`${url}/sign-in?token=${token}`)
    expect((await ask(url, '/api/me')).status).toBe(401)
    // The page takes it from the address; the server puts it nowhere.
    const page = await ask(url, `/sign-in?token=${token}`, { headers: { accept: 'text/html' } })
    expect(page).toMatchObject({ status: 200, body: expect.stringContaining('<title>Millrace') })
    expect(page.body).not.toContain(token)
    const { status, cookie } = await take(url, token)
    expect(status).toBe(204)
    expect((await ask(url, '/api/me', { headers: { cookie } })).body).toMatchObject({
      operator: true,
      user: { email: 'admin@localhost' },
      workspaces: [{ name: 'default', role: 'admin' }],
    })
    expect(await take(url, token)).toMatchObject({ status: 410, body: { code: 'LINK_GONE', status: 410 } })
    const local = (await readFile(join(place.environment['MILLRACE_FOLDER'] ?? '', 'api-token'), 'utf8')).trim()
    const keyboard = await ask(url, '/api/me', { headers: { authorization: `Bearer ${local}` } })
    expect(keyboard.body).toMatchObject({ sub: 'operator', operator: true })
    expect(up.stdout.split(token)).toHaveLength(2)
    expect(up.stderr).not.toContain(token)
    up.tell('SIGTERM')
    await up.ended
    const again = place.begin(['up', '--no-example'], { PORT: '0' })
    const second = await serving(again)
    expect(again.stdout).not.toContain('token=')
    expect(
      (await ask(second, '/api/me', { headers: { cookie: cookie.replace(/_\d+=/, `_${new URL(second).port}=`) } }))
        .status,
    ).toBe(200)
  })

  test('with --open lets in whoever is at this machine, and is refused where others could be', async () => {
    const { place } = await stage()
    const [refused, up] = [
      await place.run(['up', '--open', '--no-example'], { HOST: '0.0.0.0', PORT: '0' }),
      place.begin(['up', '--open', '--no-example'], { PORT: '0' }),
    ]
    expect(refused).toMatchObject({ code: 2 })
    expect(refused.stderr).toMatch(/With --open nobody signs in, and 0\.0\.0\.0 is reached from elsewhere/)
    const url = await serving(up)
    expect(up.stdout).not.toContain('token=')
    expect((await ask(url, '/api/me')).body).toMatchObject({ by: 'open', operator: true })
    expect((await ask(url, '/api/me', { headers: { 'x-forwarded-for': '127.0.0.1' } })).status).toBe(401)
  })

  test('is refused with settings that would let in whoever guesses', async () => {
    const { place } = await stage()
    const [short, foreign, path] = await Promise.all([
      place.run(['up'], { PORT: '0', JWT_SECRET: 'sh0rt-one' }),
      place.run(['up'], { PORT: '0', JWKS_URL: 'https://issuer.example/keys' }),
      place.run(['up'], { PORT: '0', PUBLIC_URL: 'https://here.example/path' }),
    ])
    expect(short.stderr).toMatch(/JWT_SECRET has 9 bytes/)
    expect(short.stderr + short.stdout).not.toContain('sh0rt-one')
    expect(foreign.stderr).toMatch(/JWKS_URL needs JWT_ISSUER and JWT_AUDIENCE/)
    expect(path.stderr).toMatch(/PUBLIC_URL must be/)
    for (const ran of [short, foreign, path]) expect(ran.code).toBe(2)
  })
})

describe('people and keys', () => {
  test('are made, listed and ended at the keyboard, and a server that runs knows it', async () => {
    const { place } = await stage()
    const up = place.begin(['up', '--no-example'], { PORT: '0' })
    const url = await serving(up)
    const made = await place.run(['workspaces', 'add', 'research'])
    expect(made.stdout).toMatch(/^Workspace \d+ is research\.\n$/)
    const added = await place.run(
      ['users', 'add', 'Ada@Example.org', '--role', 'viewer', '--workspace', 'research', '--name', 'Ada'],
      { PUBLIC_URL: url },
    )
    expect(added.stdout).toMatch(new RegExp(`^${url}/sign-in\\?token=[\\w-]{43}\\n$`))
    const { cookie } = await take(url, tokenIn(added.stdout))
    const me = async () => (await ask(url, '/api/me', { headers: { cookie } })).status
    expect(await me()).toBe(200)

    const typed = spawn(
      process.execPath,
      [join(REPOSITORY, 'server/bin/millrace.js'), 'users', 'password', 'ada@example.org'],
      {
        env: { ...place.environment },
        cwd: place.folder,
        detached: true,
      },
    )
    typed.stdin.end('a password for Ada\nand more\n')
    const command = listenTo(typed)
    left.push(() => command.kill())
    expect(await command.ended).toMatchObject({
      code: 0,
      stdout: expect.stringContaining('signs in with the new password'),
    })
    await until(me, (status) => status === 401)
    const entered = await ask(url, '/api/sign-in', {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ email: 'ada@example.org', password: 'a password for Ada' }),
    })
    expect(entered.status).toBe(204)

    const key = await place.run([
      'tokens',
      'create',
      '--name',
      'ci',
      '--scope',
      'runs:read',
      '--expires',
      '30d',
      '--user',
      'ada@example.org',
    ])
    expect(key.stdout).toMatch(/^mr_[a-z2-7]{10}_[\w-]{43}\n$/)
    const own = await place.run(['tokens', 'create', '--name', 'mine', '--scope', 'admin,runs:write'])
    const bearer = (text: string) => ({ headers: { authorization: `Bearer ${text.trim()}` } })
    expect((await ask(url, '/api/me', bearer(key.stdout))).body).toMatchObject({
      scopes: ['runs:read'],
      workspaces: [{ name: 'research', role: 'viewer' }],
    })
    expect((await ask(url, '/api/users', bearer(own.stdout))).body).toMatchObject({
      users: [{ email: 'ada@example.org' }, { email: 'admin@localhost' }].toReversed(),
    })
    const [tokens, users, workspaces] = await Promise.all([
      place.run(['tokens']),
      place.run(['users', '--json']),
      place.run(['workspaces']),
    ])
    expect(tokens.stdout).toMatch(/ci +ada@example\.org +everywhere +runs:read +2\d{3}-\S+ \S+ +2/)
    expect(tokens.stdout).not.toContain(key.stdout.trim().slice(14))
    expect(document(users.stdout)).toMatchObject([
      { email: 'admin@localhost' },
      { email: 'ada@example.org', roles: ['research: viewer'] },
    ])
    expect(workspaces.stdout).toMatch(/default +1\n.* research +1\n/)

    const id = key.stdout.slice(3, 13)
    expect((await place.run(['tokens', 'revoke', id])).stdout).toBe(`${id} opens nothing any more.\n`)
    await until(
      async () => (await ask(url, '/api/me', bearer(key.stdout))).status,
      (status) => status === 401,
    )
    expect((await place.run(['users', 'disable', 'ada@example.org'])).code).toBe(0)
    expect(await place.run(['users', 'link', 'ada@example.org'])).toMatchObject({ code: 2, stdout: '' })
  }, 90_000)

  test('that cannot be are refused, and say what could', async () => {
    const { place } = await stage()
    const [scope, nobody, last, age, address, revoke] = await Promise.all([
      place.run(['tokens', 'create', '--name', 'x', '--scope', 'runs:*']),
      place.run(['users', 'link', 'no@body']),
      place.run(['users', 'add', 'x@y', '--workspace', 'nowhere']),
      place.run(['tokens', 'create', '--name', 'x', '--scope', 'admin', '--expires', '900d']),
      place.run(['users', 'add', 'nobody']),
      place.run(['tokens', 'revoke', 'xxxxxxxxxx']),
    ])
    expect(scope.stderr).toMatch(/one of runs:read, runs:write/)
    expect(nobody.stderr).toMatch(/no such account\.\n.*users list/)
    expect(last.stderr).toMatch(/no such workspace\.\n.*workspaces list/)
    expect(age.stderr).toMatch(/at most 730d/)
    expect(address.stderr).toMatch(/name@host/)
    expect(revoke.stderr).toMatch(/There is no such key/)
    for (const ran of [scope, nobody, last, age, address, revoke]) expect(ran).toMatchObject({ code: 2, stdout: '' })
  })
})
