/** Who did what to a run: asked for it, paused and resumed it, decided otherwise than was read. */
import { ScrollText } from 'lucide-react'
import { useMemo } from 'react'
import type { Answer } from '../api.ts'
import { useAsked } from '../asked.ts'
import { useMe, workspaceOf } from '../shell/me.ts'
import { Card, Empty, Link, States, Table, Time, type Column } from '../ui/index.ts'
import { audit, inside } from '../words/runs.ts'
import { isOver } from './live.ts'
import type { WholeRun } from './tabs.ts'

type Deed = Answer<'get', '/api/runs/{id}/audit'>['items'][number] & { readonly n: number }

const columnsWith = (run: number, nameOf: (by: string | null) => string): readonly Column<Deed>[] => [
  {
    id: 'what',
    name: audit.what,
    fixed: true,
    cell: ({ what }) => <span className="font-medium">{audit.deeds[what] ?? inside.moments[what] ?? what}</span>,
  },
  {
    id: 'who',
    name: audit.who,
    fixed: true,
    cell: ({ by }) => (
      <span className="cut block max-w-60" title={by ?? ''}>
        {nameOf(by)}
      </span>
    ),
  },
  {
    id: 'detail',
    name: audit.detail,
    wide: true,
    cell: ({ what, data }) => <span className="cut block max-w-md text-dim">{audit.said(what, data)}</span>,
  },
  {
    id: 'task',
    name: inside.task,
    right: true,
    wide: true,
    cell: ({ what, task }) =>
      task === null ? null : (
        <Link href={`/runs/${run}/${what === 'decision.overridden' ? 'transcripts/' : 'tasks?task='}${task}`}>
          #{task}
        </Link>
      ),
  },
  { id: 'when', name: audit.when, fixed: true, right: true, cell: ({ at }) => <Time at={at} /> },
]

export default function Audit({ run }: { run: WholeRun }) {
  const [asked, again] = useAsked('/api/runs/{id}/audit', { path: { id: run.id } }, { moves: !isOver(run) })
  const me = useMe()
  const [members] = useAsked('/api/workspaces/{id}/members', { path: { id: workspaceOf(me)?.id ?? 0 } })
  const people = members.data?.members
  const columns = useMemo(() => {
    const names = new Map(people?.map(({ user, name, email }) => [`user:${user}`, name === '' ? email : name]))
    return columnsWith(run.id, (by) => (by === null ? audit.itself : (names.get(by) ?? by.replace(':', ' '))))
  }, [run.id, people])
  return (
    <Card flush>
      <States
        of={asked}
        again={again}
        lines={5}
        isEmpty={({ items }) => items.length === 0}
        empty={<Empty icon={ScrollText} title={audit.none} />}
      >
        {({ items }) => (
          <Table
            name="run-audit"
            label={audit.title}
            // The newest first, as in the workspace's audit.
            rows={items.map((one, n) => ({ ...one, n })).toReversed()}
            idOf={({ n }) => n}
            columns={columns}
          />
        )}
      </States>
    </Card>
  )
}
