/** A skill from its files: what it is, what is wrong with it, and the digest of all of them. */
import { createHash } from 'node:crypto'
import { Diagnostics, shown, type Diagnostic } from './diagnostics.ts'
import type { About } from './front-matter.ts'
import { fieldsOf, schemaOfFile, type JsonSchema } from './io-schema.ts'
import { LARGEST_SKILL_MD, readSkillMd, type SkillMd } from './skill-md.ts'
import { ALL, literally, readTemplate, type TemplateName } from './template.ts'

/** As the extension for skills over MCP has them. */
export const MOST_FILES = 512
/** Bytes. */
export const LARGEST_SKILL = 16 * 1024 * 1024

const SKILL_MD = 'SKILL.md'
const PROMPT = 'prompt.txt'
const LARGEST_SCHEMA = 256 * 1024
const LONGEST_PATH = 300

export type Files = ReadonlyMap<string, Buffer>

export interface SkillFile {
  readonly path: string
  readonly size: number
  /** `sha256:…` */
  readonly digest: string
}

export interface SkillContent {
  readonly digest: string
  readonly form: SkillMd['form']
  readonly name: string
  readonly description: string
  /** The author's word for the version. */
  readonly label: string | null
  readonly tags: readonly string[]
  readonly promptTemplate: string
  readonly templates: Readonly<Record<string, string>>
  readonly inputSchema: JsonSchema | null
  readonly outputSchema: JsonSchema | null
  readonly about: About
  readonly files: readonly SkillFile[]
  readonly diagnostics: readonly Diagnostic[]
}

export interface ReadSkill {
  /** Not there where one of the diagnostics is an error. */
  readonly content?: SkillContent
  readonly diagnostics: readonly Diagnostic[]
}

/** @param folder the name of its folder; '' where it has none */
export function readSkill(files: Files, folder: string, said: Diagnostics = new Diagnostics()): ReadSkill {
  const kept = pathsOf(files, said)
  const markdown = textAt(files, SKILL_MD, LARGEST_SKILL_MD, said, 'SKILL_MD_MISSING')
  const read = markdown === undefined ? undefined : readSkillMd(markdown, folder, said)
  if (read !== undefined) {
    const inputSchema = schemaAt(files, 'input', read, said)
    const outputSchema = schemaAt(files, 'output', read, said)
    const promptTemplate = promptOf(files, read, inputSchema, said)
    const templates = templatesOf(files, inputSchema, outputSchema, said)
    if (!said.failed) {
      const { form, name, description, label, tags, about } = read
      const content = {
        form,
        name,
        description,
        label,
        tags,
        about,
        promptTemplate,
        templates,
        inputSchema,
        outputSchema,
      }
      const diagnostics = said.all
      return { content: { ...content, digest: digestOf(kept), files: kept, diagnostics }, diagnostics }
    }
  }
  return { diagnostics: said.all }
}

/** Over every file: its digest and its path, sorted by path. */
export function digestOf(files: readonly SkillFile[]): string {
  const hash = createHash('sha256')
  for (const { path, digest } of files.toSorted((a, b) => (a.path < b.path ? -1 : 1)))
    hash.update(`${digest} ${path}\n`)
  return `sha256:${hash.digest('hex')}`
}

/** Names are the same in every file system: composed, and not two that differ in case alone. */
function pathsOf(files: Files, said: Diagnostics): SkillFile[] {
  const seen = new Map<string, string>()
  let bytes = 0
  const kept: SkillFile[] = []
  for (const [given, content] of files) {
    const path = given.normalize('NFC')
    const folded = path.toLowerCase()
    const other = seen.get(folded)
    if (other !== undefined) said.error('PATH_TWICE', shown(given), null, `${shown(other)} is the same name elsewhere`)
    seen.set(folded, given)
    if (!isPath(path))
      said.error('PATH_NOT_TAKEN', shown(given), null, 'a path holds names and slashes, and no control characters')
    bytes += content.length
    kept.push({ path, size: content.length, digest: `sha256:${createHash('sha256').update(content).digest('hex')}` })
  }
  if (files.size > MOST_FILES) said.error('TOO_MANY_FILES', '', null, `a skill has at most ${MOST_FILES} files`)
  if (bytes > LARGEST_SKILL)
    said.error('SKILL_TOO_LARGE', '', null, `the files of a skill have at most ${LARGEST_SKILL} bytes`)
  return kept
}

