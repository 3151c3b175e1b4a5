/** What a skill takes and gives: the lists under its headings, or a file of JSON Schema, as one JSON Schema. */
import { z } from 'zod'
import { shown, type Diagnostics } from './diagnostics.ts'

export type JsonSchema = Readonly<Record<string, unknown>>

const DEEPEST = 24
const MOST_NODES = 5_000
const LONGEST_PATTERN = 200
const MOST_FIELDS = 200
const FORBIDDEN = new Set(['__proto__', 'constructor', 'prototype'])

/** A line under a heading: `- name: type (required|optional) - text`. */
const ITEM = /^\s{0,3}[-*+]\s+(?:\*\*|`)*([^\s:`*?()]{1,100})(\?)?(?:\*\*|`)*\s*:\s*(?:\*\*)?\s*(.*)$/
const MARK = /\((required|optional)(?:[^()]{0,100})?\)/i
const FIELD = /^[\p{L}_][\p{L}\p{N}_-]{0,63}$/u

export interface Line {
  /** From 1, in the file. */
  readonly n: number
  readonly text: string
}

/** @param what `Inputs` or `Outputs` */
export function schemaOfLines(
  lines: readonly Line[],
  what: string,
  file: string,
  said: Diagnostics,
): JsonSchema | null {
  const properties = new Map<string, JsonSchema>()
  const required: string[] = []
  for (const { n, text } of lines) {
    if (!/^\s{0,3}[-*+]\s/.test(text)) continue
    const found = text.length > 2_000 ? null : ITEM.exec(text)
    if (found === null) {
      said.warn('NOT_A_FIELD', file, n, `under ${what}: a field is \`- name: type (required|optional) - text\``)
      continue
    }
    const [, name = '', mark, rest = ''] = found
    if (!FIELD.test(name) || FORBIDDEN.has(name)) {
      said.warn('FIELD_NAME', file, n, `under ${what}: \`${shown(name)}\` is no name of a field`)
      continue
    }
    if (properties.has(name)) {
      said.error('FIELD_TWICE', file, n, `under ${what}: \`${name}\` stands there twice`)
      continue
    }
    if (properties.size === MOST_FIELDS) {
      said.error('TOO_MANY_FIELDS', file, n, `under ${what}: at most ${MOST_FIELDS} fields`)
      break
    }
    const { type, description, optional } = partsOf(rest)
    const unknown: string[] = []
    const schema = readType(type, unknown) ?? open(type, unknown)
    if (unknown.length > 0) {
      said.warn(
        'UNKNOWN_TYPE',
        file,
        n,
        `under ${what}: \`${shown(unknown.join(', '))}\` is no type that is known here; any object is taken`,
      )
    }
    properties.set(name, description === '' ? schema : { ...schema, description })
    if (mark !== '?' && !optional) required.push(name)
  }
  if (properties.size === 0) return null
  return { type: 'object', properties: Object.fromEntries(properties), required, additionalProperties: false }
}

function open(type: string, unknown: string[]): JsonSchema {
  unknown.push(type)
  return type.endsWith('[]') ? { type: 'array', items: { type: 'object' } } : { type: 'object' }
}

