/** Whoever we are, the server runs as somebody who may. */
import { spawn, spawnSync } from 'node:child_process'
import {
  chownSync,
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import {
  root,
  STRANGER,
  strangersReachUs,
  canMount,
  folders,
  roots,
  programs,
  mounted,
  program,
  emptyFolder,
  emptyRoot,
  refusalOf,
  ask,
  runs,
  until,
  copyOfUs,
  renameVersion,
  removeLinks,
  postgresStage,
} from './postgres-stage.ts'

postgresStage()

describe('who we are', () => {
  test.skipIf(!strangersReachUs)(
    'a numeric user without a passwd entry, and a pid of a dead server that is now somebody else',
    async () => {
      const folder = emptyFolder()
      mkdirSync(folder)
      if (canMount) {
        spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=200m,noexec', 'tmpfs', folder])
        mounted.push(folder)
      }
      chownSync(folder, STRANGER, STRANGER)
      const one = await program(folder, { uid: STRANGER, gid: STRANGER })
      expect(statSync(join(folder, 'pg')).uid).toBe(STRANGER)
      expect(await ask(one.owner, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
      expect(readdirSync(folder).filter((name) => name.includes('making'))).toEqual([])
      await one.die()
      process.kill(one.server, 'SIGKILL')
      await until(() => !runs(one.server))

      const bystander = spawn('sleep', ['60'], { uid: STRANGER, gid: STRANGER, stdio: 'ignore' })
      programs.push(bystander)
      const record = join(folder, 'pg', 'postmaster.pid')
      writeFileSync(record, readFileSync(record, 'utf8').replace(/^\d+/, String(bystander.pid)))
      const two = await program(folder, { uid: STRANGER, gid: STRANGER })
      expect(await ask(two.owner, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
      expect(bystander.exitCode ?? bystander.signalCode).toBeNull()
    },
  )

  test.skipIf(!root)('root in a clone that only root can enter, installed without scripts', async () => {
    const clone = emptyRoot(0o700, tmpdir())
    const folder = join(clone, 'work', '.millrace')
    mkdirSync(join(clone, 'work'))
    folders.push(folder)
    const sources = copyOfUs(clone)
    removeLinks(clone)
    const copy = `/var/lib/millrace/postgres-${renameVersion(clone)}`
    roots.push(copy)
    const one = await program(folder, { sources })
    const home = readFileSync(join(folder, 'place'), 'utf8').trim()
    expect(home).toMatch(/^\/var\/lib\/millrace\/[0-9a-f]{16}$/)
    expect(one.told.at(-1)).toMatch(
      new RegExp(`^Making a database in ${home}/pg, because user \\S+, who runs it, cannot reach ${folder}`),
    )
    expect(statSync(join(home, 'pg')).uid).not.toBe(0)
    expect(one.place).toContain(`${home}/pg`)
    expect(one.told[0]).toContain(copy)
    expect(readFileSync(`/proc/${one.server}/cmdline`, 'utf8').startsWith(`${copy}/bin/postgres`)).toBe(true)
    await ask(one.owner, "CREATE TABLE kept AS SELECT 'row' AS it")
    await one.leave()

    const moved = join(clone, 'work', 'moved')
    renameSync(folder, moved)
    folders.push(moved)
    const two = await program(moved, { sources })
    expect(two.told).toEqual([])
    expect(await ask(two.owner, 'SELECT it FROM kept')).toEqual([{ it: 'row' }])
    await two.leave()

    rmSync(join(home, 'pg'), { recursive: true })
    expect(await refusalOf(moved)).toMatchObject({ code: 'DATA_MISSING' })
    expect(existsSync(join(home, 'pg'))).toBe(false)
    rmSync(home, { recursive: true })
  })

  test.skipIf(!strangersReachUs)('a normal user whose npm ran without scripts', async () => {
    const clone = emptyRoot(0o700, tmpdir())
    const folder = join(clone, '.millrace')
    folders.push(folder)
    const sources = copyOfUs(clone)
    removeLinks(clone)
    spawnSync('chown', ['-R', `${STRANGER}:${STRANGER}`, clone])
    const one = await program(folder, { sources, uid: STRANGER, gid: STRANGER })
    expect(await ask(one.owner, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })
})
