/** SKILL.md in both forms: what is read, what is said of it and at which line, and what strangers try. */
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import fc from 'fast-check'
import { afterAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { lineOf } from './diagnostics.ts'
import { readSkillFolder } from './folder.ts'
import { digestOf, readSkill, type ReadSkill } from './read-skill.ts'

const filesOf = (files: Record<string, string | Buffer>) =>
  new Map(Object.entries(files).map(([path, content]) => [path, Buffer.from(content)]))
const read = (files: Record<string, string | Buffer> | string, folder = 'x'): ReadSkill =>
  readSkill(filesOf(typeof files === 'string' ? { 'SKILL.md': files } : files), folder)
const said = (files: Parameters<typeof read>[0], folder?: string) => read(files, folder).diagnostics.map(lineOf)
const codes = (files: Parameters<typeof read>[0], folder?: string) =>
  read(files, folder).diagnostics.map(({ code, line }) => `${code}:${line}`)

const SEED = `# Analyze Transcript

Extracts key insights from user research transcripts.

## Inputs
- transcript: string (required) - Raw transcript text
- personas: string[] (optional) - Target personas

## Outputs
- summary: string - TL;DR summary
- problems: Problem[] - User problems with quotes
- requests: Request[] - Feature requests

## Tags
research, analysis, transcript
`
const fronted = (yaml: string, body = 'Do it.') => `---\n${yaml}\n---\n${body}\n`

describe('S11: a SKILL.md with headings', () => {
  test('gives name, description, tags and two schemas, and says at which line a type is unknown', () => {
    const { content, diagnostics } = read({ 'SKILL.md': SEED, 'prompt.txt': 'Read {{transcript}}' })
    expect(content).toMatchObject({
      form: 'headings',
      name: 'Analyze Transcript',
      description: 'Extracts key insights from user research transcripts.',
      tags: ['research', 'analysis', 'transcript'],
      promptTemplate: 'Read {{transcript}}',
      inputSchema: {
        type: 'object',
        required: ['transcript'],
        properties: {
          transcript: { type: 'string', description: 'Raw transcript text' },
          personas: { type: 'array', items: { type: 'string' } },
        },
      },
      outputSchema: {
        required: ['summary', 'problems', 'requests'],
        properties: { problems: { type: 'array', items: { type: 'object' } } },
      },
    })
    expect(diagnostics.map(({ code, line }) => [code, line])).toEqual([
      ['UNKNOWN_TYPE', 11],
      ['UNKNOWN_TYPE', 12],
    ])
  })

  test('knows numbers, truths, lists, objects and closed lists of words', () => {
    const { content } = read(`# A\n\nB\n\n## Outputs
- n: integer - n
- f: number[] (optional)
- **ok**: boolean - yes
- \`verdict\`: "pass" | "fail" - which
- rows: {title: string, score?: number, tags: string[]}[] - rows
- any: any
`)
    const schema = content?.outputSchema ?? {}
    const type = z.fromJSONSchema(schema)
    const good = { n: 1, ok: true, verdict: 'pass', rows: [{ title: 'a', tags: ['x'] }], any: [1] }
    expect(type.safeParse(good).success).toBe(true)
    for (const bad of [
      { n: 1.5 },
      { f: ['x'] },
      { ok: 'yes' },
      { verdict: 'maybe' },
      { rows: [{ title: 'a' }] },
      { more: 1 },
    ]) {
      expect([bad, type.safeParse({ ...good, ...bad }).success]).toEqual([bad, false])
    }
  })

  test('says of each line that is no field where it stands', () => {
    expect(
      codes(
        '# A\n\nB\n\n## Inputs\nPlain words are not looked at.\n- no colon here\n- a b: string\n- x: string\n- x: number\n',
      ),
    ).toEqual(['NOT_A_FIELD:7', 'NOT_A_FIELD:8', 'FIELD_TWICE:10'])
    expect(codes('# A\n\nB\n\n## Inputs\n- __proto__: string\n- constructor: string\n')).toEqual([
      'FIELD_NAME:6',
      'FIELD_NAME:7',
    ])
  })

  test('keeps for its prompt a section in which there is no field', () => {
    const { content } = read(
      '# A\n\nB\n\n## Inputs\n\nWhatever is at hand.\n\n## Outputs\n- y: string\n\n## Then\n\nEnd.',
    )
    expect(content?.promptTemplate).toBe(
      '# A\n\nB\n\n## Inputs\n\nWhatever is at hand.\n\n## Then\n\nEnd.\n\n## Input\n\n{{inputs}}\n',
    )
  })

  test('does not take for a heading what stands in code', () => {
    const { content } = read('# A\n\nB\n\n```md\n# Not\n## Inputs\n- x: string\n```\n\n## Outputs\n- y: string\n')
    expect(content).toMatchObject({ name: 'A', inputSchema: null, outputSchema: { required: ['y'] } })
  })
})

describe('S11: a SKILL.md of the open form', () => {
  test('gives what its front matter says, and its body as the prompt', () => {
    const { content, diagnostics } = read(
      fronted(
        'name: pdf-tools\ndescription: Works with PDFs. Use it for forms.\nlicense: MIT\ncompatibility: needs python\nmetadata:\n  version: "2.1"\n  tags: pdf, forms\nallowed-tools: Read Bash(git:*)',
        '# PDF\n\nUse {{ tool }} so.',
      ),
      'pdf-tools',
    )
    expect(content).toMatchObject({
      form: 'agentskills',
      name: 'pdf-tools',
      description: 'Works with PDFs. Use it for forms.',
      label: '2.1',
      tags: ['pdf', 'forms'],
      inputSchema: null,
      outputSchema: null,
      promptTemplate: '# PDF\n\nUse \\{{ tool }} so.\n\n## Input\n\n{{inputs}}\n',
      about: { license: 'MIT', compatibility: 'needs python', allowedTools: 'Read Bash(git:*)' },
    })
    expect(diagnostics).toMatchObject([{ code: 'BRACES_ARE_TEXT', line: 13 }])
  })

  test('may have the headings too', () => {
    const { content, diagnostics } = read(
      fronted('name: x\ndescription: y', SEED.replace(/Problem|Request/g, 'string')),
    )
    expect(content).toMatchObject({
      form: 'hybrid',
      name: 'x',
      description: 'y',
      tags: ['research', 'analysis', 'transcript'],
    })
    expect(diagnostics).toEqual([])
  })

  test('says an exact schema in a file, by its name or where the metadata says', () => {
    const schema = JSON.stringify({
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: { score: { type: 'integer', minimum: 0, maximum: 100 } },
      required: ['score'],
    })
    const head = fronted('name: x\ndescription: y\nmetadata:\n  input-schema: assets/in.json')
    const { content } = read({ 'SKILL.md': head, 'output.schema.json': schema, 'assets/in.json': schema })
    expect(content?.outputSchema).toMatchObject({ properties: { score: { maximum: 100 } } })
    expect(content?.inputSchema).toEqual(content?.outputSchema)
    expect(codes({ 'SKILL.md': head })).toEqual(['SCHEMA_MISSING:5'])
    expect(codes({ 'SKILL.md': head.replace('assets/in.json', '../../etc/passwd') })).toEqual(['SCHEMA_MISSING:5'])
  })

  test.each([
    ['{"type":"object",', 'SCHEMA_NOT_JSON'],
    ['[]', 'SCHEMA_NOT_OBJECT'],
    ['{"type":"string"}', 'SCHEMA_NOT_OBJECT'],
    ['{"type":"object","properties":{"a":{"$ref":"https://example.org/x"}}}', 'SCHEMA_NOT_TAKEN'],
    ['{"type":"object","properties":{"a":{"type":"string","pattern":"^(a+)+$"}}}', 'SCHEMA_NOT_TAKEN'],
    ['{"type":"object","properties":{"a":{"not":{"type":"string"}}}}', 'SCHEMA_NOT_TAKEN'],
    [`{"type":"object","properties":${'{"a":{"properties":'.repeat(40)}{}${'}}'.repeat(40)}}`, 'SCHEMA_NOT_TAKEN'],
  ])('does not take the schema %s', (schema, code) => {
    expect(
      read({ 'SKILL.md': fronted('name: x\ndescription: y'), 'output.schema.json': schema }).diagnostics.map(
        (one) => one.code,
      ),
    ).toEqual([code])
  })

  test.each([
    ['name: Bad Name\ndescription: y', ['NAME_FORM:2', 'NAME_NOT_FOLDER:2']],
    ['description: y', ['NAME_MISSING:1']],
    ['name: x', ['DESCRIPTION_MISSING:1']],
    ['name: x\ndescription: y\nversion: 1\nauthor: me', ['UNKNOWN_FIELD:4', 'UNKNOWN_FIELD:5']],
    ['name: x\ndescription: Use when: now', ['COLON_IN_VALUE:3']],
    ['name: x\ndescription: y\nallowed-tools: [Read, Bash]', ['NOT_TEXT:4']],
    ['name: x\ndescription: y\nmetadata:\n  n: 1', ['NOT_TEXT:4']],
    [`name: x\ndescription: ${'y'.repeat(1100)}`, ['DESCRIPTION_TOO_LONG:3']],
    ['name: 7\ndescription: y', ['NOT_TEXT:2', 'NAME_NOT_FOLDER:2']],
  ])('warns of %j', (yaml, wanted) => {
    const { content, diagnostics } = read(fronted(yaml))
    expect(diagnostics.map(({ code, line }) => `${code}:${line}`)).toEqual(wanted)
    expect(content === undefined).toBe(wanted.includes('NEVER'))
  })
})

describe('bad input: a SKILL.md', () => {
  test.each([
    ['an alias', 'name: &a x\ndescription: *a', 'YAML_NOT_TAKEN:2'],
    ['a bomb of aliases', 'a: &a [x,x]\nb: &b [*a,*a]\nname: x\ndescription: y', 'YAML_NOT_TAKEN:2'],
    ['a tag', 'name: !!js/function "x"\ndescription: y', 'YAML_NOT_TAKEN:2'],
    ['a tag on a map', 'name: x\ndescription: y\nmetadata: !!js/undefined {}', 'YAML_NOT_TAKEN:4'],
    ['a key twice', 'name: x\nname: z\ndescription: y', 'INVALID_YAML:3'],
    ['a list', '- name: x', 'INVALID_YAML:2'],
    ['nesting without end', `name: ${'['.repeat(30_000)}`, 'INVALID_YAML:2'],
    ['another document', 'name: x\ndescription: y\n--- !x\na: b', 'INVALID_YAML:4'],
  ])('with %s is refused at its line', (_, yaml, wanted) => {
    const { content, diagnostics } = read(fronted(yaml))
    expect(content).toBeUndefined()
    expect(diagnostics.map(({ code, line }) => `${code}:${line}`)).toContain(wanted)
  })

  test('keeps a date and other words of YAML as they are written', () => {
    const { content } = read(fronted('name: x\ndescription: 2024-01-01\nmetadata:\n  on: yes\n  at: 2024-01-01'))
    expect(content).toMatchObject({ description: '2024-01-01', about: { metadata: { on: 'yes', at: '2024-01-01' } } })
  })

  test('with Windows’ line ends, a mark at its head and no last line end is read the same', () => {
    const plain = read(SEED)
    for (const text of [SEED.replaceAll('\n', '\r\n'), `\uFEFF${SEED}`, SEED.trimEnd()]) {
      const { content, diagnostics } = read(text)
      expect({ ...content, digest: 0, files: 0 }).toEqual({ ...plain.content, digest: 0, files: 0 })
      expect(diagnostics).toEqual(plain.diagnostics)
    }
    expect(read(`\uFEFF${fronted('name: x\ndescription: y').replaceAll('\n', '\r\n')}`).content?.name).toBe('x')
  })

  test('may have a name in any script, and none that moves a cursor or turns the reading', () => {
    expect(read(fronted('name: データ分析\ndescription: y'), 'データ分析').diagnostics).toEqual([])
    expect(read('# \u001b[31mRed\u202e name\n\nB').content?.name).toBe('[31mRed name')
  })

  test('that is no text, or too large, is refused without being read', () => {
    expect(said({ 'SKILL.md': Buffer.from([0x23, 0x20, 0xff]) })).toEqual([
      'SKILL.md: error NOT_UTF8: it is not a text in UTF-8',
    ])
    expect(codes({ 'SKILL.md': '# a\0\n\nb' })).toEqual(['NOT_UTF8:null'])
    expect(codes({ 'SKILL.md': Buffer.alloc(2 * 1024 * 1024, 'a') })).toEqual(['FILE_TOO_LARGE:null'])
    expect(codes({ 'README.md': 'x' })).toEqual(['SKILL_MD_MISSING:null'])
    expect(codes('---\nname: x\n')).toEqual(['FRONT_MATTER_OPEN:1'])
    expect(codes('')).toEqual(['NAME_MISSING:1', 'DESCRIPTION_MISSING:1'])
  })

  test('whose prompt names a secret, an unknown or an optional variable is told so at the line', () => {
    const prompt = (text: string) =>
      codes({ 'SKILL.md': SEED.replace(/(Problem|Request)\[\]/g, 'string'), 'prompt.txt': text })
    expect(prompt('a\n{{transcrpt}}')).toEqual(['UNKNOWN_VARIABLE:2'])
    expect(prompt('{{env.HOME}}')).toEqual(['SECRET_VARIABLE:1'])
    expect(prompt('{{transcript}}\n\n{{OPENAI_API_KEY}}')).toEqual(['SECRET_VARIABLE:3'])
    expect(prompt('{{personas}}')).toEqual(['OPTIONAL_VARIABLE:1'])
    expect(prompt('{{#personas}}{{.}}{{/personas}}{{transcript}}{{inputs}}')).toEqual([])
    expect(prompt('{{>file}}')).toEqual(['TEMPLATE:1'])
    expect(prompt(' ')).toEqual(['PROMPT_EMPTY:1'])
  })

  test('whose document names what the outputs have not is told so', () => {
    const skill = (template: string) => ({
      'SKILL.md': '# A\n\nB\n\n## Outputs\n- rows: {title: string}[] - r\n',
      'templates/a.md': template,
    })
    expect(codes(skill('{{#rows}}- {{title}}\n{{/rows}}'))).toEqual([])
    expect(codes(skill('{{#rows}}\n- {{titel}}\n{{/rows}}'))).toEqual(['UNKNOWN_VARIABLE:2'])
    expect(read(skill('{{#rows}}x{{/rows}}')).content?.templates).toEqual({ 'templates/a.md': '{{#rows}}x{{/rows}}' })
  })

  test('with two files that are one name elsewhere is refused', () => {
    expect(codes({ 'SKILL.md': SEED, 'a.md': '', 'A.md': '' })).toContain('PATH_TWICE:null')
    expect(codes({ 'SKILL.md': SEED, 'e\u0301.md': '', '\u00e9.md': '' })).toContain('PATH_TWICE:null')
    expect(codes({ 'SKILL.md': SEED, '../a': '' })).toContain('PATH_NOT_TAKEN:null')
  })
})

describe('the digest', () => {
  test('is that of all files, in whatever order they come, and of each byte of them', () => {
    fc.assert(
      fc.property(
        fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), fc.string(), { minKeys: 1, maxKeys: 6 }),
        fc.nat(),
        (files, n) => {
          const all = Object.entries({ ...files, 'SKILL.md': '# A\n\nB' })
          const digest = read(Object.fromEntries(all)).content?.digest
          expect(digest).toMatch(/^sha256:/)
          expect(read(Object.fromEntries(all.toReversed())).content?.digest).toBe(digest)
          const [path = '', text = ''] = all[n % all.length] ?? []
          expect(read(Object.fromEntries([...all, [path, `${text}x`]])).content?.digest).not.toBe(digest)
          expect(read(Object.fromEntries([...all, ['zz/z', '']])).content?.digest).not.toBe(digest)
        },
      ),
    )
    expect(digestOf([])).toMatch(/^sha256:/)
  })
})

