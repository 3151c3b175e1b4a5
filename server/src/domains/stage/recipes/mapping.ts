/**
 * The mapping language of recipes: where an input of a skill comes from, and where a
 * field of its output goes.  It names places; it computes nothing.
 *
 *     source   card.title            a field of the card; `answers` are those that people gave to its questions
 *              documents['prd.md']   the text of a document; with * all that match, one after the other
 *              steps.1.summary       a field of an earlier step's output, by the step's order or its skill's id
 *              params.tone           a parameter of the step
 *              'text'  3  true  []   a literal, as JSON; text also in single quotes
 *
 *     target   documents['prd.md']       a version of a document; with * one for each item of a list
 *              artifacts.url['Preview']  an artifact of a type, with its label
 *              metrics.jury_score        a metric; one that is not known says its unit: metrics.latency['ms']
 *
 * The field of a target is a path into the output, `scores.0.value`; `$` is all of it.
 */
import { wrongPath, wrongPattern } from '../documents/path.ts'

export const CARD_FIELDS = ['id', 'title', 'description', 'stage', 'priority', 'answers'] as const
export type CardField = (typeof CARD_FIELDS)[number]

export const ARTIFACT_TYPES = ['file', 'url', 'pr', 'ticket', 'metric', 'chromatic'] as const
/** Those that a mapping or a person makes; a file comes with its document. */
export const LINK_TYPES = ['url', 'pr', 'ticket', 'metric', 'chromatic'] as const
export type LinkType = (typeof LINK_TYPES)[number]

/** Metrics whose unit everybody knows. */
export const UNITS: Readonly<Record<string, string>> = { jury_score: 'score' }
export const METRIC_NAME = /^[a-z][a-z0-9_]{0,63}$/
export const UNIT = /^[A-Za-z%][A-Za-z0-9%/_-]{0,31}$/

export type Source =
  | { readonly from: 'card'; readonly field: CardField }
  | { readonly from: 'documents'; readonly path: string }
  | { readonly from: 'steps'; readonly step: string; readonly path: readonly string[] }
  | { readonly from: 'params'; readonly path: readonly string[] }
  | { readonly from: 'literal'; readonly value: unknown }

export type Target =
  | { readonly to: 'documents'; readonly path: string }
  | { readonly to: 'artifacts'; readonly type: LinkType; readonly label: string }
  | { readonly to: 'metrics'; readonly name: string; readonly unit: string }

/** What it is, or one sentence about what it is not. */
export type Read<T> = { readonly value: T } | { readonly wrong: string }

const NAME = /^[\p{L}_][\p{L}\p{N}_-]{0,63}$/u
const STEP = /^steps\.([A-Za-z0-9_-]{1,100})\.(.+)$/
const QUOTED = /^'((?:[^'\\]|\\.)*)'$/s
const LITERAL = /^["[{\-0-9]|^(true|false|null)$/

export function readSource(text: string): Read<Source> {
  const plain = text.trim()
  const [, quoted] = QUOTED.exec(plain) ?? []
  if (quoted !== undefined) return { value: { from: 'literal', value: quoted.replaceAll(/\\(.)/gs, '$1') } }
  if (LITERAL.test(plain)) return readLiteral(plain)
  const document = bracketed(plain, 'documents')
  if (document !== undefined) {
    const wrong = wrongPattern(document)
    return wrong === undefined ? { value: { from: 'documents', path: document } } : { wrong }
  }
  if (plain.startsWith('card.')) {
    const field = CARD_FIELDS.find((one) => `card.${one}` === plain)
    return field === undefined ? { wrong: `a card has ${CARD_FIELDS.join(', ')}` } : { value: { from: 'card', field } }
  }
  const [, step, rest] = STEP.exec(plain) ?? []
  if (step !== undefined && rest !== undefined) {
    const path = fieldPath(rest)
    return path === undefined ? { wrong: FIELD_PATH } : { value: { from: 'steps', step, path } }
  }
  if (plain.startsWith('params.')) {
    const path = fieldPath(plain.slice('params.'.length))
    return path === undefined || path.length === 0 ? { wrong: FIELD_PATH } : { value: { from: 'params', path } }
  }
  return { wrong: "a source is card.…, documents['…'], steps.….…, params.… or a literal" }
}

export function readTarget(text: string): Read<Target> {
  const plain = text.trim()
  const document = bracketed(plain, 'documents')
  if (document !== undefined) {
    const wrong = /^[^*]*\*[^*]*$/.test(document) ? wrongPath(document.replace('*', 'x')) : wrongPath(document)
    return wrong === undefined ? { value: { to: 'documents', path: document } } : { wrong }
  }
  for (const type of LINK_TYPES) {
    const label = bracketed(plain, `artifacts.${type}`)
    if (label === undefined) continue
    return label.trim() === '' || label.length > 200
      ? { wrong: 'the label of an artifact has 1 to 200 characters' }
      : { value: { to: 'artifacts', type, label } }
  }
  const [, name, unit] = /^metrics\.([a-z][a-z0-9_]{0,63})(?:\['([^']+)'\])?$/.exec(plain) ?? []
  if (name !== undefined) return metricTarget(name, unit)
  if (plain.startsWith('artifacts.'))
    return { wrong: `an artifact is ${LINK_TYPES.join(', ')}: artifacts.url['Label']; a file comes with its document` }
  return { wrong: "a target is documents['…'], artifacts.<type>['…'] or metrics.…" }
}

/** The path of an output's field; empty for all of it. */
export function readField(text: string): Read<readonly string[]> {
  const path = fieldPath(text)
  return path === undefined ? { wrong: FIELD_PATH } : { value: path }
}

/** What lies under a path; undefined for nothing. */
export function valueAt(value: unknown, path: readonly string[]): unknown {
  let found = value
  for (const step of path) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, step)) return undefined
    found = (found as Record<string, unknown>)[step]
  }
  return found
}

/** The unit that a metric has; a known one has no other. */
export function unitOf(name: string, said: string | undefined): Read<string> {
  const known = UNITS[name]
  if (known !== undefined && said !== undefined && said !== known) return { wrong: `${name} is measured in ${known}` }
  const unit = said ?? known
  if (unit === undefined) return { wrong: `the unit of ${name} must be said` }
  return UNIT.test(unit) ? { value: unit } : { wrong: 'a unit is a word such as ms, percent, users/day' }
}

function metricTarget(name: string, said: string | undefined): Read<Target> {
  const unit = unitOf(name, said)
  return 'wrong' in unit ? unit : { value: { to: 'metrics', name, unit: unit.value } }
}

const FIELD_PATH = 'a field is a path of names and numbers with dots between them, or $ for all of it'

function fieldPath(text: string): readonly string[] | undefined {
  if (text === '$') return []
  const parts = text.split('.')
  return parts.length <= 8 && parts.every((part) => NAME.test(part) || /^\d{1,4}$/.test(part)) ? parts : undefined
}

function bracketed(text: string, word: string): string | undefined {
  if (!text.startsWith(`${word}['`) || !text.endsWith("']")) return undefined
  const inner = text.slice(word.length + 2, -2)
  return inner.includes("'") ? undefined : inner
}

function readLiteral(text: string): Read<Source> {
  try {
    return { value: { from: 'literal', value: JSON.parse(text) as unknown } }
  } catch {
    return { wrong: 'a literal is JSON, or text in single quotes' }
  }
}
