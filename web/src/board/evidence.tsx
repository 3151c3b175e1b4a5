/** What a gate looked for and what it found, with names that a person reads. */
import { words } from '../words/card.ts'

export function Evidence({ of: evidence }: { of: Readonly<Record<string, unknown>> }) {
  return (
    <dl className="mt-1.5 grid grid-cols-[max-content_1fr] gap-x-4 gap-y-1 rounded-md bg-sunk p-2.5 text-sm">
      {Object.entries(evidence).map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="text-dim">{words.evidenceNames[name] ?? name}</dt>
          <dd dir="auto" className="min-w-0 [overflow-wrap:anywhere]">
            {said(value)}
          </dd>
        </div>
      ))}
    </dl>
  )
}

function said(value: unknown): string {
  if (value === null || value === undefined || value === '') return words.nothing
  if (typeof value === 'string') return value
  if (Array.isArray(value)) return value.length === 0 ? words.nothing : value.map(said).join(', ')
  if (typeof value !== 'object') return JSON.stringify(value)
  const { path, version, label, uri } = value as Record<string, unknown>
  if (typeof path === 'string') {
    return typeof version === 'number' ? `${path} (${words.evidenceNames['version']} ${version})` : path
  }
  if (typeof label === 'string') return typeof uri === 'string' ? `${label} (${uri})` : label
  return JSON.stringify(value)
}
