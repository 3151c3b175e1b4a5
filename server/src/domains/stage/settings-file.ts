/**
 * `settings.json` in the workspace folder: the board's settings as a file that lies
 * beside the work.  What was changed last counts: a file that is other than the one
 * taken in last is taken in whole; what people change afterwards stays until the file
 * changes again.  It is looked at when a program starts and when the settings are asked.
 */
import { createHash } from 'node:crypto'
import { open } from 'node:fs/promises'
import { join } from 'node:path'
import { Refusal, type Principal } from '@millrace/engine'
import { boardSettings, setSettings, settingsSchema, type StoredSettings } from './board.ts'
import type { Desk } from './change.ts'

const NAME = 'settings.json'
const MOST_BYTES = 64 * 1024

export interface SettingsFile {
  readonly path: string
  /** `none`: there is no file; `same`: it was taken in before; `taken`: now. */
  readonly state: 'none' | 'same' | 'taken' | 'refused'
  /** What is wrong with it. */
  readonly problems: readonly string[]
  /** Names in it that are not settings of the board. */
  readonly ignored: readonly string[]
}

/** Where a workspace's files lie, and who changes its settings in the name of the file. */
export interface Home {
  readonly folder: string
  readonly workspace: number
  readonly who: Principal
}

export async function takeInSettings(
  desk: Desk,
  { folder, workspace, who }: Home,
): Promise<{ settings: StoredSettings; file: SettingsFile }> {
  const path = join(folder, NAME)
  const settings = await boardSettings(desk, who, workspace)
  const told = (state: SettingsFile['state'], problems: readonly string[] = [], ignored: readonly string[] = []) => ({
    settings,
    file: { path, state, problems, ignored },
  })
  const text = await textOf(path)
  if (text === undefined) return told('none')
  if (text === null) return told('refused', ['It cannot be read.'])
  const digest = createHash('sha256').update(text).digest('hex')
  const read = readSettings(text)
  if (read.problems.length > 0) return told('refused', read.problems, read.ignored)
  if (digest === settings.fileDigest) return told('same', [], read.ignored)
  try {
    const changed = await setSettings(desk, who, workspace, read.settings, { file: digest })
    return { ...told('taken', [], read.ignored), settings: changed }
  } catch (error) {
    if (error instanceof Refusal) return told('refused', [error.message], read.ignored)
    throw error
  }
}

/** Is there one?  Where nobody uses a board, none is made for the sake of a file that is not there. */
export const hasSettingsFile = async ({ folder }: Pick<Home, 'folder'>): Promise<boolean> =>
  (await textOf(join(folder, NAME))) !== undefined

/** Undefined: there is none; null: it cannot be read. */
async function textOf(path: string): Promise<string | null | undefined> {
  try {
    const file = await open(path)
    try {
      const { bytesRead, buffer } = await file.read({ buffer: Buffer.alloc(MOST_BYTES + 1) })
      return buffer.toString('utf8', 0, bytesRead)
    } finally {
      await file.close()
    }
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' || code === 'ENOTDIR' ? undefined : null
  }
}

function readSettings(text: string) {
  const none = { settings: {}, ignored: [] }
  if (Buffer.byteLength(text) > MOST_BYTES) return { ...none, problems: [`It has more than ${MOST_BYTES} bytes.`] }
  let given: unknown
  try {
    given = JSON.parse(text)
  } catch {
    return { ...none, problems: ['It is not JSON.'] }
  }
  if (typeof given !== 'object' || given === null || Array.isArray(given)) {
    return { ...none, problems: ['It is not an object.'] }
  }
  const names = Object.keys(settingsSchema.shape)
  const ours = Object.fromEntries(Object.entries(given).filter(([name]) => names.includes(name)))
  const ignored = Object.keys(given).filter((name) => !names.includes(name))
  const parsed = settingsSchema.partial().safeParse(ours)
  if (parsed.success) return { settings: parsed.data, ignored, problems: [] }
  return {
    settings: {},
    ignored,
    problems: parsed.error.issues.map((issue) => `${issue.path.map(String).join('.')}: ${issue.message}`),
  }
}
