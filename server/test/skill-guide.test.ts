/** The guide cannot rot: its skills are read, its commands are there, and its table is all that is ever said. */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import type { Command } from 'commander'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { commands } from '../src/cli.ts'
import { readSkill } from '../src/skills/read-skill.ts'
import { renderPrompt } from '../src/skills/template.ts'
import { REPOSITORY } from '../testing/cli.ts'

const guide = readFileSync(join(REPOSITORY, 'docs/guides/write-a-skill.md'), 'utf8')
const files = Array.from(
  guide.matchAll(/^```\w+ ([^/\s]+)\/(\S+)\n([^]*?)^```$/gm),
  ([, skill = '', path = '', text = '']) => ({
    skill,
    path,
    text,
  }),
)
const skillNamed = (name: string) =>
  readSkill(
    new Map(files.filter(({ skill }) => skill === name).map(({ path, text }) => [path, Buffer.from(text)])),
    name,
  )

test('both skills of the guide can be used as they stand there, and say what the guide says', () => {
  const greet = skillNamed('greet')
  expect(greet.diagnostics).toEqual([])
  expect(renderPrompt(greet.content?.promptTemplate ?? '', { name: 'Åsa', languages: ['Swedish', 'Sami'] })).toContain(
    'Write a greeting for Åsa.\n- also in Swedish\n- also in Sami\nAnswer',
  )
  const output = z.fromJSONSchema(greet.content?.outputSchema ?? {})
  expect(output.safeParse({ greeting: 'Hej', tone: 'warm' }).success).toBe(true)
  expect(output.safeParse({ greeting: 'Hej', tone: 'cold' }).success).toBe(false)
  const mail = skillNamed('sort-mail')
  expect(mail.diagnostics).toEqual([])
  expect(mail.content).toMatchObject({
    form: 'hybrid',
    label: '1.2.0',
    tags: ['mail', 'triage'],
    outputSchema: { required: ['drawer', 'why'] },
  })
  expect(renderPrompt(mail.content?.promptTemplate ?? '', { letter: 'Dear' })).toMatch(
    /^Read the letter[^]*"letter": "Dear"/,
  )
})

test('the table of the guide names each code that is said, and no other', () => {
  const room = join(REPOSITORY, 'server/src/skills')
  const sources = readdirSync(room).filter((name) => name.endsWith('.ts') && !name.endsWith('.test.ts'))
  const code = sources.map((name) => readFileSync(join(room, name), 'utf8')).join('\n')
  const said = Array.from(
    code.matchAll(/said\.(?:error|warn)\(\s*(?:[^,()]*\? )?'([A-Z0-9_]+)'(?: : '([A-Z0-9_]+)')?/g),
    ([, one = '', other]) => [one, ...(other === undefined ? [] : [other])],
  ).flat()
  const table = guide.slice(guide.indexOf('## What is said'))
  const told = Array.from(table.matchAll(/`([A-Z0-9]+(?:_[A-Z0-9]+)*)`/g), ([, one = '']) => one)
  expect(told.toSorted()).toEqual([...new Set([...said, 'MORE'])].toSorted())
})

test('the commands of the guide are there, with their options', () => {
  const skills = commands().commands.find((one) => one.name() === 'skills') as Command
  const lines = Array.from(guide.matchAll(/^npx millrace skills (\S+)(.*)$/gm), ([, name = '', rest = '']) => ({
    name,
    rest,
  }))
  expect(lines.length).toBeGreaterThan(5)
  for (const { name, rest } of lines) {
    const command = skills.commands.find((one) => one.name() === name)
    expect([name, command === undefined]).toEqual([name, false])
    const known = command?.options.map((option) => option.long) ?? []
    for (const [option] of rest.matchAll(/--[a-z-]+/g))
      expect([name, known]).toEqual([name, expect.arrayContaining([option])])
  }
})
