/** A CSV file, column by column: of which sort its values are, which are missing, and what they are like. */
import { z } from 'zod'
import { ToolFailed } from '../envelope.ts'
import { defineTool } from '../runner.ts'

const column = z.object({
  name: z.string(),
  sort: z.enum(['empty', 'integer', 'number', 'boolean', 'date', 'text']),
  filled: z.int(),
  missing: z.int(),
  distinct: z.int(),
  least: z.union([z.number(), z.string()]).nullable().describe('Of numbers and dates.'),
  most: z.union([z.number(), z.string()]).nullable(),
  mean: z.number().nullable(),
  median: z.number().nullable(),
  longest: z.int().describe('Letters.'),
  commonest: z.array(z.object({ value: z.string(), count: z.int() })).describe('At most five; long ones are cut.'),
})

export default defineTool({
  name: 'csv_profile',
  version: '1.0.0',
  description:
    'Profiles a CSV text: its delimiter, rows and, for each column, sort, gaps, range, mean and commonest values.',
  timeoutMs: 60_000,
  input: z.strictObject({
    csv: z.string().min(1).max(4_000_000),
    delimiter: z.enum([',', ';', '\t', '|']).optional().describe('Found by itself if left out.'),
    header: z.boolean().default(true),
  }),
  output: z.object({
    delimiter: z.string(),
    rows: z.int(),
    ragged: z.int().describe('Rows with more or fewer fields than the first.'),
    columns: z.array(column),
  }),
  errors: {
    OPEN_QUOTE: { message: 'A quote is opened and never closed.', blame: 'caller' },
    NO_ROWS: { message: 'There are no rows in it.', blame: 'caller' },
    TOO_MANY_COLUMNS: { message: 'It has more than 1,000 columns.', blame: 'caller' },
  },
  run({ csv, delimiter = delimiterOf(csv), header }) {
    const all = rowsOf(csv.replace(/^\uFEFF/, ''), delimiter)
    const [first] = all
    if (first === undefined) throw new ToolFailed('NO_ROWS')
    if (first.length > 1_000) throw new ToolFailed('TOO_MANY_COLUMNS', { columns: first.length })
    const rows = header ? all.slice(1) : all
    const columns = first.map((name, at) => ({
      name: header && name.trim() !== '' ? name.trim() : `column ${at + 1}`,
      ...profileOf(rows.map((row) => row[at]?.trim() ?? '')),
    }))
    const ragged = rows.filter((row) => row.length !== first.length).length
    return { delimiter, rows: rows.length, ragged, columns }
  },
})

const DELIMITERS = [',', ';', '\t', '|'] as const

/** The one that splits the first line most often, quotes aside. */
function delimiterOf(csv: string): (typeof DELIMITERS)[number] {
  const line = (/^[^\r\n]*/.exec(csv)?.[0] ?? '').replace(/"(?:[^"]|"")*"/g, '')
  const [best] = DELIMITERS.map((one) => ({ one, times: line.split(one).length })).toSorted((a, b) => b.times - a.times)
  return best?.one ?? ','
}

/** RFC 4180, with any line ends; empty lines are none. */
function rowsOf(csv: string, delimiter: string): string[][] {
  const rows: string[][] = []
  let row: string[] = []
  let at = 0
  while (at < csv.length) {
    let field = ''
    if (csv[at] === '"') {
      for (;;) {
        const end = csv.indexOf('"', at + 1)
        if (end < 0) throw new ToolFailed('OPEN_QUOTE', { row: rows.length + 1 })
        field += csv.slice(at + 1, end)
        at = end + 1
        if (csv[at] !== '"') break
        field += '"'
      }
    }
    let end = at
    while (end < csv.length && csv[end] !== delimiter && csv[end] !== '\n' && csv[end] !== '\r') end += 1
    row.push(field + csv.slice(at, end))
    at = end + 1
    if (csv[end] === delimiter) {
      if (at === csv.length) row.push('')
      else continue
    }
    if (csv[end] === '\r' && csv[at] === '\n') at += 1
    if (row.length > 1 || row[0] !== '') rows.push(row)
    row = []
  }
  return rows
}

const NUMBER = /^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/
const DATE = /^\d{4}-\d{2}-\d{2}([T ]\d{2}:\d{2}(:\d{2}(\.\d+)?)?(Z|[+-]\d{2}:?\d{2})?)?$/
const LONGEST = 80

function profileOf(values: readonly string[]): Omit<z.output<typeof column>, 'name'> {
  const filled = values.filter((value) => value !== '')
  const counts = new Map<string, number>()
  for (const value of filled) counts.set(value, (counts.get(value) ?? 0) + 1)
  const sort = sortOf(filled)
  const numbers = sort === 'integer' || sort === 'number' ? filled.map(Number).toSorted((a, b) => a - b) : []
  const dates = sort === 'date' ? filled.toSorted() : []
  const half = numbers.length >> 1
  const middle = numbers.length % 2 === 1 ? numbers[half] : ((numbers[half - 1] ?? 0) + (numbers[half] ?? 0)) / 2
  return {
    sort,
    filled: filled.length,
    missing: values.length - filled.length,
    distinct: counts.size,
    least: numbers[0] ?? dates[0] ?? null,
    most: numbers.at(-1) ?? dates.at(-1) ?? null,
    mean: numbers.length === 0 ? null : numbers.reduce((sum, one) => sum + one, 0) / numbers.length,
    median: numbers.length === 0 ? null : (middle ?? null),
    longest: filled.reduce((most, { length }) => Math.max(most, length), 0),
    commonest: [...counts]
      .toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
      .slice(0, 5)
      .map(([value, count]) => ({ value: value.length > LONGEST ? `${value.slice(0, LONGEST)}…` : value, count })),
  }
}

function sortOf(filled: readonly string[]): z.output<typeof column>['sort'] {
  if (filled.length === 0) return 'empty'
  if (filled.every((value) => /^(true|false|yes|no)$/i.test(value))) return 'boolean'
  if (filled.every((value) => NUMBER.test(value) && Number.isFinite(Number(value)))) {
    return filled.every((value) => /^[+-]?\d+$/.test(value)) ? 'integer' : 'number'
  }
  return filled.every((value) => DATE.test(value) && !Number.isNaN(Date.parse(value))) ? 'date' : 'text'
}
