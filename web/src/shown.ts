/** How numbers, times and sizes are written: one way everywhere. */

const LOCALE = 'en'
const whole = new Intl.NumberFormat(LOCALE, { maximumFractionDigits: 0 })
const short = new Intl.NumberFormat(LOCALE, { notation: 'compact', maximumFractionDigits: 1 })

export const count = (n: number) => whole.format(n)
/** 12,400 as 12.4K. */
export const briefly = (n: number) => (n < 10_000 ? whole.format(n) : short.format(n))

/** Dollars; small ones with as many places as say something. */
export function dollars(usd: number): string {
  if (usd === 0) return '$0'
  const places = usd >= 1 ? 2 : usd >= 0.01 ? 3 : 5
  return usd < 0.00001
    ? '<$0.00001'
    : `$${usd.toLocaleString(LOCALE, { minimumFractionDigits: 2, maximumFractionDigits: places })}`
}

export function bytes(n: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB']
  let at = 0
  let size = n
  while (size >= 1_000 && at < units.length - 1) {
    size /= 1_000
    at += 1
  }
  return `${at === 0 || size >= 100 ? Math.round(size) : size.toFixed(1)} ${units[at]}`
}

/** Seconds as `850 ms`, `12 s`, `3 min 20 s`, `2 h 5 min`, `3 d 4 h`. */
export function duration(seconds: number): string {
  if (seconds < 0.9995) return `${Math.max(0, Math.round(seconds * 1_000))} ms`
  if (seconds < 9.95) return `${seconds.toFixed(1)} s`
  const s = Math.round(seconds)
  if (s < 60) return `${s} s`
  if (s < 3_600) return parts(Math.floor(s / 60), 'min', s % 60, 's')
  if (s < 86_400) return parts(Math.floor(s / 3_600), 'h', Math.floor((s % 3_600) / 60), 'min')
  return parts(Math.floor(s / 86_400), 'd', Math.floor((s % 86_400) / 3_600), 'h')
}

const parts = (a: number, unit: string, b: number, smaller: string) =>
  b === 0 ? `${a} ${unit}` : `${a} ${unit} ${b} ${smaller}`

const relative = new Intl.RelativeTimeFormat(LOCALE, { numeric: 'auto', style: 'short' })

/** `now`, `5 min. ago`, `yesterday`; a clock that is ahead is now. */
export function ago(at: Date, now: number): string {
  const seconds = (at.getTime() - now) / 1_000
  const past = Math.abs(seconds)
  if (seconds > 0 && past < 60) return 'now'
  if (past < 5) return 'now'
  if (past < 60) return relative.format(Math.trunc(seconds), 'second')
  if (past < 3_600) return relative.format(Math.trunc(seconds / 60), 'minute')
  if (past < 86_400) return relative.format(Math.trunc(seconds / 3_600), 'hour')
  if (past < 2_592_000) return relative.format(Math.trunc(seconds / 86_400), 'day')
  return at.toLocaleDateString(LOCALE, { year: 'numeric', month: 'short', day: 'numeric' })
}

/** Day and minute. */
export const dated = (at: Date) => at.toLocaleString(LOCALE, { dateStyle: 'medium', timeStyle: 'short' })

/** To the second, with the place's time. */
export const exactly = (at: Date) =>
  at.toLocaleString(LOCALE, { dateStyle: 'medium', timeStyle: 'medium' }) + ` (${at.toISOString()})`

const clock = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  fractionalSecondDigits: 3,
})
/** `14:03:07.120`. */
export const timeOfDay = (at: Date) => clock.format(at)

/** A share as `37 %`, or `0.4 %` where a whole number says nothing. */
export const percent = (rate: number) =>
  `${rate > 0 && rate < 0.01 ? (100 * rate).toFixed(1) : Math.round(100 * rate)} %`
/** With so many places; a minus as it is printed. */
export const decimal = (n: number, places = 2) =>
  n
    .toFixed(places)
    .replace(/^-(?=0\.?0*$)/, '')
    .replace('-', '−')
/** `0.012`, `<0.001`. */
export const chance = (p: number) => (p < 0.001 ? '<0.001' : p.toFixed(3))
