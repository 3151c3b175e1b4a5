/** Definitions, found by name, tag and parent; the filters stand in the address. */
import { FileText, Plus } from 'lucide-react'
import { useEffect, useMemo, useState } from 'react'
import { useSearchParams } from 'wouter'
import { ask, type DefinitionHead, type Given } from '../api.ts'
import { useAsked } from '../asked.ts'
import { Actor } from '../shell/actor.tsx'
import { useCommands } from '../shell/keys.ts'
import { may, useMe } from '../shell/me.ts'
import {
  Button,
  ButtonLink,
  Empty,
  Filtered,
  Link,
  LoadMore,
  Page,
  SearchInput,
  States,
  Table,
  tellProblem,
  Time,
  type Column,
} from '../ui/index.ts'
import { words } from '../words/definitions.ts'
import { Bring } from './bring.tsx'

const PAGE = 50
const FILTERS = ['search', 'tag', 'parent'] as const
type Query = NonNullable<Given<'get', '/api/definitions'>['query']>

export default function Definitions() {
  const me = useMe()
  const [params, setParams] = useSearchParams()
  const filter = Object.fromEntries(
    FILTERS.flatMap((name) => (params.get(name) === null ? [] : [[name, params.get(name)]])),
  ) as Query
  const filtered = Object.keys(filter).length > 0
  const set = (name: (typeof FILTERS)[number], value: string) =>
    setParams(
      (before) => {
        const next = new URLSearchParams(before)
        if (value === '') next.delete(name)
        else next.set(name, value)
        return next
      },
      { replace: true },
    )
  const clear = () => setParams({}, { replace: true })
  const [asked, again] = useAsked('/api/definitions', { query: { ...filter, limit: PAGE } })
  const key = JSON.stringify(filter)
  const [older, setOlder] = useState<{ key: string; items: readonly DefinitionHead[]; next: string | null }>()
  const [busy, setBusy] = useState(false)
  const mine = older?.key === key ? older : { key, items: [], next: asked.data?.next ?? null }
  useCommands(
    useMemo(() => {
      const step = (by: number) => () => {
        const all = [...document.querySelectorAll<HTMLElement>('[data-row]')]
        const at = all.findIndex((row) => row.contains(document.activeElement))
        all[at === -1 ? 0 : Math.max(0, Math.min(at + by, all.length - 1))]?.querySelector<HTMLElement>('a')?.focus()
      }
      return [
        { name: words.next, keys: 'j', quiet: true, run: step(1) },
        { name: words.previous, keys: 'k', quiet: true, run: step(-1) },
      ]
    }, []),
  )
  const columns: readonly Column<DefinitionHead>[] = [
    {
      id: 'name',
      name: words.name,
      fixed: true,
      by: ({ name }) => name,
      cell: ({ id, name }) => (
        <span className="flex max-w-[min(30rem,70vw)] items-baseline gap-2">
          <span className="cut" title={name}>
            <Link href={`/definitions/${id}`}>{name}</Link>
          </span>
          <span className="text-sm text-faint">#{id}</span>
        </span>
      ),
    },
    {
      id: 'tags',
      name: words.tags,
      width: 'max-sm:hidden',
      cell: ({ tags }) => (
        <span className="flex flex-wrap gap-1">
          {tags.map((tag) => (
            <button
              key={tag}
              type="button"
              onClick={() => set('tag', tag)}
              className="max-w-40 truncate rounded-full bg-sunk px-2 text-xs leading-5.5 text-dim hover:bg-wash hover:text-accent"
            >
              {tag}
            </button>
          ))}
        </span>
      ),
    },
    { id: 'version', name: words.version, right: true, by: ({ version }) => version, cell: ({ version }) => version },
    {
      id: 'parent',
      name: words.forkOf,
      wide: true,
      by: ({ parent }) => parent?.id ?? 0,
      cell: ({ parent }) =>
        parent === null ? (
          <span className="text-faint">—</span>
        ) : (
          <Link href={`/definitions/${parent.id}`}>#{parent.id}</Link>
        ),
    },
    {
      id: 'by',
      name: words.by,
      hidden: true,
      by: ({ createdBy }) => createdBy,
      cell: ({ createdBy }) => <Actor of={createdBy} />,
    },
    {
      id: 'changed',
      name: words.changed,
      right: true,
      wide: true,
      by: ({ updatedAt }) => updatedAt,
      cell: ({ updatedAt }) => <Time at={updatedAt} />,
    },
  ]
  const write = may(me, 'definitions:write')
  return (
    <Page
      title={words.title}
      lead={words.lead}
      actions={
        write ? (
          <>
            <Bring />
            <ButtonLink href="/definitions/new" look="primary" icon={Plus}>
              {words.write}
            </ButtonLink>
          </>
        ) : null
      }
    >
      <section className="overflow-clip rounded-lg border border-line bg-box shadow-low">
        <div className="flex flex-wrap items-center gap-2 border-b border-line px-4 py-3">
          <div className="w-72 max-sm:w-full">
            <Typed label={words.search} value={params.get('search') ?? ''} onChange={(value) => set('search', value)} />
          </div>
          {params.get('tag') === null ? null : (
            <Button size="small" onClick={() => set('tag', '')}>
              {words.onlyTag(params.get('tag') ?? '')} ✕
            </Button>
          )}
          {params.get('parent') === null ? null : (
            <Button size="small" onClick={() => set('parent', '')}>
              {words.onlyForks(Number(params.get('parent')))} ✕
            </Button>
          )}
        </div>
        <States
          of={asked}
          again={again}
          lines={6}
          isEmpty={({ items }) => items.length === 0}
          empty={
            filtered ? (
              <Filtered title={words.filtered} clear={words.clear} onClear={clear} />
            ) : (
              <Empty icon={FileText} title={words.empty.title} lead={words.empty.lead}>
                {write ? (
                  <>
                    <ButtonLink href="/definitions/new" look="primary" icon={Plus}>
                      {words.write}
                    </ButtonLink>
                    <ButtonLink href="/definitions?start=new">{words.example}</ButtonLink>
                  </>
                ) : null}
              </Empty>
            )
          }
        >
          {({ items }) => (
            <>
              <Table
                name="definitions"
                label={words.table}
                columns={columns}
                rows={[...items, ...mine.items]}
                idOf={({ id }) => id}
              />
              <LoadMore
                more={mine.next !== null}
                busy={busy}
                onMore={() => {
                  if (mine.next === null) return
                  setBusy(true)
                  ask('get', '/api/definitions', { query: { ...filter, limit: PAGE, cursor: mine.next } })
                    .then(
                      (page) => setOlder({ key, items: [...mine.items, ...page.items], next: page.next }),
                      tellProblem,
                    )
                    .finally(() => setBusy(false))
                    .catch(() => {})
                }}
              />
            </>
          )}
        </States>
      </section>
    </Page>
  )
}

const PAUSE = 200

function Typed({ label, value, onChange }: { label: string; value: string; onChange: (value: string) => void }) {
  const [text, setText] = useState(value)
  useEffect(() => setText(value), [value])
  useEffect(() => {
    if (text === value) return undefined
    const timer = setTimeout(() => onChange(text), PAUSE)
    return () => clearTimeout(timer)
  }, [text])
  return <SearchInput label={label} value={text} onChange={setText} />
}
