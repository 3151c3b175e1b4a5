/** An image: what it is, and of a PNG or JPEG its colours, a grid of blocks, and the letters in it. */
import { decode } from 'jpeg-js'
import { z } from 'zod'
import { ToolFailed } from '../envelope.ts'
import { defineTool } from '../runner.ts'
import { readPng, type Pixels } from './png.ts'
import { textIn } from './read-text.ts'

const colour = z.string().describe('#rrggbb')

export default defineTool({
  name: 'image_analysis',
  version: '1.1.0',
  description:
    'Says what an image is (PNG, JPEG, GIF, WebP, BMP) and how large; of a PNG or JPEG also its average and commonest colours, its brightness, a grid of blocks, and the English text in it.',
  capabilities: ['image'],
  timeoutMs: 60_000,
  input: z.strictObject({
    image: z.string().min(1).max(14_000_000).describe('Base64, also as a data URL.'),
    mime_type: z.string().max(100).optional().describe('Refused if the image is another.'),
    colours: z.int().min(1).max(32).default(5).describe('How many of the commonest colours.'),
    text: z.boolean().default(true).describe('Look for letters; it takes the longest.'),
    grid: z.int().min(1).max(64).default(8).describe('Blocks in a row, and rows.'),
  }),
  output: z.object({
    mime_type: z.string(),
    width: z.int(),
    height: z.int(),
    bytes: z.int(),
    bitDepth: z.int().nullable(),
    alpha: z.boolean().nullable(),
    brightness: z.number().nullable().describe('0 to 1, of what is not transparent.'),
    average: colour.nullable(),
    colours: z
      .array(z.object({ colour, share: z.number() }))
      .nullable()
      .describe('Near ones counted together; shares of what is not transparent.'),
    blocks: z
      .array(z.array(colour.nullable()))
      .nullable()
      .describe('The average of each block, row by row; null where all is transparent.'),
    text: z.string().nullable().describe('As it was read; null where nobody looked.'),
    words: z
      .array(z.object({ text: z.string(), confidence: z.number(), box: z.array(z.number()) }))
      .nullable()
      .describe('Each with left, top, width and height in pixels.'),
  }),
  errors: {
    NOT_BASE64: { message: 'The image is not base64.', blame: 'caller' },
    NOT_AN_IMAGE: { message: 'It is no PNG, JPEG, GIF, WebP or BMP.', blame: 'caller' },
    OTHER_TYPE: { message: 'The image is of another type than was said.', blame: 'caller' },
    BROKEN_IMAGE: { message: 'The image cannot be read whole, or is larger than 40 million pixels.', blame: 'caller' },
  },
  async run({ image, mime_type: said, colours, grid, text: reads }) {
    const letters = image.replace(/^data:[^,]{0,100},/, '').replace(/\s+/g, '')
    if (!/^[A-Za-z0-9+/_-]+={0,2}$/.test(letters)) throw new ToolFailed('NOT_BASE64')
    const file = Buffer.from(letters, 'base64')
    const found = sizeOf(file)
    if (found === undefined) throw new ToolFailed('NOT_AN_IMAGE', { bytes: file.length })
    const { type: mime_type, width, height } = found
    if (said !== undefined && said !== mime_type) throw new ToolFailed('OTHER_TYPE', { is: mime_type })
    const about = { mime_type, width, height, bytes: file.length }
    if (mime_type !== 'image/png' && mime_type !== 'image/jpeg') return { ...about, ...NOT_LOOKED_AT }
    const pixels = mime_type === 'image/png' ? readPng(file) : readJpeg(file)
    if (pixels === undefined) throw new ToolFailed('BROKEN_IMAGE')
    const { bitDepth, alpha } = pixels
    const seen = { ...coloursOf(pixels, colours), blocks: blocksOf(pixels, grid) }
    const read = reads ? await textIn(pixels) : { text: null, words: null }
    return {
      ...about,
      bitDepth,
      alpha,
      ...seen,
      ...read,
      words: read.words?.map((word) => ({ ...word, box: [...word.box] })) ?? null,
    }
  },
})

const NOT_LOOKED_AT = {
  bitDepth: null,
  alpha: null,
  brightness: null,
  average: null,
  colours: null,
  blocks: null,
  text: null,
  words: null,
}

/** Undefined where it cannot be read whole, or is too large. */
function readJpeg(file: Buffer): Pixels | undefined {
  try {
    const limits = { maxResolutionInMP: 40, maxMemoryUsageInMB: 400, tolerantDecoding: false }
    const { width, height, data } = decode(file, { useTArray: true, formatAsRGBA: true, ...limits })
    return { width, height, bitDepth: 8, alpha: false, rgba: data }
  } catch {
    return undefined
  }
}

