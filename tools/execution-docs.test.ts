/** The pages and pictures about tools name what is there. */
import { existsSync } from 'node:fs'
import { expect, test } from 'vitest'
import { DOORS } from '../server/src/http/words.ts'
import { ERROR_TYPES } from '../server/src/tools/envelope.ts'
import { STATES, TRANSITIONS } from '../server/src/tools/lifecycle.ts'
import { TOOL_RULES } from './tool-rules.ts'
import { root, textOf } from './tree.ts'

const PAGES = [
  'docs/design/execution-governance.md',
  'docs/execution-onboarding.md',
  'docs/repo-audit-checklist.md',
  'docs/guides/write-a-tool.md',
]
const DRAWING = 'docs/design/execution-architecture.drawio'

const pages = new Map(
  Array.from(textOf(DRAWING).matchAll(/<diagram name="([^"]+)">([^]*?)<\/diagram>/g), ([, name = '', text = '']) => [
    name,
    {
      boxes: Array.from(text.matchAll(/id="([^"]+)" value="([^"]*)"[^>]* vertex="1"/g), ([, id = '', label = '']) => ({
        id,
        label,
      })),
      edges: Array.from(
        text.matchAll(/source="([^"]+)" target="([^"]+)"/g),
        ([, from = '', to = '']) => `${from} → ${to}`,
      ),
    },
  ]),
)

test('the five pictures are there, and every edge joins two boxes', () => {
  expect([...pages.keys()]).toEqual(['Execution flow', 'Job states', 'Tool states', 'Error flow', 'Guardrails'])
  for (const { boxes, edges } of pages.values()) {
    const ids = new Set(boxes.map(({ id }) => id))
    expect(edges.length).toBeGreaterThan(2)
    for (const end of edges.flatMap((edge) => edge.split(' → '))) expect(ids).toContain(end)
  }
})

test('every name in a picture stands in the file beside it', () => {
  const named = [...pages.values()].flatMap(({ boxes }) => boxes).filter(({ label }) => label.includes(' · '))
  expect(named.length).toBeGreaterThan(15)
  for (const { label } of named) {
    const [name = '', path = ''] = label.split(' · ')
    expect([label, existsSync(root + path)]).toEqual([label, true])
    expect([label, new RegExp(`\\b${name}\\b`).test(textOf(path))]).toEqual([label, true])
  }
})

test('the states in the pictures and their order are those of the code', () => {
  expect(pages.get('Tool states')?.boxes.map(({ label }) => label)).toEqual([...STATES])
  const edges = STATES.flatMap((from) => TRANSITIONS[from].map((to) => `${from} → ${to}`))
  expect(pages.get('Tool states')?.edges.toSorted()).toEqual(edges.toSorted())
  expect(new Set(pages.get('Job states')?.boxes.map(({ label }) => label))).toEqual(new Set(Object.values(DOORS.tool)))
})

test('every path, command and rule that the pages name is there, and README leads to all of them', () => {
  const { scripts } = JSON.parse(textOf('package.json')) as { scripts: Record<string, string> }
  for (const page of PAGES) {
    const text = textOf(page)
    const folder = page.slice(0, page.lastIndexOf('/') + 1)
    for (const [, target = ''] of text.matchAll(/\]\(([^)#]+)\)/g))
      expect([page, target, existsSync(root + folder + target)]).toEqual([page, target, true])
    for (const [path] of text.matchAll(
      /\b(?:server|tools|engine)\/[\w/.-]+\.(?:ts|sql|py)\b|\.github\/[\w/.-]+\.yml/g,
    )) {
      if (page.endsWith('write-a-tool.md')) continue
      expect([page, path, existsSync(root + path)]).toEqual([page, path, true])
    }
    for (const [, script = ''] of text.matchAll(/npm run ([\w:]+)/g)) expect(scripts).toHaveProperty(script)
    expect(textOf('README.md')).toContain(page)
  }
  expect(textOf('README.md')).toContain(DRAWING)
  const governance = textOf('docs/design/execution-governance.md')
  for (const word of [...TOOL_RULES.map(({ id }) => id), ...STATES, ...ERROR_TYPES]) expect(governance).toContain(word)
  expect(Array.from(governance.matchAll(/^## ([A-J])\. /gm), ([, letter]) => letter).join('')).toBe('ABCDEFGHIJ')
})
