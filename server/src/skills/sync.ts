/**
 * Brings a workspace's skills in line with what Millrace ships and with the folder of
 * skills, in one transaction: what is new or changed is read, what has gone is marked,
 * what cannot be used is refused with its lines and keeps what was there before.
 */
import { Refusal, type Engine, type Principal, type Tx } from '@millrace/engine'
import type { Diagnostic } from './diagnostics.ts'
import { readSkillsFolder, type FoundSkill } from './folder.ts'
import { productSkills, type ProductSkill } from './product.ts'
import { putSkill, type Outcome, type Way } from './store.ts'

export interface SkillsPlace {
  readonly path: string
  /** Somebody set it: it has to be there. */
  readonly isSet: boolean
}

export interface Synced {
  readonly id: number
  readonly key: string
  readonly cameBy: Way
  /** The version that is used now. */
  readonly version: number
  readonly warnings: number
}

export interface Refused {
  readonly key: string
  readonly cameBy: Way
  readonly diagnostics: readonly Diagnostic[]
}

export interface SyncReport extends Readonly<Record<Outcome, readonly Synced[]>> {
  readonly gone: readonly { readonly id: number; readonly key: string }[]
  readonly refused: readonly Refused[]
  /** False: there is no such folder, and none was set. */
  readonly folderRead: boolean
}

/** @throws Refusal NO_SUCH_FOLDER, NOT_ALLOWED; then nothing was changed */
export async function syncSkills(
  engine: Pick<Engine, 'as'>,
  who: Principal,
  workspace: number,
  place: SkillsPlace,
  shipped?: URL,
): Promise<SyncReport> {
  const product = await productSkills(shipped)
  const folder = await readSkillsFolder(place.path).catch((error: unknown) => {
    if (!(error instanceof Refusal) || error.code !== 'NO_SUCH_FOLDER') throw error
    if (!place.isSet) return undefined
    // Where it lies is the installation's business.
    throw new Refusal('NO_SUCH_FOLDER', 'The folder of skills that MILLRACE_SKILLS names cannot be read.', {
      cause: error,
    })
  })
  return engine.as(who, async (tx) => {
    await tx.query('select skills.take($1)', [workspace])
    const report = { added: [], updated: [], unchanged: [], pinned: [], gone: [], refused: [] } as Gathered
    await bring(tx, workspace, 'product', product, report)
    if (folder !== undefined) await bring(tx, workspace, 'folder', folder, report)
    return { ...report, folderRead: folder !== undefined }
  })
}

/** Puts into a workspace what Millrace ships; in a transaction of somebody who may write skills there. */
export async function placeProductSkills(tx: Tx, workspace: number): Promise<void> {
  const report = { added: [], updated: [], unchanged: [], pinned: [], gone: [], refused: [] } as Gathered
  await bring(tx, workspace, 'product', await productSkills(), report)
}

type Gathered = Record<Outcome, Synced[]> & { gone: { id: number; key: string }[]; refused: Refused[] }

async function bring(
  tx: Tx,
  workspace: number,
  cameBy: 'product' | 'folder',
  found: readonly (FoundSkill | ProductSkill)[],
  report: Gathered,
): Promise<void> {
  for (const one of found) {
    const { key, content, files, diagnostics } = one
    if (content === undefined) {
      report.refused.push({ key, cameBy, diagnostics })
      continue
    }
    const vouched = 'vouched' in one && one.vouched
    const put = await putSkill(tx, workspace, { source: 'local', cameBy, key, content, files, vouched })
    report[put.outcome].push({ id: put.skill, key, cameBy, version: put.version, warnings: diagnostics.length })
  }
  const { rows } = await tx.query<{ id: number; key: string }>('select skill as id, key from skills.gone($1, $2, $3)', [
    workspace,
    cameBy,
    found.map(({ key }) => key),
  ])
  report.gone.push(...rows)
}
