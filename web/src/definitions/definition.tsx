/** One definition: edited, expanded, looked back at, forked, exported, asked. */
import { Download, Ellipsis, FileQuestion, GitFork, Info, ListFilter, Play, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { useLocation, useParams } from 'wouter'
import { ask, type Definition } from '../api.ts'
import { askAgain, useAsked } from '../asked.ts'
import { may, useMe } from '../shell/me.ts'
import { useStart } from '../start/open.tsx'
import {
  Button,
  ButtonLink,
  ConfirmDialog,
  Empty,
  IconButton,
  Link,
  Menu,
  MenuItems,
  MenuLine,
  Page,
  States,
  Tabs,
  tell,
  tellProblem,
  Time,
  useAct,
} from '../ui/index.ts'
import { one as words, words as room } from '../words/definitions.ts'
import { Edit } from './edit.tsx'
import { Scenarios } from './scenarios.tsx'
import { Versions } from './versions.tsx'

export default function DefinitionPage() {
  const { id = '', tab = '' } = useParams()
  if (!/^\d{1,15}$/.test(id)) return <None />
  return <Known key={id} id={Number(id)} tab={tab} />
}

function None() {
  return (
    <Page title={room.missing} above={[[room.title, '/definitions']]}>
      <Empty icon={FileQuestion} title={room.missing}>
        <ButtonLink href="/definitions">{room.title}</ButtonLink>
      </Empty>
    </Page>
  )
}

function Known({ id, tab }: { id: number; tab: string }) {
  const [asked, again] = useAsked('/api/definitions/{id}', { path: { id } })
  if (asked.state === 'failed' && asked.problem.status === 404) return <None />
  if (asked.data === undefined) {
    return (
      <Page title={room.title} above={[[room.title, '/definitions']]}>
        <States of={asked} again={again} lines={8}>
          {() => null}
        </States>
      </Page>
    )
  }
  return <Shown of={asked.data} tab={tab} again={again} />
}

interface ShownProps {
  readonly of: Definition
  readonly tab: string
  readonly again: () => Promise<void>
}

function Shown({ of, tab, again }: ShownProps) {
  const at = `/definitions/${of.id}`
  return (
    <Page
      title={of.name}
      above={[[room.title, '/definitions']]}
      lead={
        <span className="flex flex-wrap items-center gap-x-1.5">
          #{of.id} · {words.versionOf(of.version)} ·
          <Time at={of.updatedAt} />
          {of.parent === null ? null : (
            <>
              ·<Link href={`/definitions/${of.parent.id}`}>{words.parent(of.parent.id)}</Link>
            </>
          )}
        </span>
      }
      actions={<Actions of={of} />}
    >
      <Tabs
        label={words.tabs}
        of={[
          { name: words.edit, href: at },
          { name: words.scenarios, href: `${at}/scenarios` },
          { name: words.versions, href: `${at}/versions` },
        ]}
      />
      {tab === 'scenarios' ? (
        <Scenarios of={of} />
      ) : tab === 'versions' ? (
        <Versions of={of} again={again} />
      ) : (
        <>
          <Newer of={of} again={again} />
          <Edit key={of.version} of={of} again={again} />
        </>
      )}
    </Page>
  )
}

function Newer({ of: { id, version, parent }, again }: Omit<ShownProps, 'tab'>) {
  const me = useMe()
  const [busy, act] = useAct()
  if (parent === null || parent.latest === parent.version) return null
  const take = (parentVersion: number) =>
    act(async () => {
      await ask('patch', '/api/definitions/{id}', { path: { id }, body: { baseVersion: version, parentVersion } })
      tell(words.taken(parentVersion))
      askAgain('/api/definitions')
      await again()
    })
  return (
    <div className="flex flex-wrap items-center justify-between gap-3 rounded-lg border border-line bg-wash px-4 py-2.5">
      <span className="flex items-center gap-2">
        <Info aria-hidden size={16} className="text-accent" />
        {words.newer(parent.latest, parent.version)}
      </span>
      {may(me, 'definitions:write') ? (
        <Button size="small" busy={busy} onClick={() => take(parent.latest)}>
          {words.take}
        </Button>
      ) : null}
    </div>
  )
}

function Actions({ of }: { of: Definition }) {
  const me = useMe()
  const start = useStart()
  const [, go] = useLocation()
  const [busy, act] = useAct()
  const [asking, setAsking] = useState(false)
  const write = may(me, 'definitions:write')
  const fork = () =>
    act(async () => {
      const made = await ask('post', '/api/definitions/{id}/fork', {
        path: { id: of.id },
        body: { set: { name: words.forkName(of.name).slice(0, 200) } },
      })
      askAgain('/api/definitions')
      tell(words.forked(made.id))
      go(`/definitions/${made.id}`)
    })
  async function remove() {
    try {
      await ask('delete', '/api/definitions/{id}', { path: { id: of.id } })
      tell(words.removed)
      // Away first: what is gone is not asked for again.
      go('/definitions')
      askAgain('/api/definitions')
    } catch (error) {
      tellProblem(error)
    }
  }
  const load = (format: 'yaml' | 'markdown') => {
    const link = document.createElement('a')
    link.href = `/api/definitions/${of.id}/export?format=${format}`
    link.download = ''
    link.click()
  }
  return (
    <>
      {write ? (
        <Button icon={GitFork} busy={busy} onClick={fork}>
          {words.fork}
        </Button>
      ) : null}
      {may(me, 'runs:write') ? (
        <Button look="primary" icon={Play} onClick={() => start({ definition: of.id })}>
          {words.start}
        </Button>
      ) : null}
      <Menu trigger={<IconButton label={words.more} icon={Ellipsis} look="plain" />}>
        <MenuItems
          of={[
            { name: words.yaml, icon: Download, onSelect: () => load('yaml') },
            { name: words.markdown, icon: Download, onSelect: () => load('markdown') },
            { name: words.forks, icon: ListFilter, onSelect: () => go(`/definitions?parent=${of.id}`) },
            { name: words.runs, icon: ListFilter, onSelect: () => go(`/runs?definition=${of.id}`) },
          ]}
        />
        {write ? (
          <>
            <MenuLine />
            <MenuItems of={[{ name: words.remove, icon: Trash2, danger: true, onSelect: () => setAsking(true) }]} />
          </>
        ) : null}
      </Menu>
      <ConfirmDialog
        open={asking}
        onClose={() => setAsking(false)}
        title={words.removeAsk}
        lead={words.removeLead}
        confirm={words.remove}
        onConfirm={() => void remove()}
      />
    </>
  )
}
