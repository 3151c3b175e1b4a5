/** What is said of a skill's files: where, how bad, and which rule. */

export type Severity = 'error' | 'warning'

/** An error keeps the skill out; a warning says what was read otherwise than it may be meant. */
export interface Diagnostic {
  readonly severity: Severity
  /** UPPER_SNAKE; docs/guides/write-a-skill.md has them all. */
  readonly code: string
  /** Below the skill's folder. */
  readonly file: string
  /** From 1; null where it is about the file as a whole. */
  readonly line: number | null
  readonly message: string
}

/** Lines that are kept of one skill. */
const MOST = 100
/** Characters of a text of the file's that is repeated. */
const SHOWN = 60

/** Gathers what is said; errors come first in what is kept. */
export class Diagnostics {
  readonly #said: Diagnostic[] = []
  readonly #more = { error: 0, warning: 0 }

  error(code: string, file: string, line: number | null, message: string): void {
    this.#add({ severity: 'error', code, file, line, message })
  }

  warn(code: string, file: string, line: number | null, message: string): void {
    this.#add({ severity: 'warning', code, file, line, message })
  }

  #add(one: Diagnostic): void {
    const least = one.severity === 'error' ? MOST : MOST / 2
    if (this.#said.length < least) this.#said.push(one)
    else this.#more[one.severity] += 1
  }

  get failed(): boolean {
    return this.#more.error > 0 || this.#said.some((one) => one.severity === 'error')
  }

  /** By file and line. */
  get all(): readonly Diagnostic[] {
    const sorted = this.#said.toSorted(
      (a, b) => (a.file === b.file ? 0 : a.file < b.file ? -1 : 1) || (a.line ?? 0) - (b.line ?? 0),
    )
    const left = this.#more.error + this.#more.warning
    if (left === 0) return sorted
    const severity = this.#more.error > 0 ? 'error' : 'warning'
    return [...sorted, { severity, code: 'MORE', file: '', line: null, message: `and ${left} more` }]
  }
}

/** A text of the file's, short and on one line. */
export function shown(text: string): string {
  const line = withoutControls(text).replaceAll(/\s+/g, ' ').trim()
  return line.length <= SHOWN ? line : `${line.slice(0, SHOWN).toWellFormed()}…`
}

/** Without what moves a cursor or turns the reading around. */
export function withoutControls(text: string): string {
  return text.replaceAll(CONTROLS, '')
}
const CONTROLS = /(?![\t\n])[\p{Cc}\p{Bidi_Control}\ufeff]/gu

export const lineOf = ({ severity, code, file, line, message }: Diagnostic): string =>
  `${file}${line === null ? '' : `:${line}`}${file === '' ? '' : ': '}${severity} ${code}: ${message}`
