/** What hangs on a card beside its documents: artifacts, metrics, and what gates found. */
import { Refusal, toText, type Tx } from '@millrace/engine'
import { factsOf } from './facts.ts'
import { blocks, evaluateGates, type GateResult } from './gates.ts'
import { METRIC_NAME, unitOf, type ARTIFACT_TYPES, type LinkType } from './recipes/mapping.ts'
import { isLink } from './steps/outputs.ts'

export interface CardArtifact {
  readonly id: number
  readonly card: number
  readonly type: (typeof ARTIFACT_TYPES)[number]
  readonly label: string
  readonly uri: string | null
  /** Of a file: the document that it is. */
  readonly document: { readonly path: string; readonly version: number } | null
  readonly meta: Readonly<Record<string, unknown>>
  readonly stage: string
  readonly run: number | null
  readonly task: number | null
  readonly by: string
  readonly at: Date
}

const ARTIFACT = `select a.id, a.card_id as card, a.type, a.label, a.uri, a.meta, a.stage, a.run_id as run, a.task, a.by, a.at,
  case when d.id is not null then json_build_object('path', d.path, 'version', a.document_version) end as document
  from stage.artifacts a left join stage.documents d on d.id = a.document_id`

/** The newest of each type and label; with a run, all that it made. */
export async function artifactsOf(
  tx: Tx,
  of: { readonly card: number } | { readonly run: number },
): Promise<CardArtifact[]> {
  const { rows } =
    'run' in of
      ? await tx.query(`${ARTIFACT} where a.run_id = $1 order by a.task, a.type, a.label`, [of.run])
      : await tx.query(
          `select * from (${ARTIFACT} where a.card_id = $1) x where x.id in (
             select max(n.id) from stage.artifacts n where n.card_id = $1 group by n.type, n.label) order by x.type, x.label`,
          [of.card],
        )
  return rows as unknown as CardArtifact[]
}

/** A file's text, as it was when it was made. @throws Refusal NO_SUCH_ARTIFACT */
export async function artifactText(tx: Tx, card: number, artifact: number): Promise<{ name: string; content: string }> {
  const { rows } = await tx.query<{ path: string; content: string }>(
    `select d.path, v.content from stage.artifacts a join stage.documents d on d.id = a.document_id
       join stage.document_versions v on v.document_id = a.document_id and v.version = a.document_version
      where a.id = $1 and a.card_id = $2`,
    [artifact, card],
  )
  const [row] = rows
  if (row === undefined) throw new Refusal('NO_SUCH_ARTIFACT', 'This card has no file of that number.')
  return { name: row.path.split('/').at(-1) ?? row.path, content: row.content }
}

/** @throws Refusal INVALID_LINK, NO_SUCH_CARD */
export async function linkArtifact(
  tx: Tx,
  card: number,
  { type, label, uri }: { readonly type: Exclude<LinkType, 'metric'>; readonly label: string; readonly uri: string },
): Promise<number> {
  if (!isLink(uri)) {
    throw new Refusal(
      'INVALID_LINK',
      'The address of an artifact begins with http:// or https://, and holds no password.',
    )
  }
  const { rows } = await tx.query<{ id: number }>('select stage.link_artifact($1, $2, $3, $4) as id', [
    card,
    type,
    toText(label),
    uri,
  ])
  return rows[0]?.id ?? 0
}

export interface Metric {
  readonly id: number
  readonly name: string
  readonly value: number
  readonly unit: string
  readonly stage: string
  readonly run: number | null
  readonly by: string
  readonly at: Date
}

/** The newest of each name; with a name, all its values, the newest first. */
export async function metricsOf(tx: Tx, card: number, name?: string): Promise<Metric[]> {
  const columns = 'm.id, m.name, m.value, m.unit, m.stage, m.run_id as run, m.by, m.at from stage.metrics m'
  const { rows } =
    name === undefined
      ? await tx.query(`select distinct on (m.name) ${columns} where m.card_id = $1 order by m.name, m.id desc`, [card])
      : await tx.query(`select ${columns} where m.card_id = $1 and m.name = $2 order by m.id desc limit 500`, [
          card,
          name,
        ])
  return rows as unknown as Metric[]
}

/** @throws Refusal INVALID_METRIC, NO_SUCH_CARD */
export async function measure(
  tx: Tx,
  card: number,
  { name, value, unit }: { readonly name: string; readonly value: number; readonly unit?: string | undefined },
): Promise<number> {
  const read = METRIC_NAME.test(name) ? unitOf(name, unit) : { wrong: 'a metric is named in lower_snake' }
  if ('wrong' in read) throw new Refusal('INVALID_METRIC', `This metric cannot be kept: ${read.wrong}.`)
  const { rows } = await tx.query<{ id: number }>('select stage.measure($1, $2, $3, $4) as id', [
    card,
    name,
    value,
    read.value,
  ])
  return rows[0]?.id ?? 0
}

export interface KeptResult extends Omit<GateResult, 'passed'> {
  readonly passed: boolean
  readonly stage: string
  readonly run: number | null
  readonly task: number
  readonly at: Date
}

/** What gates found, the newest first. */
export async function gateResultsOf(
  tx: Tx,
  card: number,
  { run, limit }: { readonly run?: number | undefined; readonly limit: number },
): Promise<KeptResult[]> {
  const { rows } = await tx.query(
    `select gate as id, name, type, required, passed, message, evidence, stage, run_id as run, task, at
       from stage.gate_results where card_id = $1 and ($2::bigint is null or run_id = $2) order by id desc limit $3`,
    [card, run ?? null, limit],
  )
  return rows as unknown as KeptResult[]
}

export interface Preview {
  readonly stage: string
  readonly results: readonly GateResult[]
  /** A required gate has not passed, or is a tool's to answer. */
  readonly blocked: boolean
}

/** What the gates of a stage would say of a card now; nothing is run, and no tool is asked. */
export async function previewGates(tx: Tx, stage: string, gates: readonly unknown[], card: number): Promise<Preview> {
  await mustSeeCard(tx, card)
  const results = evaluateGates(gates, await factsOf((text, values) => tx.query(text, values), card))
  return { stage, results, blocked: blocks(results) }
}

/** @throws Refusal NO_SUCH_CARD */
export async function mustSeeCard(tx: Tx, card: number): Promise<void> {
  const { rows } = await tx.query('select 1 from stage.cards where id = $1', [card])
  if (rows.length === 0) throw new Refusal('NO_SUCH_CARD', 'There is no such card.')
}
