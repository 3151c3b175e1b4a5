/** Archives of strangers: what is found in them, and what is refused before it is unpacked. */
import { gzipSync } from 'node:zlib'
import fc from 'fast-check'
import { strToU8, zipSync, type Zippable } from 'fflate'
import { describe, expect, test } from 'vitest'
import { LARGEST_ARCHIVE, skillInArchive } from './archive.ts'
import { LARGEST_SKILL } from './read-skill.ts'

const MD = '# A\n\nB\n'
const zip = (files: Zippable) => Buffer.from(zipSync(files))
const CENTRAL = 'PK\u0001\u0002'
const LINK = { os: 3, attrs: 0o120777 * 65_536 } as const

/** One block of a tar; the rest of the writing is two lines. */
function tarHead(name: string, size: number, type = '0', prefix = ''): Buffer {
  const head = Buffer.alloc(512)
  head.write(name, 0, 100)
  head.write('0000644\0', 100)
  head.write(`${size.toString(8).padStart(11, '0')}\0`, 124)
  head.write(' '.repeat(8), 148)
  head.write(type, 156)
  head.write('ustar\u000000', 257)
  head.write(prefix, 345)
  head.write(
    `${head
      .reduce((sum, byte) => sum + byte, 0)
      .toString(8)
      .padStart(6, '0')}\0 `,
    148,
  )
  return head
}
const padded = (text: string | Buffer) => {
  const bytes = Buffer.from(text)
  return Buffer.concat([bytes, Buffer.alloc((512 - (bytes.length % 512)) % 512)])
}
interface TarFile {
  readonly name: string
  readonly text?: string
  readonly type?: string
  readonly prefix?: string
}
const tar = (files: readonly TarFile[]) =>
  Buffer.concat([
    ...files.flatMap(({ name, text = '', type, prefix }) => [
      tarHead(name, Buffer.byteLength(text), type, prefix),
      padded(text),
    ]),
    Buffer.alloc(1024),
  ])
const pax = (key: string, value: string) => {
  const rest = ` ${key}=${value}\n`
  let length = rest.length
  while (Buffer.byteLength(`${length}${rest}`) !== length) length += 1
  return `${length}${rest}`
}

const refusal = (archive: Buffer, within?: string) =>
  skillInArchive(archive, within).then(
    () => 'taken',
    (error: { code: string }) => error.code,
  )
const paths = async (archive: Buffer, within?: string) =>
  [...(await skillInArchive(archive, within)).files.keys()].toSorted()

