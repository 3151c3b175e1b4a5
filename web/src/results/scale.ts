/** The scale of a run: its codes and what they are called, the colour of each, and what a cell of answers says. */
import { useMemo } from 'react'
import type { MatrixRow } from '../api.ts'
import { useAsked } from '../asked.ts'
import { decimal } from '../shown.ts'
import { inkOn, rampColour, type Paint } from '../ui/chart.tsx'
import { words } from '../words/results.ts'

export interface Code {
  readonly code: string
  readonly label: string
}

/** Answers that are no decision, in the order in which they are shown. */
export const OUTCOMES = ['refusal', 'other', 'unparsed'] as const

const COLOURS: Readonly<Record<string, string>> = {
  refusal: 'var(--held)',
  other: 'var(--edge)',
  unparsed: 'color-mix(in srgb, var(--warn) 55%, var(--box))',
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null

/** Of a run's input, which may be anything. */
export function scaleIn(input: unknown): Code[] {
  const definition = isRecord(input) ? input['definition'] : undefined
  const decision = isRecord(definition) ? definition['decision'] : undefined
  const labels = isRecord(decision) ? decision['labels'] : undefined
  return (Array.isArray(labels) ? labels : []).flatMap((one: unknown) =>
    isRecord(one) ? [{ code: String(one['code']), label: String(one['label']) }] : [],
  )
}

export function useScale(run: number): { codes: readonly Code[]; input: unknown } {
  const [asked] = useAsked('/api/runs/{id}/input', { path: { id: run } })
  const input = asked.data?.input
  return useMemo(() => ({ codes: scaleIn(input), input }), [input])
}

/** `4 · Rather tell`, `Refusal`. */
export function saidAs(decision: string | null, codes: readonly Code[]): string {
  if (decision === null) return '—'
  const found = codes.find(({ code }) => code === decision)
  if (found === undefined) return words.outcomes[decision] ?? decision
  return found.label === found.code ? found.code : `${found.code} · ${found.label}`
}

/** Codes from pale to full, then what is no decision. */
export function paintsOf(codes: readonly Code[]): Paint[] {
  const last = Math.max(1, codes.length - 1)
  return [
    ...codes.map(({ code }, i) => ({ name: saidAs(code, codes), colour: rampColour(i / last), ink: inkOn(i / last) })),
    ...OUTCOMES.map((one) => ({
      name: words.outcomes[one] ?? one,
      colour: COLOURS[one] ?? 'var(--edge)',
      ink: one === 'refusal' ? ('light' as const) : ('plain' as const),
    })),
  ]
}

/** Counts by code and outcome as parts of a bar, in the order of the paints. */
export function partsOf(decisions: Readonly<Record<string, number>>, codes: readonly Code[]) {
  return [...codes.map(({ code }) => code), ...OUTCOMES].map((name) => ({
    name: saidAs(name, codes),
    value: decisions[name] ?? 0,
  }))
}

export interface Said {
  /** In the cell. */
  readonly text: string
  /** From 0 to 1 on the scale; null: no decision. */
  readonly part: number | null
  /** What is no decision. */
  readonly outcome: string | null
}

type Cell = MatrixRow['cells'][string]

/** The mean of its decisions, or what there is instead. */
export function saidIn(cell: Cell | undefined, codes: readonly Code[]): Said {
  if (cell === undefined) return { text: '', part: null, outcome: null }
  const places = new Map(codes.map(({ code }, i) => [code, i]))
  const decided = Object.entries(cell.decisions).filter(([code]) => places.has(code))
  const n = decided.reduce((sum, [, amount]) => sum + amount, 0)
  if (n === 0) {
    const [outcome] = Object.entries(cell.decisions).toSorted((a, b) => b[1] - a[1])[0] ?? []
    const instead = outcome ?? (cell.failed > 0 ? 'failed' : cell.open > 0 ? 'open' : null)
    return {
      text: instead === null ? (cell.answered > 0 ? '✓' : '') : (MARKS[instead] ?? '?'),
      part: null,
      outcome: instead,
    }
  }
  const place = decided.reduce((sum, [code, amount]) => sum + (places.get(code) ?? 0) * amount, 0) / n
  const numeric = codes.every(({ code }) => Number.isFinite(Number(code)))
  const mean = decided.reduce((sum, [code, amount]) => sum + Number(code) * amount, 0) / n
  const most = decided.toSorted((a, b) => b[1] - a[1])[0]?.[0] ?? ''
  const text = numeric ? (Number.isInteger(mean) ? String(mean) : decimal(mean, 1)) : most
  return { text, part: place / Math.max(1, codes.length - 1), outcome: null }
}

const MARKS: Readonly<Record<string, string>> = { refusal: 'R', other: 'O', unparsed: '?', failed: '✕', open: '·' }

/** The colour of one decision. */
export function rampOf(decision: string | null, codes: readonly Code[]): string {
  const place = codes.findIndex(({ code }) => code === decision)
  if (place === -1) return COLOURS[decision ?? ''] ?? 'transparent'
  return rampColour(place / Math.max(1, codes.length - 1))
}

/**
 * The line of an answer in which its decision stands: the first that says the code or the
 * label by itself.  Undefined where a person has to look.
 */
export function evidenceIn(
  answer: string,
  { code, label }: { code: string | null; label: string | null },
): string | undefined {
  const wanted = [code, label].flatMap((one) => (one === null || one === '' ? [] : [one.toLowerCase()]))
  const alone = (line: string) =>
    wanted.some((one) => {
      const at = line.toLowerCase().indexOf(one)
      const around = `${line[at - 1] ?? ' '}${line[at + one.length] ?? ' '}`
      return at !== -1 && !/[\p{L}\p{N}]/u.test(around)
    })
  return answer.slice(0, 20_000).split('\n').find(alone)?.trim()
}
