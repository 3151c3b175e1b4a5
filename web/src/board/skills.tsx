/** The skills of the workspace, found by filters that stand in the address; and what a marketplace lists. */
import { FilePlus2, Puzzle, RefreshCw, Upload } from 'lucide-react'
import { useState } from 'react'
import { Link as Way } from 'wouter'
import { ask, type Skill, type SkillListing, type SkillSync } from '../api.ts'
import { askAgain, useAsked } from '../asked.ts'
import { useFilters } from '../filters.ts'
import { may, useMe } from '../shell/me.ts'
import { count } from '../shown.ts'
import {
  Badge,
  Button,
  Dialog,
  Empty,
  Filtered,
  Link,
  LoadMore,
  Page,
  SearchInput,
  Select,
  States,
  tell,
  useAct,
  usePages,
} from '../ui/index.ts'
import { words } from '../words/skills.ts'
import { CreateSkill, ImportSkill } from './bring-skill.tsx'
import { Remarks } from './remarks.tsx'
import { TrustMark } from './trust.tsx'

const PAGE = 50
type Item = Skill | SkillListing

export default function SkillsPage() {
  const [{ where }] = useFilters('where')
  const writes = may(useMe(), 'board:write')
  const [bringing, setBringing] = useState<'import' | 'create'>()
  const [report, setReport] = useState<SkillSync>()
  const [busy, act] = useAct()
  const sync = () =>
    act(async () => {
      const said = (await ask('post', '/api/skills', { body: { action: 'sync' } })) as SkillSync
      tell(
        words.synced(said.added.length, said.updated.length, said.gone.length),
        said.folderRead ? undefined : words.noFolder,
      )
      if (said.refused.length > 0) setReport(said)
      askAgain('/api/skills')
    })
  return (
    <Page
      title={words.title}
      lead={words.lead}
      actions={
        writes ? (
          <>
            <Button icon={RefreshCw} busy={busy} onClick={sync}>
              {words.sync}
            </Button>
            <Button icon={Upload} onClick={() => setBringing('import')}>
              {words.import}
            </Button>
            <Button icon={FilePlus2} look="primary" onClick={() => setBringing('create')}>
              {words.new}
            </Button>
          </>
        ) : undefined
      }
    >
      <section className="overflow-clip rounded-lg border border-line bg-box shadow-low">
        {where === 'market' ? <Market /> : <Here onSync={writes ? () => sync() : undefined} />}
      </section>
      {bringing === 'import' ? <ImportSkill onClose={() => setBringing(undefined)} /> : null}
      {bringing === 'create' ? <CreateSkill onClose={() => setBringing(undefined)} /> : null}
      {report === undefined ? null : (
        <Dialog open onClose={() => setReport(undefined)} title={words.refused}>
          <ul className="flex flex-col gap-3">
            {report.refused.map((one) => (
              <li key={one.key}>
                <p className="font-medium">{one.key}</p>
                <Remarks of={one.diagnostics} />
              </li>
            ))}
          </ul>
        </Dialog>
      )}
    </Page>
  )
}

function Where() {
  const [{ where = '' }, set] = useFilters('where')
  return (
    <Select
      label={words.source}
      value={where}
      onChange={(value) => set('where', value)}
      of={[
        { value: '', label: words.sources.local },
        { value: 'market', label: words.market },
      ]}
    />
  )
}

function Here({ onSync }: { onSync: (() => void) | undefined }) {
  const [filter, set, clear] = useFilters('q', 'trust', 'tag')
  const { q = '', trust = '', tag = '' } = filter
  const query = {
    limit: PAGE,
    ...(q === '' ? {} : { q }),
    ...(trust === '' ? {} : { trustLevel: trust as Skill['trustLevel'] }),
    ...(tag === '' ? {} : { tag }),
  }
  const [asked, again, pages] = usePages('/api/skills', { query }, ({ id }) => id)
  const filtered = Object.keys(filter).length > 0
  return (
    <>
      <div className="flex flex-wrap items-center gap-2 border-b border-line px-4 py-3">
        <div className="w-64 max-sm:w-full">
          <SearchInput label={words.search} value={q} onChange={(value) => set('q', value)} />
        </div>
        <Select
          label={words.trust}
          value={trust}
          onChange={(value) => set('trust', value)}
          of={[
            { value: '', label: words.any },
            ...Object.entries(words.trusts).map(([value, label]) => ({ value, label })),
          ]}
        />
        <Where />
        {filtered ? (
          <Button look="quiet" size="small" onClick={clear}>
            {words.clear}
          </Button>
        ) : null}
      </div>
      <States
        of={asked}
        again={again}
        lines={8}
        isEmpty={({ items }) => items.length === 0}
        empty={
          filtered ? (
            <Filtered title={words.filtered} clear={words.clear} onClear={clear} />
          ) : (
            <Empty icon={Puzzle} title={words.empty.title} lead={words.empty.lead}>
              {onSync === undefined ? null : (
                <Button look="primary" icon={RefreshCw} onClick={onSync}>
                  {words.sync}
                </Button>
              )}
            </Empty>
          )
        }
      >
        {() => (
          <>
            <ul>
              {pages.items.map((item) =>
                isSkill(item) ? <Row key={item.id} skill={item} onTag={(one) => set('tag', one)} /> : null,
              )}
            </ul>
            {pages.more ? <LoadMore of={pages} /> : null}
          </>
        )}
      </States>
    </>
  )
}

