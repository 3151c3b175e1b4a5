/** What gates look at: the card's documents, artifacts and metrics as they are now. */
import type { Tx } from '@millrace/engine'
import { matchesPattern } from './documents/path.ts'
import type { Facts } from './gates.ts'
import { gateSchema, type Gate } from './recipes/gate.ts'
import { documentsNamed, resolve } from './steps/inputs.ts'
import { readSource } from './recipes/mapping.ts'

type Card = Readonly<Record<string, unknown>> & { readonly id: number }

export async function factsOf(query: Tx['query'], card: number): Promise<Facts> {
  const documents = await query(
    `select d.path, d.version, v.content from stage.documents d
       join stage.document_versions v on v.document_id = d.id and v.version = d.version where d.card_id = $1 order by d.path`,
    [card],
  )
  const artifacts = await query(
    `select distinct on (a.type, a.label) a.type, a.label, a.uri from stage.artifacts a where a.card_id = $1
      order by a.type, a.label, a.id desc`,
    [card],
  )
  const metrics = await query(
    'select distinct on (m.name) m.name, m.value, m.unit from stage.metrics m where m.card_id = $1 order by m.name, m.id desc',
    [card],
  )
  return {
    documents: documents.rows as unknown as Facts['documents'],
    artifacts: artifacts.rows as unknown as Facts['artifacts'],
    metrics: metrics.rows as unknown as Facts['metrics'],
  }
}

export type CustomGate = Extract<Gate, { type: 'custom' }>

/** Those that a tool answers. */
export function customGates(definitions: readonly unknown[]): CustomGate[] {
  return definitions.flatMap((definition) => {
    const gate = gateSchema.safeParse(definition)
    return gate.success && gate.data.type === 'custom' ? [gate.data] : []
  })
}

/** What a tool is given: of the card, its documents, and literals; what is not there is left out. */
export function toolInputOf({ config }: CustomGate, card: Card, { documents }: Facts): Record<string, unknown> {
  const named = documentsNamed(Object.values(config.input))
  const seen = documents.filter(({ path }) => named.some((one) => one === path || matchesPattern(path, one)))
  const around = { card, documents: seen, steps: new Map<string, unknown>(), params: {} }
  return Object.fromEntries(
    Object.entries(config.input).flatMap(([name, text]) => {
      const source = readSource(text)
      const value = 'value' in source ? resolve(source.value, around) : undefined
      return value === undefined ? [] : [[name, value]]
    }),
  )
}