/** By its first bytes; undefined for what is none. */
function sizeOf(file: Buffer): { type: string; width: number; height: number } | undefined {
  const text = (from: number, to: number) => file.toString('latin1', from, to)
  if (file.length < 26) return undefined
  if (text(0, 8) === '\x89PNG\r\n\x1a\n') {
    return { type: 'image/png', width: file.readUInt32BE(16), height: file.readUInt32BE(20) }
  }
  if (/^GIF8[79]a$/.test(text(0, 6))) {
    return { type: 'image/gif', width: file.readUInt16LE(6), height: file.readUInt16LE(8) }
  }
  if (text(0, 2) === 'BM') {
    return { type: 'image/bmp', width: file.readInt32LE(18), height: Math.abs(file.readInt32LE(22)) }
  }
  if (text(0, 4) === 'RIFF' && text(8, 12) === 'WEBP' && file.length >= 30) return webp(file, text(12, 16))
  return file[0] === 0xff && file[1] === 0xd8 ? jpeg(file) : undefined
}

function webp(file: Buffer, kind: string) {
  const type = 'image/webp'
  if (kind === 'VP8X') return { type, width: file.readUIntLE(24, 3) + 1, height: file.readUIntLE(27, 3) + 1 }
  if (kind === 'VP8 ') return { type, width: file.readUInt16LE(26) & 0x3fff, height: file.readUInt16LE(28) & 0x3fff }
  if (kind !== 'VP8L') return undefined
  const bits = file.readUInt32LE(21)
  return { type, width: (bits & 0x3fff) + 1, height: ((bits >> 14) & 0x3fff) + 1 }
}

function jpeg(file: Buffer) {
  for (let at = 2; at + 9 < file.length;) {
    if (file[at] !== 0xff) return undefined
    const marker = file[at + 1] ?? 0
    // The frames: all of C0 to CF but tables and one that was never used.
    if (marker >= 0xc0 && marker <= 0xcf && ![0xc4, 0xc8, 0xcc].includes(marker)) {
      return { type: 'image/jpeg', width: file.readUInt16BE(at + 7), height: file.readUInt16BE(at + 5) }
    }
    at += 2 + file.readUInt16BE(at + 2)
  }
  return undefined
}

const hex = (...parts: number[]) => `#${parts.map((part) => Math.round(part).toString(16).padStart(2, '0')).join('')}`
const rounded = (value: number) => Math.round(value * 1_000) / 1_000

function coloursOf({ rgba }: Pixels, most: number) {
  const near = new Map<number, { count: number; red: number; green: number; blue: number }>()
  const sum = { weight: 0, red: 0, green: 0, blue: 0 }
  for (let at = 0; at < rgba.length; at += 4) {
    const [red = 0, green = 0, blue = 0, alpha = 0] = rgba.subarray(at, at + 4)
    if (alpha === 0) continue
    const weight = alpha / 255
    sum.weight += weight
    sum.red += red * weight
    sum.green += green * weight
    sum.blue += blue * weight
    const key = ((red >> 4) << 8) | ((green >> 4) << 4) | (blue >> 4)
    const one = near.get(key) ?? { count: 0, red: 0, green: 0, blue: 0 }
    near.set(key, {
      count: one.count + weight,
      red: one.red + red * weight,
      green: one.green + green * weight,
      blue: one.blue + blue * weight,
    })
  }
  const { weight } = sum
  if (weight === 0) return { brightness: null, average: null, colours: [] }
  const colours = [...near.values()]
    .toSorted((a, b) => b.count - a.count)
    .slice(0, most)
    .map(({ count, red, green, blue }) => ({
      colour: hex(red / count, green / count, blue / count),
      share: rounded(count / weight),
    }))
  const brightness = rounded((0.2126 * sum.red + 0.7152 * sum.green + 0.0722 * sum.blue) / weight / 255)
  return { brightness, average: hex(sum.red / weight, sum.green / weight, sum.blue / weight), colours }
}

function blocksOf({ width, height, rgba }: Pixels, grid: number): (string | null)[][] {
  const across = Math.min(grid, width)
  const down = Math.min(grid, height)
  const edge = (n: number, of: number, size: number) => Math.floor((n * size) / of)
  return Array.from({ length: down }, (_, row) =>
    Array.from({ length: across }, (__, column) => {
      const sum = [0, 0, 0, 0]
      for (let y = edge(row, down, height); y < edge(row + 1, down, height); y += 1) {
        for (let x = edge(column, across, width); x < edge(column + 1, across, width); x += 1) {
          const at = (y * width + x) * 4
          const alpha = rgba[at + 3] ?? 0
          for (let n = 0; n < 3; n += 1) sum[n] = (sum[n] ?? 0) + (rgba[at + n] ?? 0) * alpha
          sum[3] = (sum[3] ?? 0) + alpha
        }
      }
      const [red = 0, green = 0, blue = 0, alpha = 0] = sum
      return alpha === 0 ? null : hex(red / alpha, green / alpha, blue / alpha)
    }),
  )
}
