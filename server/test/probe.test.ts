/** A probe run on the real wiring, PostgreSQL, a worker, and models over HTTP: how it starts, what it asks, how it goes on. */
import { readFile, writeFile, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { Refusal } from '@millrace/engine'
import { member, until } from '../../engine/testing/index.ts'
import { prepare, unfinished, type ProbeRequest } from '../src/domains/probe/start.ts'
import { openProviders } from '../src/providers/catalogue.ts'
import { definition, openBench, type Bench } from '../testing/bench.ts'
import { definitionText, startGatedServer } from '../testing/probe.ts'
import { openProbeStage, type ProbeStage } from './probe-stage.ts'

const who = member('admin')

let stage: ProbeStage
let bench: Bench
beforeAll(async () => {
  stage = await openProbeStage()
  ;({ bench } = stage)
})
afterAll(async () => {
  await stage?.close()
})

const asked = (model: string) => stage.asked(model)

describe('a probe run', () => {
  test('gives every slot of scenario, model and sample exactly one transcript', async () => {
    const models = ['fake:a', 'fake:b', 'wire:well']
    const run = await bench.ask({ definition: definition(definitionText(7)), models, samplesPerScenario: 3 })
    expect(run).toMatchObject({ state: 'succeeded', progress: { total: 63, succeeded: 63, percent: 100 } })
    const rows = await bench.transcripts(run.id)
    const slots = rows.map((row) => [row['scenario'], row['provider'], row['model'], row['sample']].join(' '))
    expect(slots).toHaveLength(63)
    expect(new Set(slots).size).toBe(63)
    for (const scenario of [0, 6])
      for (const model of ['fake a', 'fake b', 'openai-compatible well'])
        for (const sample of [1, 2, 3]) expect(slots).toContain(`${scenario} ${model} ${sample}`)
    expect(asked('well')).toHaveLength(21)
  })

  test('sends the whole history with each turn, the preamble as system message, and at most so many turns', async () => {
    const text = `preamble: Be brief.\n${definitionText(1, 3, 'History')}`
    const run = await bench.ask({ definition: definition(text), models: ['wire:say-Rating: 2'], maxTurns: 3 })
    const [row] = await bench.transcripts(run.id)
    expect(asked('say-Rating: 2').map((request) => request.body?.messages)).toEqual([
      [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Rate case number 1 from 1 to 5.' },
      ],
      [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Rate case number 1 from 1 to 5.' },
        { role: 'assistant', content: 'Rating: 2' },
        { role: 'user', content: 'And then, 1?' },
      ],
      [
        { role: 'system', content: 'Be brief.' },
        { role: 'user', content: 'Rate case number 1 from 1 to 5.' },
        { role: 'assistant', content: 'Rating: 2' },
        { role: 'user', content: 'And then, 1?' },
        { role: 'assistant', content: 'Rating: 2' },
        { role: 'user', content: 'And then, 2?' },
      ],
    ])
    expect(row?.turns.map(({ label, prompt, answer }) => [label, prompt, answer])).toEqual([
      ['scenario', 'Rate case number 1 from 1 to 5.', 'Rating: 2'],
      ['follow 1', 'And then, 1?', 'Rating: 2'],
      ['follow 2', 'And then, 2?', 'Rating: 2'],
    ])
    expect(row).toMatchObject({ turn_count: 3, word_count: 6, decision_code: '2', decision_label: 'two' })
    expect(new Set(row?.turns.map((turn) => turn.promptHash)).size).toBe(3)
  })

  test('puts the preamble before the first user message, and only there, when the definition says so', async () => {
    const text = `preamble: Be brief.\npreambleAs: user\n${definitionText(1, 1, 'As user')}`
    await bench.ask({ definition: definition(text), models: ['wire:say-Rating: 3'] })
    expect(asked('say-Rating: 3').map((request) => request.body?.messages)).toEqual([
      [{ role: 'user', content: 'Be brief.\n\nRate case number 1 from 1 to 5.' }],
      [
        { role: 'user', content: 'Be brief.\n\nRate case number 1 from 1 to 5.' },
        { role: 'assistant', content: 'Rating: 3' },
        { role: 'user', content: 'And then, 1?' },
      ],
    ])
  })

  test('asks what was asked for, whatever becomes of the file meanwhile', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'millrace-snapshot-'))
    const server = await startGatedServer()
    const own = await openBench(server)
    try {
      const file = join(folder, 'd.yaml')
      await writeFile(file, definitionText(2))
      const run = await own.start({ definition: definition(await readFile(file, 'utf8')), models: ['wire:m'] })
      await writeFile(file, definitionText(5).replace('Rate case', 'Do not rate case'))
      await own.work()
      await until(
        () => own.engine.run(who, run),
        (seen) => seen.state === 'succeeded',
      )
      expect(new Set(server.calls.map((call) => call.messages.at(-1)?.content))).toEqual(
        new Set(['Rate case number 1 from 1 to 5.', 'Rate case number 2 from 1 to 5.']),
      )
    } finally {
      await own.close()
      await server.close()
      await rm(folder, { recursive: true })
    }
  })
})

