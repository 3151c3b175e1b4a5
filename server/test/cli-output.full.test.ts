/** What the real program writes where: into pipes, devices and narrow terminals, and as help. */
import { execFileSync, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { lstat, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { stripVTControlCharacters } from 'node:util'
import type { Command as Commander } from 'commander'
import { afterEach, describe, expect, test } from 'vitest'
import { commands } from '../src/cli.ts'
import { listenTo, type Installation } from '../testing/cli.ts'
import { leave, left, stage } from './cli-stage.ts'

const BINARY = fileURLToPath(new URL('../bin/millrace.js', import.meta.url))

afterEach(leave)

describe('standard output', () => {
  /** Runs `millrace … | head -1` and gives the program's own exit code. */
  async function headOf(place: Installation, args: readonly string[]) {
    const script = '"$0" "$@" 2>errors | head -1 >head; echo "${PIPESTATUS[0]}"'
    const child = listenTo(
      spawn('bash', ['-c', script, process.execPath, BINARY, ...args], {
        cwd: place.folder,
        env: place.environment,
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      }),
    )
    const { stdout } = await child.ended
    return { code: Number(stdout), stderr: await readFile(join(place.folder, 'errors'), 'utf8') }
  }

  test('whose reader goes away ends the command without a word', async () => {
    const { place } = await stage({ scenarios: 3 })
    expect(await place.run(['probe', 'd.yaml', '-m', 'fake:long'])).toMatchObject({ code: 0 })
    const [exported, logs] = [
      await headOf(place, ['runs', 'export', '1', '--format', 'jsonl', '--out', '-']),
      await headOf(place, ['runs', 'logs', '1']),
    ]
    expect(exported.stderr).toBe('')
    expect(logs.stderr).toBe('')
    // 141 is what a shell says of a program that a closed pipe ended.
    expect([0, 1, 141]).toContain(exported.code)
  })

  test('may be a pipe or a device for an export: what it was it stays', async () => {
    const { place } = await stage({ scenarios: 3 })
    expect(await place.run(['probe', 'd.yaml', '-m', 'fake:a'])).toMatchObject({ code: 0 })
    const fifo = join(place.folder, 'pipe')
    execFileSync('mkfifo', [fifo])
    const reader = listenTo(
      spawn('cat', [fifo], { cwd: place.folder, stdio: ['ignore', 'pipe', 'pipe'], detached: true }),
    )
    left.push(() => reader.kill())
    const ran = await place.run(['runs', 'export', '1', '--out', 'pipe'])
    expect((await lstat(fifo)).isFIFO()).toBe(true)
    expect(ran.code).toBe(0)
    await reader.says(/scenario_id/, 5)
  })

  test('and nothing else is told of an export to a place that cannot be written', async () => {
    const { db, place } = await stage({ scenarios: 3 })
    await place.file('file', '')
    const ran = await place.run(['probe', 'd.yaml', '-m', 'fake:a', '--out', 'file/below.csv'])
    expect(ran.stderr).not.toMatch(/^\s+at |did not foresee/m)
    expect(ran.stderr).toContain('file/below.csv')
    expect(ran.code).toBe(2)
    expect(await db.sql('select count(*)::int as n from engine.runs')).toEqual([{ n: 0 }])
  })
})

describe('a terminal', () => {
  const onTerminal = process.platform === 'linux' && existsSync('/usr/bin/script')
  test.skipIf(!onTerminal)('of 40 columns has the bar on one line', async () => {
    const { place } = await stage({ scenarios: 6 })
    const line = `stty cols 40 rows 10; exec "${process.execPath}" "${BINARY}" probe d.yaml -m fake:a,fake:b,fake:c`
    const child = listenTo(
      spawn('/usr/bin/script', ['-qec', line, '/dev/null'], {
        cwd: place.folder,
        env: { ...place.environment, MILLRACE_FAKE_LATENCY_MS: '30', TERM: 'xterm', SHELL: '/bin/bash' },
        stdio: ['ignore', 'pipe', 'pipe'],
        detached: true,
      }),
    )
    left.push(() => child.kill())
    const { stdout, code } = await child.ended
    expect(code).toBe(0)
    const bars = stdout
      .split(/[\r\n]+/)
      .map((text) => stripVTControlCharacters(text))
      .filter((text) => text.startsWith('Run 1') && text.includes('%'))
    expect(bars.length).toBeGreaterThan(1)
    for (const bar of bars) expect(Array.from(bar).length).toBeLessThanOrEqual(40)
  })

  test('of 20 columns gets all of the help', async () => {
    const { place } = await stage({ empty: true })
    const [narrow, wide] = await Promise.all([
      place.run(['probe', '--help'], { COLUMNS: '20' }),
      place.run(['probe', '--help'], { COLUMNS: '200' }),
    ])
    const words = (text: string) => text.replaceAll(/\s+/g, '')
    expect(narrow).toMatchObject({ code: 0, stderr: '' })
    expect(words(narrow.stdout)).toBe(words(wide.stdout))
  })
})

describe('help', () => {
  function all(parent: Commander): Commander[] {
    return parent.commands.flatMap((command) => [command, ...all(command)])
  }
  const leaves = all(commands()).filter((command) => command.commands.length === 0)

  test.each(leaves.map((command) => [pathOf(command), command] as const))(
    'of %s has examples that it takes',
    (path, command) => {
      let help = ''
      command.configureOutput({ writeOut: (text) => (help += text) })
      command.outputHelp()
      const examples = (help.split('Examples:\n')[1] ?? '').split('\n').filter((line) => line.startsWith('  $ '))
      expect(examples.length).toBeGreaterThan(0)
      expect(help).toContain(command.description().split(/\s/)[0])
      for (const example of examples) {
        // As a shell would: what is quoted is one word, and the rest is for another program or a file.
        const [asked = ''] = example.slice(4).split(/ [|<>] /)
        const words = (asked.match(/"[^"]*"|\S+/g) ?? []).map((word) => word.replace(/^"(.*)"$/, '$1'))
        const args = words.slice(words.indexOf('millrace') + 1)
        expect(args.join(' ').startsWith(path)).toBe(true)
        let ran = 0
        const fresh = commands()
        for (const each of all(fresh)) each.action(() => void (ran += 1)).exitOverride()
        fresh.parse(args, { from: 'user' })
        expect(ran).toBe(1)
      }
    },
  )

  test('is told for the program and ends with 0; the version too', async () => {
    const { place } = await stage({ empty: true })
    const [help, version] = await Promise.all([place.run(['--help']), place.run(['--version'])])
    expect(help).toMatchObject({ code: 0, stderr: '' })
    for (const name of ['up', 'worker', 'migrate', 'doctor', 'models', 'probe', 'runs'])
      expect(help.stdout).toMatch(new RegExp(`^ {2}${name}\\b`, 'm'))
    expect(version).toMatchObject({ code: 0, stderr: '', stdout: expect.stringMatching(/^\d+\.\d+\.\d+\n$/) })
  })
})

function pathOf(command: Commander): string {
  const { parent } = command
  return parent === null || parent.parent === null ? command.name() : `${parent.name()} ${command.name()}`
}
