/**
 * A definition as a file that can live in git: YAML, or Markdown whose body is
 * the template and whose front matter is everything else.
 */

import { Document } from 'yaml'
import { checkDefinition, invalidDefinition, pathText } from './definition-shape.ts'
import type { Definition, Level } from './definition-shape.ts'
import type { DefinitionProblem } from './definition-checks.ts'
import { openYaml, sourceLimits } from './yaml-source.ts'
import type { Position, YamlSource } from './yaml-source.ts'

export {
  definitionHash,
  definitionLimits,
  definitionSchema,
  definitionSchemaVersion,
  definitionWarnings,
  parseDefinition,
} from './definition-shape.ts'
export type { DecisionLabel, DecisionScale, Definition, Dimension, Followup, Level } from './definition-shape.ts'

export type DefinitionFormat = 'yaml' | 'markdown'

/** By the file's name: `.md` and `.markdown` are Markdown, everything else is YAML. */
export function definitionFormat(file: string): DefinitionFormat {
  return /\.(md|markdown)$/i.test(file) ? 'markdown' : 'yaml'
}

/**
 * Reads a definition from a file's text (at most 1 MiB of UTF-8).
 * @param options.file its name as the reader knows it: starts each cause, and chooses the format
 * @throws Refusal INVALID_DEFINITION; each cause is `file:line:column: path what; remedy`
 */
export function readDefinition(text: string, options: { file: string; format?: DefinitionFormat }): Definition {
  const { definition, problems } = readFile(text, options)
  if (definition !== undefined) return definition
  const { file } = options
  throw invalidDefinition(
    file,
    problems.map(({ position: { line, column }, message, path }) =>
      path === undefined ? `${file}:${line}:${column}: ${message}` : `${file}:${line}:${column}: ${path} ${message}`,
    ),
  )
}

/** What a file holds, and what is wrong with it, in its order. */
interface FileRead {
  /** Plain data; undefined where the file holds none. */
  readonly value?: object
  /** Only where nothing is wrong. */
  readonly definition?: Definition
  readonly problems: readonly FileProblem[]
}

interface FileProblem {
  readonly position: Position
  /** Of the value in the definition; undefined where the file itself is at fault. */
  readonly path?: string
  readonly message: string
}

/** Reads as far as it can. */
export function readFile(text: string, { file, format: given }: { file: string; format?: DefinitionFormat }): FileRead {
  const top: Position = { line: 1, column: 1 }
  const nothing = (position: Position, message: string): FileRead => ({ problems: [{ position, message }] })
  if (text.length > sourceLimits.bytes || Buffer.byteLength(text) > sourceLimits.bytes) {
    return nothing(top, 'the file is larger than 1 MiB; a definition is text, not data')
  }
  const clean = text.startsWith('\uFEFF') ? text.slice(1) : text
  const nul = clean.indexOf('\0')
  if (nul !== -1) return nothing(positionIn(clean, nul), 'the file holds a NUL character; save it as UTF-8 text')
  const format = given ?? definitionFormat(file)
  const parts: FileParts | undefined = format === 'markdown' ? frontMatter(clean) : { yaml: clean }
  if (parts === undefined) return nothing(top, 'the file must start with front matter between two lines of ---')

  const source = openYaml(parts.yaml)
  const found: FileProblem[] = source.problems.map(({ position, message }) => ({
    position,
    message: `the file ${message}`,
  }))
  if (source.value === undefined) return { problems: found }
  if (typeof source.value !== 'object' || source.value === null || Array.isArray(source.value)) {
    const what = Array.isArray(source.value) ? 'a list' : 'a single value'
    const message = `the file must hold keys and values (name:, template:, …), but is ${what}`
    return { problems: [...found, { position: source.positionOf([]), message }] }
  }
  let value: object = source.value
  if (parts.body !== undefined && parts.body.text.trim() !== '') {
    if (Object.hasOwn(value, 'template')) {
      const message = 'template stands in the front matter and in the body; keep one of them'
      found.push({ position: source.positionOfKey([], 'template'), message })
    }
    value = { ...value, template: parts.body.text }
  }
  const checked = checkDefinition(value)
  for (const problem of checked.problems) {
    const position = positionOf(problem, source, clean, parts.body)
    found.push({ position, path: pathText(problem.path), message: problem.message })
  }
  if (checked.definition !== undefined && found.length === 0) {
    return { value, definition: checked.definition, problems: [] }
  }
  found.sort((a, b) => a.position.line - b.position.line || a.position.column - b.position.column)
  return { value, problems: found }
}

