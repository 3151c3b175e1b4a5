/**
 * `[Dimension]` in a template: where the placeholders stand, and how two
 * spellings of a name are known to be the same.
 */

export type TemplatePart =
  | { readonly kind: 'text'; readonly text: string }
  /** `raw` is the placeholder as written, brackets included; `offset` its place in the template, in UTF-16 units. */
  | { readonly kind: 'placeholder'; readonly name: string; readonly raw: string; readonly offset: number }

/**
 * Cuts a template into texts and placeholders.  A bracket that is not a
 * placeholder is written `\[`; empty brackets (`[]`, `[ ]`) and brackets that
 * do not close on their line are ordinary text.
 */
export function templateParts(template: string): TemplatePart[] {
  const parts: TemplatePart[] = []
  let text = ''
  let last = 0
  const found = /\\([[\]])|\[([^[\]\r\n]*)\]/g
  for (const match of template.matchAll(found)) {
    text += template.slice(last, match.index)
    last = match.index + match[0].length
    const name = match[2]?.trim() ?? ''
    if (match[1] !== undefined) text += match[1]
    else if (name === '') text += match[0]
    else {
      if (text !== '') parts.push({ kind: 'text', text })
      text = ''
      parts.push({ kind: 'placeholder', name, raw: match[0], offset: match.index })
    }
  }
  text += template.slice(last)
  if (text !== '') parts.push({ kind: 'text', text })
  return parts
}

/** Two names with the same key are the same name: case, Unicode composition and runs of spaces do not count. */
export function nameKey(name: string): string {
  return name.normalize('NFC').toLowerCase().replace(/\s+/gu, ' ').trim()
}
