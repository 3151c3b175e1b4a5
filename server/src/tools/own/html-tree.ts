/** HTML as a tree, as far as reading it takes: tags that are left open are closed, nothing is refused. */

export interface Element {
  readonly tag: string
  readonly attributes: ReadonlyMap<string, string>
  readonly children: (Element | string)[]
}

const VOID = new Set([
  'area',
  'base',
  'br',
  'col',
  'embed',
  'hr',
  'img',
  'input',
  'link',
  'meta',
  'source',
  'track',
  'wbr',
])
/** Their content is text, up to their end. */
const RAW = new Set(['script', 'style', 'textarea', 'title', 'noscript', 'template', 'iframe', 'svg'])
/** What a beginning tag ends, if it is open. */
const ENDS: Readonly<Record<string, readonly string[]>> = {
  li: ['li'],
  dt: ['dt', 'dd'],
  dd: ['dt', 'dd'],
  tr: ['tr', 'td', 'th'],
  td: ['td', 'th'],
  th: ['td', 'th'],
  tbody: ['thead', 'tr', 'td', 'th'],
  option: ['option'],
}
/** Beyond these nothing is ended from inside. */
const WALLS = new Set(['ul', 'ol', 'dl', 'table', '#root', 'select'])
const BLOCKS =
  /^(address|article|aside|blockquote|div|dl|fieldset|figure|footer|form|h[1-6]|header|hr|main|nav|ol|p|pre|section|table|ul)$/
const DEEPEST = 200

export function parseHtml(html: string): Element {
  const root: Element = { tag: '#root', attributes: new Map(), children: [] }
  const open: Element[] = [root]
  const top = () => open.at(-1) ?? root
  const text = (said: string) => said !== '' && top().children.push(decoded(said))

  function close(tags: readonly string[], walls: ReadonlySet<string>) {
    for (let at = open.length - 1; at > 0; at -= 1) {
      const { tag } = open[at] ?? root
      const found = tags.includes(tag)
      if (found) open.splice(at)
      if (found || walls.has(tag)) return
    }
  }

  for (let at = 0; at < html.length;) {
    const next = html.indexOf('<', at)
    if (next < 0) {
      text(html.slice(at))
      break
    }
    text(html.slice(at, next))
    if (html.startsWith('<!--', next)) {
      const end = html.indexOf('-->', next + 4)
      at = end < 0 ? html.length : end + 3
      continue
    }
    const tag = /^[a-zA-Z][\w:-]{0,40}/
      .exec(html.slice(next + (html[next + 1] === '/' ? 2 : 1), next + 44))?.[0]
      .toLowerCase()
    if (tag === undefined) {
      const declaration = html[next + 1] === '!' || html[next + 1] === '?'
      const end = declaration ? html.indexOf('>', next) : next
      if (!declaration) text('<')
      at = end < 0 ? html.length : end + 1
      continue
    }
    const end = endOf(html, next)
    const inside = html.slice(next + 1, end)
    at = end + 1
    if (inside.startsWith('/')) {
      close([tag], tag === 'table' ? new Set(['#root']) : new Set([...WALLS].filter((wall) => wall !== tag)))
      continue
    }
    if (BLOCKS.test(tag)) close(['p'], new Set([...WALLS, 'td', 'th', 'li', 'blockquote']))
    for (const ended of ENDS[tag] ?? []) close([ended], WALLS)
    const element: Element = { tag, attributes: attributesOf(inside.slice(tag.length)), children: [] }
    top().children.push(element)
    if (VOID.has(tag) || inside.endsWith('/')) continue
    if (RAW.has(tag)) {
      const stop = new RegExp(`</${tag}[\\s/>]`, 'gi')
      stop.lastIndex = at
      const found = stop.exec(html)?.index ?? html.length
      element.children.push(decoded(html.slice(at, found)))
      at = found === html.length ? found : endOf(html, found) + 1
      continue
    }
    if (open.length < DEEPEST) open.push(element)
  }
  return root
}

/** The `>` of a tag: not one inside of quotes. */
function endOf(html: string, from: number): number {
  let quote = ''
  for (let at = from + 1; at < html.length; at += 1) {
    const sign = html[at] ?? ''
    if (quote !== '') quote = sign === quote ? '' : quote
    else if (sign === '>') return at
    else if ((sign === '"' || sign === "'") && html[at - 1] === '=') quote = sign
  }
  return html.length
}

function attributesOf(text: string): Map<string, string> {
  const found = text.matchAll(/([^\s"'<>/=]+)(?:=(?:"([^"]*)"|'([^']*)'|([^\s"'>]+)))?/g)
  return new Map(
    Array.from(found, ([, name = '', double, single, bare]): [string, string] => [
      name.toLowerCase(),
      decoded(double ?? single ?? bare ?? ''),
    ]),
  )
}

const NAMED: Readonly<Record<string, string>> = {
  amp: '&',
  lt: '<',
  gt: '>',
  quot: '"',
  apos: "'",
  nbsp: '\u00a0',
  copy: '©',
  reg: '®',
  trade: '™',
  hellip: '…',
  mdash: '—',
  ndash: '–',
  lsquo: '‘',
  rsquo: '’',
  ldquo: '“',
  rdquo: '”',
  laquo: '«',
  raquo: '»',
  bull: '•',
  middot: '·',
  euro: '€',
  pound: '£',
  yen: '¥',
  cent: '¢',
  sect: '§',
  deg: '°',
  times: '×',
  divide: '÷',
  plusmn: '±',
  auml: 'ä',
  ouml: 'ö',
  uuml: 'ü',
  Auml: 'Ä',
  Ouml: 'Ö',
  Uuml: 'Ü',
  szlig: 'ß',
  eacute: 'é',
  egrave: 'è',
  agrave: 'à',
  ccedil: 'ç',
  ntilde: 'ñ',
  larr: '←',
  rarr: '→',
  uarr: '↑',
  darr: '↓',
  shy: '',
  zwj: '\u200d',
  zwnj: '\u200c',
}

function decoded(text: string): string {
  return text.replace(/&(?:#(\d{1,7})|#[xX]([\da-fA-F]{1,6})|(\w{1,10}));?/g, (whole, decimal, hex, name) => {
    if (typeof name === 'string') return Object.hasOwn(NAMED, name) ? (NAMED[name] ?? whole) : whole
    const code = typeof hex === 'string' ? Number.parseInt(hex, 16) : Number(decimal)
    const sensible = code > 0 && code <= 0x10ffff && (code < 0xd800 || code > 0xdfff)
    return sensible ? String.fromCodePoint(code) : '\ufffd'
  })
}
