/** What changed between two versions of a document, line by line; signs and colours say the same. */
import { useAsked } from '../asked.ts'
import { States } from '../ui/index.ts'
import { docs as words } from '../words/card.ts'

export function Difference({ card, path, from, to }: { card: number; path: string; from: number; to: number }) {
  const [asked, again] = useAsked('/api/cards/{id}/documents/{path}/diff', {
    path: { id: card, path },
    query: { from, to },
  })
  return (
    <States
      of={asked}
      again={again}
      isEmpty={({ diff }) => diff.trim() === ''}
      empty={<p className="text-dim">{words.same}</p>}
    >
      {({ diff }) => (
        <pre
          tabIndex={0}
          role="region"
          aria-label={words.diff(from, to)}
          className="overflow-x-auto rounded-md border border-line font-mono text-sm"
        >
          {diff.split('\n').map((line, n) => (
            <span key={n} className={`block px-3 whitespace-pre-wrap ${look(line)}`}>
              {line === '' ? ' ' : line}
            </span>
          ))}
        </pre>
      )}
    </States>
  )
}

function look(line: string): string {
  if (/^(---|\+\+\+|@@)/.test(line)) return 'bg-sunk text-faint'
  if (line.startsWith('+')) return 'bg-good-wash text-good'
  return line.startsWith('-') ? 'bg-bad-wash text-bad' : ''
}
