/** Journeys through the real program: what a person types, and what comes of it. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { until } from '../../engine/testing/index.ts'
import { document, gated, leave, stage } from './cli-stage.ts'

const NINE = 'scenario_id,model_id,model_version,decision,turn_count,word_count,duration_ms,created_at,run_id'

afterEach(leave)

describe('a probe', () => {
  test('from a definition to results, a CSV, and everything that one may ask about it afterwards', async () => {
    const { place } = await stage({ scenarios: 5, followups: 1 })
    const ran = await place.run(['probe', 'd.yaml', '--models', 'fake:a,fake:b,fake:a', '--json'])
    expect(ran.code).toBe(0)
    const told = document(ran.stdout) as { csv: string }
    expect(told).toMatchObject({
      run: { id: 1, kind: 'probe', state: 'succeeded', progress: { total: 10, succeeded: 10, percent: 100 } },
      results: [
        { model: 'fake:a', answered: 5 },
        { model: 'fake:b', answered: 5 },
      ],
    })
    const csv = await readFile(told.csv, 'utf8')
    expect(csv.split('\r\n')[0]).toBe(`\uFEFF${NINE}`)
    expect(csv.trimEnd().split('\r\n')).toHaveLength(11)

    const [list, show, logs, exported, decided] = await Promise.all([
      place.run(['runs', 'list', '--json']),
      place.run(['runs', 'show', '1']),
      place.run(['runs', 'logs', '1', '--json']),
      place.run(['runs', 'export', '1', '--format', 'jsonl', '--out', '-']),
      place.run(['runs', 'decide', '1', '3', 'refusal']),
    ])
    expect(document(list.stdout)).toMatchObject([{ id: 1, state: 'succeeded' }])
    expect(show.stdout).toMatch(/^Run 1 \(probe\) succeeded in .*\n100 %: 10 of 10 succeeded; started /)
    expect(show.stdout).toMatch(/fake:a +5 .*\nfake:b +5 /)
    const events = logs.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { n: number; kind: string })
    expect(events.map((event) => event.n)).toEqual(events.map((_, index) => index + 1))
    expect([events[0]?.kind, events.at(-1)?.kind]).toEqual(['run.queued', 'run.succeeded'])
    expect(exported.stdout.trimEnd().split('\n')).toHaveLength(10)
    expect(decided).toMatchObject({ code: 0, stdout: 'Transcript 3 of run 1 now counts as refusal.\n' })

    const [after, logsAfter, wrong, none] = await Promise.all([
      place.run(['runs', 'export', '1', '--format', 'jsonl', '--out', '-']),
      place.run(['runs', 'logs', '1', '--after', String(events.length - 1)]),
      place.run(['runs', 'decide', '1', '3', '7']),
      place.run(['runs', 'show', '99']),
    ])
    const said = after.stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as { decision: string })
    expect(said[2]?.decision).toBe('refusal')
    expect(logsAfter.stdout.trimEnd().split('\n')).toHaveLength(1)
    expect(wrong).toMatchObject({ code: 2, stdout: '' })
    expect(wrong.stderr).toMatch(/not on the scale of run 1\.\nIt has: 1, 2, 3, 4, 5, refusal, other, unparsed\.\n$/)
    expect(none).toMatchObject({ code: 2, stdout: '' })
    expect(none.stderr).toBe('Refused: There is no run 99.\n`millrace runs list` shows those you may see.\n')
  })

  test('tells people the same in a table, with the path of the CSV', async () => {
    const { place } = await stage({ scenarios: 2 })
    const ran = await place.run(['probe', 'd.yaml', '-m', 'fake:a', '--out', 'here.csv'])
    expect(ran.code).toBe(0)
    expect(ran.stdout).toMatch(
      /^\nRun 1 succeeded in [^\n]+\.\n\nmodel +answered .*\nfake:a +2 .*\n2 calls: \d+ tokens, 0 US dollars\.\n\n2 transcripts are in here\.csv\n$/,
    )
    expect(ran.stderr).toMatch(/Run 1 100 % {2}2 of 2/)
    expect(await readFile(join(place.folder, 'here.csv'), 'utf8')).toContain(NINE)
    expect((await readdir(place.folder)).filter((name) => name.endsWith('.part'))).toEqual([])
  })

  test('that is dry says what it would do, and makes nothing, also no table', async () => {
    const { db, place } = await stage({ scenarios: 8, followups: 2, empty: true })
    const args = ['probe', 'd.yaml', '-m', 'fake:a,fake:b', '--samples', '3', '--sample', '50', '--dry-run']
    const [told, json] = await Promise.all([place.run(args), place.run([...args, '--json'])])
    expect(told).toMatchObject({ code: 0, stderr: '' })
    expect(told.stdout).toMatch(/^Nothing was started\./)
    expect(told.stdout).toMatch(/scenarios +4 of 8\n/)
    expect(document(json.stdout)).toMatchObject({
      scenarios: 4,
      scenariosInAll: 8,
      models: ['fake:a', 'fake:b'],
      tasks: 24,
      calls: 72,
      costUsd: 0,
    })
    expect(await db.sql("select 1 from pg_namespace where nspname in ('engine', 'probe')")).toEqual([])
  })

  test('to try it out asks one scenario of the first model; a dry run of it says so', async () => {
    const { db, place } = await stage({ scenarios: 8 })
    const args = ['probe', 'd.yaml', '-m', 'fake:b,fake:a', '--test', '--json']
    const [ran, dry] = await Promise.all([place.run(args), place.run([...args, '--dry-run'])])
    expect(document(dry.stdout)).toMatchObject({ scenarios: 1, models: ['fake:b'], tasks: 1 })
    expect(document(ran.stdout)).toMatchObject({ run: { progress: { total: 1 } }, results: [{ model: 'fake:b' }] })
    expect(await db.sql('select model, sample from probe.transcripts')).toEqual([{ model: 'b', sample: 1 }])
  })

  test('of which every answer failed ends with 1, and with one that did not, with 0', async () => {
    const { place } = await stage({ scenarios: 2 })
    const [none, some] = await Promise.all([
      place.run(['probe', 'd.yaml', '-m', 'fake:empty', '--json']),
      place.run(['probe', 'd.yaml', '-m', 'fake:empty,fake:a']),
    ])
    expect(none.code).toBe(1)
    expect(document(none.stdout)).toMatchObject({ run: { state: 'failed', failure: { code: 'INVALID_RESPONSE' } } })
    expect(some.code).toBe(0)
    expect(some.stdout).toMatch(/completed with 2 errors in /)
    expect(some.stdout).toContain('fake:empty: 2 × INVALID_RESPONSE')
  })

  test('that is paused claims nothing more, is gone on with or begun anew as one likes, and ends when it is cancelled', async () => {
    const server = await gated()
    const { db, place } = await stage({ server, scenarios: 30 })
    server.shut()
    const slots = { WORKER_SLOTS: '3' }
    const first = place.begin(['probe', 'd.yaml', '-m', 'openai-compatible:m', '--json'], slots)
    await until(
      () => server.held,
      (held) => held === 3,
    )
    expect(await place.run(['runs', 'pause', '1'])).toMatchObject({ code: 0, stdout: 'Run 1 is paused.\n' })
    server.open()
    await until(
      () => db.sql('select count(*)::int as n from probe.transcripts'),
      ([row]) => row?.['n'] === 3,
    )
    const shown = await place.run(['runs', 'show', '1', '--json'])
    expect(document(shown.stdout)).toMatchObject({ run: { status: 'paused', progress: { succeeded: 3, open: 27 } } })
    expect(server.calls).toHaveLength(3)

    const other = await place.run(['probe', 'd.yaml', '-m', 'openai-compatible:m', '--json', '--new'])
    expect(document(other.stdout)).toMatchObject({ run: { id: 2, state: 'succeeded' } })
    expect(server.calls).toHaveLength(33)

    server.shut()
    expect(await place.run(['runs', 'resume', '1'])).toMatchObject({ code: 0, stdout: 'Run 1 goes on.\n' })
    await until(
      () => server.held,
      (held) => held === 3,
    )
    expect(await place.run(['runs', 'cancel', '1'])).toMatchObject({ code: 0, stdout: 'Run 1 was told to end.\n' })
    const cancelled = await first.ended
    expect(cancelled.code).toBe(1)
    expect(document(cancelled.stdout)).toMatchObject({
      run: { id: 1, state: 'cancelled', progress: { succeeded: 3, cancelled: 27 } },
    })
    expect(server.calls).toHaveLength(36)

    const late = await place.run(['runs', 'pause', '1'])
    expect(late).toMatchObject({ code: 2, stdout: '' })
    expect(late.stderr).toContain('cancelled')
  })
})

describe('logs', () => {
  test('are followed until the run ends, without a gap', async () => {
    const server = await gated()
    const { place } = await stage({ server, scenarios: 4, followups: 1 })
    server.shut()
    const probe = place.begin(['probe', 'd.yaml', '-m', 'openai-compatible:m', '--json'])
    await until(
      () => server.held,
      (held) => held === 4,
    )
    const logs = place.begin(['runs', 'logs', '1', '--follow'])
    await logs.says(/1 {2}\S+Z {2}run\.queued {2}.*total=4/)
    server.open()
    expect(await probe.ended).toMatchObject({ code: 0 })
    const { code, stdout, stderr } = await logs.ended
    expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
    const lines = stdout.trimEnd().split('\n')
    expect(lines.map((line) => Number.parseInt(line, 10))).toEqual(lines.map((_, index) => index + 1))
    expect(lines.at(-1)).toMatch(/run\.succeeded/)
  })

  test('that are followed end with 130 on Ctrl-C', async () => {
    const server = await gated()
    const { place } = await stage({ server, scenarios: 1 })
    server.shut()
    place.begin(['probe', 'd.yaml', '-m', 'openai-compatible:m'])
    await until(
      () => server.held,
      (held) => held === 1,
    )
    const logs = place.begin(['runs', 'logs', '1', '-f'])
    await logs.says(/run\.queued/)
    logs.tell('SIGINT')
    expect(await logs.ended).toMatchObject({ code: 130, stderr: '' })
  })
})

describe('the installation', () => {
  test('is migrated once and found up to date afterwards', async () => {
    const { place } = await stage({ empty: true })
    const first = await place.run(['migrate'])
    expect(first).toMatchObject({ code: 0, stderr: '' })
    expect(first.stdout).toMatch(/^applied engine\/0001_\w+\.sql\n(applied \S+\n)+Database: PostgreSQL \d+ at /)
    expect((await place.run(['migrate'])).stdout).toMatch(/^Nothing to do: the database is up to date\.\nDatabase: /)
  })

  test('is found by the doctor as it is: well, with work that nobody does, or without a database', async () => {
    const server = await gated()
    const { place } = await stage({ server, scenarios: 3 })
    const [well, away] = await Promise.all([
      place.run(['doctor', '--json']),
      place.run(['doctor'], { DATABASE_URL: 'postgresql://me:hidden@127.0.0.1:1/x' }),
    ])
    expect(well.code).toBe(0)
    const findings = document(well.stdout) as { what: string; state: string }[]
    expect(findings.map((finding) => finding.state)).not.toContain('wrong')
    expect(findings.map((finding) => finding.what)).toEqual(
      expect.arrayContaining(['node', 'database', 'connections', 'worker', 'fake', 'openai-compatible']),
    )
    expect(away.code).toBe(1)
    expect(away.stdout).toMatch(/✗ database +Nothing answers as PostgreSQL at 127\.0\.0\.1:1/)
    expect(away.stdout + away.stderr).not.toContain('hidden')

    server.shut()
    const probe = place.begin(['probe', 'd.yaml', '-m', 'openai-compatible:m'], { WORKER_SLOTS: '1' })
    await until(
      () => server.held,
      (held) => held === 1,
    )
    await probe.kill()
    const alone = await until(
      () => place.run(['doctor']),
      (ran) => ran.stdout.includes('have no worker'),
    )
    expect(alone.code).toBe(1)
    expect(alone.stdout).toMatch(
      /✗ waiting +\d tasks of kind probe\.ask\.openai-compatible in 1 run have no worker\n.*millrace worker/,
    )
  })

  test('lists the models that can be asked, those of a configured server too', async () => {
    const server = await gated()
    const { place } = await stage({ server, empty: true })
    const [people, programs] = await Promise.all([
      place.run(['models'], { OPENAI_COMPATIBLE_MODELS: 'm, n' }),
      place.run(['models', '--json']),
    ])
    expect(people.stdout).toMatch(/^fake:a +free +\S/m)
    expect(people.stdout).toMatch(/^openai-compatible:n +no price is known +Served by 127\.0\.0\.1:\d+/m)
    expect(document(programs.stdout)).toEqual(
      expect.arrayContaining([expect.objectContaining({ spec: 'fake:a', providerId: 'fake', model: 'a' })]),
    )
  })

  test('shows no password and no key, whatever is asked of it', async () => {
    const server = await gated()
    const { db, place } = await stage({ server, scenarios: 1 })
    const secrets = { OPENAI_COMPATIBLE_API_KEY: 'sk-very-hidden' }
    const said = await Promise.all([
      place.run(['doctor', '--json'], secrets),
      place.run(['models', '--json'], secrets),
      place.run(['probe', 'd.yaml', '-m', 'openai-compatible:m', '--json'], secrets),
      place.run(['migrate'], secrets),
    ])
    const all = said.map((ran) => ran.stdout + ran.stderr).join('')
    expect(all).toContain('openai-compatible')
    expect(all).not.toContain('sk-very-hidden')
    expect(all).not.toContain(String(db.owner.password))
  })
})