/** Type, mark and text; the text begins after a dash that stands alone. */
function partsOf(rest: string): { type: string; description: string; optional: boolean } {
  const dash = /\s[-–—]\s/.exec(rest)
  const head = dash === null ? rest : rest.slice(0, dash.index)
  const mark = MARK.exec(head)
  const before = mark === null ? head : head.slice(0, mark.index)
  const after = mark === null ? '' : head.slice(mark.index + mark[0].length)
  const text = [after, dash === null ? '' : rest.slice(dash.index + dash[0].length)].join(' ')
  return {
    type: before.replaceAll(/[`*]/g, '').trim(),
    description: shownWhole(text),
    optional: mark?.[1]?.toLowerCase() === 'optional',
  }
}

const shownWhole = (text: string) => text.replaceAll(/\s+/g, ' ').trim().slice(0, 1_000).toWellFormed()

const PLAIN: Readonly<Record<string, JsonSchema>> = {
  string: { type: 'string' },
  text: { type: 'string' },
  markdown: { type: 'string' },
  number: { type: 'number' },
  float: { type: 'number' },
  integer: { type: 'integer' },
  int: { type: 'integer' },
  boolean: { type: 'boolean' },
  bool: { type: 'boolean' },
  object: { type: 'object' },
  json: {},
  any: {},
  array: { type: 'array' },
  list: { type: 'array' },
}

/** A type as people write it: `string[]`, `{title: string, score?: number}[]`, `"pass" | "fail"`. */
function readType(written: string, unknown: string[], depth = 0): JsonSchema | undefined {
  const text = written.trim()
  if (depth > 6 || text.length > 1_000) return undefined
  if (text.endsWith('[]')) {
    const items = readType(text.slice(0, -2), unknown, depth + 1)
    return items === undefined ? undefined : { type: 'array', items }
  }
  if (Object.hasOwn(PLAIN, text.toLowerCase())) return PLAIN[text.toLowerCase()]
  if (/^\(.*\)$/s.test(text)) return readType(text.slice(1, -1), unknown, depth + 1)
  if (/^\{.*\}$/s.test(text)) return readObject(text.slice(1, -1), unknown, depth)
  const words = split(text, '|')
  const quoted = words?.map((word) => /^(["'])([^"']{1,100})\1$/.exec(word.trim())?.[2])
  if (quoted !== undefined && quoted.length > 0 && quoted.every((word) => word !== undefined)) {
    return { type: 'string', enum: [...new Set(quoted)] }
  }
  // A name of somebody's own: an object of which nothing is known.
  if (/^[\p{L}_][\p{L}\p{N}_.]{0,99}$/u.test(text) && depth > 0) {
    unknown.push(text)
    return { type: 'object' }
  }
  return undefined
}

function readObject(inside: string, unknown: string[], depth: number): JsonSchema | undefined {
  const parts = split(inside, ',')
  if (parts === undefined) return undefined
  const properties = new Map<string, JsonSchema>()
  const required: string[] = []
  for (const part of parts.filter((one) => one.trim() !== '')) {
    const [, name = '', mark, type = ''] = /^\s*([^\s:?]{1,64})(\?)?\s*:(.*)$/s.exec(part) ?? []
    const schema = FIELD.test(name) && !FORBIDDEN.has(name) ? readType(type, unknown, depth + 1) : undefined
    if (schema === undefined || properties.has(name)) return undefined
    properties.set(name, schema)
    if (mark !== '?') required.push(name)
  }
  return { type: 'object', properties: Object.fromEntries(properties), required, additionalProperties: false }
}

/** At a sign that stands in no bracket; undefined where brackets do not match. */
function split(text: string, sign: string): string[] | undefined {
  const parts: string[] = []
  let depth = 0
  let from = 0
  for (let i = 0; i < text.length; i += 1) {
    const letter = text[i] ?? ''
    if ('{(['.includes(letter)) depth += 1
    else if ('})]'.includes(letter)) depth -= 1
    if (depth < 0) return undefined
    if (letter !== sign || depth > 0) continue
    parts.push(text.slice(from, i))
    from = i + 1
  }
  return depth === 0 ? [...parts, text.slice(from)] : undefined
}

/** A file of JSON Schema; whatever cannot be checked later is refused here. */
export function schemaOfFile(text: string, file: string, said: Diagnostics): JsonSchema | null {
  let parsed: unknown
  try {
    parsed = JSON.parse(text)
  } catch (error) {
    const line = /line (\d+)/.exec(error instanceof Error ? error.message : '')?.[1]
    said.error('SCHEMA_NOT_JSON', file, line === undefined ? null : Number(line), 'this is not JSON')
    return null
  }
  if (
    typeof parsed !== 'object' ||
    parsed === null ||
    Array.isArray(parsed) ||
    !('type' in parsed) ||
    parsed.type !== 'object'
  ) {
    said.error('SCHEMA_NOT_OBJECT', file, 1, 'the schema of a skill is one of an object: `"type": "object"`')
    return null
  }
  const fault = faultOf(parsed)
  if (fault !== undefined) {
    said.error('SCHEMA_NOT_TAKEN', file, null, fault)
    return null
  }
  const { $schema: _, ...schema } = parsed as Record<string, unknown>
  try {
    z.fromJSONSchema(schema)
  } catch {
    said.error('SCHEMA_NOT_TAKEN', file, null, 'something in it cannot be checked here')
    return null
  }
  return schema
}

/** A group that repeats and holds a repetition: matching may take for ever. */
const COSTLY = /\([^()]*[*+}][^()]*\)\s*[*+{]|\\[1-9]|\(\?<?[=!]/

function faultOf(schema: object): string | undefined {
  const open: [value: object, depth: number][] = [[schema, 0]]
  let nodes = 0
  for (let next = open.pop(); next !== undefined; next = open.pop()) {
    const [value, depth] = next
    nodes += 1
    if (nodes > MOST_NODES || depth > DEEPEST) return `at most ${MOST_NODES} parts, ${DEEPEST} levels deep`
    for (const [key, inner] of Object.entries(value) as [string, unknown][]) {
      if (FORBIDDEN.has(key)) return `no field may be named ${key}`
      if (key === '$ref' && (typeof inner !== 'string' || !inner.startsWith('#'))) return '`$ref` may lead to `#…` only'
      if (key === 'patternProperties') return '`patternProperties` is not taken'
      if (key === 'pattern' && typeof inner === 'string' && (inner.length > LONGEST_PATTERN || COSTLY.test(inner))) {
        return `a \`pattern\` is short and plain: at most ${LONGEST_PATTERN} characters, no repetition in a repetition`
      }
      if (typeof inner === 'object' && inner !== null) open.push([inner, depth + 1])
    }
  }
  return undefined
}

/** The names of an object's fields; undefined where it says nothing of them. */
export function fieldsOf(schema: JsonSchema | null): readonly string[] | undefined {
  const properties = schema?.['properties']
  return typeof properties === 'object' && properties !== null ? Object.keys(properties) : undefined
}
