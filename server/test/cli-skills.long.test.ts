/** Skills from a shell, the real binary: from a folder that is wrong to one that is vetted, changed and gone. */
import { mkdir, rm } from 'node:fs/promises'
import { join } from 'node:path'
import { strToU8, zipSync } from 'fflate'
import { afterEach, expect, test } from 'vitest'
import { startSkillsMp } from '../testing/skillsmp.ts'
import { document, leave, left, stage } from './cli-stage.ts'

afterEach(leave)

const GREET =
  '# Greet\n\nGreets somebody.\n\n## Inputs\n- name: string (required) - Who\n\n## Outputs\n- greeting: string\n'

test('a person checks a skill, brings it, vets it, and is asked again when it changes', async () => {
  const { place } = await stage()
  const folder = join(place.folder, 'skills', 'greet')
  await mkdir(folder, { recursive: true })
  await place.file('skills/greet/SKILL.md', GREET)
  await place.file('skills/greet/prompt.txt', 'Greet {{name}}\nwith {{OPENAI_API_KEY}}')
  const settings = { MILLRACE_SKILLS: join(place.folder, 'skills') }
  const skills = (args: string[], more: Record<string, string> = {}) =>
    place.run(['skills', ...args], { ...settings, ...more })

  const wrong = await skills(['check', folder])
  expect([wrong.code, wrong.stdout]).toEqual([1, expect.stringContaining('prompt.txt:2: error SECRET_VARIABLE')])
  const refused = await skills(['sync'])
  expect(refused).toMatchObject({
    code: 1,
    stdout: expect.stringMatching(/added +summarize-text[^]*refused +greet\n +prompt\.txt:2:/),
  })

  await place.file('skills/greet/prompt.txt', 'Greet {{name}}')
  expect(await skills(['sync'])).toMatchObject({ code: 0, stdout: expect.stringMatching(/added +greet, version 1/) })
  expect((await skills(['vet', 'greet', '--note', 'read it'])).stdout).toMatch(/Version 1 of Greet is vetted: sha256:/)
  expect((await skills([])).stdout).toMatch(/greet +1 +vetted +folder/)

  await place.file('skills/greet/prompt.txt', 'Insult {{name}}')
  expect((await skills(['sync'])).stdout).toMatch(/updated +greet, version 2/)
  const shown = await skills(['show', 'greet'])
  expect(shown.stdout).toMatch(/trust +community[^]*operator: version 1 is vetted\. read it[^]*Insult \{\{name\}\}/)
  expect(document((await skills(['show', 'greet', '--at', '1', '--json'])).stdout)).toMatchObject({
    promptTemplate: 'Greet {{name}}',
  })

  await rm(folder, { recursive: true })
  expect((await skills(['sync'])).stdout).toContain('gone       greet')
  expect((await skills(['remove', 'greet'])).code).toBe(0)
  expect(await skills(['show', 'greet'])).toMatchObject({
    code: 2,
    stderr: expect.stringContaining('There is no skill "greet"'),
  })
}, 120_000)

test('a person finds a skill at the marketplace, and brings its files from an archive', async () => {
  const { place } = await stage()
  const market = await startSkillsMp()
  left.push(() => market.close())
  const settings = { SKILLSMP_BASE_URL: market.url, SKILLSMP_API_KEY: market.key }
  const off = await place.run(['skills', 'search', 'prd'], { SKILLSMP_BASE_URL: market.url })
  expect(off).toMatchObject({ code: 2, stderr: expect.stringContaining('SKILLMP_API_KEY') })
  const found = await place.run(['skills', 'search', 'prd'], settings)
  expect(found.stdout).toContain('https://github.com/somebody/skills/tree/main/prd-writer')
  expect(found.stdout).not.toContain('\u001b[31m')
  const files = { main: { one: { 'SKILL.md': strToU8(GREET) }, two: { 'SKILL.md': strToU8(GREET) } } }
  const archive = await place.file('skills.zip', zipSync(files))
  const several = await place.run(['skills', 'import', archive], settings)
  expect(several).toMatchObject({ code: 2, stderr: expect.stringContaining('main/one/') })
  const args = ['skills', 'import', archive, '--within', 'two', '--skillsmp', 'smp_0', '--pin', '--json']
  expect(document((await place.run(args, settings)).stdout)).toMatchObject({
    outcome: 'added',
    trustLevel: 'community',
  })
  expect((await place.run(['skills', 'list', '--source', 'skillsmp'], settings)).stdout).toMatch(
    /skillsmp:smp_0 +1 +community +import +0 +pinned/,
  )
}, 120_000)
