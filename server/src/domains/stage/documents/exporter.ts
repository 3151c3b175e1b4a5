/**
 * Writes documents into the workspace folder after they were committed, and takes in
 * what people change there.  The database is the document: a file that is not as we
 * wrote it becomes a version first, and is never overwritten.  One process at a time
 * does it; the others are ready to.
 */
import { openApi, type Settings, type Tx } from '@millrace/engine'
import { openFolder, Unsafe, type FileSeen } from './folder.ts'
import { digestOf } from '../steps/outputs.ts'

export interface ExporterOptions {
  /** The worker's login. */
  readonly settings: Settings
  /** Files lie in `cards/<number of the card>/` below it. */
  readonly folder: string
  readonly report: (error: unknown) => void
  /** A file that is left alone, and why. */
  readonly tell: (line: string) => void
  /** Milliseconds between two looks. */
  readonly every?: number
}

export interface Exporter {
  /** Looks at everything now; for who waits for it. */
  look(): Promise<void>
  /** Writes what is left. */
  close(): Promise<void>
}

const EVERY = 1_000
/** Looks after which all files are looked at, besides those that are to be written. */
const LOOKS = 5
const CARDS = 'cards'
const LOCK = 1936548710
const MANY = 100
const NOBODY = { sub: 'exporter', workspaces: {} }

interface Head {
  readonly id: number
  readonly place: string
  readonly version: number
  readonly exported: number | null
  readonly digest: string
}

const HEADS = `select d.id, 'cards/' || d.card_id || '/' || d.path as place, d.version, d.exported_version as exported, v.digest
  from stage.documents d join stage.document_versions v on v.document_id = d.id and v.version = d.version`

export function openExporter({ settings, folder, report, tell, every = EVERY }: ExporterOptions): Exporter {
  const api = openApi(settings, 1)
  const files = openFolder(folder)
  /** Marks of files that are as the database has them. */
  const settled = new Map<string, string>()
  /** Files that were left alone, at which version; told once. */
  const leftAlone = new Map<string, string>()
  let looking: Promise<void> = Promise.resolve()
  let wrong = false

  async function look(all: boolean): Promise<void> {
    for (let more = true; more;) {
      more = await api.as(NOBODY, async (tx) => {
        const { rows } = await tx.query<{ mine: boolean }>('select pg_try_advisory_xact_lock($1) as mine', [LOCK])
        if (rows[0]?.mine !== true) return false
        if (all) await takeIn(tx)
        return writeOut(tx)
      })
    }
  }

  /** Files that have changed since we looked: each becomes a version, unless we wrote it. */
  async function takeIn(tx: Tx): Promise<void> {
    const changed: { path: string; mark: string }[] = []
    for await (const file of files.all(CARDS)) {
      if (settled.get(file.path) !== file.mark && changed.length < MANY) changed.push(file)
    }
    if (changed.length === 0) return
    const { rows } = await tx.query(
      `${HEADS} where d.card_id = any($1) and 'cards/' || d.card_id || '/' || d.path = any($2)`,
      [changed.map(({ path }) => cardOf(path)), changed.map(({ path }) => path)],
    )
    const heads = new Map((rows as unknown as Head[]).map((head) => [head.place, head]))
    for (const { path, mark } of changed) {
      const head = heads.get(path)
      // A file that is no document is the person's own.
      if (head === undefined) settled.set(path, mark)
      else await guarded(head, async () => void (await bring(tx, head, await files.read(path))))
    }
  }

  /** @returns were there more than one look takes? */
  async function writeOut(tx: Tx): Promise<boolean> {
    const { rows } = await tx.query(
      `${HEADS} where d.exported_version is distinct from d.version order by d.id limit $1`,
      [MANY + leftAlone.size],
    )
    const heads = (rows as unknown as Head[]).filter(({ place, version }) => leftAlone.get(place) !== String(version))
    for (const head of heads) {
      await guarded(head, async () => {
        const before = await files.read(head.place)
        if (await bring(tx, head, before)) return
        const { rows: texts } = await tx.query<{ content: string }>(
          'select content from stage.document_versions where document_id = $1 and version = $2',
          [head.id, head.version],
        )
        settled.set(head.place, await files.write(head.place, texts[0]?.content ?? '', before))
        await tx.query('select stage.exported($1, $2)', [head.id, head.version])
      })
    }
    return heads.length >= MANY
  }

  /** @returns is the file as the database has it, now or after it was taken in? */
  async function bring(tx: Tx, head: Head, file: FileSeen | undefined): Promise<boolean> {
    if (file === undefined) return false
    const digest = digestOf(file.content)
    if (digest === head.digest) {
      if (head.exported !== head.version) await tx.query('select stage.exported($1, $2)', [head.id, head.version])
      settled.set(head.place, file.mark)
      return true
    }
    // What it holds since the last export is in the database: writing over it loses nothing.
    const { rows } = await tx.query<{ ours: boolean }>(
      'select exists (select from stage.document_versions where document_id = $1 and version >= $2 and digest = $3) as ours',
      [head.id, head.exported ?? head.version, digest],
    )
    if (rows[0]?.ours === true) {
      settled.set(head.place, file.mark)
      return false
    }
    await tx.query('select stage.import($1, $2, $3, $4)', [head.id, textOf(file.content), digest, 'file'])
    settled.set(head.place, file.mark)
    return true
  }

  /** What cannot be written or read safely is left alone, and said once. */
  async function guarded(head: Head, work: () => Promise<void>): Promise<void> {
    try {
      await work()
      leftAlone.delete(head.place)
    } catch (error) {
      if (!(error instanceof Unsafe)) throw error
      // Somebody is writing it at this moment: the next look sees what came of it.
      if (error.obstacle === 'changed meanwhile') return
      if (leftAlone.get(head.place) !== String(head.version)) {
        tell(`${head.place} is left alone in the workspace folder: ${SENTENCES[error.obstacle]}.`)
      }
      leftAlone.set(head.place, String(head.version))
    }
  }

  /** One after the other; what fails is reported once, and tried again. */
  function lookNow(all: boolean): Promise<void> {
    looking = looking
      .then(() => look(all))
      .then(
        () => void (wrong = false),
        (error: unknown) => {
          if (!wrong) report(error)
          wrong = true
        },
      )
    return looking
  }

  let looks = 0
  let waiting = false
  const timer = setInterval(() => {
    if (waiting) return
    waiting = true
    looks += 1
    void lookNow(looks % LOOKS === 0).finally(() => (waiting = false))
  }, every)
  return {
    look: () => lookNow(true),
    async close() {
      clearInterval(timer)
      await lookNow(false)
      await api.close()
    },
  }
}

const SENTENCES = {
  link: 'a part of its path is a link',
  'no file': 'something else than a file is there',
  'too large': 'it is larger than 1 MiB',
  'not text': 'it is no text in UTF-8',
} as const

/** @throws Unsafe */
function textOf(content: Buffer): string {
  const text = content.toString('utf8')
  if (text.includes('\0') || !Buffer.from(text).equals(content)) throw new Unsafe('not text')
  return text
}

function cardOf(path: string): number {
  const [, digits = '0'] = /^cards\/(\d{1,15})\//.exec(path) ?? []
  return Number(digits)
}