describe('a conversation that breaks off', () => {
  test('goes on from the first unanswered turn after a failure, and nothing is bought twice', async () => {
    const run = await bench.ask({ definition: definition(definitionText(1, 2)), models: ['wire:stumbles-once'] })
    expect(run.state).toBe('succeeded')
    expect(asked('stumbles-once').map((request) => request.body?.messages.length)).toEqual([1, 3, 3, 5])
    const [task] = await bench.db.sql('select attempt, tries from engine.tasks where run_id = $1 and n = 1', [run.id])
    expect(task).toEqual({ attempt: 2, tries: 1 })
  })

  test('in the middle of its second turn, with its worker, is gone on with by another: the first turn is not bought again', async () => {
    const server = await startGatedServer()
    const own = await openBench(server)
    try {
      server.admit(1)
      const first = await own.work()
      const run = await own.start({ definition: definition(definitionText(1, 2)), models: ['wire:m'] })
      await until(
        () => server.held,
        (held) => held === 1,
      )
      await first.drain(0)
      server.open()
      await own.work()
      await until(
        () => own.engine.run(who, run),
        (seen) => seen.state === 'succeeded',
      )
      expect(server.calls.map((call) => call.messages.length)).toEqual([1, 3, 3, 5])
      const [task] = await own.db.sql('select attempt, tries, crashes from engine.tasks where n = 1')
      expect(task).toEqual({ attempt: 2, tries: 0, crashes: 0 })
      expect((await own.transcripts(run))[0]).toMatchObject({ turn_count: 3 })
    } finally {
      await own.close()
      await server.close()
    }
  })

  test('of which no two are under way, is not held up: each turn follows the one before it', async () => {
    const run = await bench.ask({ definition: definition(definitionText(1, 8)), models: ['fake:a'] }, 5)
    expect(run.state).toBe('succeeded')
    expect((await bench.transcripts(run.id))[0]).toMatchObject({ turn_count: 9 })
  })
})

describe('the tables refuse', () => {
  test('a second transcript for a slot, and any change of one, also from a worker that insists', async () => {
    const run = await bench.ask({ definition: definition(definitionText(1)), models: ['fake:a'] })
    const client = new pg.Client(bench.db.worker)
    await client.connect()
    try {
      const again = client.query(
        `insert into probe.transcripts select t.* from (select (r).* from (
           select json_populate_record(t, '{"task": 77}') as r from probe.transcripts t where t.run_id = $1) q) t`,
        [run.id],
      )
      await expect(again).rejects.toMatchObject({ code: '23505', constraint: 'one_transcript_a_slot' })
      for (const change of ['update probe.transcripts set word_count = 0', 'delete from probe.transcripts'])
        await expect(client.query(change)).rejects.toMatchObject({ code: '42501' })
    } finally {
      await client.end()
    }
    expect(await bench.transcripts(run.id)).toHaveLength(1)
  })
})

describe('a start', () => {
  test('names all that is wrong at once, and creates nothing', async () => {
    const { runs: before } =
      (await bench.db.sql<{ runs: number }>('select count(*)::int as runs from engine.runs'))[0] ?? {}
    const refused = await prepare(
      {
        definition: definition(definitionText(2)),
        models: ['fake:zzz', 'nobody:x', 'fake:a'],
        samplePercentage: 101,
        samplesPerScenario: 0,
        temperature: 3,
        maxTurns: 0,
      },
      openProviders({}),
    ).catch((error: unknown) => error)
    expect(refused).toBeInstanceOf(Refusal)
    expect(refused).toMatchObject({ code: 'CANNOT_START' })
    const causes = (refused as Refusal).causes
    for (const named of ['fake:zzz', 'nobody', '101', 'samplesPerScenario', 'temperature', 'maxTurns'])
      expect(causes.filter((cause) => cause.includes(named))).toHaveLength(1)
    expect(causes.some((cause) => cause.includes('fake:a:'))).toBe(false)
    expect((await bench.db.sql('select count(*)::int as runs from engine.runs'))[0]).toEqual({ runs: before })
  })

  test.each([0, 101, 1.5, Number.NaN, -3])('refuses a sample of %d percent', async (samplePercentage) => {
    const refused = prepare(
      { definition: definition(definitionText(2)), models: ['fake:a'], samplePercentage },
      openProviders({}),
    )
    await expect(refused).rejects.toMatchObject({ code: 'CANNOT_START' })
  })

  test('takes any integer as seed, and the same seed chooses the same scenarios', async () => {
    const sampled = async (sampleSeed: string) => {
      const run = await bench.ask({
        definition: definition(definitionText(40)),
        models: ['fake:a'],
        samplePercentage: 25,
        sampleSeed,
      })
      return (await bench.transcripts(run.id)).map((row) => row['scenario'])
    }
    const negative = await sampled('-1')
    expect(negative).toHaveLength(10)
    expect(await sampled('-1')).toEqual(negative)
    expect(await sampled('1')).not.toEqual(negative)
    expect(await sampled('123456789012345678901234567890')).toHaveLength(10)
  })

  test('of a question that is being answered is found again, in whatever order its models stand, until it has ended', async () => {
    const server = await startGatedServer()
    const own = await openBench(server)
    try {
      const request: ProbeRequest = { definition: definition(definitionText(2)), models: ['fake:a', 'wire:m'] }
      const run = await own.start(request)
      const found = async (more: Partial<ProbeRequest>) => {
        const { input } = await prepare({ ...request, ...more }, own.catalogue)
        return await unfinished(own.engine, who, 1, input)
      }
      expect(await found({})).toBe(run)
      expect(await found({ models: ['wire:m', 'fake:a', 'fake:a'] })).toBe(run)
      expect(await found({ models: ['fake:a'] })).toBeUndefined()
      expect(await found({ temperature: 0 })).toBeUndefined()
      expect(await found({ sampleSeed: '1' })).toBeUndefined()
      expect(await found({ definition: definition(definitionText(2).replace('Rate', 'Judge')) })).toBeUndefined()
      await own.work()
      await until(
        () => own.engine.run(who, run),
        (seen) => seen.finishedAt !== null,
      )
      expect(await found({})).toBeUndefined()
    } finally {
      await own.close()
      await server.close()
    }
  })
})