const isSkill = (item: Item): item is Skill => typeof item.id === 'number'

function Row({ skill, onTag }: { skill: Skill; onTag: (tag: string) => void }) {
  return (
    <li className="border-b border-line px-4 py-3 last:border-b-0 hover:bg-sunk">
      <div className="flex flex-wrap items-center gap-x-2.5 gap-y-1">
        <Way href={`/skills/${skill.id}`} className="font-medium [overflow-wrap:anywhere] hover:underline">
          {skill.name}
        </Way>
        <TrustMark of={skill.trustLevel} />
        {skill.pinned ? <Badge>{words.pinned}</Badge> : null}
        {skill.goneAt === null ? null : <Badge tone="warn">{words.gone}</Badge>}
        {skill.warnings === 0 ? null : <Badge tone="warn">{words.warnings(skill.warnings)}</Badge>}
        <span className="ml-auto text-sm text-dim">
          {words.version(skill.version)} · {words.ways[skill.cameBy]}
        </span>
      </div>
      <p dir="auto" className="mt-0.5 line-clamp-2 max-w-prose text-dim [overflow-wrap:anywhere]">
        {skill.description}
      </p>
      {skill.tags.length === 0 ? null : (
        <p className="mt-1 flex flex-wrap gap-1.5">
          {skill.tags.map((tag) => (
            <button
              key={tag}
              type="button"
              onClick={() => onTag(tag)}
              className="rounded-full border border-line px-2 text-xs text-dim hover:border-edge hover:text-ink"
            >
              {tag}
            </button>
          ))}
        </p>
      )}
    </li>
  )
}

function Market() {
  const [{ q = '' }, set, clear] = useFilters('q')
  const [asked, again] = useAsked('/api/skills', { query: { source: 'skillsmp', q, limit: 30 } }, { when: q !== '' })
  return (
    <>
      <div className="flex flex-wrap items-center gap-2 border-b border-line px-4 py-3">
        <div className="w-80 max-sm:w-full">
          <SearchInput label={words.marketSearch} value={q} onChange={(value) => set('q', value)} />
        </div>
        <Where />
      </div>
      {q === '' ? (
        <Empty icon={Puzzle} title={words.market} lead={words.marketLead} />
      ) : (
        <States
          of={asked}
          again={again}
          isEmpty={({ items }) => items.length === 0}
          empty={<Filtered title={words.filtered} clear={words.clear} onClear={clear} />}
        >
          {({ items }) => <ul>{items.map((item) => (isSkill(item) ? null : <Listing key={item.id} of={item} />))}</ul>}
        </States>
      )}
    </>
  )
}

function Listing({ of: { name, description, author, url, repository, stars } }: { of: SkillListing }) {
  const safe = (address: string | null) => (address !== null && /^https?:/.test(address) ? address : undefined)
  const [page, source] = [safe(url), safe(repository)]
  return (
    <li className="border-b border-line px-4 py-3 last:border-b-0">
      <div className="flex flex-wrap items-center gap-x-2.5">
        <span dir="auto" className="font-medium">
          {name}
        </span>
        <span className="text-sm text-dim">
          {author} {stars === null ? '' : `· ${words.stars(count(stars))}`}
        </span>
        <span className="ml-auto flex gap-3 text-sm">
          {source === undefined ? null : <Link href={source}>{words.repository}</Link>}
          {page === undefined ? null : <Link href={page}>{words.page}</Link>}
        </span>
      </div>
      <p dir="auto" className="mt-0.5 line-clamp-2 max-w-prose text-dim [overflow-wrap:anywhere]">
        {description}
      </p>
    </li>
  )
}
