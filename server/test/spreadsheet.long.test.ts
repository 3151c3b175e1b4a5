/** The exported table in a real spreadsheet program: each cell is what was said, and nothing was computed. */
import { spawn, spawnSync } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { createFake } from '../src/providers/fake.ts'
import { definition } from '../testing/bench.ts'
import { catalogueOf } from '../testing/probe.ts'
import { openHttpStage, type HttpStage } from './http-stage.ts'

const there = spawnSync('soffice', ['--version']).status === 0
if (!there) {
  console.warn('Skipped: there is no soffice (apt-get install --no-install-recommends libreoffice-calc-nogui).')
}

/** Texts that a spreadsheet takes for numbers, dates or truth values; they are no formulas, and nothing is asked of them. */
const NUMBERS = ['1e3', '007', '1/2', '2026-11-22', 'TRUE', '-5']

/** What models say; a spreadsheet would compute, cut, join or turn round some of it. */
const SAID = [
  'plain',
  '🦜 a parrot, 👩‍👩‍👧 a family, é as two letters',
  'one, two,, three',
  'she said "no", then ""',
  'a line\nanother\n\nand a third',
  'a return\r\nand a lone\rone',
  '=1+1',
  '=HYPERLINK("http://evil.example","x")',
  "=cmd|' /C calc'!A0",
  '@SUM(1,2)',
  '+1+1',
  '-1-1',
  '\t=1+1',
  '  =1+1',
  '＝1+1',
  '|=1+1',
  '"=1+1"',
  "'=1+1",
  ';=1+1',
  'x\t=1+1\ty',
  'שלום, "עולם" =1+1',
  '\u202e=1+1\u202c reversed',
  '\u200f=1+1',
  '\uFEFF=1+1',
  '#REF!',
  '',
  ...NUMBERS,
]

let stage: HttpStage
let folder = ''
let run = 0
beforeAll(async () => {
  if (!there) return
  folder = await mkdtemp(join(tmpdir(), 'millrace-spreadsheet-'))
  const fake = createFake({
    latencyMs: 0,
    script: ({ messages }) => {
      const [, number = '1'] = /case number (\d+)/.exec(messages.at(-1)?.content ?? '') ?? []
      return { text: SAID[Number(number) - 1] ?? '' }
    },
  })
  stage = await openHttpStage({ catalogue: catalogueOf({ fake }) })
  await stage.work()
  const values = SAID.map((_, n) => `number ${n + 1}`).join(', ')
  const text = `name: Said\ntemplate: "Rate case [Case]."\ndimensions: [{name: Case, values: [${values}]}]\n`
  const { body } = await stage.ask('/api/runs', { body: { definition: definition(text), models: ['fake:a'] } })
  run = body.run.id
  await stage.ended(run)
}, 60_000)
afterAll(async () => {
  if (!there) return
  await stage?.close()
  await rm(folder, { recursive: true, force: true })
})

/** Opened and saved as flat OpenDocument, which keeps of each cell its type, its formula and its text. */
async function opened(csv: Uint8Array, filter: string): Promise<Cell[][]> {
  const path = join(folder, 'said.csv')
  await writeFile(path, csv)
  const child = spawn(
    'soffice',
    [
      `-env:UserInstallation=file://${join(folder, 'profile')}`,
      '--headless',
      '--norestore',
      `--infilter=${filter}`,
      '--convert-to',
      'fods',
      '--outdir',
      folder,
      path,
    ],
    { stdio: 'ignore' },
  )
  const code = await new Promise((resolve) => child.on('exit', resolve))
  expect(code).toBe(0)
  return cellsOf(await readFile(join(folder, 'said.fods'), 'utf8'))
}

interface Cell {
  readonly type: string
  readonly formula: string | undefined
  readonly text: string
}

const EMPTY: Cell = { type: 'empty', formula: undefined, text: '' }

