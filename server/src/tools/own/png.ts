/** A PNG to pixels: every colour type, depth and interlace of the format, and no file that is larger than it says. */
import { inflateSync } from 'node:zlib'

export interface Pixels {
  readonly width: number
  readonly height: number
  readonly bitDepth: number
  readonly alpha: boolean
  /** Red, green, blue, alpha of each pixel, a byte each, row by row. */
  readonly rgba: Uint8Array
}

/** Pixels in all. */
const LARGEST = 40_000_000
/** Samples of a pixel by colour type. */
const SAMPLES: Readonly<Record<number, number>> = { 0: 1, 2: 3, 3: 1, 4: 2, 6: 4 }
/** Where the passes of an interlaced image begin, and how far apart their pixels are. */
const PASSES = [
  [0, 0, 8, 8],
  [4, 0, 8, 8],
  [0, 4, 4, 8],
  [2, 0, 4, 4],
  [0, 2, 2, 4],
  [1, 0, 2, 2],
  [0, 1, 1, 2],
] as const

/** Undefined where it is no PNG that can be read whole. */
export function readPng(file: Uint8Array): Pixels | undefined {
  try {
    return decode(Buffer.from(file.buffer, file.byteOffset, file.length))
  } catch {
    return undefined
  }
}

function decode(file: Buffer): Pixels | undefined {
  if (file.toString('latin1', 1, 4) !== 'PNG' || file.toString('latin1', 12, 16) !== 'IHDR') return undefined
  const width = file.readUInt32BE(16)
  const height = file.readUInt32BE(20)
  const [bitDepth = 0, type = 0, , , interlaced = 0] = file.subarray(24, 29)
  const samples = SAMPLES[type]
  if (samples === undefined || width * height === 0 || width * height > LARGEST) return undefined
  let palette: Uint8Array = Buffer.alloc(0)
  let clear: Buffer = Buffer.alloc(0)
  const parts: Buffer[] = []
  for (let at = 8; at + 8 <= file.length;) {
    const size = file.readUInt32BE(at)
    const name = file.toString('latin1', at + 4, at + 8)
    const data = file.subarray(at + 8, at + 8 + size)
    if (name === 'PLTE') palette = data
    if (name === 'tRNS') clear = data
    if (name === 'IDAT') parts.push(data)
    if (name === 'IEND') break
    at += size + 12
  }
  const passes = (interlaced === 1 ? PASSES : ([[0, 0, 1, 1]] as const)).map(([x, y, dx, dy]) => {
    const wide = Math.ceil((width - x) / dx)
    return { x, y, dx, dy, wide, high: wide === 0 ? 0 : Math.ceil((height - y) / dy) }
  })
  const bits = samples * bitDepth
  const total = passes.reduce((sum, { wide, high }) => sum + high * (1 + Math.ceil((wide * bits) / 8)), 0)
  const raw = inflateSync(Buffer.concat(parts), { maxOutputLength: total + 1 })
  if (raw.length !== total) return undefined

  const rgba = new Uint8Array(width * height * 4)
  const most = 2 ** bitDepth - 1
  let at = 0
  for (const { x, y, dx, dy, wide, high } of passes) {
    const line = Math.ceil((wide * bits) / 8)
    let above = new Uint8Array(line)
    for (let row = 0; row < high; row += 1) {
      const now = unfilter(raw[at] ?? 0, raw.subarray(at + 1, at + 1 + line), above, Math.max(1, bits >> 3))
      at += 1 + line
      above = now
      for (let column = 0; column < wide; column += 1) {
        const sample = (n: number) => sampleAt(now, column * samples + n, bitDepth)
        const place = ((y + row * dy) * width + x + column * dx) * 4
        if (type === 3) {
          const index = sample(0)
          rgba.set([palette[index * 3] ?? 0, palette[index * 3 + 1] ?? 0, palette[index * 3 + 2] ?? 0], place)
          rgba[place + 3] = clear[index] ?? 255
          continue
        }
        const grey = type === 0 || type === 4
        const scaled = (n: number) => Math.round((sample(n) / most) * 255)
        rgba.set(grey ? [scaled(0), scaled(0), scaled(0)] : [scaled(0), scaled(1), scaled(2)], place)
        const isClear =
          clear.length >= (grey ? 2 : 6) &&
          (grey ? [0] : [0, 1, 2]).every((n) => sample(n) === clear.readUInt16BE(n * 2))
        rgba[place + 3] = type >= 4 ? scaled(samples - 1) : isClear ? 0 : 255
      }
    }
  }
  return { width, height, bitDepth, alpha: type >= 4 || clear.length > 0, rgba }
}

function sampleAt(line: Uint8Array, index: number, depth: number): number {
  if (depth === 8) return line[index] ?? 0
  if (depth === 16) return ((line[index * 2] ?? 0) << 8) | (line[index * 2 + 1] ?? 0)
  const bit = index * depth
  return ((line[bit >> 3] ?? 0) >> (8 - depth - (bit & 7))) & (2 ** depth - 1)
}

function unfilter(kind: number, line: Uint8Array, above: Uint8Array, back: number): Uint8Array<ArrayBuffer> {
  const made = new Uint8Array(line.length)
  for (let i = 0; i < line.length; i += 1) {
    const left = made[i - back] ?? 0
    const up = above[i] ?? 0
    const corner = i >= back ? (above[i - back] ?? 0) : 0
    const guess = [0, left, up, (left + up) >> 1, paeth(left, up, corner)][kind]
    if (guess === undefined) throw new Error('there is no such filter')
    made[i] = (line[i] ?? 0) + guess
  }
  return made
}

function paeth(left: number, up: number, corner: number): number {
  const whole = left + up - corner
  const [a, b, c] = [Math.abs(whole - left), Math.abs(whole - up), Math.abs(whole - corner)]
  return a <= b && a <= c ? left : b <= c ? up : corner
}
