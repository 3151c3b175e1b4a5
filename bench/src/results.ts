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
  /** Another number that is enough by itself. */
  readonly otherwise?: { readonly in: string; readonly value: number; readonly bound: Bound }
  readonly foreign: number
  /** Counts only while the machine is quiet. */
  readonly absolute?: boolean
  /** Why this cannot be a verdict. */
  readonly lacks?: string
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

export function judge({ id, value, bound, otherwise, foreign, absolute, lacks, detail }: Measured): Verdict {
  const noisy = absolute === true && foreign > QUIET ? `foreign load ${foreign} > ${QUIET} core` : undefined
  const reason = lacks ?? noisy
  const within = keeps(value, bound) || (otherwise !== undefined && keeps(otherwise.value, otherwise.bound))
  return {
    id,
    value,
    gate: inWords(bound) + (otherwise === undefined ? '' : ` or ${inWords(otherwise.bound)} ${otherwise.in}`),
    pass: reason === undefined ? within : null,
    ...(reason === undefined ? {} : { reason }),
    foreignLoad: foreign,
    commit: commit(),
    date: new Date().toISOString(),
    detail,
  }
}

const keeps = (value: number, { least = -Infinity, most = Infinity }: Bound) => value >= least && value <= most

export function inWords({ least, most, stretch }: Bound): string {
  const gate = least === undefined ? `≤ ${most}` : `≥ ${least}`
  return stretch === undefined ? gate : `${gate}, stretch ${stretch}`
}

interface Kept {
  readonly gates: readonly Verdict[]
  readonly ablation?: unknown
}

export async function record(verdicts: readonly Verdict[], ablation?: Record<string, unknown>): Promise<void> {
  const before = await readFile(FILE, 'utf8').then(
    (text) => JSON.parse(text) as Kept,
    (): Kept => ({ gates: [] }),
  )
  const gates = new Map([...before.gates, ...verdicts].map((one) => [one.id, one]))
  const kept: Kept = {
    ...before,
    gates: [...gates.values()].toSorted((a, b) => a.id.localeCompare(b.id)),
    ...(ablation === undefined ? {} : { ablation: { commit: commit(), date: new Date().toISOString(), ...ablation } }),
  }
  await writeFile(FILE, `${JSON.stringify(kept, undefined, 2)}\n`)
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
