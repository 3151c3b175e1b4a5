/** Old runs go, whole, when a person or a setting says so; what is left of each is a line. */
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { afterEach, describe, expect, test } from 'vitest'
import { until } from '../../engine/testing/index.ts'
import { listenTo } from '../testing/cli.ts'
import { document, leave, left, stage } from './cli-stage.ts'

const BINARY = fileURLToPath(new URL('../bin/millrace.js', import.meta.url))

afterEach(leave)

describe('pruning', () => {
  test('leaves no row of a probe run in any table but its line in the archive, and says so of it afterwards', async () => {
    const { db, place } = await stage({ scenarios: 3, followups: 1 })
    expect((await place.run(['probe', 'd.yaml', '-m', 'fake:a,fake:b'])).code).toBe(0)
    expect((await place.run(['runs', 'decide', '1', '1', 'refusal'])).code).toBe(0)
    const tables = await db.sql<{ name: string }>(
      `select format('%I.%I', table_schema, table_name) as name from information_schema.columns
        where column_name = 'run_id' and table_schema in ('engine', 'probe') order by 1`,
    )
    const holding = async () => {
      const counts = await Promise.all(
        [...tables.map(({ name }) => [name, 'run_id'] as const), ['engine.runs', 'id'] as const].map(
          async ([name, column]) => [name, await db.sql(`select 1 from ${name} where ${column} = 1`)] as const,
        ),
      )
      return counts.filter(([, rows]) => rows.length > 0).map(([name]) => name)
    }
    expect(await holding()).toEqual(
      expect.arrayContaining([
        'engine.runs',
        'engine.ledger',
        'probe.scenarios',
        'probe.transcripts',
        'probe.overrides',
      ]),
    )

    const [unasked, none, other] = await Promise.all([
      place.run(['runs', 'prune', '--older-than', '0h']),
      place.run(['runs', 'prune', '--older-than', '1d', '--yes']),
      place.run(['runs', 'prune', '--older-than', '0h', '--kind', 'other', '--yes']),
    ])
    expect(unasked).toMatchObject({ code: 2, stdout: '' })
    expect(unasked.stderr).toMatch(/would prune 1 run that ended before .*; the oldest is run 1 \(probe\).*\nAdd --yes/)
    expect(none).toMatchObject({ code: 0, stdout: 'Nothing to prune: no such run ended before that.\n' })
    expect(other.stdout).toContain('Nothing to prune')

    const pruned = await place.run(['runs', 'prune', '--older-than', '0h', '--yes'])
    expect(pruned).toMatchObject({ code: 0, stderr: '' })
    expect(pruned.stdout).toMatch(/^Pruned 1 run\./)
    expect(await holding()).toEqual(['engine.archive'])

    const [shown, json, nobody] = await Promise.all([
      place.run(['runs', 'show', '1']),
      place.run(['runs', 'show', '1', '--json']),
      place.run(['runs', 'show', '2']),
    ])
    expect(shown.stdout).toMatch(
      /^Run 1 \(probe\) was pruned \d{4}-.*\. It succeeded .*: 6 of 6 tasks succeeded; started .*\.\n$/,
    )
    expect(document(json.stdout)).toMatchObject({ pruned: { id: 1, state: 'succeeded', total: 6, failed: 0 } })
    expect(nobody).toMatchObject({ code: 2, stdout: '' })
  }, 90_000)

  test.skipIf(process.platform !== 'linux' || !existsSync('/usr/bin/script'))(
    'asks at a terminal, and does nothing without a yes',
    async () => {
      const { db, place } = await stage({ scenarios: 1 })
      expect((await place.run(['probe', 'd.yaml', '-m', 'fake:a'])).code).toBe(0)
      const child = spawn(
        '/usr/bin/script',
        ['-qec', `exec "${process.execPath}" "${BINARY}" runs prune --older-than 0h`, '/dev/null'],
        {
          cwd: place.folder,
          env: { ...place.environment, TERM: 'xterm', SHELL: '/bin/bash' },
          stdio: ['pipe', 'pipe', 'pipe'],
          detached: true,
        },
      )
      const asked = listenTo(child)
      left.push(() => asked.kill())
      await asked.says(/This prunes 1 run that ended .* cannot be brought back\. Go on\? \[y\/N\]/)
      child.stdin.write('\n')
      await asked.says(/Nothing was pruned\./)
      expect(await db.sql('select id from engine.runs')).toEqual([{ id: 1 }])
    },
  )

  test('is done by a program that runs for long, if it is told how long to keep, and said in one line', async () => {
    const { db, place } = await stage({ scenarios: 1 })
    const probe = (model: string) => place.run(['probe', 'd.yaml', '-m', model])
    expect((await Promise.all([probe('fake:a'), probe('fake:b')])).map(({ code }) => code)).toEqual([0, 0])
    await db.sql(
      "update engine.runs set created_at = created_at - interval '3 days', finished_at = finished_at - interval '3 days' where id = 1",
    )
    const worker = place.begin(['worker'], { MILLRACE_RETENTION_DAYS: '2' })
    await worker.says(/Pruned 1 run that ended more than 2 days ago\./)
    await until(
      () => db.sql('select id from engine.runs'),
      (runs) => runs.length === 1 && runs[0]?.['id'] === 2,
    )
    worker.tell('SIGTERM')
    expect(await worker.ended).toMatchObject({ code: 0 })
  })
})
