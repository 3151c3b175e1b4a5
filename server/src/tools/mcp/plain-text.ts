/** Another's words, to be read by people and models. */
const LONGEST = 2_000

/** No control characters, none that turn the direction of writing, and not without end. */
export function plainText(text: string): string {
  return text
    .replace(/[\p{Cc}\p{Cf}]+/gu, ' ')
    .trim()
    .slice(0, LONGEST)
}
