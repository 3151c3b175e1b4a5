/**
 * JSON that PostgreSQL can keep.  jsonb refuses NUL and lone surrogates; an
 * answer that was paid for must not be lost for one, so they are replaced
 * visibly: NUL by ␀, a lone surrogate by the replacement character.
 */
const SUSPECT = /\\u0000|\\ud[89a-f]/
const ESCAPES = /\\\\|\\u0000|\\ud[89a-f][0-9a-f]{2}/g

export function toJson(value: unknown): string {
  const text = JSON.stringify(value) ?? 'null'
  if (!SUSPECT.test(text)) return text
  // JSON.stringify writes pairs as themselves, so an escaped surrogate is a lone one.
  return text.replace(ESCAPES, (escape) => (escape === '\\\\' ? escape : escape === '\\u0000' ? '␀' : '�'))
}

/** The same for a text column. */
export function toText(text: string): string {
  return text.replaceAll('\0', '␀').toWellFormed()
}
