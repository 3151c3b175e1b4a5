/**
 * A model's answer cut into words, numbers and marks, so that reading a decision
 * is a walk over tokens: every step looks at a bounded number of neighbours, and
 * no answer, however long or malicious, takes more than linear time.
 */

export interface Token {
  readonly kind: 'word' | 'number' | 'mark' | 'line'
  /** Lower case; a mark is one character, a line end is `\n`. */
  readonly text: string
  /** As written: begins with a capital letter, or has only capitals. */
  readonly capital: boolean
  readonly upper: boolean
  /** Nothing stands between it and the token before. */
  readonly glued: boolean
  /** Of a number that can be read as one, and of `two` to `ten`; NaN for dates, versions and groups of thousands. */
  readonly value: number
}

/** `one` is missing: "I choose one" does not say 1. */
const numberWords = new Map(
  Object.entries({ zero: 0, two: 2, three: 3, four: 4, five: 5, six: 6, seven: 7, eight: 8, nine: 9, ten: 10 }),
)

/** Of a longer answer the beginning and the end are read, this many UTF-16 units of each: there decisions stand. */
const window = 32 * 1024

/** @param signed read `-2` and `+1` as numbers; only for scales that have negative codes, or a dash would be a sign */
export function tokensOf(answer: string, signed: boolean): Token[] {
  const tokens: Token[] = []
  let end = 0
  const found = /\n|\d+(?:[.,]\d+)*|[\p{L}\p{M}]+(?:'[\p{L}\p{M}]+)*|[^\s\d\p{L}\p{M}]/gu
  for (const match of plain(answer).matchAll(found)) {
    const raw = match[0]
    const text = raw.toLowerCase()
    const glued = match.index === end && tokens.length > 0
    end = match.index + raw.length
    const first = raw.charCodeAt(0)
    const number = first >= 48 && first <= 57
    const before = tokens.at(-1)
    if (number && signed && glued && before !== undefined && isSign(before, tokens.at(-2))) {
      tokens.pop()
      const value = before.text === '-' ? -valueOf(raw) : valueOf(raw)
      tokens.push({
        kind: 'number',
        text: before.text + text,
        capital: false,
        upper: false,
        glued: before.glued,
        value,
      })
      continue
    }
    tokens.push({
      kind: raw === '\n' ? 'line' : number ? 'number' : isWord(raw) ? 'word' : 'mark',
      text,
      capital: raw.length > 0 && raw.slice(0, 1) !== text.slice(0, 1),
      upper: raw !== text && raw === raw.toUpperCase(),
      glued,
      value: number ? valueOf(raw) : (numberWords.get(text) ?? Number.NaN),
    })
  }
  return tokens
}

/** The answer without thoughts, markup and typographic variants: digits of all scripts are 0–9, dashes `-`, quotes `"` and `'`. */
function plain(answer: string): string {
  // Long runs of combining marks make normalisation quadratic, and it makes of one character up to eighteen.
  const few = ends(afterThoughts(answer)).replace(/(\p{M}{4})\p{M}+/gu, '$1')
  return (
    ends(few.normalize('NFKC'))
      .replace(/\r\n?|[\u0085\u2028\u2029]/g, '\n')
      // Keycaps, emoji variants, soft hyphens, zero-width and direction marks.
      .replace(/\p{Cf}|\p{Variation_Selector}|\u20E3|\u034F/gu, '')
      .replace(/[\u2010-\u2015\u2212]/g, '-')
      .replace(/[“”„‟«»「」『』]/g, '"')
      .replace(/[‘’‚‛ʼ´]/g, "'")
      .replace(/\u2044/g, '/')
      // Formatting, and a number alone in a formula.
      .replace(/<\/?(?:b|i|u|em|strong|span|code|mark|td|th) ?\/?>/gi, ' ')
      .replace(/<\/?(?:p|br|div|h[1-6]|li|ul|ol|tr|table) ?\/?>/gi, '\n')
      .replace(/\$(\d{1,9})\$/g, ' $1 ')
      .replace(/\\(?:text|textbf|mathbf|mathrm)\{/g, '{')
      .replace(/~~[^~\n]{1,80}~~/g, ' ')
      .replace(/[*`]/g, '')
      .replace(/_/g, ' ')
      .replace(/([a-z])([A-Z])/g, '$1 $2')
      .replace(/(?![0-9])\p{Nd}/gu, digit)
  )
}

function ends(text: string): string {
  return text.length > 2 * window ? `${text.slice(0, window)}\n${text.slice(-window)}` : text
}

function afterThoughts(answer: string): string {
  const close = answer.lastIndexOf('</think>')
  if (close !== -1) return answer.slice(close + '</think>'.length)
  return /^\s*<think>/.test(answer) ? '' : answer
}

// Unicode's decimal digits stand in tens that begin at …0 or at …6 of a row of sixteen.
function digit(character: string): string {
  const point = character.codePointAt(0) ?? 0
  const inRow = point % 16
  const value = /\p{Nd}/u.test(String.fromCodePoint(point - inRow)) ? inRow : inRow - 6
  return value >= 0 && value <= 9 ? String(value) : character
}

function isWord(raw: string): boolean {
  return /^[\p{L}\p{M}]/u.test(raw)
}

function isSign(token: Token, before: Token | undefined): boolean {
  if (token.kind !== 'mark' || (token.text !== '-' && token.text !== '+')) return false
  return !token.glued || before === undefined || before.kind === 'mark' || before.kind === 'line'
}

function valueOf(raw: string): number {
  if (raw.length > 12) return Number.NaN
  if (/^\d+$/.test(raw)) return Number(raw)
  return /^\d+[.,]\d{1,2}$/.test(raw) ? Number(raw.replace(',', '.')) : Number.NaN
}

/** Chinese, Japanese, Korean and Thai letters: words there run together, so a token may hold several. */
export function runsTogether(token: Token | undefined): boolean {
  return (
    token?.kind === 'word' &&
    /^[\p{Script=Han}\p{Script=Hiragana}\p{Script=Katakana}\p{Script=Hangul}\p{Script=Thai}]/u.test(token.text)
  )
}

export function isLatin(token: Token | undefined): boolean {
  return token?.kind === 'word' && /^\p{Script=Latin}/u.test(token.text)
}
