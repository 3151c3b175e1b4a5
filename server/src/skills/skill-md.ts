/**
 * SKILL.md in both its forms, and as both at once: headings (`# Name`, a paragraph,
 * `## Inputs`, `## Outputs`, `## Tags`), and YAML front matter with a body that is free.
 */
import type { Diagnostics } from './diagnostics.ts'
import { shown, withoutControls } from './diagnostics.ts'
import { readFrontMatter, tagsIn, type About } from './front-matter.ts'
import { schemaOfLines, type JsonSchema, type Line } from './io-schema.ts'

const FILE = 'SKILL.md'
/** Bytes. */
export const LARGEST_SKILL_MD = 1024 * 1024
const LONGEST_NAME = 200
const LONGEST_DESCRIPTION = 4_000

export interface SkillMd {
  readonly form: 'headings' | 'agentskills' | 'hybrid'
  readonly name: string
  readonly description: string
  /** The author's word for the version. */
  readonly label: string | null
  readonly tags: readonly string[]
  readonly inputs: JsonSchema | null
  readonly outputs: JsonSchema | null
  /** Without the front matter and the sections that were read as fields and tags. */
  readonly instructions: string
  readonly about: About
}

/**
 * @param folder the name of its folder
 * @returns undefined where there was an error, which is said
 */
export function readSkillMd(given: string, folder: string, said: Diagnostics): SkillMd | undefined {
  const text = given.replace(/^\uFEFF/, '')
  const lines = text.split(/\r\n|\n|\r/).map((line, i): Line => ({ n: i + 1, text: line }))
  const end =
    lines[0]?.text.trimEnd() === '---' ? lines.findIndex(({ n, text }) => n > 1 && /^(---|\.\.\.)\s*$/.test(text)) : 0
  if (end === -1) {
    said.error('FRONT_MATTER_OPEN', FILE, 1, 'the front matter that begins here does not end: a line `---` is missing')
    return undefined
  }
  const front =
    end === 0
      ? undefined
      : readFrontMatter(
          lines
            .slice(1, end)
            .map((line) => line.text)
            .join('\n'),
          2,
          said,
        )
  if (end !== 0 && front === undefined) return undefined
  const body = partsOf(lines.slice(end === 0 ? 0 : end + 1))
  const inputs = body.inputs === undefined ? null : schemaOfLines(body.inputs, 'Inputs', FILE, said)
  const outputs = body.outputs === undefined ? null : schemaOfLines(body.outputs, 'Outputs', FILE, said)
  const tags = [
    ...new Set([
      ...(front?.tags ?? []),
      ...tagsIn((body.tags ?? []).map(({ text }) => text.replace(/^\s*[-*+]\s+/, '')).join(',')),
    ]),
  ]
  const name = nameOf(front?.name, body.title, folder, front !== undefined, said)
  const description = descriptionOf(front?.description?.text, body.paragraph, front !== undefined, said)
  if (name === undefined || description === undefined) return undefined
  const headed = inputs !== null || outputs !== null || body.tags !== undefined
  return {
    form: front === undefined ? 'headings' : headed ? 'hybrid' : 'agentskills',
    name,
    description,
    label: front?.label ?? body.label ?? null,
    tags,
    inputs,
    outputs,
    instructions: instructionsOf(body, { inputs, outputs }),
    about: front?.about ?? {},
  }
}

/** Without the sections that were read; one in which there was no field is a text like any other. */
function instructionsOf(body: Body, read: Readonly<Record<'inputs' | 'outputs', JsonSchema | null>>): string {
  const lines = body.rest.flatMap((one) => {
    if (typeof one === 'string') return [one]
    const isRead = one.part === 'tags' || read[one.part] !== null
    return isRead ? [] : [one.heading, ...(body[one.part] ?? []).map(({ text }) => text)]
  })
  return lines.join('\n').trim()
}

interface Body {
  title: Line | undefined
  /** The first after the title. */
  paragraph: Line | undefined
  label: string | undefined
  inputs: Line[] | undefined
  outputs: Line[] | undefined
  tags: Line[] | undefined
  /** A section stands in it by its name, with its heading. */
  readonly rest: (string | { readonly part: Part; readonly heading: string })[]
}

type Part = 'inputs' | 'outputs' | 'tags'
const SECTIONS: Readonly<Record<string, Part>> = {
  input: 'inputs',
  inputs: 'inputs',
  output: 'outputs',
  outputs: 'outputs',
  tags: 'tags',
}

