/** Definitions, found by name, tag and parent; the filters stand in the address. */
import { FileText, Plus } from 'lucide-react'
import type { DefinitionHead, Given } from '../api.ts'
import { useFilters } from '../filters.ts'
import { Actor } from '../shell/actor.tsx'
import { useCommands } from '../shell/keys.ts'
import { may, useMe } from '../shell/me.ts'
import { stepping } from '../shell/stepping.ts'
import {
  Button,
  ButtonLink,
  Empty,
  Filtered,
  Link,
  LoadMore,
  Page,
  PausedSearch,
  States,
  Table,
  Time,
  usePages,
  type Column,
} from '../ui/index.ts'
import { words } from '../words/definitions.ts'
import { Bring } from './bring.tsx'

const PAGE = 50
const STEPS = stepping(words)
type Query = NonNullable<Given<'get', '/api/definitions'>['query']>

export default function Definitions() {
  const me = useMe()
  const [filter, set, clear] = useFilters('search', 'tag', 'parent')
  const filtered = Object.keys(filter).length > 0
  const query = { ...(filter as object as Query), limit: PAGE }
  const [asked, again, pages] = usePages('/api/definitions', { query }, ({ id }) => id)
  useCommands(STEPS)
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
            <PausedSearch label={words.search} value={filter.search ?? ''} onChange={(value) => set('search', value)} />
          </div>
          {filter.tag === undefined ? null : (
            <Button size="small" onClick={() => set('tag', '')}>
              {words.onlyTag(filter.tag)} ✕
            </Button>
          )}
          {filter.parent === undefined ? null : (
            <Button size="small" onClick={() => set('parent', '')}>
              {words.onlyForks(Number(filter.parent))} ✕
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
          {() => (
            <>
              <Table
                name="definitions"
                label={words.table}
                columns={columns}
                rows={pages.items}
                idOf={({ id }) => id}
              />
              <LoadMore of={pages} />
            </>
          )}
        </States>
      </section>
    </Page>
  )
}