describe('S12: a skill in an archive', () => {
  test('is found at its top, in its only folder, or in the folder that is named', async () => {
    expect(await paths(zip({ 'SKILL.md': strToU8(MD), a: { 'b.txt': strToU8('x') } }))).toEqual(['SKILL.md', 'a/b.txt'])
    const many = zip({
      'repo-1': { skills: { one: { 'SKILL.md': strToU8(MD), 'x.md': strToU8('') }, two: { 'SKILL.md': strToU8(MD) } } },
    })
    expect(await refusal(many)).toBe('SEVERAL_SKILLS')
    expect(await paths(many, 'skills/one')).toEqual(['SKILL.md', 'x.md'])
    expect((await skillInArchive(many, 'two')).folder).toBe('two')
    expect(await refusal(many, 'three')).toBe('NO_SKILL_THERE')
    expect(await refusal(zip({ 'README.md': strToU8('x') }))).toBe('NO_SKILL_THERE')
  })

  test('is read from .tar and .tar.gz too, with long names of both kinds', async () => {
    const deep = `${'d'.repeat(90)}/${'e'.repeat(60)}`
    const all = tar([
      { name: 'pax_global_header', type: 'g', text: pax('comment', 'abc') },
      { name: './', type: '5' },
      { name: './s/', type: '5' },
      { name: './s/SKILL.md', text: MD },
      { name: 'short', type: 'x', text: pax('path', `s/${deep}/å.md`) },
      { name: 'short', text: 'one' },
      { name: '././@LongLink', type: 'L', text: `s/${deep}/gnu.md\0` },
      { name: 'short', text: 'two' },
      { name: 'prefixed.md', prefix: 's/p', text: 'three' },
    ])
    for (const archive of [all, gzipSync(all)]) {
      const { files, folder } = await skillInArchive(archive)
      expect(folder).toBe('s')
      expect(Object.fromEntries([...files].map(([path, bytes]) => [path, bytes.toString()]))).toEqual({
        'SKILL.md': MD,
        [`${deep}/å.md`]: 'one',
        [`${deep}/gnu.md`]: 'two',
        'p/prefixed.md': 'three',
      })
    }
  })

  test.each(['../evil', '/etc/evil', 'a/../../evil', 'a\\..\\evil', 'C:evil', 'a//b', 'a/./b', 'a\u0007b'])(
    'with the name %j anywhere in it is refused',
    async (name) => {
      expect(await refusal(zip({ 'SKILL.md': strToU8(MD), [name]: strToU8('x') }))).toBe('ARCHIVE_PATH')
      expect(
        await refusal(
          tar([
            { name: 'SKILL.md', text: MD },
            { name, text: 'x' },
          ]),
        ),
      ).toBe('ARCHIVE_PATH')
    },
  )

  test('that holds a link, or what is no file, is refused; one beside the skill is nobody’s business', async () => {
    expect(await refusal(zip({ 'SKILL.md': strToU8(MD), x: [strToU8('/etc/passwd'), LINK] }))).toBe('ARCHIVE_LINK')
    for (const type of ['1', '2', '3', '6']) {
      expect(
        await refusal(
          tar([
            { name: 'SKILL.md', text: MD },
            { name: 'x', type },
          ]),
        ),
      ).toBe('ARCHIVE_LINK')
    }
    expect(await paths(zip({ s: { 'SKILL.md': strToU8(MD) }, x: [strToU8('s'), LINK] }))).toEqual(['SKILL.md'])
  })

  test('that unpacks to too much is refused without being unpacked', async () => {
    const zeros = zip({ 'SKILL.md': strToU8(MD), zeros: [new Uint8Array(1_000_000), { level: 9 }] })
    expect(zeros.length).toBeLessThan(3_000)
    expect(await refusal(zeros)).toBe('taken')
    const saying = (size: number) => {
      const archive = Buffer.from(zeros)
      for (let at = archive.indexOf(CENTRAL); at !== -1; at = archive.indexOf(CENTRAL, at + 4)) {
        if (archive.readUInt32LE(at + 24) === 1_000_000) archive.writeUInt32LE(size, at + 24)
      }
      return archive
    }
    expect(await refusal(saying(LARGEST_SKILL))).toBe('ARCHIVE_TOO_LARGE')
    // Its directory says less than what comes out.
    expect(await refusal(saying(10))).toBe('ARCHIVE_TOO_LARGE')
    expect(await refusal(gzipSync(Buffer.alloc(65 * 1024 * 1024), { level: 1 }))).toBe('ARCHIVE_TOO_LARGE')
    expect(await refusal(Buffer.alloc(LARGEST_ARCHIVE + 1))).toBe('ARCHIVE_TOO_LARGE')
    const many = Object.fromEntries(Array.from({ length: 600 }, (_, i) => [`${i}`, strToU8('x')]))
    expect(await refusal(zip({ ...many, 'SKILL.md': strToU8(MD) }))).toBe('ARCHIVE_TOO_LARGE')
  })

  test('that contradicts itself is refused', async () => {
    const good = zip({ 'SKILL.md': [strToU8(MD), { level: 0 }] })
    expect(await refusal(good)).toBe('taken')
    const renamed = Buffer.from(good)
    renamed.write('OTHER.md', renamed.indexOf('SKILL.md'))
    const changed = Buffer.from(good)
    changed.write('# X', changed.indexOf('# A'))
    const encrypted = Buffer.from(good)
    encrypted.writeUInt16LE(1, encrypted.indexOf(CENTRAL) + 8)
    const twice = tar([
      { name: 'SKILL.md', text: MD },
      { name: 'SKILL.md', text: 'other' },
    ])
    const sum = tar([{ name: 'SKILL.md', text: MD }])
    sum.write('X', 0)
    for (const bad of [
      renamed,
      changed,
      encrypted,
      twice,
      sum,
      good.subarray(0, -5),
      Buffer.from('hello'),
      Buffer.alloc(0),
    ]) {
      expect(await refusal(bad)).toBe('NOT_AN_ARCHIVE')
    }
    expect(
      await refusal(
        tar([
          { name: 'p', type: 'x', text: pax('size', '99') },
          { name: 'SKILL.md', text: MD },
        ]),
      ),
    ).toBe('NOT_AN_ARCHIVE')
  })

  test('whatever bytes it has, is read or refused and nothing else', async () => {
    const seeds = [
      zip({ s: { 'SKILL.md': strToU8(MD), 'a.md': strToU8('x'.repeat(200)) } }),
      tar([
        { name: 's/SKILL.md', text: MD },
        { name: 's/b', text: 'c' },
      ]),
    ]
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...seeds),
        fc.array(fc.tuple(fc.nat(4_000), fc.nat(255)), { maxLength: 6 }),
        fc.nat(4_000),
        async (seed, changes, cut) => {
          const bytes = Buffer.from(cut < 2_000 ? seed : seed.subarray(0, cut))
          for (const [at, value] of changes) if (at < bytes.length) bytes[at] = value
          expect(await refusal(bytes)).toMatch(/^(taken|[A-Z_]+)$/)
        },
      ),
      { numRuns: 300 },
    )
  })
})
