/** Bad input at the command line: one clear message, with place and remedy, exit code 2, and nothing is created. */
import { createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { freshDatabase, type TestDatabase } from '../../engine/testing/index.ts'
import { rooms } from '../src/app.ts'
import { install, type Installation, type Ran } from '../testing/cli.ts'
import { definitionText } from '../testing/probe.ts'

let empty: TestDatabase
let place: Installation
beforeAll(async () => {
  empty = await freshDatabase([], { empty: true })
  place = await install(empty)
  await place.file('good.yaml', definitionText(3))
})
afterAll(async () => {
  await place?.remove()
  expect(await schemasOf(empty)).toEqual([])
  await empty?.drop()
})

async function schemasOf(database: TestDatabase): Promise<string[]> {
  const rows = await database.sql<{ nspname: string }>(
    "select nspname from pg_namespace where nspname in ('engine', 'probe', 'access')",
  )
  return rows.map((row) => row.nspname)
}

/** One message for a person: no stack, no name of ours from inside. */
function expectTold(ran: Ran, ...wanted: RegExp[]): void {
  expect(ran.stderr).not.toMatch(/^\s+at |node:internal|Error:|did not foresee|\bzod\b|undefined|NaN/m)
  for (const one of wanted) expect(ran.stderr).toMatch(one)
  expect(ran).toMatchObject({ code: 2, signal: null, stdout: '' })
  expect(ran.stderr.length).toBeLessThan(4_000)
}

const bomb = ['a: &a ["x","x","x","x","x","x","x","x","x","x"]']
for (let i = 1; i < 9; i++) {
  const [name, before] = [String.fromCodePoint(97 + i), String.fromCodePoint(96 + i)]
  bomb.push(`${name}: &${name} [${Array.from({ length: 10 }, () => `*${before}`).join(',')}]`)
}

describe('a definition', () => {
  const bad: [string, string | Uint8Array, RegExp[]][] = [
    [
      'an unknown key',
      definitionText(2).replace('template:', 'templat:'),
      [/:2:1: /, /"templat"; did you mean "template"\?/],
    ],
    [
      'a placeholder without dimension',
      definitionText(2).replace('[Case]', '[Cas]'),
      [/:2:22: /, /did you mean \[Case\]\?/],
    ],
    [
      'a level without label',
      'name: x\ntemplate: "[A]"\ndimensions:\n  - name: A\n    levels:\n      - {score: 1}\n',
      [/:6:9: /, /label is missing; say what it is called/],
    ],
    [
      'a dimension twice',
      'name: x\ntemplate: "[A]"\ndimensions:\n  - {name: A, values: [x]}\n  - {name: a, values: [y]}\n',
      [/:5:12: /, /repeats the dimension "a" \(number 1\)/],
    ],
    [
      '10 MB',
      `name: x\ntemplate: ${'x'.repeat(10 * 1024 * 1024)}\n`,
      [/10,485,\d+ bytes; a definition may have 1,048,576/, /split/],
    ],
    ['an anchor bomb', `${bomb.join('\n')}\nname: x\ntemplate: x\n`, [/:\d+:\d+: /, /write the text out/]],
    ['nothing in it', '', [/:1:1: /, /needs at least a name and a template/]],
    ['two causes, told together', 'nam: x\ntemplat: y\n', [/:1:1: .*"name"/, /:2:1: .*"template"/]],
    [
      'bytes that are no text',
      Uint8Array.from({ length: 512 }, (_, i) => i % 256),
      [/:\d+:\d+: /, /save it as UTF-8 text/],
    ],
    ['more scenarios than the cap', tooMany(), [/1,000,000 scenarios; at most 100,000/, /Remove levels or dimensions/]],
  ]
  test.each(bad)('with %s', async (name, content, wanted) => {
    const file = `${name.replaceAll(/\W+/g, '-')}.yaml`
    await place.file(file, content)
    const ran = await place.run(['probe', file, '--models', 'fake:a'])
    expectTold(ran, ...wanted)
    if (wanted.some((one) => one.source.startsWith(':'))) expect(ran.stderr).toContain(file)
  })

  test('that is not there, or is a folder', async () => {
    expectTold(await place.run(['probe', 'nowhere.yaml', '-m', 'fake:a']), /nowhere\.yaml/, /Name a definition/)
    expectTold(await place.run(['probe', '.', '-m', 'fake:a']), /no file \./, /Name a definition/)
  })
})

function tooMany(): string {
  const values = Array.from({ length: 100 }, (_, i) => i).map((i) => `"v${i}"`)
  const dimensions = ['A', 'B', 'C'].map((name) => `  - {name: ${name}, values: [${values.join(', ')}]}`)
  return `name: x\ntemplate: "[A] [B] [C]"\ndimensions:\n${dimensions.join('\n')}\n`
}

describe('an option', () => {
  const bad: [string, string[], RegExp[], Record<string, string>?][] = [
    ['a model nobody knows', ['-m', 'fake:zzz'], [/fake:zzz/, /Known are: a, b/]],
    ['a provider nobody knows', ['-m', 'nobody:x'], [/no provider nobody/, /Known are: fake, openai, anthropic/]],
    ['a model without provider', ['-m', 'gpt'], [/provider:model, for example fake:a/]],
    ['a provider without settings', ['-m', 'openai-compatible:x'], [/set OPENAI_COMPATIBLE_URL/]],
    ['no model', ['-m', ','], [/name at least one, for example fake:a/]],
    ['two causes, told together', ['-m', 'fake:zzz', '--sample', '0'], [/2 things are wrong/, /fake:zzz/, /1 to 100/]],
    ['a percentage of 0', ['-m', 'fake:a', '--sample', '0'], [/\b0 is not a whole number from 1 to 100/]],
    ['a percentage of 101', ['-m', 'fake:a', '--sample', '101'], [/101 is not a whole number from 1 to 100/]],
    ['a percentage that is no number', ['-m', 'fake:a', '--sample', 'half'], [/--sample/, /half/, /number/]],
    ['a seed that is no integer', ['-m', 'fake:a', '--seed', '1.5'], [/seed/i, /whole number|integer/]],
    ['samples that are no number', ['-m', 'fake:a', '--samples', 'many'], [/--samples|samplesPerScenario/, /many/]],
    ['a temperature of 9', ['-m', 'fake:a', '--temperature', '9'], [/temperature/, /2/]],
    ['a priority nobody knows', ['-m', 'fake:a', '--priority', 'urgent'], [/urgent/, /low, normal, high/]],
    ['an option nobody knows', ['-m', 'fake:a', '--sampel', '5'], [/--sampel/, /--sample/]],
    ['a setting out of range', ['-m', 'fake:a'], [/WORKER_SLOTS is "0"/, /from 1 to 10000/], { WORKER_SLOTS: '0' }],
    [
      'a server that does not answer',
      ['-m', 'openai-compatible:x'],
      [/openai-compatible:x: The provider could not be reached/],
      { OPENAI_COMPATIBLE_URL: 'http://127.0.0.1:1/v1' },
    ],
  ]
  test.each(bad)('%s', async (_, options, wanted, more = {}) => {
    expectTold(await place.run(['probe', 'good.yaml', ...options], more), ...wanted)
  })

  test('a command nobody knows, an argument that is missing, a run that is no number', async () => {
    expectTold(await place.run(['porbe']), /unknown command 'porbe'/, /probe/)
    expectTold(await place.run(['probe', '-m', 'fake:a']), /missing required argument 'definition'/)
    expectTold(await place.run(['runs', 'show', 'one']), /'one'/, /whole number from 1/)
  })

  test('a seed of −1 is none of these: any integer works, and a dry run creates nothing either', async () => {
    const ran = await place.run(['probe', 'good.yaml', '-m', 'fake:a', '--seed', '-1', '--dry-run', '--json'])
    expect(ran).toMatchObject({ code: 0, stderr: '' })
    expect(JSON.parse(ran.stdout)).toMatchObject({ scenarios: 3, tasks: 3, calls: 3, models: ['fake:a'], costUsd: 0 })
  })
})

describe('a database', () => {
  test('that nobody answers for: says where, never the password', async () => {
    const ran = await place.run(['probe', 'good.yaml', '-m', 'fake:a'], {
      DATABASE_URL: 'postgresql://me:hidden@127.0.0.1:1/x',
    })
    expectTold(ran, /127\.0\.0\.1:1 \(ECONNREFUSED\)/, /Check host and port in DATABASE_URL/)
    expect(ran.stderr).not.toContain('hidden')
  })

  test('that is named by its socket folder, as psql takes it, is used', async () => {
    const { user, password, host } = empty.owner
    const login = `${String(user)}:${encodeURIComponent(String(password))}`
    const [there, missing] = await Promise.all(
      [empty.name, 'nowhere'].map((name) =>
        place.run(['migrate'], { DATABASE_URL: `postgresql://${login}@/${name}?host=${String(host)}` }),
      ),
    )
    expectTold(missing as Ran, /no database nowhere/, /CREATE DATABASE/)
    expect(there).toMatchObject({ code: 0, stderr: '' })
    await empty.sql('drop schema probe cascade; drop schema engine cascade; drop schema access cascade')
  })

  test('of a newer Millrace is left as it is', async () => {
    const newer = await freshDatabase(rooms.slice(1))
    try {
      await newer.sql("insert into engine.migrations (name, hash) values ('engine/0099_future.sql', 'x')")
      const ran = await place.run(['probe', 'good.yaml', '-m', 'fake:a'], { DATABASE_URL: newer.url })
      expectTold(ran, /newer Millrace \(it has engine\/0099_future\.sql\)/, /Use that version or a newer one/)
      expect(await newer.sql('select count(*)::int as n from engine.runs')).toEqual([{ n: 0 }])
    } finally {
      await newer.drop()
    }
  })

  test.each([0, 1])('that has %i connections left', async (connections) => {
    const full = await freshDatabase(rooms.slice(1))
    try {
      await full.sql(`alter database ${full.name} connection limit ${connections}`)
      const ran = await place.run(['probe', 'good.yaml', '-m', 'fake:a'], { DATABASE_URL: full.url })
      expectTold(ran, /connection/, /Raise max_connections|Close other programs/)
      const [made] = await full.sql('select count(*)::int as n, coalesce(sum(total), 0)::int as tasks from engine.runs')
      expect(made?.['tasks']).toBe((made?.['n'] as number) * 3)
    } finally {
      await full.drop()
    }
  })

  test('that has connections for the command and none for its worker: it says so, waits, and goes on when there are some', async () => {
    const tight = await freshDatabase(rooms.slice(1))
    try {
      await tight.sql(`alter database ${tight.name} connection limit 3`)
      const probe = place.begin(['probe', 'good.yaml', '-m', 'fake:a', '--json'], { DATABASE_URL: tight.url })
      await probe.says(/connection/, 10)
      await tight.sql(`alter database ${tight.name} connection limit -1`)
      const { code, stdout, stderr } = await probe.ended
      expect(stderr).not.toMatch(/^\s+at |Error:|did not foresee/m)
      expect(JSON.parse(stdout)).toMatchObject({ run: { state: 'succeeded' } })
      expect(code).toBe(0)
    } finally {
      await tight.drop()
    }
  })
})

describe('a port', () => {
  test('in use: says who has it, before anything is made', async () => {
    const squatter = createServer()
    await new Promise<void>((resolve) => squatter.listen(0, '127.0.0.1', resolve))
    const { port } = squatter.address() as AddressInfo
    try {
      const ran = await place.run(['up'], { PORT: String(port) })
      expectTold(ran, new RegExp(`Port ${port} is in use by .+ \\(process ${process.pid}\\)`), /PORT=\d+/)
    } finally {
      squatter.close()
    }
  })

  test('or an address that there is not', async () => {
    expectTold(await place.run(['up'], { PORT: '65536' }), /PORT is "65536"/, /from 0 to 65535/)
    expectTold(await place.run(['up'], { PORT: '0', HOST: '192.0.2.1' }), /no address 192\.0\.2\.1/, /Set HOST/)
  })
})
