/** From the checked output of a skill to documents, artifacts and metrics. */
import { createHash } from 'node:crypto'
import { Refusal } from '@millrace/engine'
import { readField, readTarget, valueAt, type LinkType } from '../recipes/mapping.ts'
import { stepFailed } from './failures.ts'

export interface MadeDocument {
  readonly path: string
  readonly content: string
  /** sha256 of the content, hex. */
  readonly digest: string
}
export interface MadeArtifact {
  readonly type: LinkType
  readonly label: string
  readonly uri: string | null
  readonly meta?: Readonly<Record<string, unknown>>
}
export interface MadeMetric {
  readonly name: string
  readonly value: number
  readonly unit: string
}
export interface Made {
  readonly documents: MadeDocument[]
  readonly artifacts: MadeArtifact[]
  readonly metrics: MadeMetric[]
}

export type Render = (template: string, variables: Readonly<Record<string, unknown>>) => string

/** Bytes. */
export const LARGEST_DOCUMENT = 1024 * 1024

export interface Outgoing {
  readonly outputsMapping: Readonly<Record<string, string>>
  /** Of the skill, by path: `templates/prd.md` makes the text of `prd.md`. */
  readonly templates: Readonly<Record<string, string>>
  readonly render: Render
}

/** @throws TaskFailed INVALID_TEMPLATE, INVALID_OUTPUT, DOCUMENT_TOO_LARGE, INVALID_LINK, INVALID_METRIC */
export function madeOf(output: unknown, { outputsMapping, templates, render }: Outgoing): Made {
  const made: Made = { documents: [], artifacts: [], metrics: [] }
  for (const [field, text] of Object.entries(outputsMapping)) {
    const path = readField(field)
    const target = readTarget(text)
    if ('wrong' in path || 'wrong' in target) throw stepFailed('INVALID_OUTPUT', [field])
    const value = valueAt(output, path.value)
    // An optional field that the answer does not have goes nowhere.
    if (value === undefined || value === null) continue
    const { value: to } = target
    if (to.to === 'documents') made.documents.push(...documentsOf(to.path, field, value, templates, render))
    else if (to.to === 'metrics') made.metrics.push({ name: to.name, value: numberOf(value, field), unit: to.unit })
    else made.artifacts.push(artifactOf(to.type, to.label, value, field))
  }
  return made
}

/** The template of a document has its name, below `templates/`; of a list each item has one. */
export function templateFor(path: string): string {
  return `templates/${path.replace('*', 'item')}`
}

function documentsOf(
  path: string,
  field: string,
  value: unknown,
  templates: Readonly<Record<string, string>>,
  render: Render,
): MadeDocument[] {
  const template = templates[templateFor(path)]
  const one = (item: unknown, name: string, n?: number) => {
    if (template === undefined) return documentOf(name, textOf(item, field))
    const variables = isRecord(item) ? item : { value: item }
    return documentOf(name, filled(render, template, n === undefined ? variables : { number: n, ...variables }))
  }
  if (!path.includes('*')) return [one(value, path)]
  if (!Array.isArray(value)) throw stepFailed('INVALID_OUTPUT', [field])
  return value.map((item: unknown, i) => one(item, path.replace('*', String(i + 1).padStart(2, '0')), i + 1))
}

function filled(render: Render, template: string, variables: Readonly<Record<string, unknown>>): string {
  try {
    return render(template, variables)
  } catch (error) {
    // Its causes are names that the template says.
    throw error instanceof Refusal
      ? stepFailed('INVALID_TEMPLATE', error.code === 'MISSING_VARIABLE' ? error.causes : [])
      : error
  }
}

export function documentOf(path: string, text: string): MadeDocument {
  const content = text.endsWith('\n') ? text : `${text}\n`
  if (Buffer.byteLength(content) > LARGEST_DOCUMENT) throw stepFailed('DOCUMENT_TOO_LARGE', [path])
  return { path, content, digest: digestOf(content) }
}

export function digestOf(content: string | Uint8Array): string {
  return createHash('sha256').update(content).digest('hex')
}

function artifactOf(type: LinkType, label: string, value: unknown, field: string): MadeArtifact {
  if (type === 'metric') return { type, label, uri: null, meta: { value: numberOf(value, field) } }
  const uri = textOf(value, field).trim()
  // A ticket may be a name in somebody's tracker.
  if (type === 'ticket' && !/^[a-z]+:/i.test(uri))
    return { type, label, uri: null, meta: { ticket: uri.slice(0, 200) } }
  if (!isLink(uri)) throw stepFailed('INVALID_LINK', [field])
  return { type, label, uri }
}

/** http or https, to a host, without a name and password. */
export function isLink(text: string): boolean {
  if (text.length > 2_000 || !/^https?:\/\//i.test(text) || !URL.canParse(text)) return false
  const { username, password, host } = new URL(text)
  return host !== '' && username === '' && password === ''
}

function textOf(value: unknown, field: string): string {
  if (typeof value === 'string') return value
  throw stepFailed('INVALID_OUTPUT', [field])
}

function numberOf(value: unknown, field: string): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value
  throw stepFailed('INVALID_METRIC', [field])
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
