/**
 * Artifacts: what a task made that outlives it.  Content goes into the database in
 * chunks, named by its digest, before the close; the close makes it visible.
 */
import { createHash } from 'node:crypto'
import { sqlState, type Tx } from './database.ts'
import { TaskFailed } from './errors.ts'
import type { Content } from './kinds.ts'

/** Content that is written, waiting for the close of its task. */
export interface Made {
  readonly name: string
  readonly mediaType: string
  readonly blob: number
}

/** An artifact, without its content. */
export interface Artifact {
  readonly id: number
  readonly run: number
  readonly task: number
  readonly name: string
  readonly mediaType: string
  /** Bytes. */
  readonly size: number
  /** sha256, hex. */
  readonly digest: string
  readonly at: Date
}

export const LARGEST_ARTIFACT = 64 * 1024 * 1024
const CHUNK = 512 * 1024

export async function writeArtifact(
  query: Tx['query'],
  workspace: number,
  name: string,
  content: Content,
  mediaType = typeof content === 'string' ? 'text/plain; charset=utf-8' : 'application/octet-stream',
): Promise<Made> {
  if (!isName(name) || mediaType === '' || mediaType.length > 255 || mediaType.includes('\0')) throw BAD_NAME
  try {
    const { rows } = await query<{ id: number }>('select engine.begin_blob($1) as id', [workspace])
    const writing = rows[0]?.id ?? 0
    const hash = createHash('sha256')
    let size = 0
    let i = 0
    for await (const chunk of chunksOf(content)) {
      size += chunk.length
      if (size > LARGEST_ARTIFACT) throw TOO_LARGE
      hash.update(chunk)
      await query('select engine.add_chunk($1, $2, $3)', [writing, i++, chunk])
    }
    const whole = await query<{ id: number }>('select engine.end_blob($1, $2, $3) as id', [
      writing,
      hash.digest(),
      size,
    ])
    return { name, mediaType, blob: whole.rows[0]?.id ?? 0 }
  } catch (error) {
    if (sqlState(error) === '53100') throw NO_SPACE
    throw error
  }
}

function isName(name: string): boolean {
  return (
    name.length > 0 &&
    name.length <= 255 &&
    !/[\0\\]/.test(name) &&
    name.split('/').every((part) => !/^\.{0,2}$/.test(part))
  )
}

async function* chunksOf(content: Content): AsyncIterable<Buffer> {
  const parts =
    typeof content === 'string' ? [Buffer.from(content)] : content instanceof Uint8Array ? [content] : content
  let gathered: Uint8Array[] = []
  let size = 0
  for await (const part of parts) {
    for (let at = 0; at < part.length; at += CHUNK) {
      const piece = part.subarray(at, at + CHUNK)
      gathered.push(piece)
      size += piece.length
      if (size < CHUNK) continue
      yield Buffer.concat(gathered)
      gathered = []
      size = 0
    }
  }
  if (size > 0) yield Buffer.concat(gathered)
}

const TOO_LARGE = new TaskFailed({
  code: 'ARTIFACT_TOO_LARGE',
  message: 'An artifact is larger than 64 MiB.',
  retryable: false,
  origin: 'task',
})
const BAD_NAME = new TaskFailed({
  code: 'INVALID_ARTIFACT_NAME',
  message: 'An artifact needs a name of at most 255 characters without `..`, and a media type.',
  retryable: false,
  origin: 'task',
})
const NO_SPACE = new TaskFailed({
  code: 'DISK_FULL',
  message: 'The database has no space for an artifact.',
  retryable: true,
  origin: 'storage',
})

const LIST = `select a.id, a.run_id as run, a.n as task, a.name, a.media_type as "mediaType", b.size, encode(b.digest, 'hex') as digest, a.at
  from engine.artifacts a join engine.blobs b on b.id = a.blob_id`

export async function listArtifacts(tx: Tx, run: number): Promise<Artifact[]> {
  const { rows } = await tx.query(`${LIST} where a.run_id = $1 order by a.n, a.name`, [run])
  return rows as Artifact[]
}

/** One chunk of an artifact's content; undefined after the last, or for a reader who may not see it. */
export async function readChunk(tx: Tx, artifact: number, i: number): Promise<Buffer | undefined> {
  const { rows } = await tx.query<{ bytes: Buffer }>(
    'select c.bytes from engine.artifacts a join engine.chunks c on c.blob_id = a.blob_id and c.i = $2 where a.id = $1',
    [artifact, i],
  )
  return rows[0]?.bytes
}
