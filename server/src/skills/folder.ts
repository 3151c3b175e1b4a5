/**
 * Skills from folders: every file below a folder and nothing beside it.  Links are
 * refused, whatever they point to; so is what is no file, and what is too large before
 * it is read.
 */
import { constants } from 'node:fs'
import { lstat, open, readdir, realpath } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { Refusal } from '@millrace/engine'
import { Diagnostics, shown } from './diagnostics.ts'
import { isPath, LARGEST_SKILL, MOST_FILES, readSkill, type Files, type ReadSkill } from './read-skill.ts'
import { LARGEST_SKILL_MD } from './skill-md.ts'

const DEEPEST = 8
/** Folders that are looked into below the folder of skills. */
const MOST_FOLDERS = 2_000
const SKILLS_DEEP = 4
/** What the systems of people leave lying about. */
const LEFT_OUT = new Set(['.git', '.DS_Store', 'Thumbs.db', 'desktop.ini'])

export interface FoundSkill extends ReadSkill {
  /** The path of its folder below the folder of skills. */
  readonly key: string
  readonly files: Files
}

/** One skill. @throws Refusal NO_SUCH_FOLDER */
export async function readSkillFolder(folder: string): Promise<FoundSkill> {
  const root = await rootOf(folder)
  return readOne(root, basename(root))
}

/** Every folder below with a SKILL.md, by its path. @throws Refusal NO_SUCH_FOLDER, TOO_MANY_FOLDERS */
export async function readSkillsFolder(folder: string): Promise<FoundSkill[]> {
  const root = await rootOf(folder)
  const found: FoundSkill[] = []
  const waiting: { path: string; key: string; depth: number }[] = [{ path: root, key: '', depth: 0 }]
  let looked = 0
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { path, key, depth } = next
    looked += 1
    if (looked > MOST_FOLDERS) {
      throw new Refusal('TOO_MANY_FOLDERS', `The folder of skills has more than ${MOST_FOLDERS} folders below it.`)
    }
    for (const entry of (await readdir(path, { withFileTypes: true })).toSorted((a, b) => (a.name < b.name ? -1 : 1))) {
      if (LEFT_OUT.has(entry.name)) continue
      const inner = key === '' ? entry.name : `${key}/${entry.name}`
      const below = join(path, entry.name)
      if (entry.isSymbolicLink()) {
        const said = new Diagnostics()
        said.error('LINK', shown(inner), null, 'links are not followed')
        // A link to a file that is no skill's concerns nobody.
        if (depth < SKILLS_DEEP && !entry.name.includes('.'))
          found.push({ key: inner, files: new Map(), diagnostics: said.all })
      } else if (entry.isDirectory()) {
        if (await isThere(join(below, 'SKILL.md'))) found.push(await readOne(below, inner))
        else if (depth + 1 < SKILLS_DEEP) waiting.push({ path: below, key: inner, depth: depth + 1 })
      }
    }
  }
  return found
}

async function rootOf(folder: string): Promise<string> {
  try {
    const root = await realpath(folder)
    if ((await lstat(root)).isDirectory()) return root
  } catch (error) {
    throw new Refusal('NO_SUCH_FOLDER', `The folder ${shown(folder)} cannot be read.`, { cause: error })
  }
  throw new Refusal('NO_SUCH_FOLDER', `${shown(folder)} is no folder.`)
}

const isThere = (path: string) =>
  lstat(path).then(
    () => true,
    () => false,
  )

async function readOne(root: string, key: string): Promise<FoundSkill> {
  const said = new Diagnostics()
  if (!(await isThere(join(root, 'SKILL.md')))) {
    said.error('SKILL_MD_MISSING', 'SKILL.md', null, 'there is no SKILL.md here')
    return { key, files: new Map(), diagnostics: said.all }
  }
  const files = await filesBelow(root, said)
  const name = basename(root)
  return { key, files, ...(said.failed ? { diagnostics: said.all } : readSkill(files, name, said)) }
}

async function filesBelow(root: string, said: Diagnostics): Promise<Files> {
  const files = new Map<string, Buffer>()
  let left = LARGEST_SKILL
  const waiting: { path: string; key: string; depth: number }[] = [{ path: root, key: '', depth: 0 }]
  for (let next = waiting.shift(); next !== undefined; next = waiting.shift()) {
    const { path, key, depth } = next
    if ((await realpath(path)) !== path) {
      said.error('LINK', shown(key), null, 'the folder lies elsewhere')
      continue
    }
    for (const entry of await readdir(path, { withFileTypes: true })) {
      if (LEFT_OUT.has(entry.name)) continue
      const inner = key === '' ? entry.name : `${key}/${entry.name}`
      if (entry.isSymbolicLink()) said.error('LINK', shown(inner), null, 'links are not followed')
      else if (entry.isDirectory()) {
        if (depth + 1 < DEEPEST) waiting.push({ path: join(path, entry.name), key: inner, depth: depth + 1 })
        else said.error('TOO_DEEP', shown(inner), null, `at most ${DEEPEST} folders lie in one another`)
      } else if (!entry.isFile()) said.error('NO_FILE', shown(inner), null, 'it is neither a file nor a folder')
      else if (files.size === MOST_FILES) {
        said.error('TOO_MANY_FILES', '', null, `a skill has at most ${MOST_FILES} files`)
        return files
      } else {
        const bytes = await bytesOf(join(path, entry.name), inner, left, said)
        if (bytes === undefined) continue
        left -= bytes.length
        files.set(inner, bytes)
      }
    }
  }
  return files
}

/** Looked at through what was opened, so that nobody puts another thing in its place meanwhile. */
async function bytesOf(path: string, key: string, left: number, said: Diagnostics): Promise<Buffer | undefined> {
  if (!isPath(key)) {
    said.error('PATH_NOT_TAKEN', shown(key), null, 'a path holds names and slashes, and no control characters')
    return undefined
  }
  const handle = await open(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK).catch(
    () => undefined,
  )
  if (handle === undefined) {
    said.error('CANNOT_READ', shown(key), null, 'it cannot be read')
    return undefined
  }
  try {
    const { size } = await handle.stat()
    const most = key === 'SKILL.md' ? LARGEST_SKILL_MD : left
    if (size > most) {
      const says =
        key === 'SKILL.md'
          ? `it has ${size} bytes; ${most} are allowed`
          : `the files of a skill have at most ${LARGEST_SKILL} bytes`
      said.error(key === 'SKILL.md' ? 'FILE_TOO_LARGE' : 'SKILL_TOO_LARGE', shown(key), null, says)
      return undefined
    }
    if ((await realpath(path)) !== path) {
      said.error('LINK', shown(key), null, 'the file lies elsewhere')
      return undefined
    }
    const bytes = Buffer.alloc(size)
    const { bytesRead } = await handle.read(bytes, 0, size, 0)
    return bytes.subarray(0, bytesRead)
  } finally {
    await handle.close()
  }
}