/** Below its folder, whatever the file system. */
export function isPath(path: string): boolean {
  if (path.length > LONGEST_PATH || !path.isWellFormed() || /[\p{Cc}\p{Bidi_Control}\\]|^[A-Za-z]:/u.test(path))
    return false
  return path.split('/').every((name) => name !== '' && name !== '.' && name !== '..')
}

function textAt(files: Files, path: string, most: number, said: Diagnostics, missing?: string): string | undefined {
  const bytes = files.get(path)
  if (bytes === undefined) {
    if (missing !== undefined) said.error(missing, path, null, `there is no ${shown(path)} here`)
    return undefined
  }
  if (bytes.length > most) {
    said.error('FILE_TOO_LARGE', path, null, `it has ${bytes.length} bytes; ${most} are allowed`)
    return undefined
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    if (!text.includes('\0')) return text
  } catch {
    // Said below.
  }
  said.error('NOT_UTF8', path, null, 'it is not a text in UTF-8')
  return undefined
}

/** Of the first line of SKILL.md that holds it. */
function lineWith(files: Files, text: string): number | null {
  const before = files.get(SKILL_MD)?.toString('utf8').split(text)
  return before === undefined || before.length < 2 ? null : (before[0] ?? '').split(/\r\n|\n|\r/).length
}

/** A file that the metadata names, or that is named so; then what the headings say. */
function schemaAt(files: Files, side: 'input' | 'output', read: SkillMd, said: Diagnostics): JsonSchema | null {
  const headed = side === 'input' ? read.inputs : read.outputs
  const named = read.about.metadata?.[`${side}-schema`]
  const path = named ?? `${side}.schema.json`
  if (named !== undefined && !files.has(named)) {
    said.error(
      'SCHEMA_MISSING',
      SKILL_MD,
      lineWith(files, `${side}-schema:`),
      `\`metadata.${side}-schema\` names ${shown(named)}, which is not there`,
    )
    return null
  }
  if (!files.has(path)) return headed
  const text = textAt(files, path, LARGEST_SCHEMA, said)
  const schema = text === undefined ? null : schemaOfFile(text, path, said)
  const fields = fieldsOf(schema)
  const lost = (fieldsOf(headed) ?? []).filter((name) => fields !== undefined && !fields.includes(name))
  if (lost.length > 0) {
    said.warn('HEADINGS_DIFFER', SKILL_MD, null, `${path} counts; it has no ${shown(lost.join(', '))}`)
  }
  return schema
}

/** `prompt.txt`; without it the instructions, in which braces that name no input are text. */
function promptOf(files: Files, { instructions }: SkillMd, inputs: JsonSchema | null, said: Diagnostics): string {
  if (files.has(PROMPT)) {
    const text = textAt(files, PROMPT, 1024 * 1024, said)
      ?.replace(/^\uFEFF/, '')
      .replaceAll(/\r\n?/g, '\n')
    if (text !== undefined && text.trim() === '') said.error('PROMPT_EMPTY', PROMPT, 1, 'the prompt is empty')
    if (text !== undefined) checkTemplate(text, PROMPT, [inputs ?? NOTHING], said)
    return text ?? ''
  }
  const { names, faults } = readTemplate(instructions)
  const unknown = names.find((one) => !isKnown(one, [inputs ?? NOTHING]))
  const isTemplate = faults.length === 0 && unknown === undefined
  if (!isTemplate) {
    said.warn(
      'BRACES_ARE_TEXT',
      SKILL_MD,
      lineWith(files, '{{'),
      'braces in the instructions are taken as text: not all of them name an input',
    )
  }
  const text = isTemplate ? instructions : literally(instructions)
  return isTemplate && names.length > 0 ? text : `${text}\n\n## Input\n\n{{${ALL}}}\n`
}

