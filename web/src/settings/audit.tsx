/** Who did what about accounts, keys, roles and access; newest first. */
import { ScrollText } from 'lucide-react'
import { useMemo } from 'react'
import type { Answer } from '../api.ts'
import { useAsked } from '../asked.ts'
import { useMe, workspaceOf } from '../shell/me.ts'
import { Card, Empty, LoadMore, States, Table, Time, usePages, type Column } from '../ui/index.ts'
import { words } from '../words/settings.ts'

type Noted = Answer<'get', '/api/audit'>['items'][number]
const PAGE = 50

/** By what people are called, where one may know it. */
const columnsWith = (nameOf: (user: number) => string): readonly Column<Noted>[] => [
  { id: 'when', name: words.when, fixed: true, cell: ({ at }) => <Time at={at} /> },
  { id: 'did', name: words.did, fixed: true, cell: ({ action }) => action.replaceAll('_', ' ') },
  {
    id: 'who',
    name: words.who,
    cell: ({ actor }) => (
      <span title={actor}>{actor.startsWith('user:') ? nameOf(Number(actor.slice('user:'.length))) : actor}</span>
    ),
  },
  {
    id: 'whom',
    name: words.whom,
    wide: true,
    cell: ({ user }) => <span className="text-dim">{user === null ? '' : nameOf(user)}</span>,
  },
  {
    id: 'target',
    name: words.target,
    wide: true,
    cell: ({ target }) => (
      <span className="cut block max-w-xs text-dim" title={target ?? ''}>
        {target}
      </span>
    ),
  },
  {
    id: 'from',
    name: words.address,
    wide: true,
    cell: ({ address }) => <span className="font-mono text-sm text-dim">{address}</span>,
  },
]

export default function Audit() {
  const [asked, again, pages] = usePages('/api/audit', { query: { limit: PAGE } }, ({ id }) => id, { by: 'before' })
  const me = useMe()
  const [members] = useAsked('/api/workspaces/{id}/members', { path: { id: workspaceOf(me)?.id ?? 0 } })
  const people = members.data?.members
  const columns = useMemo(() => {
    const names = new Map(people?.map(({ user, name, email }) => [user, name === '' ? email : name]))
    return columnsWith((user) => names.get(user) ?? words.userNumber(user))
  }, [people])
  return (
    <Card title={words.audit} flush>
      <States
        of={asked}
        again={again}
        lines={8}
        isEmpty={({ items }) => items.length === 0}
        empty={<Empty icon={ScrollText} title={words.noAudit} />}
      >
        {() => (
          <>
            <Table name="audit" label={words.audit} columns={columns} rows={pages.items} idOf={({ id }) => id} />
            <LoadMore of={pages} />
          </>
        )}
      </States>
    </Card>
  )
}
