/** What somebody or a model wrote in Markdown: headings, lists, tables and blocks look like such; all else stays the text it is. */
import type { ReactNode } from 'react'

const HEADING = /^(#{1,6})\s+(.*)$/
const ITEM = /^(\s*)(?:[-*+]|(\d{1,3})[.)])\s+(.*)$/
/** Nobody reads more of it; the whole is in the download. */
const MOST_LINES = 4_000

export function Prose({ text }: { text: string }) {
  return (
    <div dir="auto" className="flex max-w-prose flex-col gap-2 [overflow-wrap:anywhere]">
      {blocksOf(text)}
    </div>
  )
}

function blocksOf(text: string): ReactNode[] {
  const blocks: ReactNode[] = []
  const lines = text.split('\n', MOST_LINES)
  let paragraph: string[] = []
  let items: { depth: number; number: string | undefined; text: string }[] = []
  let rows: string[][] = []
  let code: string[] | undefined
  const flush = () => {
    const key = blocks.length
    if (paragraph.length > 0) {
      blocks.push(
        <p key={key} className="whitespace-pre-wrap">
          {paragraph.map((line, n) => (
            <span key={n}>
              {n === 0 ? null : '\n'}
              <Inline text={line} />
            </span>
          ))}
        </p>,
      )
    }
    if (items.length > 0) {
      blocks.push(
        <ul key={key} className="flex flex-col gap-1">
          {items.map((item, n) => (
            <li key={n} className="flex gap-2" style={{ paddingInlineStart: `${item.depth * 1.1}rem` }}>
              <span aria-hidden className="w-4 shrink-0 text-right text-faint">
                {item.number === undefined ? '•' : `${item.number}.`}
              </span>
              <span className="min-w-0">
                <Inline text={item.text} />
              </span>
            </li>
          ))}
        </ul>,
      )
    }
    if (rows.length > 0) blocks.push(<Rows key={key} of={rows} />)
    paragraph = []
    items = []
    rows = []
  }
  for (const line of lines) {
    if (line.trimStart().startsWith('```')) {
      if (code === undefined) {
        flush()
        code = []
      } else {
        blocks.push(<Code key={blocks.length} lines={code} />)
        code = undefined
      }
      continue
    }
    if (code !== undefined) {
      code.push(line)
      continue
    }
    const [, marks, heading] = HEADING.exec(line) ?? []
    const [, indent = '', number, item] = ITEM.exec(line) ?? []
    if (marks !== undefined && heading !== undefined) {
      flush()
      blocks.push(
        <p
          key={blocks.length}
          role="heading"
          aria-level={Math.min(6, marks.length + 2)}
          className={`font-semibold ${marks.length === 1 ? 'text-lg' : marks.length === 2 ? 'mt-2 text-lg' : 'mt-1'}`}
        >
          <Inline text={heading} />
        </p>,
      )
    } else if (item !== undefined) {
      if (paragraph.length + rows.length > 0) flush()
      items.push({ depth: Math.min(4, Math.floor(indent.length / 2)), number, text: item })
    } else if (/^\s*\|.*\|\s*$/.test(line)) {
      if (paragraph.length + items.length > 0) flush()
      if (!/^[\s|:-]+$/.test(line)) rows.push(cellsOf(line))
    } else if (line.trim() === '') {
      flush()
    } else {
      if (items.length + rows.length > 0) flush()
      paragraph.push(line)
    }
  }
  flush()
  if (code !== undefined) blocks.push(<Code key={blocks.length} lines={code} />)
  return blocks
}

const cellsOf = (line: string) =>
  line
    .trim()
    .slice(1, -1)
    .split(/(?<!\\)\|/)
    .map((cell) => cell.trim())

/** The first row is the head. */
function Rows({ of: [head = [], ...rows] }: { of: readonly (readonly string[])[] }) {
  return (
    <div className="overflow-x-auto" tabIndex={0}>
      <table className="w-full border-collapse text-sm">
        <thead>
          <tr className="border-b border-edge text-left">
            {head.map((cell, n) => (
              <th key={n} scope="col" className="py-1 pr-3 font-medium">
                <Inline text={cell} />
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row, n) => (
            <tr key={n} className="border-b border-line align-top">
              {row.map((cell, m) => (
                <td key={m} className="py-1 pr-3">
                  <Inline text={cell} />
                </td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  )
}

const Code = ({ lines }: { lines: readonly string[] }) => (
  <pre tabIndex={0} className="overflow-x-auto rounded-md bg-sunk p-2.5 font-mono text-sm">
    {lines.join('\n')}
  </pre>
)

/** Bold and code; the marks themselves go. */
function Inline({ text }: { text: string }) {
  return text.split(/(\*\*[^*]+\*\*|`[^`]+`)/).map((part, n) =>
    part.startsWith('**') && part.length > 4 ? (
      <strong key={n}>{part.slice(2, -2)}</strong>
    ) : part.startsWith('`') && part.length > 2 ? (
      <code key={n} className="rounded-sm bg-sunk px-1 font-mono text-sm">
        {part.slice(1, -1)}
      </code>
    ) : (
      part
    ),
  )
}
