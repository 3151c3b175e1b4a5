/** The server of our own: made once, closed to others, found again after a death. */
import { existsSync, readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { program, madeFolder, emptyFolder, open, ask, serverOf, postgresStage } from './postgres-stage.ts'

postgresStage()

describe('a folder of our own', () => {
  test('the first start makes a database and says so; later starts are quick and find everything', async () => {
    const folder = emptyFolder()
    const told: string[] = []
    const first = await open(folder, told)
    expect(told).toEqual([`Making a database in ${folder}/pg (first start only)`])
    expect(first.embedded).toBe(true)
    expect(first.place).toMatch(new RegExp(`^PostgreSQL 18\\.\\d+ in ${folder}/pg$`))
    expect(await ask(first.owner('postgres'), 'SELECT current_database() AS name')).toEqual([{ name: 'postgres' }])
    await ask(first.owner(), "CREATE TABLE kept AS SELECT 'row' AS it")
    await first.close()
    expect(existsSync(join(folder, 'pg', 'postmaster.pid'))).toBe(false)

    const began = performance.now()
    const second = await open(folder, told)
    const took = performance.now() - began
    expect(second.secret('api')).toBe(first.secret('api'))
    expect(second.secret('worker')).not.toBe(first.secret('api'))
    expect(await ask(second.owner(), 'SELECT it FROM kept')).toEqual([{ it: 'row' }])
    expect(told).toHaveLength(1)
    expect(took).toBeLessThan(1_000)
  })

  test('nobody else comes in: a private socket, a password, no TCP', async () => {
    const folder = madeFolder()
    const postgres = await open(folder)
    const owner = postgres.owner()
    const settings = await ask(
      owner,
      "SELECT current_setting('listen_addresses') AS tcp, current_setting('unix_socket_permissions') AS socket, current_setting('max_connections') AS connections, current_setting('server_encoding') AS encoding",
    )
    expect(settings).toEqual([{ tcp: '', socket: '0700', connections: '300', encoding: 'UTF8' }])
    expect(statSync(owner.host).mode & 0o777).toBe(0o700)
    expect(statSync(join(folder, 'password')).mode & 0o777).toBe(0o600)
    expect(statSync(join(folder, 'door.lock')).mode & 0o777).toBe(0o600)
    expect(readFileSync(join(folder, 'pg', 'pg_hba.conf'), 'utf8')).not.toMatch(/^\w.*\b(?:trust|peer|md5)\b/m)
    await expect(ask({ ...owner, password: 'guessed' }, 'SELECT 1')).rejects.toThrow(/password authentication failed/)
  })

  test('a path too long for a socket gets one elsewhere, private, and leaves nothing there', async () => {
    const folder = madeFolder('long'.repeat(30))
    const postgres = await open(folder)
    const host = postgres.owner().host
    expect(host.startsWith(folder)).toBe(false)
    expect(statSync(host).mode & 0o777).toBe(0o700)
    expect(await ask(postgres.owner(), 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    await postgres.close()
    expect(existsSync(host)).toBe(false)
  })
})

describe('after a death', () => {
  test('a server left over by a killed program is taken over, with every row, and the dead do not count', async () => {
    const folder = madeFolder()
    const one = await program(folder)
    await ask(one.owner, "CREATE TABLE kept AS SELECT 'row' AS it")
    await one.die()
    const told: string[] = []
    const next = await open(folder, told)
    expect(serverOf(folder)).toBe(one.server)
    expect(told).toEqual([`Took over the PostgreSQL server that an ended program left running in ${folder}/pg`])
    expect(await ask(next.owner(), 'SELECT it FROM kept')).toEqual([{ it: 'row' }])
    await next.close()
    expect(serverOf(folder)).toBeUndefined()
  })

  test('when program and server are both killed the next start recovers every acknowledged row', async () => {
    const folder = madeFolder()
    const one = await program(folder)
    await ask(one.owner, "CREATE TABLE kept AS SELECT 'row' AS it")
    await one.die()
    process.kill(one.server, 'SIGKILL')
    const next = await open(folder)
    expect(serverOf(folder)).not.toBe(one.server)
    expect(await ask(next.owner(), 'SELECT it FROM kept')).toEqual([{ it: 'row' }])
  })
})
