/** A tree of HTML, written as Markdown (CommonMark, tables as GitHub has them). */
import type { Element } from './html-tree.ts'

type Part = Element | string

/** Nobody reads these. */
const UNSEEN = new Set([
  'script',
  'style',
  'noscript',
  'template',
  'iframe',
  'svg',
  'head',
  'title',
  'button',
  'select',
  'textarea',
])
const BLOCKS =
  /^(#root|html|body|address|article|aside|blockquote|dd|div|dl|dt|fieldset|figcaption|figure|footer|form|h[1-6]|header|hr|li|main|nav|ol|p|pre|section|table|ul)$/

export interface Written {
  readonly markdown: string
  readonly title: string | null
  readonly links: number
  readonly images: number
}

export function toMarkdown(root: Element, base: string | undefined): Written {
  let links = 0
  let images = 0

  const place = (given: string | undefined) => {
    if (given === undefined || given.trim() === '' || /^\s*(javascript|data|vbscript):/i.test(given)) return undefined
    const whole = base !== undefined && URL.canParse(given, base) ? new URL(given, base).href : given.trim()
    return whole.replace(/[\s()<>\\]/g, (sign) => encodeURIComponent(sign).replace('(', '%28').replace(')', '%29'))
  }

  function inline(parts: readonly Part[]): string {
    return parts.map((part) => (typeof part === 'string' ? escaped(part.replace(/\s+/g, ' ')) : one(part))).join('')
  }

  function one(element: Element): string {
    const { tag, attributes, children } = element
    if (UNSEEN.has(tag)) return ''
    switch (tag) {
      case 'br':
        return '  \n'
      case 'strong':
      case 'b':
        return around('**', inline(children))
      case 'em':
      case 'i':
        return around('*', inline(children))
      case 'del':
      case 's':
        return around('~~', inline(children))
      case 'code':
      case 'kbd':
      case 'samp':
        return codeSpan(textOf(element))
      case 'img': {
        const from = place(attributes.get('src'))
        if (from === undefined) return ''
        images += 1
        return `![${escaped((attributes.get('alt') ?? '').replace(/\s+/g, ' '))}](${from})`
      }
      case 'a': {
        const said = inline(children).trim()
        const to = place(attributes.get('href'))
        if (to === undefined || said === '') return said
        links += 1
        return `[${said}](${to})`
      }
      default:
        return BLOCKS.test(tag) ? ` ${inline(children)} ` : inline(children)
    }
  }

  /** Paragraphs and whatever else stands alone, in order. */
  function blocks(parts: readonly Part[]): string[] {
    const made: string[] = []
    let run: Part[] = []
    const flush = () => {
      const said = tidy(inline(run))
      if (said !== '') made.push(said)
      run = []
    }
    for (const part of parts) {
      if (typeof part === 'string' || !(BLOCKS.test(part.tag) || holdsBlock(part))) {
        run.push(part)
        continue
      }
      flush()
      made.push(...block(part))
    }
    flush()
    return made
  }

  function block(element: Element): string[] {
    const { tag, children } = element
    if (UNSEEN.has(tag)) return []
    if (/^h[1-6]$/.test(tag)) {
      const said = tidy(inline(children)).replace(/\s*\n\s*/g, ' ')
      return said === '' ? [] : [`${'#'.repeat(Number(tag[1]))} ${said}`]
    }
    if (tag === 'hr') return ['---']
    if (tag === 'pre') return [fenced(element)]
    if (tag === 'blockquote') {
      const inside = blocks(children).join('\n\n')
      return inside === '' ? [] : [inside.replace(/^/gm, '> ').replace(/^> $/gm, '>')]
    }
    if (tag === 'ul' || tag === 'ol') return list(element)
    if (tag === 'table') return table(element)
    return blocks(children)
  }

  function list({ tag, attributes, children }: Element): string[] {
    let number = Number.parseInt(attributes.get('start') ?? '1', 10) || 1
    const items = children.flatMap((part) => {
      if (typeof part === 'string' || UNSEEN.has(part.tag)) return []
      const mark = tag === 'ul' ? '- ' : `${number}. `
      number += 1
      const inside = blocks(part.tag === 'li' ? part.children : [part])
      const tight = inside.every((said, at) => at === 0 || /^(- |\d+\. )/.test(said))
      const said = inside.join(tight ? '\n' : '\n\n')
      return [mark + said.replace(/\n(?!\n|$)/g, `\n${' '.repeat(mark.length)}`)]
    })
    return items.length === 0 ? [] : [items.join('\n')]
  }

  function table(element: Element): string[] {
    const rows = within(element, 'tr').map((row) =>
      row.children
        .filter((cell) => typeof cell !== 'string' && /^t[dh]$/.test(cell.tag))
        .map((cell) =>
          tidy(inline((cell as Element).children))
            .replace(/\s*\n\s*/g, ' ')
            .replaceAll('|', '\\|'),
        ),
    )
    const width = Math.max(0, ...rows.map((row) => row.length))
    const [head, ...rest] = rows
    if (head === undefined || width === 0) return []
    const line = (cells: readonly string[]) =>
      `| ${Array.from({ length: width }, (_, at) => cells[at] ?? '').join(' | ')} |`
    return [[line(head), line(Array.from({ length: width }, () => '---')), ...rest.map(line)].join('\n')]
  }

  const title = within(root, 'title')[0]
  const markdown = blocks(root.children).join('\n\n')
  const named = title === undefined ? '' : textOf(title).replace(/\s+/g, ' ').trim()
  return { markdown: markdown === '' ? '' : `${markdown}\n`, title: named === '' ? null : named, links, images }
}

function holdsBlock({ tag, children }: Element): boolean {
  if (UNSEEN.has(tag)) return false
  return children.some((part) => typeof part !== 'string' && (BLOCKS.test(part.tag) || holdsBlock(part)))
}

/** Those of a tag below, not inside of one another. */
function within(element: Element, tag: string): Element[] {
  return element.children.flatMap((part) => {
    if (typeof part === 'string') return []
    return part.tag === tag ? [part] : within(part, tag)
  })
}

function textOf({ children, tag }: Element): string {
  if (tag === 'br') return '\n'
  return children.map((part) => (typeof part === 'string' ? part : textOf(part))).join('')
}

const escaped = (text: string) =>
  text.replace(/[\\`*_[\]<]/g, '\\$&').replace(/^(\s*)(#{1,6}|[-+>]|\d+\.)(?=\s)/, '$1\\$2')
const tidy = (text: string) =>
  text
    .replace(/[ \t]+/g, ' ')
    .replace(/ *\n */g, (line) => (line.startsWith(' ') ? '  \n' : '\n'))
    .trim()

/** Marks stand at words, not at the spaces beside them. */
function around(mark: string, text: string): string {
  const [, before = '', said = '', after = ''] = /^(\s*)([^]*?)(\s*)$/.exec(text) ?? []
  return said === '' ? text : `${before}${mark}${said}${mark}${after}`
}

function codeSpan(text: string): string {
  const said = text.replace(/\s+/g, ' ').trim()
  if (said === '') return ''
  const ticks = '`'.repeat(longestTicks(said) + 1)
  return ticks.length > 1 || said.startsWith('`') ? `${ticks} ${said} ${ticks}` : `${ticks}${said}${ticks}`
}

function fenced(element: Element): string {
  const text = textOf(element).replace(/^\n|\s+$/g, '')
  const fence = '`'.repeat(Math.max(3, longestTicks(text) + 1))
  const [code] = within(element, 'code')
  const language = /(?:^|\s)lang(?:uage)?-([\w+#-]+)/.exec(code?.attributes.get('class') ?? '')?.[1] ?? ''
  return `${fence}${language}\n${text}\n${fence}`
}

const longestTicks = (text: string) => Math.max(0, ...Array.from(text.matchAll(/`+/g), ([ticks]) => ticks.length))
