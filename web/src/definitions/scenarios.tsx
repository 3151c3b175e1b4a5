/** The scenarios of a definition, page by page, with what each dimension scores and the prompt as it is sent. */
import { ListTree } from 'lucide-react'
import { useEffect, useState } from 'react'
import { useSearchParams } from 'wouter'
import { ask, type Answer, type Definition } from '../api.ts'
import { useAsked } from '../asked.ts'
import { count } from '../shown.ts'
import { Badge, Card, CopyButton, Empty, Field, Input, LoadMore, States, tellProblem } from '../ui/index.ts'
import { Text } from '../ui/text.tsx'
import { scenarios as words } from '../words/definitions.ts'

type Page = Answer<'get', '/api/definitions/{id}/scenarios'>

const PAGE = 20
const PAUSE = 300

export function Scenarios({ of }: { of: Definition }) {
  const [params, setParams] = useSearchParams()
  const seed = /^-?\d{1,40}$/.test(params.get('seed') ?? '') ? (params.get('seed') ?? '0') : '0'
  const [typed, setTyped] = useState(seed)
  useEffect(() => {
    if (typed === seed || !/^-?\d{1,40}$/.test(typed)) return undefined
    const timer = setTimeout(() => setParams({ seed: typed }, { replace: true }), PAUSE)
    return () => clearTimeout(timer)
  }, [typed])
  const query = { seed, limit: PAGE, version: of.version }
  const [asked, again] = useAsked('/api/definitions/{id}/scenarios', { path: { id: of.id }, query })
  const [more, setMore] = useState<{ seed: string; items: Page['items']; next: string | null }>()
  const [busy, setBusy] = useState(false)
  const mine = more?.seed === seed ? more : { seed, items: [], next: asked.data?.next ?? null }
  return (
    <States
      of={asked}
      again={again}
      lines={8}
      isEmpty={({ items }) => items.length === 0}
      empty={<Empty icon={ListTree} title={words.none} />}
    >
      {({ items, count: all }) => {
        const shown = [...items, ...mine.items]
        return (
          <div className="flex flex-col gap-4">
            <div className="flex flex-wrap items-end justify-between gap-3">
              <div className="w-64">
                <Field label={words.seed} hint={words.seedHint}>
                  <Input inputMode="numeric" value={typed} onChange={setTyped} />
                </Field>
              </div>
              <span className="text-dim">{words.of(count(shown.length), count(all))}</span>
            </div>
            {shown.map(({ index, key, dimensions, prompt }) => (
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
            <LoadMore
              more={mine.next !== null}
              busy={busy}
              onMore={() => {
                if (mine.next === null) return
                setBusy(true)
                ask('get', '/api/definitions/{id}/scenarios', {
                  path: { id: of.id },
                  query: { ...query, cursor: mine.next },
                })
                  .then(
                    (page) => setMore({ seed, items: [...mine.items, ...page.items], next: page.next }),
                    tellProblem,
                  )
                  .finally(() => setBusy(false))
                  .catch(() => {})
              }}
            />
          </div>
        )
      }}
    </States>
  )
}
