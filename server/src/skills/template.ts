/**
 * Templates of prompts and documents: Mustache's `{{name}}`, sections `{{#name}}…{{/name}}`,
 * inverted ones and comments, and nothing that runs: no lambdas, no partials, no other
 * delimiters, no escaping for HTML.  `\{{` is two braces.  The library reads a template;
 * looking up is ours, because its own look-up reaches what every object inherits.
 */
import { Refusal } from '@millrace/engine'
import mustache from 'mustache'

/** Characters. */
export const LONGEST_TEMPLATE = 256 * 1024
const LONGEST_TAG = 200
const LONGEST_COMMENT = 4_000
/** Characters of what comes out; sections in sections multiply. */
const LONGEST_TEXT = 8 * 1024 * 1024
/** Parts that are walked; a section may be of nothing. */
const MOST_STEPS = 2_000_000
const DEEPEST = 20

const NAME = /^[\p{L}_][\p{L}\p{N}_-]{0,99}(\.[\p{L}_][\p{L}\p{N}_-]{0,99}){0,8}$/u
/** Stands for `\{{` while the library reads; no text that PostgreSQL or a person has means it. */
const BRACES = '\u{F8000}'

/** All the variables at once, as JSON: what a prompt says that names none of them. */
export const ALL = 'inputs'

export interface TemplateFault {
  /** From 1. */
  readonly line: number
  readonly message: string
}

type Kind = 'value' | 'section' | 'inverted'
export interface TemplateName {
  readonly name: string
  readonly line: number
  readonly kind: Kind
  /** The names of the sections around it that are not inverted, the outermost first. */
  readonly within: readonly string[]
}

export interface TemplateRead {
  readonly names: readonly TemplateName[]
  readonly faults: readonly TemplateFault[]
}

const KINDS: Readonly<Record<string, Kind>> = { '#': 'section', '^': 'inverted' }

