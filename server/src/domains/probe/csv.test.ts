/** The file is read back by a parser that knows nothing of the writer; spreadsheets find nothing to run in it. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { contractColumns, countWords, csvCell, csvHead, csvRow, exportFileName, jsonlRow } from './csv.ts'
import type { ExportRow } from './csv.ts'

const row: ExportRow = {
  runId: '0199-ab',
  scenarioId: 'stakes=3_duty=1',
  modelId: 'a-1',
  modelVersion: 'a-1-2026-05',
  provider: 'fake',
  sample: 1,
  dimensions: {
    Stakes: { score: 3, label: 'high', option: 'a life' },
    Duty: { score: -1.5, label: 'none', option: 'none' },
  },
  decision: '4',
  decisionLabel: 'Agree',
  turns: [
    {
      label: 'question',
      prompt: 'Should "she"?',
      answer: 'Rating: 4\nYes, she should.',
      inputTokens: 9,
      outputTokens: 6,
    },
    { label: 'why', prompt: 'Why?', answer: 'Duty.', inputTokens: 20, outputTokens: null },
  ],
  durationMs: 1200,
  createdAt: '2026-11-21T07:00:00.000Z',
  inputTokens: 29,
  outputTokens: 6,
  costUsd: 0.000012,
  status: 'succeeded',
  errorCode: null,
}

/** RFC 4180, character by character, strict: anything else is an error. */
function parse(text: string): string[][] {
  const rows: string[][] = []
  let cells: string[] = []
  let at = 0
  while (at < text.length) {
    let cell = ''
    if (text[at] === '"') {
      for (at++; ; at++) {
        if (at >= text.length) throw new Error('a quoted cell does not end')
        if (text[at] !== '"') cell += text[at]
        else if (text[at + 1] === '"') cell += text[at++]
        else break
      }
      at++
    } else {
      while (at < text.length && text[at] !== ',' && text[at] !== '\r') {
        if (text[at] === '"' || text[at] === '\n') throw new Error('a bare quote or line feed')
        cell += text[at++]
      }
    }
    cells.push(cell)
    if (text[at] === ',') at++
    else if (text[at] === '\r' && text[at + 1] === '\n') {
      rows.push(cells)
      cells = []
      at += 2
    } else throw new Error(`neither comma nor line end at ${at}`)
  }
  if (cells.length > 0) throw new Error('the last line does not end')
  return rows
}

describe('the default file', () => {
  test('has a byte order mark and the nine columns of the contract, in order', () => {
    expect(csvHead()).toBe(
      '\uFEFFscenario_id,model_id,model_version,decision,turn_count,word_count,duration_ms,created_at,run_id\r\n',
    )
  })

  test('has one line for a row', () => {
    expect(csvRow(row)).toBe('stakes=3_duty=1,a-1,a-1-2026-05,4,2,6,1200,2026-11-21T07:00:00.000Z,0199-ab\r\n')
  })

  test('leaves empty what is not known', () => {
    const failed = {
      ...row,
      modelVersion: null,
      decision: null,
      turns: [],
      durationMs: null,
      createdAt: new Date('2026-11-21T07:00:00Z'),
    }
    expect(csvRow(failed)).toBe('stakes=3_duty=1,a-1,,,0,0,,2026-11-21T07:00:00.000Z,0199-ab\r\n')
  })

  test('takes the counts that were made when the transcript was saved', () => {
    expect(csvRow({ ...row, turns: [], turnCount: 3, wordCount: 77 })).toContain(',3,77,')
  })
})

test('all columns add the rest, with one column a dimension', () => {
  const options = { columns: 'all', dimensions: ['Stakes', 'Duty', 'Gone'] } as const
  const [head, cells] = parse(csvHead(options).slice(1) + csvRow(row, options))
  expect(head).toEqual([
    ...contractColumns,
    'provider',
    'sample',
    'dimension:Stakes',
    'dimension:Duty',
    'dimension:Gone',
    'decision_label',
    'input_tokens',
    'output_tokens',
    'cost_usd',
    'status',
    'error_code',
  ])
  expect(cells?.slice(9)).toEqual(['fake', '1', '3', '-1.5', '', 'Agree', '29', '6', '0.000012', 'succeeded', ''])
})

test('texts add the prompt and the answers', () => {
  const [head, cells] = parse(csvHead({ texts: true }).slice(1) + csvRow(row, { texts: true }))
  expect(head?.slice(9)).toEqual(['prompt', 'answer'])
  expect(cells?.slice(9)).toEqual(['Should "she"?', 'Rating: 4\nYes, she should.\n\nDuty.'])
})

