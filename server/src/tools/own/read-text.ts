/**
 * Letters in a picture, by Tesseract as WebAssembly; the language is English, whose data
 * is an installed package: nothing is fetched.  It computes for long, so it belongs into
 * a thread; there the engine is kept while the thread lives.
 */
// oxlint-disable-next-line typescript/triple-slash-reference -- the package hides its types; whoever includes this file needs them.
/// <reference path="./tesseract-wasm.d.ts" />
import { readFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { gunzipSync } from 'node:zlib'
import { createOCREngine, type OCREngine } from 'tesseract-wasm'
import type { Pixels } from './png.ts'

export interface Word {
  readonly text: string
  /** 0 to 1. */
  readonly confidence: number
  /** Pixels of the picture: left, top, width, height. */
  readonly box: readonly [number, number, number, number]
}

/** Pixels that are looked at; of a larger picture every second, third … */
const LARGEST = 8_000_000
const MOST_WORDS = 5_000

let engine: Promise<OCREngine> | undefined

async function openEngine(): Promise<OCREngine> {
  const { resolve } = createRequire(import.meta.url)
  const core = join(dirname(resolve('tesseract-wasm')), 'tesseract-core.wasm')
  const language = join(dirname(resolve('@tesseract.js-data/eng')), '4.0.0_best_int/eng.traineddata.gz')
  const opened = await createOCREngine({ wasmBinary: await readFile(core) })
  opened.loadModel(new Uint8Array(gunzipSync(await readFile(language))))
  return opened
}

export async function textIn(pixels: Pixels): Promise<{ text: string; words: Word[] }> {
  const ocr = await (engine ??= openEngine())
  const step = Math.ceil(Math.sqrt((pixels.width * pixels.height) / LARGEST))
  const image = onWhite(pixels, step)
  try {
    ocr.loadImage(image)
    const words = ocr
      .getTextBoxes('word')
      .slice(0, MOST_WORDS)
      .map(({ text, confidence, rect }): Word => {
        const { left, top, right, bottom } = rect
        return {
          text: text.trim(),
          confidence: Math.round(confidence * 1_000) / 1_000,
          box: [left * step, top * step, (right - left) * step, (bottom - top) * step],
        }
      })
    return { text: ocr.getText().trim(), words: words.filter(({ text }) => text !== '') }
  } finally {
    ocr.clearImage()
  }
}

/** As a reader sees it: what is transparent is paper. */
function onWhite({ width, height, rgba }: Pixels, step: number) {
  const wide = Math.ceil(width / step)
  const high = Math.ceil(height / step)
  const data = new Uint8ClampedArray(wide * high * 4)
  for (let y = 0; y < high; y += 1) {
    for (let x = 0; x < wide; x += 1) {
      const from = (y * step * width + x * step) * 4
      const to = (y * wide + x) * 4
      const alpha = (rgba[from + 3] ?? 0) / 255
      for (let n = 0; n < 3; n += 1) data[to + n] = (rgba[from + n] ?? 0) * alpha + 255 * (1 - alpha)
      data[to + 3] = 255
    }
  }
  return { width: wide, height: high, data, colorSpace: 'srgb' }
}
