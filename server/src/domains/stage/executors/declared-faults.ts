/**
 * What is wrong with the files by which a skill says that it does more than write
 * (`panel.yaml`, `records.yaml`), with their lines: asked when a recipe is checked, so that
 * no run meets it first.
 */
import { isNode, LineCounter, parseDocument } from 'yaml'
import { z } from 'zod'
import type { Tx } from '@millrace/engine'
import { checkerOf } from '../../../patterns.ts'
import type { JsonSchema } from '../../../skills/io-schema.ts'
import { propertiesOf, schemasAt } from '../recipes/schema-paths.ts'
import { PANEL_FILE, panelSchema } from './panel.ts'
import { recordKinds, RECORDS_FILE } from './records.ts'

/** By path; null where it is no UTF-8. */
type Texts = ReadonlyMap<string, string | null>

/** One sentence each: `panel.yaml:3: votes: …`. */
export function declaredFaults(files: Texts, outputSchema: JsonSchema | null): readonly string[] {
  const [panel, records] = [files.get(PANEL_FILE), files.get(RECORDS_FILE)]
  return [
    ...(panel === undefined ? [] : panelFaults(panel, files)),
    ...(records === undefined ? [] : recordsFaults(records, outputSchema)),
  ]
}

function panelFaults(text: string | null, files: Texts): string[] {
  const { value, faults, lineAt } = readYaml(PANEL_FILE, text, panelSchema)
  if (value === undefined) return faults
  const at = `${PANEL_FILE}:${lineAt(['vote'])}: vote: `
  const vote = files.get(value.vote)
  if (vote === undefined) return [`${at}the skill has no file ${value.vote}`]
  const said = readYaml(value.vote, vote, z.looseObject({ type: z.literal('object') }))
  if (said.value === undefined) return said.faults
  try {
    checkerOf(said.value)
    return []
  } catch {
    return [`${at}${value.vote} is no JSON Schema that can be kept to`]
  }
}

function recordsFaults(text: string | null, outputSchema: JsonSchema | null): string[] {
  const { value, faults, lineAt } = readYaml(RECORDS_FILE, text, recordKinds)
  if (value === undefined) return faults
  return Object.entries(value).flatMap(([kind, field]) => {
    if (field === '$' || outputSchema === null || schemasAt(outputSchema, [field])?.length !== 0) return []
    const fields = propertiesOf(outputSchema).join(', ') || 'none'
    return [`${RECORDS_FILE}:${lineAt([kind])}: ${kind}: the skill gives no ${field}; it gives ${fields}`]
  })
}

interface Read<T> {
  readonly value?: T
  readonly faults: string[]
  /** From 1: where that stands, or what it would stand in. */
  readonly lineAt: (path: readonly PropertyKey[]) => number
}

function readYaml<T>(file: string, text: string | null, schema: z.ZodType<T>): Read<T> {
  if (text === null) return { faults: [`${file}:1: this is no UTF-8`], lineAt: () => 1 }
  const counter = new LineCounter()
  const document = parseDocument(text, { lineCounter: counter, prettyErrors: false })
  const lineOf = (offset: number) => counter.linePos(offset).line
  const lineAt = (path: readonly PropertyKey[]): number => {
    const node = path.length === 0 ? document.contents : document.getIn(path.map(keyOf), true)
    if (isNode(node) && node.range != null) return lineOf(node.range[0])
    return path.length === 0 ? 1 : lineAt(path.slice(0, -1))
  }
  // Its own words may quote the file; the line is what helps.
  if (document.errors.length > 0)
    return { faults: document.errors.map(({ pos }) => `${file}:${lineOf(pos[0])}: this is no YAML`), lineAt }
  let given: unknown
  try {
    given = document.toJS({ maxAliasCount: 0 })
  } catch {
    return { faults: [`${file}:1: aliases are not taken`], lineAt }
  }
  const read = schema.safeParse(given)
  if (read.success) return { value: read.data, faults: [], lineAt }
  return { faults: read.error.issues.flatMap((issue) => sentences(file, issue, lineAt)), lineAt }
}

const keyOf = (key: PropertyKey) => (typeof key === 'number' ? key : String(key))

function sentences(file: string, issue: z.core.$ZodIssue, lineAt: Read<unknown>['lineAt']): string[] {
  const said = (path: readonly PropertyKey[], message: string) => {
    const place = path.map(String).join('.')
    return `${file}:${lineAt(path)}: ${place === '' ? '' : `${place}: `}${message}`
  }
  return issue.code === 'unrecognized_keys'
    ? issue.keys.map((key) => said([...issue.path, key], 'there is no such field'))
    : [said(issue.path, issue.message)]
}

/** The files that are looked at, of a skill at a version. */
export async function declaredFiles(tx: Tx, skill: number, version: number): Promise<Texts> {
  const { rows } = await tx.query<{ path: string; bytes: Buffer }>(
    `select path, bytes from skills.files
      where skill_id = $1 and version = $2 and size <= $3 and (path = any($4) or path ~ '\\.(json|ya?ml)$')`,
    [skill, version, LARGEST, [PANEL_FILE, RECORDS_FILE]],
  )
  return new Map(rows.map(({ path, bytes }) => [path, textOf(bytes)]))
}

function textOf(bytes: Buffer): string | null {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    return null
  }
}

/** Bytes. */
const LARGEST = 256 * 1024
