/** The server of our own among several programs: shared, taken over, replaced, stopped by the last one out. */
import { setTimeout as pause } from 'node:timers/promises'
import { existsSync, readdirSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { start, program, madeFolder, emptyFolder, open, ask, serverOf, until, postgresStage } from './postgres-stage.ts'

postgresStage()

describe('several programs', () => {
  test('two programs in one folder share one server and the last one out stops it', async () => {
    const folder = madeFolder()
    const ours = await open(folder)
    const theirs = await program(folder)
    expect(theirs.server).toBe(serverOf(folder))
    await theirs.leave()
    expect(await ask(ours.owner(), 'SELECT 1 AS one')).toEqual([{ one: 1 }])

    const late = await program(folder)
    await ours.close()
    await ours.close()
    expect(await ask(late.owner, 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    await late.leave()
    expect(serverOf(folder)).toBeUndefined()
  })

  test('programs that start at the same moment on an empty folder make one database', async () => {
    const folder = emptyFolder()
    const arrived = await Promise.all([program(folder), program(folder), program(folder)])
    expect(new Set(arrived.map((one) => one.server)).size).toBe(1)
    expect(arrived.flatMap((one) => one.told.filter((line) => line.startsWith('Making')))).toHaveLength(1)
    await Promise.all(arrived.map((one) => one.leave()))
    expect(serverOf(folder)).toBeUndefined()
  })

  test('one that arrives while the last one leaves finds a server', async () => {
    const folder = madeFolder()
    let inside = await open(folder)
    for (let moment = 0; moment < 20; moment++) {
      const arrival = open(folder)
      await pause(moment)
      await inside.close()
      const arriving = await arrival
      expect(await ask(arriving.owner(), 'SELECT 1 AS one')).toEqual([{ one: 1 }])
      inside = arriving
    }
  })

  test("the terminal's Ctrl-C reaches the program, not its server", async () => {
    const folder = madeFolder()
    const one = await program(folder)
    process.kill(-one.pid, 'SIGINT')
    expect(await one.next('drained')).toEqual([{ one: 1 }])
    expect(serverOf(folder)).toBe(one.server)
  })
})

describe('after a death', () => {
  test('a left over server that does not answer is replaced', async () => {
    const folder = madeFolder()
    const one = await program(folder)
    await one.die()
    process.kill(one.server, 'SIGSTOP')
    const told: string[] = []
    const next = await open(folder, told)
    expect(told).toEqual([`Replacing the PostgreSQL server in ${folder}/pg, which does not answer`])
    expect(serverOf(folder)).not.toBe(one.server)
    expect(await ask(next.owner(), 'SELECT 1 AS one')).toEqual([{ one: 1 }])
  })

  test('a program killed while it makes the database leaves nothing that stops the next', async () => {
    const folder = emptyFolder()
    const child = start(folder)
    await until(() => existsSync(folder) && readdirSync(folder).some((name) => name.startsWith('pg.making-')))
    child.kill('SIGKILL')
    const postgres = await open(folder)
    expect(await ask(postgres.owner(), 'SELECT 1 AS one')).toEqual([{ one: 1 }])
    expect(readdirSync(folder).filter((name) => name.includes('making'))).toEqual([])
  })
})
