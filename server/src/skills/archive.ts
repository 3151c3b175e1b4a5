/**
 * A skill in an archive (.zip, .tar, .tar.gz), read in memory: nothing of it is ever
 * written to a disk.  Names that lead out, links, what unpacks to too much and what
 * contradicts itself are refused before they are unpacked.
 */
import { crc32, gunzip, inflateRaw } from 'node:zlib'
import { promisify } from 'node:util'
import { Refusal } from '@millrace/engine'
import { shown } from './diagnostics.ts'
import { isPath, LARGEST_SKILL, MOST_FILES, type Files } from './read-skill.ts'

/** Bytes of an archive as it comes. */
export const LARGEST_ARCHIVE = 16 * 1024 * 1024
/** Bytes of all that a .tar.gz unpacks to: a whole repository may lie in it. */
const LARGEST_TAR = 64 * 1024 * 1024
const MOST_ENTRIES = 20_000
/** Skills that are named when there are several. */
const NAMED = 20

interface Entry {
  readonly path: string
  readonly kind: 'file' | 'folder' | 'link' | 'other'
  readonly size: number
  readonly bytes: () => Promise<Buffer> | Buffer
}

export interface ArchivedSkill {
  /** The name of its folder; '' at the top. */
  readonly folder: string
  readonly files: Files
}

/**
 * @param within the folder of the skill, where there are several
 * @throws Refusal NOT_AN_ARCHIVE, ARCHIVE_TOO_LARGE, ARCHIVE_PATH, ARCHIVE_LINK, NO_SKILL_THERE, SEVERAL_SKILLS
 */
export async function skillInArchive(archive: Buffer, within?: string): Promise<ArchivedSkill> {
  if (archive.length > LARGEST_ARCHIVE) throw tooLarge(`An archive has at most ${LARGEST_ARCHIVE} bytes.`)
  const entries = await entriesOf(archive)
  const seen = new Set<string>()
  for (const { path, kind } of entries) {
    if (!isPath(path)) {
      throw new Refusal(
        'ARCHIVE_PATH',
        `The archive holds the name ${JSON.stringify(shown(path))}, which leads out of it or is none.`,
      )
    }
    if (kind !== 'folder' && seen.has(path)) throw contradicts(`it holds ${JSON.stringify(shown(path))} twice`)
    seen.add(path)
  }
  const place = placeOf(entries, within)
  const mine = entries.filter(({ path }) => path.startsWith(place) && !LEFT_OUT.test(path.slice(place.length)))
  const files = mine.filter(({ kind }) => kind !== 'folder')
  const odd = files.find(({ kind }) => kind !== 'file')
  if (odd !== undefined) {
    throw new Refusal(
      'ARCHIVE_LINK',
      `${JSON.stringify(shown(odd.path))} is a link, or no file; a skill holds files only.`,
    )
  }
  if (files.length > MOST_FILES) throw tooLarge(`A skill has at most ${MOST_FILES} files.`)
  if (files.reduce((sum, { size }) => sum + size, 0) > LARGEST_SKILL)
    throw tooLarge(`The files of a skill have at most ${LARGEST_SKILL} bytes.`)
  const unpacked = new Map<string, Buffer>()
  for (const { path, bytes } of files) unpacked.set(path.slice(place.length), await bytes())
  return { folder: place.split('/').at(-2) ?? '', files: unpacked }
}

const LEFT_OUT = /(^|\/)(\.git\/|\.DS_Store$|Thumbs\.db$|desktop\.ini$|__MACOSX\/)/

/** Where the skill lies: the folder that is named, the only one, or the one around all others. */
function placeOf(entries: readonly Entry[], within: string | undefined): string {
  const places = entries
    .filter(
      ({ path, kind }) =>
        kind !== 'folder' && (path === 'SKILL.md' || path.endsWith('/SKILL.md')) && !LEFT_OUT.test(path),
    )
    .map(({ path }) => path.slice(0, -'SKILL.md'.length))
    .toSorted((a, b) => a.length - b.length)
  const wanted = within?.replaceAll(/^\.?\/+|\/+$/g, '')
  const found =
    wanted === undefined || wanted === ''
      ? places
      : places.filter((place) => place === `${wanted}/` || place.endsWith(`/${wanted}/`))
  const [first] = found
  if (first === undefined) {
    throw new Refusal('NO_SKILL_THERE', 'There is no SKILL.md in the archive, or not in that folder of it.', {
      causes: places.slice(0, NAMED).map((place) => shown(place)),
    })
  }
  if (found.length === 1 || found.every((place) => place.startsWith(first))) return first
  throw new Refusal('SEVERAL_SKILLS', `The archive holds ${found.length} skills.`, {
    causes: found.slice(0, NAMED).map((place) => shown(place)),
    remedy: 'Say which folder of it is meant.',
  })
}

