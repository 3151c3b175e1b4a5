/**
 * Files of documents below one folder: nothing here follows a link, leaves the folder,
 * or overwrites what it has not looked at.
 */
import { randomBytes } from 'node:crypto'
import { constants } from 'node:fs'
import { lstat, mkdir, open, readdir, realpath, rename, unlink } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'

/** Why a file is left alone, in a closed word. */
export type Obstacle = 'link' | 'no file' | 'too large' | 'not text' | 'changed meanwhile'

export class Unsafe extends Error {
  readonly obstacle: Obstacle
  constructor(obstacle: Obstacle) {
    super(obstacle)
    this.obstacle = obstacle
  }
}

export interface FileSeen {
  readonly content: Buffer
  /** Changes with every change of the file. */
  readonly mark: string
}

export interface WorkFolder {
  /** Undefined where there is none. @throws Unsafe */
  read(path: string): Promise<FileSeen | undefined>
  /**
   * By a temporary file and a rename, so that nobody sees half of it.  `before` is what
   * was read there: whoever changed it meanwhile is not overwritten.
   * @throws Unsafe
   */
  write(path: string, content: string, before: FileSeen | undefined): Promise<string>
  /** Every plain file in one folder of it, with its mark. */
  all(below: string): AsyncIterable<{ readonly path: string; readonly mark: string }>
}

const LARGEST = 1024 * 1024
const DEEPEST = 10
const TEMPORARY = /^\.millrace-[0-9a-f]{16}$/

/** @param root is made, with all above it, when something is first written */
export function openFolder(root: string): WorkFolder {
  /** The folder of a file as it really lies; every part below the root is a folder and no link. */
  async function folderOf(path: string, make: boolean): Promise<string | undefined> {
    if (make) await mkdir(root, { recursive: true })
    let here = await realpath(root).catch(missing)
    if (here === undefined) return undefined
    for (const part of path.split('/').slice(0, -1)) {
      here = join(here, part)
      if (make) await mkdir(here).catch((error: unknown) => ignore(error, 'EEXIST'))
      const seen = await lstat(here).catch(missing)
      if (seen === undefined) return undefined
      if (seen.isSymbolicLink()) throw new Unsafe('link')
      if (!seen.isDirectory()) throw new Unsafe('no file')
    }
    return here
  }

  const nameOf = (path: string) => path.split('/').at(-1) ?? path

  return {
    async read(path) {
      const folder = await folderOf(path, false)
      return folder === undefined ? undefined : readPlain(join(folder, nameOf(path)))
    },
    async write(path, content, before) {
      const folder = await folderOf(path, true)
      if (folder === undefined) throw new Unsafe('no file')
      const target = join(folder, nameOf(path))
      const temporary = join(folder, `.millrace-${randomBytes(8).toString('hex')}`)
      const handle = await open(
        temporary,
        constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_NOFOLLOW,
        0o644,
      )
      try {
        await handle.writeFile(content)
        await handle.sync()
        const { mtimeMs, size, ino } = await handle.stat()
        await handle.close()
        if ((await realpath(dirname(temporary))) !== folder) throw new Unsafe('link')
        if ((await markAt(target)) !== before?.mark) throw new Unsafe('changed meanwhile')
        await rename(temporary, target)
        return `${ino} ${size} ${mtimeMs}`
      } catch (error) {
        await handle.close().catch(() => {})
        await unlink(temporary).catch(() => {})
        throw error
      }
    },
    async *all(below) {
      const real = await realpath(root).catch(missing)
      if (real === undefined) return
      const first = await lstat(join(real, below)).catch(missing)
      // What a link leads to is somebody else's.
      const folders: string[] = first?.isDirectory() === true ? [join(real, below)] : []
      for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
        const entries = await readdir(folder, { withFileTypes: true }).catch(() => [])
        for (const entry of entries) {
          const place = join(folder, entry.name)
          if (entry.isDirectory() && relative(real, place).split(sep).length < DEEPEST) folders.push(place)
          if (!entry.isFile() || TEMPORARY.test(entry.name)) continue
          const mark = await markAt(place).catch(() => undefined)
          if (mark !== undefined) yield { path: relative(real, place).split(sep).join('/'), mark }
        }
      }
    },
  }
}

async function readPlain(place: string): Promise<FileSeen | undefined> {
  const mark = await markAt(place)
  if (mark === undefined) return undefined
  const handle = await open(place, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(missing)
  if (handle === undefined) return undefined
  try {
    const { size } = await handle.stat()
    if (size > LARGEST) throw new Unsafe('too large')
    return { content: await handle.readFile(), mark }
  } finally {
    await handle.close()
  }
}

async function markAt(place: string): Promise<string | undefined> {
  const seen = await lstat(place).catch(missing)
  if (seen === undefined) return undefined
  if (seen.isSymbolicLink()) throw new Unsafe('link')
  if (!seen.isFile()) throw new Unsafe('no file')
  return `${seen.ino} ${seen.size} ${seen.mtimeMs}`
}

function missing(error: unknown): undefined {
  ignore(error, 'ENOENT')
}

function ignore(error: unknown, code: string): void {
  if (!(error instanceof Error && 'code' in error && error.code === code)) throw error
}