/** The names that a template uses, and what is wrong with it; never throws. */
export function readTemplate(template: string): TemplateRead {
  const names: TemplateName[] = []
  const faults: TemplateFault[] = []
  if (template.length > LONGEST_TEMPLATE) {
    return { names, faults: [{ line: 1, message: `a template has at most ${LONGEST_TEMPLATE} characters` }] }
  }
  const open: { name: string; line: number; kind: Kind }[] = []
  let line = 1
  let at = 0
  let newline = template.indexOf('\n')
  const move = (to: number) => {
    for (; newline !== -1 && newline < to; newline = template.indexOf('\n', newline + 1)) line += 1
    at = to
  }
  for (let start = template.indexOf('{{'); start !== -1; start = template.indexOf('{{', at)) {
    move(start)
    if (template[start - 1] === '\\') {
      move(start + 2)
      continue
    }
    const end = template.indexOf('}}', start + 2)
    const three = template[start + 2] === '{' && template[end + 2] === '}' ? 1 : 0
    const inside = end === -1 ? undefined : template.slice(start + 2, end + three)
    const most = inside?.startsWith('!') === true ? LONGEST_COMMENT : LONGEST_TAG
    if (inside === undefined || inside.length > most) {
      faults.push({ line, message: '`{{` is not closed; `\\{{` is two braces' })
      return { names, faults }
    }
    const sign = /^[#^/&{!=>]/.exec(inside)?.[0] ?? ''
    const name = inside.slice(sign.length, sign === '{' ? -1 : undefined).trim()
    const here = line
    move(end + 2 + three)
    if (sign === '!') continue
    if (sign === '=' || sign === '>') {
      faults.push({ line: here, message: sign === '=' ? 'other delimiters are not taken' : 'partials are not taken' })
    } else if ((inside.startsWith('{') && !inside.endsWith('}')) || !(name === '.' || NAME.test(name))) {
      faults.push({ line: here, message: 'what stands in `{{ }}` is no name; `\\{{` is two braces' })
    } else if (sign === '/') {
      const last = open.pop()
      if (last?.name !== name) {
        faults.push({ line: here, message: `\`{{/${name}}}\` closes no section that is open here` })
        return { names, faults }
      }
    } else {
      const kind = KINDS[sign] ?? 'value'
      const within = open.flatMap((one) => (one.kind === 'section' ? [one.name] : []))
      names.push({ name, line: here, kind, within })
      if (kind !== 'value') open.push({ name, line: here, kind })
      if (open.length > DEEPEST) {
        faults.push({ line: here, message: `at most ${DEEPEST} sections may lie in one another` })
        return { names, faults }
      }
    }
  }
  for (const { name, line } of open) faults.push({ line, message: `the section \`{{#${name}}}\` is not closed` })
  return { names, faults }
}

/** A text in which no brace means anything. */
export const literally = (text: string): string => text.replaceAll('{{', '\\{{')

type Token = [type: string, value: string, start: number, end: number, inner?: Token[]]

/**
 * The text.  Texts and numbers stand as they are, everything else as JSON; `null`
 * and what is not there is missing.  A section of something that is missing, false
 * or empty is left out.  No value is read as a template.
 * @throws Refusal INVALID_TEMPLATE; MISSING_VARIABLE with the names as causes; PROMPT_TOO_LARGE
 */
export function renderPrompt(template: string, variables: Readonly<Record<string, unknown>>): string {
  const { faults } = readTemplate(template)
  if (faults.length > 0) {
    throw new Refusal('INVALID_TEMPLATE', 'The template cannot be used.', {
      causes: faults.map(({ line, message }) => `line ${line}: ${message}`),
    })
  }
  const tokens = new mustache.Writer().parse(template.replaceAll('\\{{', BRACES), ['{{', '}}']) as unknown as Token[]
  const missing = new Set<string>()
  const parts: string[] = []
  let length = 0
  let steps = 0
  const put = (text: string) => {
    length += text.length
    if (length > LONGEST_TEXT)
      throw new Refusal('PROMPT_TOO_LARGE', `The text has more than ${LONGEST_TEXT} characters.`)
    parts.push(text)
  }
  const walk = (inner: readonly Token[], context: readonly unknown[]) => {
    steps += inner.length + 1
    if (steps > MOST_STEPS) throw new Refusal('PROMPT_TOO_LARGE', 'The sections of the template repeat without end.')
    for (const [type, value, , , below = []] of inner) {
      if (type === 'text') put(value.replaceAll(BRACES, '{{'))
      else if (type === '#') {
        const found = lookUp(value, context, variables)
        if (isEmpty(found)) continue
        for (const one of Array.isArray(found) ? (found as unknown[]) : [found]) walk(below, [...context, one])
      } else if (type === '^') {
        if (isEmpty(lookUp(value, context, variables))) walk(below, context)
      } else if (type !== '!') {
        const found = lookUp(value, context, variables)
        if (found === undefined || found === null) missing.add(value)
        else put(textOf(found))
      }
    }
  }
  walk(tokens, [variables])
  if (missing.size > 0) {
    throw new Refusal('MISSING_VARIABLE', 'The template names what is not there.', { causes: [...missing] })
  }
  return parts.join('')
}

function lookUp(name: string, context: readonly unknown[], variables: Readonly<Record<string, unknown>>): unknown {
  if (name === '.') return context.at(-1)
  const [first = '', ...rest] = name.split('.')
  const holder = context.findLast((one) => owns(one, first))
  if (holder === undefined) return name === ALL ? variables : undefined
  let found: unknown = (holder as Record<string, unknown>)[first]
  for (const step of rest) {
    if (!owns(found, step)) return undefined
    found = (found as Record<string, unknown>)[step]
  }
  return found
}

const owns = (value: unknown, name: string) =>
  typeof value === 'object' && value !== null && !Array.isArray(value) && Object.hasOwn(value, name)

const isEmpty = (value: unknown) =>
  value === undefined ||
  value === null ||
  value === false ||
  value === '' ||
  (Array.isArray(value) && value.length === 0)

function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  return JSON.stringify(value, undefined, 2) ?? ''
}