describe('whatever text there is', () => {
  const piece = fc.oneof(
    fc.string(),
    fc.constantFrom(
      '---\n',
      '# A\n',
      '## Inputs\n',
      '## Outputs\n',
      '- x: string',
      '- y: {a: b[]}[]',
      'name: ',
      'description: |\n',
      ': ',
      '\n',
      '&a',
      '*a',
      '!!x',
      '[',
      '{',
      '{{',
      '}}',
      '```\n',
      '"',
      "'",
    ),
  )
  test('reading it ends, with a skill or with an error that has a line', () => {
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), fc.boolean(), (parts, yaml) => {
        const { content, diagnostics } = read(`${yaml ? '---\n' : ''}${parts.join('')}`)
        expect(content === undefined).toBe(diagnostics.some((one) => one.severity === 'error'))
        for (const schema of [content?.inputSchema, content?.outputSchema]) if (schema) z.fromJSONSchema(schema)
        expect(JSON.stringify(content ?? {})).not.toContain('\\u0000')
      }),
      { numRuns: 400 },
    )
  })
})

describe('a folder', () => {
  let place = ''
  afterAll(() => rm(place, { recursive: true, force: true }))
  const folderOf = async (files: Record<string, string | Buffer>) => {
    place = place === '' ? await mkdtemp(join(tmpdir(), 'skill-')) : place
    const folder = await mkdtemp(join(place, 'x'))
    for (const [path, text] of Object.entries(files)) {
      await mkdir(dirname(join(folder, path)), { recursive: true })
      await writeFile(join(folder, path), text)
    }
    return folder
  }

  test('is read with all that lies below it, and what systems leave lying about is not', async () => {
    const folder = await folderOf({ 'SKILL.md': SEED, 'scripts/a/b.py': 'x', '.DS_Store': 'y', '.git/HEAD': 'z' })
    const { content } = await readSkillFolder(folder)
    expect(content?.files.map((one) => one.path).toSorted()).toEqual(['SKILL.md', 'scripts/a/b.py'])
  })

  test('with a link anywhere is refused, wherever it leads', async () => {
    const folder = await folderOf({ 'SKILL.md': SEED, 'a/b.md': 'x' })
    await symlink('b.md', join(folder, 'a', 'c.md'))
    await symlink(tmpdir(), join(folder, 'd'))
    expect((await readSkillFolder(folder)).diagnostics.map(lineOf)).toEqual([
      'a/c.md: error LINK: links are not followed',
      'd: error LINK: links are not followed',
    ])
  })

  test('with a SKILL.md of 20 MB is refused at once', async () => {
    const folder = await folderOf({ 'SKILL.md': Buffer.alloc(20 * 1024 * 1024, 'a') })
    expect((await readSkillFolder(folder)).diagnostics).toMatchObject([{ code: 'FILE_TOO_LARGE', file: 'SKILL.md' }])
  })
})

describe('the skills of the world', () => {
  const corpus = process.env['SKILL_CORPUS_DIR']

  /** Every folder below with a SKILL.md. */
  async function skillsBelow(root: string): Promise<string[]> {
    const entries = await readdir(root, { recursive: true, withFileTypes: true })
    return entries.filter((entry) => entry.isFile() && entry.name === 'SKILL.md').map((entry) => entry.parentPath)
  }

  test('are read, nearly all of them, and what is refused has a reason', async ({ skip }) => {
    if (corpus === undefined) {
      skip('SKILL_CORPUS_DIR names no folder of skills')
      return
    }
    const folders = await skillsBelow(corpus)
    const counts: Record<string, number> = {}
    let usable = 0
    for (const folder of folders) {
      const { content, diagnostics } = await readSkillFolder(folder)
      if (content !== undefined) usable += 1
      else expect(diagnostics.some((one) => one.severity === 'error')).toBe(true)
      for (const code of new Set(diagnostics.map((one) => `${one.severity} ${one.code}`)))
        counts[code] = (counts[code] ?? 0) + 1
    }
    console.log(`${usable} of ${folders.length} skills are usable`, counts)
    expect(usable / Math.max(1, folders.length)).toBeGreaterThan(0.95)
  }, 600_000)
})
