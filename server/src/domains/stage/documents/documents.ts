/** Documents of a card: versions that never change, made by runs, people, and files that somebody changed. */
import { Refusal, toText, type Tx } from '@millrace/engine'
import { digestOf, LARGEST_DOCUMENT } from '../steps/outputs.ts'
import type { DocumentText } from '../steps/inputs.ts'
import { lineDiff } from './line-diff.ts'
import { isPattern, wrongPath } from './path.ts'

export interface DocumentHead {
  readonly path: string
  /** The newest. */
  readonly version: number
  readonly bytes: number
  readonly digest: string
  readonly by: string
  readonly updatedAt: Date
}

export interface DocumentVersion {
  readonly path: string
  readonly version: number
  readonly latest: number
  readonly origin: 'run' | 'person' | 'file'
  readonly stage: string | null
  readonly run: number | null
  readonly by: string
  readonly at: Date
  readonly bytes: number
  readonly digest: string
}
export interface WholeDocument extends DocumentVersion {
  readonly content: string
}

const VERSION = `d.path, v.version, d.version as latest, v.origin, v.stage, v.run_id as run, v.by, v.at,
  octet_length(v.content) as bytes, v.digest`
const FROM = 'from stage.documents d join stage.document_versions v on v.document_id = d.id'

export async function documentsOf(tx: Tx, card: number): Promise<DocumentHead[]> {
  const { rows } = await tx.query(
    `select d.path, d.version, octet_length(v.content) as bytes, v.digest, v.by, d.updated_at as "updatedAt"
       ${FROM} and v.version = d.version where d.card_id = $1 order by d.path`,
    [card],
  )
  return rows as unknown as DocumentHead[]
}

/** A version, the newest if none is named. @throws Refusal NO_SUCH_DOCUMENT */
export async function documentAt(tx: Tx, card: number, path: string, version?: number): Promise<WholeDocument> {
  const { rows } = await tx.query(
    `select ${VERSION}, v.content ${FROM} where d.card_id = $1 and lower(d.path) = lower($2) and v.version = coalesce($3, d.version)`,
    [card, path, version ?? null],
  )
  if (rows[0] === undefined) throw noSuchDocument()
  return rows[0] as unknown as WholeDocument
}

/** The newest first. @throws Refusal NO_SUCH_DOCUMENT */
export async function versionsOf(tx: Tx, card: number, path: string): Promise<DocumentVersion[]> {
  const { rows } = await tx.query(
    `select ${VERSION} ${FROM} where d.card_id = $1 and lower(d.path) = lower($2) order by v.version desc limit 500`,
    [card, path],
  )
  if (rows.length === 0) throw noSuchDocument()
  return rows as unknown as DocumentVersion[]
}

/** As a unified diff; empty where both say the same. @throws Refusal NO_SUCH_DOCUMENT */
export async function differenceOf(tx: Tx, card: number, path: string, from: number, to: number): Promise<string> {
  const old = await documentAt(tx, card, path, from)
  const now = await documentAt(tx, card, path, to)
  return lineDiff(old.content, now.content, { from: `${old.path} (${from})`, to: `${now.path} (${to})` })
}

/**
 * What a person wrote, as the next version; the same text again is none.
 * @param base the version that was read; 0 for a document that is not there yet
 * @throws Refusal INVALID_PATH, DOCUMENT_TOO_LARGE, DOCUMENT_CHANGED, NO_SUCH_CARD
 */
export async function writeDocument(tx: Tx, card: number, path: string, given: string, base: number): Promise<number> {
  const wrong = wrongPath(path)
  if (wrong !== undefined) throw new Refusal('INVALID_PATH', `This is no name of a document: ${wrong}.`)
  const content = toText(given)
  if (Buffer.byteLength(content) > LARGEST_DOCUMENT) {
    throw new Refusal('DOCUMENT_TOO_LARGE', 'A document has at most 1 MiB.')
  }
  const { rows } = await tx.query<{ version: number }>('select stage.write($1, $2, $3, $4, $5) as version', [
    card,
    path,
    content,
    digestOf(content),
    base,
  ])
  return rows[0]?.version ?? base
}

/** Of whom a step reads documents: its card, its stage, its run, and its own place in the run. */
export interface Reader {
  readonly card: number
  readonly stage: string
  readonly run: number
  /** The number of its task: what earlier ones of this run made is there. */
  readonly before: number
  readonly named: readonly string[]
}

/**
 * The newest version of each that this stage has not made itself: a stage that runs again
 * reads what its first run read, and not what came of it.
 */
export async function documentsVisible(
  read: Tx['query'],
  { card, stage, run, before, named }: Reader,
): Promise<DocumentText[]> {
  if (named.length === 0) return []
  const { rows } = await read<{ path: string; content: string }>(
    `select distinct on (d.id) d.path, v.content ${FROM}
      where d.card_id = $1 and ($5 or d.path = any($6))
        and (v.origin <> 'run' or v.stage <> $2 or (v.run_id = $3 and v.task < $4))
      order by d.id, v.version desc`,
    [card, stage, run, before, named.some(isPattern), named],
  )
  return rows
}

function noSuchDocument(): Refusal {
  return new Refusal('NO_SUCH_DOCUMENT', 'This card has no such document, or not in that version.')
}