describe('a cell', () => {
  test.each([
    ['plain', 'plain'],
    ['', ''],
    [null, ''],
    [0, '0'],
    [-3, '-3'],
    [Number.NaN, ''],
    ['a,b', '"a,b"'],
    ['say "x"', '"say ""x"""'],
    ['a\nb', '"a\nb"'],
    ['a\rb', '"a\rb"'],
    [' padded ', '" padded "'],
    ['-3', '-3'],
    ['+4.5', '+4.5'],
    ['-1e-9', '-1e-9'],
    ['=1+2', "'=1+2"],
    ['+1+2', "'+1+2"],
    ['-1+2', "'-1+2"],
    ['- a bullet', "'- a bullet"],
    ['@SUM(A1)', "'@SUM(A1)"],
    ['\t=1', "'\t=1"],
    ['\rx', '"\'\rx"'],
    ['  =1', "'  =1"],
    ['\u00a0=1', "'\u00a0=1"],
    ['\uFEFF=1', "'\uFEFF=1"],
    ['\u200b=1', "'\u200b=1"],
    ['\n=1', '"\'\n=1"'],
    ['＝1', "'＝1"],
    ['=HYPERLINK("http://x","y")', '"\'=HYPERLINK(""http://x"",""y"")"'],
    ['a=1', 'a=1'],
  ])('%j is written %j', (value, written) => {
    expect(csvCell(value)).toBe(written)
  })

  test('survives the way to another parser and back, whatever it holds', () => {
    const value = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc
        .array(fc.constantFrom('"', ',', '\r', '\n', '=', '-', '1', ' ', '\uFEFF', 'x', '\t'), { maxLength: 8 })
        .map((found) => found.join('')),
    )
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 5 }), (values) => {
        const line = `${values.map(csvCell).join(',')}\r\n`
        const read = parse(line)[0] ?? []
        expect(read).toHaveLength(values.length)
        for (const [i, text] of values.entries()) {
          const cell = read[i] ?? ''
          expect(cell === text || cell === `'${text}`).toBe(true)
          expect(/^[\s\uFEFF]*[=+\-@]/.test(cell) && !/^[+-]?\d+(\.\d+)?(e[+-]?\d+)?$/i.test(cell)).toBe(false)
        }
      }),
      { numRuns: 2000 },
    )
  })
})

test('a header is as harmless as a cell', () => {
  expect(csvHead({ columns: 'all', dimensions: ['=1,"x"'] })).toContain(',"dimension:=1,""x""",')
})

describe('JSONL', () => {
  test('has the same fields and the turns, in one line', () => {
    const line = jsonlRow(row)
    expect(line.endsWith('}\n')).toBe(true)
    expect(line.slice(0, -1)).not.toContain('\n')
    expect(JSON.parse(line)).toEqual({
      scenario_id: 'stakes=3_duty=1',
      model_id: 'a-1',
      model_version: 'a-1-2026-05',
      decision: '4',
      turn_count: 2,
      word_count: 6,
      duration_ms: 1200,
      created_at: '2026-11-21T07:00:00.000Z',
      run_id: '0199-ab',
      provider: 'fake',
      sample: 1,
      decision_label: 'Agree',
      input_tokens: 29,
      output_tokens: 6,
      cost_usd: 0.000012,
      status: 'succeeded',
      error_code: null,
      dimensions: row.dimensions,
      turns: [
        {
          label: 'question',
          prompt: 'Should "she"?',
          answer: 'Rating: 4\nYes, she should.',
          input_tokens: 9,
          output_tokens: 6,
        },
        { label: 'why', prompt: 'Why?', answer: 'Duty.', input_tokens: 20, output_tokens: null },
      ],
    })
  })
})

describe('words are counted', () => {
  test.each([
    ['', 0],
    ['  \n ', 0],
    ['— … 🤔 !', 0],
    ["It's a well-known fact.", 5],
    ['4 of 5', 3],
    ['Ça va? Très bien.', 4],
    ['Это справедливо', 2],
    ['هذا عدل', 2],
    ['यह न्याय है', 3],
  ])('%j has %i', (text, count) => {
    expect(countWords(text)).toBe(count)
  })

  test('also where no spaces stand between them', () => {
    expect(countWords('我认为这是公平的')).toBeGreaterThan(2)
    expect(countWords('ฉันคิดว่ายุติธรรม')).toBeGreaterThan(1)
  })

  test('in a megabyte, spaces or not, in a moment', () => {
    expect(countWords('word '.repeat(200_000))).toBe(200_000)
    expect(countWords('x'.repeat(1_000_000))).toBeGreaterThan(0)
  })
})

test('the file is named after the run and the day', () => {
  const date = new Date('2026-11-21T23:59:59Z')
  expect(exportFileName('0199-ab', date)).toBe('run_0199-ab_2026-11-21.csv')
  expect(exportFileName('a/../"b', date, 'jsonl')).toBe('run_a-----b_2026-11-21.jsonl')
})
