/**
 * The YAML at the head of a SKILL.md.  It comes from strangers: no anchors, no tags, no
 * key twice, no dates; what the open form says of its fields is warned of, not insisted on.
 */
import { isAlias, isMap, isNode, isScalar, LineCounter, parseDocument, visit, type Document } from 'yaml'
import { shown, withoutControls, type Diagnostics } from './diagnostics.ts'

/** Bytes, roughly: characters. */
const LONGEST = 64 * 1024
const MOST_NODES = 5_000
const FILE = 'SKILL.md'

export interface About {
  readonly license?: string
  readonly compatibility?: string
  readonly metadata?: Readonly<Record<string, string>>
  readonly allowedTools?: string
}

export interface FrontMatter {
  readonly name: { readonly text: string; readonly line: number } | undefined
  readonly description: { readonly text: string; readonly line: number } | undefined
  readonly label: string | undefined
  readonly tags: readonly string[]
  readonly about: About
}

type Value = { readonly value: unknown; readonly line: number }

/** @param first the line of the file on which the YAML begins */
export function readFrontMatter(text: string, first: number, said: Diagnostics): FrontMatter | undefined {
  if (text.length > LONGEST) {
    said.error('FRONT_MATTER_TOO_LARGE', FILE, 1, `front matter has at most ${LONGEST} characters`)
    return undefined
  }
  const fields = fieldsOf(text, first, said)
  if (fields === undefined) return undefined
  const lineOf = (name: string) => fields.get(name)?.line ?? first
  const word = (name: string): string | undefined => wordOf(fields.get(name), name, said)
  const name = word('name')
  const description = word('description')
  const license = word('license')
  const compatibility = word('compatibility')
  const metadata = metadataOf(fields.get('metadata'), said)
  const allowedTools = allowedOf(fields.get('allowed-tools'), said)
  for (const [key, { line }] of fields) {
    if (!KNOWN.has(key)) {
      said.warn(
        'UNKNOWN_FIELD',
        FILE,
        line,
        `\`${shown(key)}\` is no field of the open form; \`metadata\` is the place for it`,
      )
    }
  }
  if (description !== undefined && description.length > 1_024) {
    said.warn('DESCRIPTION_TOO_LONG', FILE, lineOf('description'), 'a description has at most 1024 characters')
  }
  if (compatibility !== undefined && compatibility.length > 500) {
    said.warn('COMPATIBILITY_TOO_LONG', FILE, lineOf('compatibility'), '`compatibility` has at most 500 characters')
  }
  return {
    name: name === undefined ? undefined : { text: name, line: lineOf('name') },
    description: description === undefined ? undefined : { text: description, line: lineOf('description') },
    label: metadata?.['version'] ?? plainOf(fields.get('version')),
    tags: [...tagsIn(fields.get('tags')?.value), ...tagsIn(metadata?.['tags'])],
    about: {
      ...(license === undefined ? {} : { license }),
      ...(compatibility === undefined ? {} : { compatibility }),
      ...(metadata === undefined ? {} : { metadata }),
      ...(allowedTools === undefined ? {} : { allowedTools }),
    },
  }
}

const KNOWN = new Set(['name', 'description', 'license', 'compatibility', 'metadata', 'allowed-tools'])

/** The fields of the map, or what is wrong; a bare colon in a value is the commonest, and mended. */
function fieldsOf(text: string, first: number, said: Diagnostics): Map<string, Value> | undefined {
  const read = parsed(text)
  if (typeof read === 'string') {
    said.error('INVALID_YAML', FILE, first, read)
    return undefined
  }
  let { document } = read
  let counter = read.counter
  const [fault] = document.errors
  if (fault !== undefined) {
    const line = first + counter.linePos(fault.pos[0]).line - 1
    const mended = quoted(text)
    const again = mended === text ? undefined : parsed(mended)
    if (again === undefined || typeof again === 'string' || again.document.errors.length > 0) {
      said.error('INVALID_YAML', FILE, line, `the front matter is not YAML (${fault.code})`)
      return undefined
    }
    said.warn('COLON_IN_VALUE', FILE, line, 'a value with a colon needs quotes; it was read as if it had them')
    ;({ document, counter } = again)
  }
  const lineAt = (offset: number | undefined) => first + (offset === undefined ? 1 : counter.linePos(offset).line) - 1
  let nodes = 0
  let refused: { line: number; says: string } | undefined
  visit(document, {
    Node(_, node) {
      nodes += 1
      const says =
        isAlias(node) || (isNode(node) && 'anchor' in node && node.anchor !== undefined)
          ? 'anchors and aliases are not taken'
          : node.tag !== undefined
            ? `tags such as \`${shown(node.tag)}\` are not taken`
            : nodes > MOST_NODES
              ? `at most ${MOST_NODES} values`
              : undefined
      if (says === undefined) return undefined
      refused = { line: lineAt(node.range?.[0]), says }
      return visit.BREAK
    },
  })
  if (refused !== undefined) {
    said.error('YAML_NOT_TAKEN', FILE, refused.line, refused.says)
    return undefined
  }
  const { contents } = document
  if (!isMap(contents)) {
    if (contents === null || (isScalar(contents) && contents.value === null)) return new Map()
    said.error('INVALID_YAML', FILE, first, 'front matter is `name: value`, line by line')
    return undefined
  }
  const fields = new Map<string, Value>()
  for (const { key, value } of contents.items) {
    if (!isScalar(key)) continue
    const js = isNode(value) ? (value.toJS(document, { maxAliasCount: 0 }) as unknown) : null
    fields.set(String(key.value), { value: js, line: lineAt(key.range?.[0]) })
  }
  return fields
}

