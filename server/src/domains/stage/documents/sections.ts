/** Sections of a Markdown text: which headings it has, and whether anything stands under them. */

interface Section {
  readonly level: number
  readonly title: string
  /** Something besides headings stands in it, also under headings of its own. */
  filled: boolean
}

const ATX = /^ {0,3}(#{1,6})(?:[ \t]+(.*?))?(?:[ \t]+#+)?[ \t]*$/
const SETEXT = /^ {0,3}(=+|-+)[ \t]*$/
const FENCE = /^ {0,3}(`{3,}|~{3,})/

/** Titles are compared without case and marks: `## **Success metrics**:` is `Success Metrics`. */
export function missingSections(
  text: string,
  wanted: readonly string[],
): { readonly missing: string[]; readonly empty: string[] } {
  const sections = sectionsOf(text)
  const missing: string[] = []
  const empty: string[] = []
  for (const title of wanted) {
    const found = sections.filter((section) => plain(section.title) === plain(title))
    if (found.length === 0) missing.push(title)
    else if (!found.some(({ filled }) => filled)) empty.push(title)
  }
  return { missing, empty }
}

function sectionsOf(text: string): Section[] {
  const all: Section[] = []
  let open: Section[] = []
  let fence: string | undefined
  let before = ''
  const begin = (level: number, title: string) => {
    const section = { level, title, filled: false }
    open = [...open.filter((one) => one.level < level), section]
    all.push(section)
  }
  const fill = () => open.forEach((section) => (section.filled = true))
  for (const line of text.split(/\r?\n/)) {
    const mark = FENCE.exec(line)?.[1]
    if (fence !== undefined || mark !== undefined) {
      if (fence === undefined) fence = mark
      else if (mark !== undefined && mark[0] === fence[0] && mark.length >= fence.length) fence = undefined
      fill()
      before = ''
      continue
    }
    const [, marks, title = ''] = ATX.exec(line) ?? []
    const underlined = before.trim() !== '' ? SETEXT.exec(line)?.[1] : undefined
    if (marks !== undefined) begin(marks.length, title)
    else if (underlined !== undefined) begin(underlined.startsWith('=') ? 1 : 2, before)
    else {
      // Whether a line is a title is known with the one below it.
      if (before.trim() !== '') fill()
      before = line
      continue
    }
    before = ''
  }
  if (before.trim() !== '') fill()
  return all
}

function plain(title: string): string {
  return title
    .replaceAll(/[*_`]/g, '')
    .replace(/^\s*(?:\d+[.)])?\s*/, '')
    .replace(/\s*:?\s*$/, '')
    .replaceAll(/\s+/g, ' ')
    .toLowerCase()
}