/** By headings; what stands in a fence of code is none. */
function partsOf(lines: readonly Line[]): Body {
  const body: Body = {
    title: undefined,
    paragraph: undefined,
    label: undefined,
    inputs: undefined,
    outputs: undefined,
    tags: undefined,
    rest: [],
  }
  let fence: string | undefined
  let section: Line[] | undefined
  for (const line of lines) {
    const marks = /^ {0,3}(`{3,}|~{3,})/.exec(line.text)?.[1]
    if (fence === undefined) fence = marks
    else if (marks !== undefined && marks[0] === fence[0] && marks.length >= fence.length && line.text.trim() === marks)
      fence = undefined
    const heading =
      fence === undefined && line.text.length < 1_000 ? /^ {0,3}(#{1,6})[ \t]+(.*?)[ \t]*#*$/.exec(line.text) : null
    if (heading !== null) {
      const [, marks = '', words = ''] = heading
      if (marks === '#' && body.title === undefined) body.title = { n: line.n, text: words }
      const part = marks === '##' ? SECTIONS[words.toLowerCase().replace(/:$/, '')] : undefined
      // The first of a name counts; a second is a text like any other.
      section =
        part !== undefined && body[part] === undefined ? (body[part] = []) : marks.length <= 2 ? undefined : section
      if (section?.length === 0 && part !== undefined) {
        body.rest.push({ part, heading: line.text })
        continue
      }
    }
    if (section !== undefined) {
      section.push(line)
      continue
    }
    body.rest.push(line.text)
    if (heading !== null || fence !== undefined || line.text.trim() === '') continue
    body.paragraph ??= line
    if (body.label === undefined && line.text.length < 200)
      body.label = /^\s*(?:\*\*)?version(?:\*\*)?:\s*(?:\*\*)?\s*(\S{1,40})/i.exec(line.text)?.[1]
  }
  return body
}

const GOOD_NAME = /^[\p{L}\p{N}]+(-[\p{L}\p{N}]+)*$/u

function nameOf(
  given: { text: string; line: number } | undefined,
  title: Line | undefined,
  folder: string,
  fronted: boolean,
  said: Diagnostics,
): string | undefined {
  const line = given?.line ?? title?.n ?? 1
  const titled = title === undefined ? '' : clean(title.text)
  if (given === undefined && fronted) said.warn('NAME_MISSING', FILE, 1, 'the front matter has no `name`')
  if (given === undefined && !fronted && titled === '')
    said.warn('NAME_MISSING', FILE, 1, 'there is no heading `# Name`; the folder’s name is taken')
  const name = (given === undefined ? (titled === '' ? clean(folder) : titled) : clean(given.text)).normalize('NFKC')
  if (name === '') {
    said.error('NAME_MISSING', FILE, line, 'the skill has no name')
    return undefined
  }
  if (name.length > LONGEST_NAME) {
    said.error('NAME_TOO_LONG', FILE, line, `a name has at most ${LONGEST_NAME} characters`)
    return undefined
  }
  if (given === undefined) return name
  if (name.length > 64 || !GOOD_NAME.test(name) || name !== name.toLowerCase()) {
    said.warn(
      'NAME_FORM',
      FILE,
      line,
      'in the open form a name is 1 to 64 lower-case letters, digits and single hyphens',
    )
  }
  if (folder !== '' && name !== folder.normalize('NFKC')) {
    said.warn('NAME_NOT_FOLDER', FILE, line, `in the open form the name is that of the folder, ${shown(folder)}`)
  }
  return name
}

function descriptionOf(
  given: string | undefined,
  paragraph: Line | undefined,
  fronted: boolean,
  said: Diagnostics,
): string | undefined {
  const found = given ?? (paragraph === undefined ? '' : clean(paragraph.text))
  if (given === undefined && fronted && found !== '') {
    said.warn('DESCRIPTION_MISSING', FILE, 1, 'the front matter has no `description`; the first paragraph is taken')
  }
  if (found === '') {
    said.error('DESCRIPTION_MISSING', FILE, 1, 'the skill has no description: what it does, and when to use it')
    return undefined
  }
  if (found.length > LONGEST_DESCRIPTION)
    said.warn('DESCRIPTION_CUT', FILE, paragraph?.n ?? 1, `of a description ${LONGEST_DESCRIPTION} characters are kept`)
  return found.slice(0, LONGEST_DESCRIPTION).toWellFormed()
}

const clean = (text: string) => withoutControls(text).replaceAll(/[*`]/g, '').replaceAll(/\s+/g, ' ').trim()
