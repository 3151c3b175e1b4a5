/** A name of a model or a scenario is somebody's text, and a spreadsheet runs what looks like a formula. */
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { csvCell } from '../../server/src/domains/probe/csv.ts'
import { csvOf } from '../src/ui/chart-file.ts'

const cell = (value: string) => csvOf({ columns: [], rows: [[value]] }).slice('\r\n'.length, -'\r\n'.length)

test.each([
  ['=1+1', "'=1+1"],
  [' =HYPERLINK("x")', `"' =HYPERLINK(""x"")"`],
  ['\u200b@SUM(A1)', "'\u200b@SUM(A1)"],
  ['＝1', "'＝1"],
  ['\t=1', `"'\t=1"`.replaceAll('"', '')],
  ['-5', '-5'],
  ['a,b', '"a,b"'],
])('%s is a text in the file of a chart', (value, written) => {
  expect(cell(value)).toBe(written)
})

test('a cell of a chart’s file is written as one of the export is, whatever it holds', () => {
  const hostile = fc.string({
    unit: fc.constantFrom('=', '+', '-', '@', '＝', ' ', '\t', '\r', '\n', '"', ',', 'a', '1', '\u200b', '\0'),
    maxLength: 8,
  })
  fc.assert(
    fc.property(
      fc.oneof(hostile, fc.string({ unit: 'binary', maxLength: 8 })),
      (value) => cell(value) === csvCell(value),
    ),
    { numRuns: 300 },
  )
})