const TOO_DEEP = 'the front matter is nested too deeply'
/** Lists and maps that begin in one another; the library would read them to the end first. */
const DEEP = /(?:(?:[[{]|[-?] )[ \t]*){50}/

function parsed(text: string): { document: Document.Parsed; counter: LineCounter } | string {
  if (DEEP.test(text)) return TOO_DEEP
  const counter = new LineCounter()
  try {
    const document = parseDocument(text, {
      lineCounter: counter,
      schema: 'core',
      version: '1.2',
      merge: false,
      stringKeys: true,
      uniqueKeys: true,
      prettyErrors: false,
      logLevel: 'error',
    })
    return { document, counter }
  } catch {
    // Nesting that is deeper than the stack.
    return TOO_DEEP
  }
}

/** `description: Use when: …` as it was meant. */
function quoted(text: string): string {
  return text
    .split('\n')
    .map((line) => {
      const [, head = '', value = ''] = /^([A-Za-z][\w-]{0,60}:[ \t]+)([^\s"'|>[{&*!#].*)$/.exec(line) ?? []
      return /:(\s|$)/.test(value) ? `${head}${JSON.stringify(value.trim())}` : line
    })
    .join('\n')
}

function wordOf(field: Value | undefined, name: string, said: Diagnostics): string | undefined {
  if (field === undefined || field.value === null) return undefined
  if (typeof field.value === 'string') {
    const text = withoutControls(field.value).trim()
    return text === '' ? undefined : text
  }
  said.warn('NOT_TEXT', FILE, field.line, `\`${name}\` is a text`)
  return plainOf(field)
}

function plainOf(field: Value | undefined): string | undefined {
  const value = field?.value
  if (typeof value !== 'string' && typeof value !== 'number' && typeof value !== 'boolean') return undefined
  return withoutControls(String(value)).trim().slice(0, 1_000) || undefined
}

function metadataOf(field: Value | undefined, said: Diagnostics): Record<string, string> | undefined {
  if (field === undefined || field.value === null) return undefined
  if (typeof field.value !== 'object' || Array.isArray(field.value)) {
    said.warn('NOT_TEXT', FILE, field.line, '`metadata` is a map of texts')
    return undefined
  }
  const entries = Object.entries(field.value)
  if (entries.some(([, value]) => typeof value !== 'string')) {
    said.warn('NOT_TEXT', FILE, field.line, 'every value of `metadata` is a text')
  }
  return Object.fromEntries(
    entries.map(([key, value]) => [key, typeof value === 'string' ? value : (JSON.stringify(value) ?? '')]),
  )
}

function allowedOf(field: Value | undefined, said: Diagnostics): string | undefined {
  if (field !== undefined && Array.isArray(field.value)) {
    said.warn('NOT_TEXT', FILE, field.line, '`allowed-tools` is one text, its words separated by spaces')
    return field.value.map(String).join(' ')
  }
  return wordOf(field, 'allowed-tools', said)
}

const LONGEST_TAG = 50
const MOST_TAGS = 50

/** From a list, or a text with commas. */
export function tagsIn(value: unknown): string[] {
  const words =
    typeof value === 'string' ? value.replace(/^\[(.*)\]$/s, '$1').split(',') : Array.isArray(value) ? value : []
  const tags = words
    .filter((word) => typeof word === 'string' || typeof word === 'number')
    .map((word) => withoutControls(String(word)).replaceAll(/^[\s"'`#]+|[\s"'`]+$/g, ''))
    .filter((tag) => tag !== '' && tag.length <= LONGEST_TAG)
  return [...new Set(tags)].slice(0, MOST_TAGS)
}
