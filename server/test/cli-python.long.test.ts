/** Python as a person meets it: on the command line, where there is one and where there is none. */
import { spawnSync } from 'node:child_process'
import { afterEach, describe, expect, test } from 'vitest'
import { until } from '../../engine/testing/index.ts'
import { document, leave, stage } from './cli-stage.ts'

afterEach(leave)

const NONE = { MILLRACE_PYTHON: '/no/such/python3' }

describe('a probe with --worker python', () => {
  test('gives the same answers as one without; without a Python it is refused, and everything else works', async () => {
    const { place, db } = await stage({ scenarios: 3, followups: 1 })
    const probe = ['probe', 'd.yaml', '--models', 'fake:a,fake:c', '--new', '--json']
    const python = await place.run([...probe, '--worker', 'python'])
    expect(python).toMatchObject({ code: 0, signal: null })
    const inline = await place.run(probe, NONE)
    expect(inline.code).toBe(0)
    const results = (text: string) =>
      (document(text) as { results: Record<string, unknown>[] }).results.map((row) => ({ ...row, medianMs: null }))
    expect(results(python.stdout)).toEqual(results(inline.stdout))
    const inputs = await db.sql(`select input->>'worker' as worker from engine.run_bodies order by run_id`)
    expect(inputs).toEqual([{ worker: 'python' }, { worker: 'inline' }])

    const refused = await place.run([...probe, '--worker', 'python'], NONE)
    expect(refused).toMatchObject({ code: 2, stdout: '' })
    expect(refused.stderr).toMatch(/cannot start.*\n.*\/no\/such\/python3 does not.*Install Python 3\.10 or newer/)
    expect(await db.sql('select count(*)::int as runs from engine.runs')).toEqual([{ runs: 2 }])
  })
})

describe('who starts where there is no Python', () => {
  test('is told so in one line; where it is wanted strictly, nothing starts; the doctor says what to do', async () => {
    const { place } = await stage()
    const strict = { ...NONE, MILLRACE_PYTHON_STRICT: '1' }
    const worker = place.begin(['worker'], NONE)
    await worker.says(/No Python can be used; missing is a Python that starts: \/no\/such\/python3 does not\./)
    await worker.says(/Worker 1 performs/)
    worker.tell('SIGINT')
    expect(await worker.ended).toMatchObject({ code: 0 })

    const [refused, up, doctor, wrong] = await Promise.all([
      place.run(['worker'], strict),
      place.run(['up', '--no-example'], { ...strict, PORT: '0' }),
      place.run(['doctor'], NONE),
      place.run(['doctor'], strict),
    ])
    for (const one of [refused, up]) {
      expect(one.code).toBe(2)
      expect(one.stderr).toMatch(/No Python can be used.*\n.*MILLRACE_PYTHON=/)
      expect(one.stdout).toBe('')
    }
    expect(doctor).toMatchObject({
      code: 0,
      stdout: expect.stringMatching(/· python +No Python.*\n +Install/) as string,
    })
    expect(wrong).toMatchObject({ code: 1, stdout: expect.stringMatching(/✗ python/) as string })
  })
})

test('a probe in Python that is killed leaves no process behind', async () => {
  const { place } = await stage({ scenarios: 4 })
  const probe = place.begin(['probe', 'd.yaml', '--models', 'fake:slow', '--worker', 'python'])
  const under = () => {
    const { stdout } = spawnSync('ps', ['-eo', 'pid=,ppid=,stat=,args='], { encoding: 'utf8' })
    const all = stdout.split('\n').map((line) => line.trim().split(/\s+/))
    const launchers = all.filter(
      ([, parent, , ...args]) => parent === String(probe.pid) && args.join(' ').includes('launcher'),
    )
    return all.filter(([, parent]) => launchers.some(([pid]) => pid === parent)).map(([pid]) => Number(pid))
  }
  const pids = await until(under, (seen) => seen.length >= 4)
  await probe.kill()
  await until(
    () => spawnSync('ps', ['-o', 'stat=', '-p', pids.join(',')], { encoding: 'utf8' }).stdout.trim(),
    (stats) => stats.split('\n').every((stat) => stat === '' || stat.startsWith('Z')),
  )
})