/** Writes a definition so that reading it gives the same again.  Ends in a newline. */
export function writeDefinition(definition: Definition, format: DefinitionFormat): string {
  // Markdown gives back newlines as \n only; a template with others is kept exactly in the front matter.
  const inBody = format === 'markdown' && !definition.template.includes('\r')
  const { schemaVersion, name, preamble, preambleAs, template, dimensions, followups, decision, tags } = definition
  const plain = {
    schemaVersion,
    name,
    ...(tags.length === 0 ? {} : { tags }),
    ...(preamble === undefined ? {} : { preamble }),
    ...(preambleAs === 'system' ? {} : { preambleAs }),
    ...(inBody ? {} : { template }),
    ...(dimensions.length === 0
      ? {}
      : {
          dimensions: dimensions.map(({ name, levels }) =>
            isShort(levels)
              ? { name, values: levels.map(({ label }) => label) }
              : { name, levels: levels.map(writeLevel) },
          ),
        }),
    ...(followups.length === 0 ? {} : { followups }),
    ...(decision === undefined
      ? {}
      : {
          decision: {
            ...decision,
            labels: decision.labels.map(({ code, label }) => ({ code: writeCode(code), label })),
          },
        }),
  }
  // Quotes "No" and the like, which other programs' YAML would take for a truth value.
  const yaml = new Document(plain, { aliasDuplicateObjects: false, compat: 'yaml-1.1' }).toString({
    lineWidth: 0,
    blockQuote: 'literal',
    // The library's folding of long quoted texts adds a backslash before some lines.
    doubleQuotedMinMultiLineLength: Number.MAX_SAFE_INTEGER,
  })
  if (format === 'yaml') return yaml
  return inBody ? `---\n${yaml}---\n\n${template}\n` : `---\n${yaml}---\n`
}

function isShort(levels: readonly Level[]): boolean {
  return levels.every(({ score, label, options }, i) => score === i + 1 && options.length === 1 && options[0] === label)
}

function writeLevel({ score, label, options }: Level): object {
  return options.length === 1 && options[0] === label ? { score, label } : { score, label, options }
}

function writeCode(code: string): string | number {
  const number = Number(code)
  return Number.isSafeInteger(number) && String(number) === code ? number : code
}

interface FileParts {
  /** From the file's first character, so that positions in it are positions in the file. */
  readonly yaml: string
  readonly body?: { readonly text: string; readonly offset: number }
}

function frontMatter(text: string): FileParts | undefined {
  const opening = /^---[ \t]*\r?\n/.exec(text)
  if (opening === null) return undefined
  // Not `^` with the flag m: that also begins lines after U+2028, which YAML does not.
  const beforeEnd = opening[0].length - 1
  const closing = /\n---[ \t]*(?:\r?\n|$)/.exec(text.slice(beforeEnd))
  if (closing === null) return undefined
  const end = beforeEnd + closing.index + 1
  let offset = end + closing[0].length - 1
  const blank = /^\r?\n/.exec(text.slice(offset, offset + 2))
  offset += blank?.[0].length ?? 0
  const body = text.slice(offset).replaceAll('\r\n', '\n')
  return { yaml: text.slice(0, end), body: { text: body.endsWith('\n') ? body.slice(0, -1) : body, offset } }
}

function positionOf(
  { path, key, inside }: DefinitionProblem,
  source: YamlSource,
  text: string,
  body: { text: string; offset: number } | undefined,
): Position {
  if (path[0] === 'template' && body !== undefined && body.text.trim() !== '') {
    if (inside === undefined) return positionIn(text, body.offset)
    let offset = text.indexOf(inside.text, body.offset)
    for (let seen = 0; seen < inside.nth; seen++) offset = text.indexOf(inside.text, offset + inside.text.length)
    return positionIn(text, offset)
  }
  if (key !== undefined) return source.positionOfKey(path, key)
  return inside === undefined ? source.positionOf(path) : source.positionInside(path, inside.text, inside.nth)
}

function positionIn(text: string, offset: number): Position {
  const before = text.slice(0, offset)
  const line = before.split('\n').length
  return { line, column: offset - before.lastIndexOf('\n') }
}
