/** A person's own kinds in a folder of their own, through the real program. */
import { mkdir, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { until } from '../../engine/testing/index.ts'
import type { Installation } from '../testing/cli.ts'
import { document, leave, stage } from './cli-stage.ts'

afterEach(leave)

/** A kind that adds; told to fail, it fails with a code of its own. */
const adding = (name: string) => `
  import { defineRun, defineTask, TaskFailed } from 'millrace'
  import { z } from 'zod'
  import { add } from './inner/add.ts'

  const one = defineTask({
    name: '${name}.one',
    input: z.object({ x: z.number() }),
    output: z.object({ y: z.number() }),
    async perform(hand) {
      if (hand.input.x < 0) {
        throw new TaskFailed({ code: 'NEGATIVE', message: 'It is negative.', retryable: false, origin: 'task' })
      }
      return { y: add(hand.input.x, 1) }
    },
  })
  export const ${name} = defineRun({
    name: '${name}',
    input: z.object({ xs: z.array(z.number()), note: z.enum(['a', 'b']).optional() }),
    tasks: [one],
    plan: (input: { xs: number[] }) => input.xs.map((x) => ({ kind: '${name}.one', input: { x } })),
    next: async (soFar) => {
      if (soFar.succeeded === 0) return { fail: (await soFar.commonestFailure())! }
      const outputs = await soFar.outputs('${name}.one', one.output)
      return { succeed: { sum: outputs.reduce((sum, each) => sum + each.output.y, 0) } }
    },
  })`
const ADD = 'export const add = (a: number, b: number): number => a + b'

/** Files of the folder `kinds` of a place that lies outside of the repository. */
async function kindsIn(place: Installation, files: Record<string, string>): Promise<{ MILLRACE_KINDS: string }> {
  await mkdir(join(place.folder, 'kinds'))
  for (const [name, text] of Object.entries(files)) {
    const path = join(place.folder, 'kinds', name)
    await mkdir(dirname(path), { recursive: true })
    await writeFile(path, text)
  }
  return { MILLRACE_KINDS: 'kinds' }
}

describe('own kinds', () => {
  test('in a folder anywhere are listed and started, and what they import is this very program', async () => {
    const { place } = await stage()
    const settings = await kindsIn(place, {
      'adding.ts': adding('adding'),
      'inner/add.ts': ADD,
      'adding.test.ts': 'throw new Error("a test is no kind")',
      'adding.d.ts': 'export declare const adding: never',
      'plain.js': adding('plain').replace(': { xs: number[] }', '').replace('())!', '())'),
      'package.json': '{}',
    })
    const start = (...args: string[]) => place.run(['runs', 'start', ...args], settings)
    const [kinds, listed, summed, failed] = await Promise.all([
      place.run(['kinds', '--json'], settings),
      place.run(['kinds'], settings),
      start('adding', '--input', '{"xs":[1,2,3]}', '--wait', '--json'),
      start('plain', '--input', '{"xs":[-1]}', '--wait'),
    ])
    expect(document(kinds.stdout)).toMatchObject([
      { name: 'probe' },
      { name: 'probe.analysis' },
      { name: 'chat' },
      { name: 'diagnosis' },
      { name: 'tool' },
      { name: 'stage' },
      { name: 'webhook' },
      { name: 'adding', tasks: [{ name: 'adding.one' }], input: { properties: { xs: { type: 'array' } } } },
      { name: 'plain' },
    ])
    expect(listed.stdout).toContain('adding\n  tasks  adding.one\n  input  { xs: number[], note?: "a" | "b" }\n')
    expect(summed).toMatchObject({ code: 0 })
    expect(document(summed.stdout)).toMatchObject({ created: true, run: { state: 'succeeded', output: { sum: 9 } } })
    expect(failed).toMatchObject({ code: 1 })
    expect(failed.stdout).toMatch(/^Run \d \(plain\) failed: It is negative\. \(NEGATIVE\)\.\n$/)
    expect(kinds.stderr + listed.stderr).toBe('')
  })

  test('are performed by a worker elsewhere, and a start says when there is none', async () => {
    const { place } = await stage()
    const settings = await kindsIn(place, { 'adding.ts': adding('adding'), 'inner/add.ts': ADD })
    const args = ['runs', 'start', 'adding', '--input-file', 'in.yaml', '--priority', 'high', '--key', 'once']
    await place.file('in.yaml', 'xs: [4]\n')
    const alone = await place.run(args, settings)
    expect(alone).toMatchObject({ code: 0, stdout: 'Run 1 (adding) is queued.\n' })
    expect(alone.stderr).toMatch(/^No worker is there for it: start `millrace worker`/)

    const worker = place.begin(['worker'], settings)
    const show = () => place.run(['runs', 'show', '1'])
    await worker.says(/Worker 1 performs .*: probe, probe.analysis, chat, diagnosis, tool, stage, webhook, adding\./)
    const shown = await until(show, (ran) => ran.stdout.includes('succeeded in'))
    expect(shown.stdout).toMatch(/\n\{\n {2}"sum": 5\n\}\n$/)
    const [again, other] = await Promise.all([
      place.run([...args, '--json'], settings),
      place.run([...args.slice(0, 3), '--input', '{"xs":[5]}', '--key', 'once'], settings),
    ])
    expect(document(again.stdout)).toMatchObject({ created: false, run: { id: 1, state: 'succeeded', priority: 10 } })
    expect(again.stderr).toBe('Run 1 was started with this key before.\n')
    expect(other).toMatchObject({ code: 2, stdout: '' })
    expect(other.stderr).toContain('another input')
  })

  test('that are held wait for their release, also under --wait', async () => {
    const { place } = await stage()
    const settings = await kindsIn(place, { 'adding.ts': adding('adding'), 'inner/add.ts': ADD })
    const waiting = place.begin(['runs', 'start', 'adding', '--input', '{"xs":[1]}', '--hold', '--wait'], settings)
    await waiting.says(/Run 1 is paused: `millrace runs resume 1` lets it go on\./)
    expect(await place.run(['runs', 'resume', '1'])).toMatchObject({ code: 0 })
    expect(await waiting.ended).toMatchObject({ code: 0 })
  })
})

describe('a start is refused, and nothing is started, for', () => {
  test('an unknown kind, an input that is none, and each part of it that is not valid', async () => {
    const { db, place } = await stage()
    const settings = await kindsIn(place, { 'adding.ts': adding('adding'), 'inner/add.ts': ADD })
    await place.file('in.yaml', 'xs: [1')
    const start = (...args: string[]) => place.run(['runs', 'start', ...args], settings)
    const said = await Promise.all([
      start('ading'),
      start('adding', '--input', '{"xs":'),
      start('adding', '--input-file', 'in.yaml'),
      start('adding', '--input-file', 'nowhere.json'),
      start('adding', '--input', '{"xs":[1,"two",null],"note":"c"}'),
      start('adding', '--input', '{}', '--input-file', 'in.yaml'),
    ])
    for (const ran of said) expect(ran).toMatchObject({ code: 2, stdout: '' })
    const [unknown, json, yaml, nowhere, invalid, both] = said.map((ran) => ran.stderr)
    expect(unknown).toBe(
      'Refused: There is no kind of run named "ading" here.\nKnown are: probe, probe.analysis, chat, diagnosis, tool, stage, webhook, adding.\n',
    )
    expect(json).toMatch(/^Refused: --input is not JSON\.\n {2}- .+\n`millrace kinds` shows/)
    expect(yaml).toMatch(/^Refused: in\.yaml is not YAML\.\n {2}- .+ line 1/)
    expect(nowhere).toMatch(/^Refused: There is no file nowhere\.json\./)
    expect(invalid?.match(/^ {2}- (xs\.1|xs\.2|note): \S/gm)).toHaveLength(3)
    expect(both).toMatch(/cannot be used with/)
    expect(await db.sql('select count(*)::int as n from engine.runs')).toEqual([{ n: 0 }])
  })
})

describe('a folder of kinds is refused', () => {
  test('with all that is wrong in it at once, before the database is looked at', async () => {
    const { db, place } = await stage({ empty: true })
    const settings = await kindsIn(place, {
      'a.ts': adding('adding'),
      'b.ts': adding('adding'),
      'broken.ts': 'const a: number = 1\nconst b = = 2\n',
      'helper.ts': ADD,
      'inner/add.ts': ADD,
      'lost.ts': "import 'no-such-package'",
      'product.ts': adding('probe'),
      'typo.ts': "import { defineRum } from 'millrace'",
      'task.ts': adding('task').replaceAll('task.one', 'adding.one'),
    })
    const ran = await place.run(['worker'], settings)
    expect(ran).toMatchObject({ code: 2, stdout: '' })
    expect(ran.stderr).toMatch(/^Refused: The kinds in kinds cannot be served: 7 things are wrong\.\n/)
    expect(ran.stderr.match(/^ {2}- .*/gm)?.map((line) => line.slice(4))).toEqual([
      expect.stringMatching(/^broken\.ts: does not load: SyntaxError in line 2: /),
      expect.stringMatching(/^helper\.ts: no kind in it; /),
      expect.stringMatching(/^lost\.ts: does not load: Error.*: Cannot find package 'no-such-package'/),
      expect.stringMatching(/^typo\.ts: does not load: SyntaxError.* does not provide an export named 'defineRum'$/),
      'b.ts: the name adding is taken by a.ts',
      'product.ts: the name probe is taken by Millrace itself',
      'task.ts: the name adding.one of a task kind is taken by a.ts',
    ])
    expect(await db.sql("select 1 from pg_namespace where nspname in ('engine', 'probe')")).toEqual([])
  })

  test('that lists no task kind which is there, is empty, or is not there', async () => {
    const { place } = await stage({ empty: true })
    const { MILLRACE_KINDS } = await kindsIn(place, {
      'lone.ts': `import { defineTask } from 'millrace'\nimport { z } from 'zod'
        export const lone = defineTask({ name: 'lone', input: z.any(), output: z.any(), perform: async () => 1 })`,
      'inner/.keep': '',
    })
    const [lone, empty, missing] = await Promise.all([
      place.run(['kinds'], { MILLRACE_KINDS }),
      place.run(['up'], { MILLRACE_KINDS: 'kinds/inner', PORT: '0' }),
      place.run(['worker'], { MILLRACE_KINDS: 'nowhere' }),
    ])
    for (const ran of [lone, empty, missing]) expect(ran).toMatchObject({ code: 2, stdout: '' })
    expect(lone.stderr).toContain('lone.ts: no run kind lists the task kind lone in its tasks')
    expect(empty.stderr).toContain('no file in it ends in .ts, .js or .mjs')
    expect(missing.stderr).toMatch(/^Refused: The folder of your own kinds, .*nowhere, cannot be read\.\n/)
  })

  test('with the stack of what a file threw only when asked for, and with no secret even then', async () => {
    const { place } = await stage({ empty: true })
    const settings = {
      ...(await kindsIn(place, {
        'throws.ts': 'const said = process.env.SHOP_API_KEY\n\nthrow new TypeError(`no shop for ${said}`)',
      })),
      SHOP_API_KEY: 'sk-very-hidden',
    }
    const [short, long] = await Promise.all([
      place.run(['kinds'], settings),
      place.run(['--verbose', 'kinds'], settings),
    ])
    expect(short.stderr).toBe(
      'Refused: The kinds in kinds cannot be served: 1 thing is wrong.\n' +
        '  - throws.ts: does not load: TypeError in line 3\n--verbose shows where a file stopped.\n',
    )
    expect(long.stderr).toMatch(/TypeError: no shop for …\n +at .*throws\.ts:3:7/)
    expect(short.stderr + long.stderr).not.toContain('sk-very-hidden')
  })
})
