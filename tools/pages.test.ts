/** What the pages quote is there: links, commands, settings, messages, and every block is one that somebody reads. */
import type { Command } from 'commander'
import { describe, expect, test } from 'vitest'
import { parse } from 'yaml'
import { commands } from '../server/src/cli.ts'
import { settings } from '../server/src/config.ts'
import { gatesOf, performancePage } from './performance.ts'
import { brokenLinks, lostPages, PAGES } from './pages.ts'
import { files, textOf } from './tree.ts'

interface Block {
  readonly page: string
  readonly language: string
  readonly text: string
}
const blocks: readonly Block[] = PAGES.filter((page) => !page.startsWith('docs/reference/')).flatMap((page) =>
  Array.from(textOf(page).matchAll(/^```(\w*)[^\n]*\n([^]*?)^```$/gm), ([, language = '', text = '']) => ({
    page,
    language,
    text,
  })),
)
const of = (...languages: string[]) => blocks.filter(({ language }) => languages.includes(language))

describe('links', () => {
  test('lead somewhere, and the index leads to every page', async () => {
    expect(await lostPages()).toEqual([])
    expect(
      brokenLinks('docs/concepts.md', '[a](nowhere.md) [b](#states) [c](#nothing) [d](guides) `[e](f.md)`'),
    ).toEqual([
      'docs/concepts.md: nowhere.md is not there',
      'docs/concepts.md: docs/concepts.md has no heading #nothing',
    ])
  })
})

const all = (parent: Command): Command[] => parent.commands.flatMap((command) => [command, ...all(command)])

/** The `millrace` commands of a shell block, as words, without what surrounds them. */
function commandsOf(text: string): string[][] {
  return text
    .replaceAll('\\\n', ' ')
    .split(/\n|&&|(?<!\\)\|/)
    .flatMap((line) => {
      const bare = line.trim().replace(/ {3,}\S.*$| #.*$| [<>] .*$| &$/, '')
      const [, said] = /^(?:[A-Z_]+=(?:'[^']*'|\S+) +)*(?:npx )?millrace (.*)$/.exec(bare) ?? []
      if (said === undefined) return []
      return [Array.from(said.matchAll(/'([^']*)'|"([^"]*)"|(\S+)/g), ([, a, b, c]) => a ?? b ?? c ?? '')]
    })
}

describe('commands', () => {
  const shown = [...of('sh', ''), ...of('bash')].flatMap(({ page, text }) =>
    commandsOf(text).map((words) => ({ page, words })),
  )

  test('are found in many pages', () => {
    expect(shown.length).toBeGreaterThan(100)
  })

  test('of every page are ones that the program takes, with their options', () => {
    const refused: string[] = []
    for (const { page, words } of shown) {
      const program = commands()
      let ran = 0
      const quiet = { writeErr: () => {}, writeOut: () => {} }
      program.exitOverride().configureOutput(quiet)
      for (const each of all(program))
        each
          .action(() => void (ran += 1))
          .exitOverride()
          .configureOutput(quiet)
      try {
        // A word in capitals stands for something of yours.
        program.parse(
          words.map((word) => (/^[A-Z]{2,}$/.test(word) ? '1' : word)),
          { from: 'user' },
        )
      } catch (error) {
        if (ran === 0)
          refused.push(`${page}: millrace ${words.join(' ')}: ${error instanceof Error ? error.message : ''}`)
      }
    }
    expect(refused).toEqual([])
  })

  test('of npm are scripts that there are', () => {
    const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> }
    for (const page of PAGES)
      for (const [, script = ''] of textOf(page).matchAll(/npm run ([\w:-]+)(?![\w:-])(?! -w)/g))
        expect([page, script, Object.hasOwn(scripts, script)]).toEqual([page, script, true])
  })
})

test('settings that a page names are ones that there are', () => {
  const known = new Set<string>(Object.values(settings).map(({ env }) => env))
  /** Read by others: tests, storms, Node, the pages' own examples. */
  const others = /^MILLRACE_(LONG|TEST_\w+|CHAOS\w*|BROUGHT_NODE|CHROME\w*)$/
  for (const page of PAGES)
    for (const [name] of textOf(page).matchAll(/\bMILLRACE_[A-Z_]+\b/g))
      expect([page, name, known.has(name) || others.test(name)]).toEqual([page, name, true])
})

test('files of data in the pages can be read', () => {
  for (const { page, text } of of('json')) expect([page, typeof JSON.parse(text)]).toEqual([page, 'object'])
  for (const { page, text } of of('yaml')) expect([page, typeof parse(text)]).toEqual([page, 'object'])
})

test('messages in the page about trouble are said by the code', () => {
  const code = files(/^(engine|server)\/(src|sql|bin)\/.*\.(ts|sql|js)$/)
    .filter((path) => !path.endsWith('.test.ts'))
    .map(textOf)
    .join('\n')
  const page = textOf('docs/troubleshoot.md')
  const quoted = Array.from(page.matchAll(/^\| `([^`]+)` \|/gm), ([, message = '']) => message)
  expect(quoted.length).toBeGreaterThan(40)
  const unknown = quoted.filter((message) => message.split('…').some((part) => !code.includes(part.trim())))
  expect(unknown).toEqual([])
})

describe('the page of gates', () => {
  const readme = '| gate | measured | bound |\n|---|---|---|\n| R1a, R1b | speed | ≥ 1, ≥ 2 |\n| R5 | span | ≤ 1.05 |\n'
  const measured = {
    id: 'R1b',
    value: 3,
    gate: '≥ 2',
    pass: true,
    foreignLoad: 0.1,
    commit: 'abc',
    date: '2026-01-02T',
  }

  test('says of each what was measured, and of what was not that it was not', () => {
    expect(gatesOf(readme)).toEqual([
      { id: 'R1a', what: 'speed', bound: '≥ 1' },
      { id: 'R1b', what: 'the same as R1a', bound: '≥ 2' },
      { id: 'R5', what: 'span', bound: '≤ 1.05' },
    ])
    const page = performancePage(readme, JSON.stringify({ gates: [measured] }))
    expect(page).toContain('| R1b | the same as R1a | 3 | ≥ 2 | kept | 2026-01-02 | 0.1 | `abc` |')
    expect(page).toContain('| R5 | span | – | ≤ 1.05 | not measured |')
    const missed = performancePage(readme, JSON.stringify({ gates: [{ ...measured, pass: false }] }))
    expect(missed).toContain('**missed**')
  })

  test('names every gate from R1 to R23', () => {
    const page = textOf('docs/reference/performance.md')
    for (let n = 1; n <= 23; n += 1) expect(page).toMatch(new RegExp(`^\\| R${n}\\D`, 'm'))
  })
})
