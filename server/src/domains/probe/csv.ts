/**
 * A run's answers as a table: CSV for spreadsheets (RFC 4180) and JSONL for
 * programs, one row at a time so that a hundred thousand need no memory.
 */

import type { Scenario } from './definition/expand.ts'

/** One turn as JSONL tells it. */
export interface ExportedTurn {
  readonly label: string
  readonly prompt: string
  readonly answer: string
  readonly inputTokens: number | null
  readonly outputTokens: number | null
}

/** Everything that is exported of one (scenario, model, sample). */
export interface ExportRow {
  readonly runId: string
  /** The scenario's key. */
  readonly scenarioId: string
  /** The bare id, without the provider. */
  readonly modelId: string
  /** As the response told it; null when it did not. */
  readonly modelVersion: string | null
  readonly provider: string
  /** From 1. */
  readonly sample: number
  readonly dimensions: Scenario['dimensions']
  /** A code of the scale, or `refusal`, `other`, `unparsed`; null without a scale or an answer. */
  readonly decision: string | null
  readonly decisionLabel: string | null
  /** May be left empty where nothing asks for texts and the two counts below are known. */
  readonly turns: readonly ExportedTurn[]
  /** Counted already when the transcript was saved; counted from `turns` when absent. */
  readonly turnCount?: number
  readonly wordCount?: number
  readonly durationMs: number | null
  /** ISO 8601 in UTC, or a Date. */
  readonly createdAt: string | Date
  readonly inputTokens: number | null
  readonly outputTokens: number | null
  /** US dollars. */
  readonly costUsd: number | null
  readonly status: string
  readonly errorCode: string | null
}

export interface ExportOptions {
  /** `contract`: the nine columns; `all`: those and everything else that is not text. */
  readonly columns?: 'contract' | 'all'
  /** Adds the columns prompt and answer: the first prompt, and all answers separated by a blank line. */
  readonly texts?: boolean
  /** Names of the run's dimensions, in order; needed with `all`, since the header comes before the first row. */
  readonly dimensions?: readonly string[]
}

export const contractColumns = [
  'scenario_id',
  'model_id',
  'model_version',
  'decision',
  'turn_count',
  'word_count',
  'duration_ms',
  'created_at',
  'run_id',
] as const

type Cell = string | number | null

/** The byte order mark (Excel reads UTF-8 by it) and the header. Every line ends in CRLF. */
export function csvHead(options: ExportOptions = {}): string {
  return `\uFEFF${csvLine(columns(options).map(([name]) => name))}`
}

/** One row, in the order of `csvHead` with the same options. */
export function csvRow(row: ExportRow, options: ExportOptions = {}): string {
  return csvLine(columns(options).map(([, cell]) => cell(row)))
}

/** One line of JSON and a newline: all columns by their names, dimensions and turns nested. */
export function jsonlRow(row: ExportRow): string {
  const flat = columns({ columns: 'all' }).map(([name, cell]): [string, Cell] => [name, cell(row)])
  const turns = row.turns.map(({ label, prompt, answer, inputTokens, outputTokens }) => ({
    label,
    prompt,
    answer,
    input_tokens: inputTokens,
    output_tokens: outputTokens,
  }))
  return `${JSON.stringify({ ...Object.fromEntries(flat), dimensions: row.dimensions, turns })}\n`
}

/** `run_{id}_{YYYY-MM-DD}.csv`, the day in UTC; characters that a header or a file system minds become `-`. */
export function exportFileName(runId: string, date: Date, extension: 'csv' | 'jsonl' = 'csv'): string {
  return `run_${runId.replace(/[^A-Za-z0-9_-]/g, '-')}_${date.toISOString().slice(0, 10)}.${extension}`
}

const segmenter = new Intl.Segmenter('en', { granularity: 'word' })

/** Words of a text: what Unicode's word boundaries enclose and has a letter or digit, so that scripts without spaces count too. */
export function countWords(text: string): number {
  let count = 0
  // Piece by piece, because the segmenter's time and memory for one long text are far above their sum.
  for (const piece of text.split(/\n+/)) {
    for (let from = 0; from < piece.length;) {
      let to = Math.min(piece.length, from + 4096)
      if (to < piece.length) {
        const space = piece.lastIndexOf(' ', to)
        if (space > from) to = space
      }
      for (const { isWordLike } of segmenter.segment(piece.slice(from, to))) if (isWordLike === true) count++
      from = to
    }
  }
  return count
}

function columns(options: ExportOptions): [string, (row: ExportRow) => Cell][] {
  const contract: Record<(typeof contractColumns)[number], (row: ExportRow) => Cell> = {
    scenario_id: (row) => row.scenarioId,
    model_id: (row) => row.modelId,
    model_version: (row) => row.modelVersion,
    decision: (row) => row.decision,
    turn_count: (row) => row.turnCount ?? row.turns.length,
    word_count: (row) => row.wordCount ?? row.turns.reduce((count, { answer }) => count + countWords(answer), 0),
    duration_ms: (row) => row.durationMs,
    created_at: (row) => (typeof row.createdAt === 'string' ? row.createdAt : row.createdAt.toISOString()),
    run_id: (row) => row.runId,
  }
  const chosen: [string, (row: ExportRow) => Cell][] = contractColumns.map((name) => [name, contract[name]])
  if (options.columns === 'all') {
    chosen.push(['provider', (row) => row.provider], ['sample', (row) => row.sample])
    for (const name of options.dimensions ?? []) {
      chosen.push([
        `dimension:${name}`,
        (row) => (Object.hasOwn(row.dimensions, name) ? (row.dimensions[name]?.score ?? null) : null),
      ])
    }
    chosen.push(
      ['decision_label', (row) => row.decisionLabel],
      ['input_tokens', (row) => row.inputTokens],
      ['output_tokens', (row) => row.outputTokens],
      ['cost_usd', (row) => row.costUsd],
      ['status', (row) => row.status],
      ['error_code', (row) => row.errorCode],
    )
  }
  if (options.texts === true) {
    chosen.push(
      ['prompt', (row) => row.turns[0]?.prompt ?? null],
      ['answer', (row) => (row.turns.length === 0 ? null : row.turns.map(({ answer }) => answer).join('\n\n'))],
    )
  }
  return chosen
}

function csvLine(cells: readonly Cell[]): string {
  return `${cells.map(csvCell).join(',')}\r\n`
}

/** One cell, quoted where RFC 4180 asks for it and harmless to a spreadsheet. */
export function csvCell(value: Cell): string {
  if (value === null) return ''
  if (typeof value === 'number') return Number.isFinite(value) ? String(value) : ''
  const text = harmless(value)
  return /[",\r\n]|^[\s\uFEFF]|[\s\uFEFF]$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text
}

// A spreadsheet runs what begins with one of these, also after blanks that it
// trims; an apostrophe before it makes it text. A plain number runs nothing.
function harmless(text: string): string {
  if (/^[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?$/.test(text)) return text
  return /^(?:[\t\r\n]|[\s\p{Cf}\0]*[=+\-@\uFF1D\uFF0B\uFF0D\uFF20])/u.test(text) ? `'${text}` : text
}