/** Documents that are made of the outputs; without outputs they are files like others. */
function templatesOf(
  files: Files,
  inputs: JsonSchema | null,
  outputs: JsonSchema | null,
  said: Diagnostics,
): Record<string, string> {
  const templates: [string, string][] = []
  if (outputs === null) return {}
  for (const path of [...files.keys()].toSorted()) {
    if (!/^templates\/.+\.(md|txt|json|html|csv|ya?ml)$/.test(path)) continue
    const text = textAt(files, path, 1024 * 1024, said)
    if (text === undefined) continue
    checkTemplate(text, path, ITEM.test(path) ? itemsIn(outputs) : [outputs, inputs ?? NOTHING], said)
    templates.push([path, text])
  }
  return Object.fromEntries(templates)
}

/** `templates/hypotheses/item.md` is filled with one item of a list at a time. */
const ITEM = /\/item\.[a-z]+$/

function itemsIn(outputs: JsonSchema): JsonSchema[] {
  const fields = Object.values((outputs['properties'] ?? {}) as Record<string, JsonSchema>)
  return [NUMBERED, ...fields.filter((field) => field['type'] === 'array').map(itemOf)]
}

/** The place of an item in its list, and the item itself where it is no object. */
const NUMBERED: JsonSchema = {
  type: 'object',
  properties: { number: { type: 'integer' }, value: {} },
  required: ['number', 'value'],
  additionalProperties: false,
}
const NOTHING: JsonSchema = { type: 'object', properties: {}, additionalProperties: false }
/** A skill is given no secrets; a name that asks for one is a mistake or worse. */
const SECRET =
  /(^|[._])(env|environ|process|secrets?|credentials?)([._]|$)|api_?key|access_?key|access_?token|auth_?token|password|passwd|private_?key/i

function checkTemplate(text: string, file: string, schemas: readonly JsonSchema[], said: Diagnostics): void {
  const { names, faults } = readTemplate(text)
  for (const { line, message } of faults) said.error('TEMPLATE', file, line, message)
  for (const one of names) {
    const { name, line, kind, within } = one
    if (SECRET.test(name))
      said.error('SECRET_VARIABLE', file, line, `\`${shown(name)}\` asks for a secret; a skill is given none`)
    else if (!isKnown(one, schemas)) {
      said.error('UNKNOWN_VARIABLE', file, line, `\`${shown(name)}\` is no field of this skill; \`\\{{\` is two braces`)
    } else if (kind === 'value' && !within.includes(name) && isOptional(name, schemas)) {
      said.warn(
        'OPTIONAL_VARIABLE',
        file,
        line,
        `\`${shown(name)}\` is optional: put it between \`{{#${shown(name)}}}\` and \`{{/${shown(name)}}}\``,
      )
    }
  }
}

function isKnown({ name, within }: TemplateName, schemas: readonly JsonSchema[]): boolean {
  const contexts = [...schemas]
  for (const section of within) {
    const found = reach(section, contexts)
    if (found !== undefined) contexts.push(itemOf(found))
  }
  return name === '.' ? within.length > 0 : name === ALL || reach(name, contexts) !== undefined
}

/** Of a list, what is in it. */
const itemOf = (schema: JsonSchema): JsonSchema =>
  schema['type'] === 'array' ? ((schema['items'] as JsonSchema | undefined) ?? {}) : schema

function reach(name: string, contexts: readonly JsonSchema[]): JsonSchema | undefined {
  if (name === '.') return contexts.at(-1)
  const [first = '', ...rest] = name.split('.')
  let found: JsonSchema | undefined
  for (const context of contexts) found = fieldAt(context, first) ?? found
  for (const step of rest) found = found === undefined ? undefined : fieldAt(found, step)
  return found
}

/** Undefined where the schema says that there is no such field; of an open object everything is a field. */
function fieldAt(schema: JsonSchema, name: string): JsonSchema | undefined {
  const { type, properties, additionalProperties } = schema as {
    type?: unknown
    properties?: Record<string, JsonSchema>
    additionalProperties?: unknown
  }
  if (properties !== undefined && Object.hasOwn(properties, name)) return properties[name]
  if (type !== undefined && type !== 'object') return undefined
  return properties === undefined && additionalProperties !== false ? {} : undefined
}

function isOptional(name: string, schemas: readonly JsonSchema[]): boolean {
  const holder = schemas.find((one) => fieldsOf(one)?.includes(name))
  const required = holder?.['required']
  return holder !== undefined && !(Array.isArray(required) && required.includes(name))
}