/** Rows and cells of the one table; what is repeated stands there once. */
function cellsOf(xml: string): Cell[][] {
  const table = /<table:table [^]*?<\/table:table>/.exec(xml)?.[0] ?? ''
  return [...table.matchAll(/<table:table-row[^>]*>([^]*?)<\/table:table-row>/g)].map(([, row = '']) =>
    [...row.matchAll(/<table:table-cell([^>]*?)(?:\/>|>([^]*?)<\/table:table-cell>)/g)].flatMap(
      ([, attributes = '', content = '']) => {
        const of = (name: string) => new RegExp(`${name}="([^"]*)"`).exec(attributes)?.[1]
        const paragraphs = [...content.matchAll(/<text:p[^>]*?(?:\/>|>([^]*?)<\/text:p>)/g)].map(([, inner = '']) =>
          textOf(inner),
        )
        const cell = {
          type: of('office:value-type') ?? 'empty',
          formula: of('table:formula'),
          text: paragraphs.join('\n'),
        }
        return Array.from({ length: Math.min(50, Number(of('table:number-columns-repeated') ?? 1)) }, () => cell)
      },
    ),
  )
}

function textOf(inner: string): string {
  return inner
    .replaceAll(/<text:s(?: text:c="(\d+)")?\/>/g, (_, n: string | undefined) => ' '.repeat(Number(n ?? 1)))
    .replaceAll('<text:tab/>', '\t')
    .replaceAll('<text:line-break/>', '\n')
    .replaceAll(/<[^>]*>/g, '')
    .replaceAll('&quot;', '"')
    .replaceAll('&apos;', "'")
    .replaceAll('&lt;', '<')
    .replaceAll('&gt;', '>')
    .replaceAll(/&#x?([0-9a-fA-F]+);/g, (_, n: string) => String.fromCodePoint(Number.parseInt(n, 16)))
    .replaceAll('&amp;', '&')
}

/** In the file an apostrophe stands before what a spreadsheet would run; a spreadsheet has one kind of line end. */
const asTold = (text: string) => text.replace(/^'(?=[\s\p{Cf}]*[=+\-@＝＋－＠])/u, '').replaceAll(/\r\n?/g, '\n')

test.skipIf(!there).each([
  // Without a window it takes no file for UTF-8 that it is not told of, whatever its mark.
  ['as its dialog opens a file', 'CSV:44,34,76,1'],
  // Separator, quote, UTF-8, first line, language; no text by its quotes, special numbers, nothing by formulas.
  ['with every look for numbers and dates', 'CSV:44,34,76,1,,0,false,true,false,false,false,-1'],
  ['where texts are told by their quotes', 'CSV:44,34,76,1,,0,true,false'],
])(
  'in LibreOffice, %s, every answer is what was said, and nothing is computed',
  async (_, filter) => {
    // As bytes: whoever reads it as text takes the mark away by which it is known for UTF-8.
    const file = await stage.raw(`/api/export/runs/${run}/csv?columns=all&texts=1`)
    const rows = await opened(new Uint8Array(await file.arrayBuffer()), filter)
    const [head = [], ...data] = rows
    const at = (name: string) => head.findIndex(({ text }) => text === name)
    expect(rows.flat().filter(({ formula }) => formula !== undefined)).toEqual([])
    expect(data).toHaveLength(SAID.length)
    const said = new Map(data.map((row) => [row[at('prompt')]?.text, row[at('answer')] ?? EMPTY]))
    const cell = (n: number) => said.get(`Rate case number ${n + 1}.`) ?? EMPTY
    const texts = SAID.slice(0, -NUMBERS.length)
    expect(texts.map((text, n) => [asTold(cell(n).text), cell(n).type === (text === '' ? 'empty' : 'string')])).toEqual(
      texts.map((text) => [asTold(text), true]),
    )
    expect(NUMBERS.map((_text, n) => cell(texts.length + n).type)).not.toContain('empty')
  },
  180_000,
)
