/** The scenarios of a definition, page by page, with what each dimension scores and the prompt as it is sent. */
import { ListTree } from 'lucide-react'
import { useEffect, useState } from 'react'
import type { Definition } from '../api.ts'
import { useFilters } from '../filters.ts'
import { count } from '../shown.ts'
import { Badge, Card, CopyButton, Empty, Field, Input, LoadMore, States, usePages } from '../ui/index.ts'
import { Text } from '../ui/text.tsx'
import { scenarios as words } from '../words/definitions.ts'

const PAGE = 20
const PAUSE = 300
const SEED = /^-?\d{1,40}$/

export function Scenarios({ of }: { of: Definition }) {
  const [{ seed: given = '0' }, set] = useFilters('seed')
  const seed = SEED.test(given) ? given : '0'
  const [typed, setTyped] = useState(seed)
  useEffect(() => {
    if (typed === seed || !SEED.test(typed)) return undefined
    const timer = setTimeout(() => set('seed', typed), PAUSE)
    return () => clearTimeout(timer)
  }, [typed])
  const [asked, again, pages] = usePages(
    '/api/definitions/{id}/scenarios',
    { path: { id: of.id }, query: { seed, limit: PAGE, version: of.version } },
    ({ index }) => index,
  )
  return (
    <States
      of={asked}
      again={again}
      lines={8}
      isEmpty={({ items }) => items.length === 0}
      empty={<Empty icon={ListTree} title={words.none} />}
    >
      {({ count: all }) => (
        <div className="flex flex-col gap-4">
          <div className="flex flex-wrap items-end justify-between gap-3">
            <div className="w-64">
              <Field label={words.seed} hint={words.seedHint}>
                <Input inputMode="numeric" value={typed} onChange={setTyped} />
              </Field>
            </div>
            <span className="text-dim">{words.of(count(pages.items.length), count(all))}</span>
          </div>
          {pages.items.map(({ index, key, dimensions, prompt }) => (
            <Card
              key={key}
              title={
                <span className="flex flex-wrap items-center gap-2">
                  {words.number(count(index + 1))}
                  {Object.entries(dimensions).map(([name, { label, score }]) => (
                    <Badge key={name}>
                      <span className="max-w-56 truncate" title={`${name}: ${label}`}>
                        {name}: {label} · {score}
                      </span>
                    </Badge>
                  ))}
                </span>
              }
              actions={<CopyButton text={prompt} label={words.copy} />}
            >
              <div className="max-w-prose">
                <Text text={prompt} />
              </div>
            </Card>
          ))}
          <LoadMore of={pages} />
        </div>
      )}
    </States>
  )
}
