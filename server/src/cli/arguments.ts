/** What a person types after an option, read and checked. */
import { InvalidArgumentError } from 'commander'

export function list(value: string): string[] {
  return value
    .split(',')
    .map((item) => item.trim())
    .filter(Boolean)
}

export function number(value: string): number {
  const read = Number(value)
  if (value.trim() === '' || Number.isNaN(read)) throw new InvalidArgumentError('It must be a number.')
  return read
}

export function key(value: string): string {
  // What a terminal cannot show nobody can type again.
  if (/^[^\p{Cc}]{1,200}$/u.test(value)) return value
  throw new InvalidArgumentError('It must be a name of at most 200 characters.')
}

export function amount(value: string): number {
  const read = number(value)
  if (read > 0 && Number.isFinite(read)) return read
  throw new InvalidArgumentError('It must be a number above 0.')
}

export function orNone(read: (value: string) => number) {
  // Commander takes null for nothing given.
  return (value: string): number | 'none' => (value === 'none' ? value : read(value))
}

const UNITS: Readonly<Record<string, number>> = { h: 3_600_000, d: 86_400_000, w: 604_800_000 }

/** Milliseconds. */
export function age(value: string): number {
  const [, amount, unit = ''] = /^(\d{1,5})([hdw])$/.exec(value) ?? []
  if (amount === undefined) throw new InvalidArgumentError('It must be hours, days or weeks: 12h, 30d, 8w.')
  return Number(amount) * (UNITS[unit] ?? 0)
}

export function wholeNumber(least: number, most = Number.MAX_SAFE_INTEGER) {
  return (value: string): number => {
    const number = Number(value)
    if (/^\d+$/.test(value) && Number.isSafeInteger(number) && number >= least && number <= most) return number
    throw new InvalidArgumentError(
      `It must be a whole number from ${least}${most === Number.MAX_SAFE_INTEGER ? ' up' : ` to ${most}`}.`,
    )
  }
}

/** For an option that may be given more than once. */
export function repeated(value: string, before: readonly string[]): string[] {
  return [...before, value]
}

/** For an argument that may be given more than once. */
export function wholeNumbers(value: string, before?: number[]): number[] {
  return [...(before ?? []), wholeNumber(1)(value)]
}
