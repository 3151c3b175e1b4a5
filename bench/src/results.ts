/** What was measured, on record. */
import { execFileSync } from 'node:child_process'
import { readFile, writeFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'

export interface Bound {
  readonly least?: number
  readonly most?: number
  readonly stretch?: number
}

export interface Measured {
  readonly id: string
  readonly value: number
  readonly bound: Bound
  readonly foreign: number
  /** Counts only while the machine is quiet. */
  readonly absolute?: boolean
  readonly detail: unknown
}

export interface Verdict {
  readonly id: string
  readonly value: number
  readonly gate: string
  readonly pass: boolean | null
  /** Why there is no verdict. */
  readonly reason?: string
  readonly foreignLoad: number
  readonly commit: string
  readonly date: string
  readonly detail: unknown
}

/** Foreign cores up to which an absolute number counts. */
export const QUIET = 0.5
const FILE = new URL('../results.json', import.meta.url)

export function judge({ id, value, bound, foreign, absolute, detail }: Measured): Verdict {
  const noisy = absolute === true && foreign > QUIET
  const within = value >= (bound.least ?? -Infinity) && value <= (bound.most ?? Infinity)
  return {
    id,
    value,
    gate: inWords(bound),
    pass: noisy ? null : within,
    ...(noisy ? { reason: `foreign load ${foreign} > ${QUIET} core` } : {}),
    foreignLoad: foreign,
    commit: commit(),
    date: new Date().toISOString(),
    detail,
  }
}

export function inWords({ least, most, stretch }: Bound): string {
  const gate = least === undefined ? `≤ ${most}` : `≥ ${least}`
  return stretch === undefined ? gate : `${gate}, stretch ${stretch}`
}

export async function record(verdicts: readonly Verdict[]): Promise<void> {
  const before = await readFile(FILE, 'utf8').then(
    (text) => (JSON.parse(text) as { gates: Verdict[] }).gates,
    () => [],
  )
  const gates = new Map([...before, ...verdicts].map((one) => [one.id, one]))
  const sorted = [...gates.values()].toSorted((a, b) => a.id.localeCompare(b.id))
  await writeFile(FILE, `${JSON.stringify({ gates: sorted }, undefined, 2)}\n`)
}

let known: string | undefined
/** What was measured: the commit, and whether the engine or the bench differ from it. */
function commit(): string {
  known ??= readCommit()
  return known
}

function readCommit(): string {
  const cwd = fileURLToPath(new URL('../..', import.meta.url))
  const git = (...words: string[]) => execFileSync('git', words, { cwd, encoding: 'utf8' }).trim()
  try {
    const changed = git('status', '--porcelain', '--', 'engine', 'bench/raw', 'bench/src')
    return git('rev-parse', '--short', 'HEAD') + (changed === '' ? '' : '+')
  } catch {
    return 'unknown'
  }
}