async function entriesOf(archive: Buffer): Promise<Entry[]> {
  if (['504b0304', '504b0506'].includes(archive.toString('hex', 0, 4))) return zipEntries(archive)
  if (archive[0] === 0x1f && archive[1] === 0x8b)
    return tarEntries(await unpack(promisify(gunzip), archive, LARGEST_TAR))
  if (archive.toString('latin1', 257, 262) === 'ustar') return tarEntries(archive)
  throw new Refusal('NOT_AN_ARCHIVE', 'This is no .zip, .tar or .tar.gz.')
}

type Unpack = (bytes: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>

async function unpack(how: Unpack, bytes: Buffer, most: number): Promise<Buffer> {
  try {
    return await how(bytes, { maxOutputLength: Math.max(1, most) })
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge('The archive unpacks to more than it may.')
    throw contradicts('it cannot be unpacked')
  }
}

const tooLarge = (says: string) => new Refusal('ARCHIVE_TOO_LARGE', says)
const contradicts = (why: string) => new Refusal('NOT_AN_ARCHIVE', `The archive cannot be used: ${why}.`)

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
function nameOf(bytes: Buffer): string {
  try {
    return utf8.decode(bytes)
  } catch {
    throw contradicts('a name in it is not UTF-8')
  }
}

const END = 0x06054b50
const CENTRAL = 0x02014b50
const LOCAL = 0x04034b50
const LINK = 0xa000
const FILE_TYPES = 0xf000
const REGULAR = 0x8000

/** As the directory at its end says; each file's own head must say the same. */
function zipEntries(zip: Buffer): Entry[] {
  let end = -1
  for (let at = zip.length - 22; at >= 0 && at >= zip.length - 65_557 && end === -1; at -= 1) {
    if (zip.readUInt32LE(at) === END && at + 22 + zip.readUInt16LE(at + 20) === zip.length) end = at
  }
  if (end === -1) throw contradicts('its directory is missing')
  const amount = zip.readUInt16LE(end + 10)
  let at = zip.readUInt32LE(end + 16)
  if (zip.readUInt32LE(end + 4) !== 0 || amount === 0xffff || at === 0xffffffff)
    throw contradicts('archives in parts, or of more than 4 GB, are not taken')
  if (amount > MOST_ENTRIES) throw tooLarge(`An archive holds at most ${MOST_ENTRIES} files.`)
  const entries: Entry[] = []
  for (let i = 0; i < amount; i += 1) {
    if (at + 46 > end || zip.readUInt32LE(at) !== CENTRAL) throw contradicts('its directory is broken')
    const name = zip.subarray(at + 46, at + 46 + zip.readUInt16LE(at + 28))
    const entry = {
      flags: zip.readUInt16LE(at + 8),
      method: zip.readUInt16LE(at + 10),
      crc: zip.readUInt32LE(at + 16),
      packed: zip.readUInt32LE(at + 20),
      size: zip.readUInt32LE(at + 24),
      local: zip.readUInt32LE(at + 42),
      name,
    }
    const path = nameOf(name)
    // Made on a Unix: the upper half is the mode of the file.
    const mode = (zip.readUInt32LE(at + 38) >>> 16) & FILE_TYPES
    const isFolder = path.endsWith('/')
    const kind = mode === LINK ? 'link' : isFolder ? 'folder' : mode === 0 || mode === REGULAR ? 'file' : 'other'
    entries.push({
      path: isFolder ? path.slice(0, -1) : path,
      kind,
      size: entry.size,
      bytes: () => zipBytes(zip, entry),
    })
    at += 46 + name.length + zip.readUInt16LE(at + 30) + zip.readUInt16LE(at + 32)
  }
  return entries
}

interface Packed {
  readonly flags: number
  readonly method: number
  readonly crc: number
  readonly packed: number
  readonly size: number
  readonly local: number
  readonly name: Buffer
}

async function zipBytes(zip: Buffer, { flags, method, crc, packed, size, local, name }: Packed): Promise<Buffer> {
  if ((flags & 1) !== 0) throw contradicts('it is encrypted')
  if (local + 30 > zip.length || zip.readUInt32LE(local) !== LOCAL)
    throw contradicts('a file in it is not where it should be')
  const start = local + 30 + zip.readUInt16LE(local + 26) + zip.readUInt16LE(local + 28)
  const own = zip.subarray(local + 30, local + 30 + zip.readUInt16LE(local + 26))
  if (!own.equals(name) || start + packed > zip.length) throw contradicts('it says two things about a file')
  const bytes = zip.subarray(start, start + packed)
  if (method !== 0 && method !== 8) throw contradicts('it is packed in a way that is not taken here')
  const unpacked = method === 0 ? bytes : await unpack(promisify(inflateRaw), bytes, size)
  if (unpacked.length !== size || crc32(unpacked) !== crc)
    throw contradicts('a file in it is not what its directory says')
  return unpacked
}

const BLOCK = 512

/** Plain, pax and GNU's long names; sizes in octal. */
function tarEntries(tar: Buffer): Entry[] {
  const entries: Entry[] = []
  let long: string | undefined
  let at = 0
  while (at + BLOCK <= tar.length) {
    const head = tar.subarray(at, at + BLOCK)
    if (head.every((byte) => byte === 0)) break
    const sum = head.reduce((total, byte, i) => total + (i >= 148 && i < 156 ? 32 : byte), 0)
    const size = octal(head, 124, 12)
    if (octal(head, 148, 8) !== sum || size === undefined || at + BLOCK + size > tar.length)
      throw contradicts('its heads are broken')
    const bytes = tar.subarray(at + BLOCK, at + BLOCK + size)
    const type = String.fromCharCode(head[156] ?? 0)
    at += BLOCK + Math.ceil(size / BLOCK) * BLOCK
    if (type === 'g') continue
    if (type === 'x') {
      long = paxPath(bytes) ?? long
      continue
    }
    if (type === 'L') {
      long = nameOf(trimmed(bytes))
      continue
    }
    const prefix = head.toString('latin1', 257, 263) === 'ustar\0' ? nameOf(trimmed(head.subarray(345, 500))) : ''
    const short = nameOf(trimmed(head.subarray(0, 100)))
    const path = (long ?? (prefix === '' ? short : `${prefix}/${short}`)).replace(/^\.\//, '')
    long = undefined
    const kind =
      type === '5' ? 'folder' : type === '0' || type === '\0' ? 'file' : type === '1' || type === '2' ? 'link' : 'other'
    const isFolder = kind === 'folder' || path.endsWith('/')
    if (isFolder && /^\.?\/?$/.test(path)) continue
    if (entries.length === MOST_ENTRIES) throw tooLarge(`An archive holds at most ${MOST_ENTRIES} files.`)
    entries.push({
      path: path.replace(/\/$/, ''),
      kind: isFolder && kind === 'file' ? 'folder' : kind,
      size,
      bytes: () => bytes,
    })
  }
  return entries
}

function trimmed(bytes: Buffer): Buffer {
  const end = bytes.indexOf(0)
  return end === -1 ? bytes : bytes.subarray(0, end)
}

function octal(head: Buffer, from: number, length: number): number | undefined {
  const text = trimmed(head.subarray(from, from + length))
    .toString('latin1')
    .trim()
  return /^[0-7]{1,11}$/.test(text) ? Number.parseInt(text, 8) : undefined
}

/** `length key=value\n`, again and again. */
function paxPath(bytes: Buffer): string | undefined {
  let at = 0
  let path: string | undefined
  while (at < bytes.length) {
    const [, digits = ''] = /^(\d{1,6}) /.exec(bytes.toString('latin1', at, at + 8)) ?? []
    const length = Number(digits)
    if (digits === '' || length < digits.length + 3 || at + length > bytes.length)
      throw contradicts('its heads are broken')
    const record = bytes.subarray(at + digits.length + 1, at + length - 1)
    const sign = record.indexOf(0x3d)
    const key = record.toString('latin1', 0, Math.max(0, sign))
    if (key === 'path') path = nameOf(record.subarray(sign + 1))
    // A link or another size hides behind these; none is a skill's.
    if (key === 'size' || key === 'GNU.sparse.name')
      throw contradicts('files that are sparse or very large are not taken')
    at += length
  }
  return path
}
