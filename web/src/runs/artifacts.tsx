/** The files that a run's tasks made. */
import { Download, Package } from 'lucide-react'
import type { Artifact } from '../api.ts'
import { useAsked } from '../asked.ts'
import { bytes } from '../shown.ts'
import { Card, Empty, Link, States, Table, Time, type Column } from '../ui/index.ts'
import { inside } from '../words/runs.ts'
import { isOver } from './live.ts'
import type { WholeRun } from './tabs.ts'

const COLUMNS: readonly Column<Artifact>[] = [
  {
    id: 'name',
    name: inside.file,
    fixed: true,
    by: ({ name }) => name,
    cell: ({ name }) => (
      <span className="cut block max-w-md" title={name}>
        {name}
      </span>
    ),
  },
  { id: 'size', name: inside.size, right: true, by: ({ size }) => size, cell: ({ size }) => bytes(size) },
  { id: 'type', name: inside.type, wide: true, cell: ({ mediaType }) => <span className="text-dim">{mediaType}</span> },
  {
    id: 'task',
    name: inside.task,
    wide: true,
    right: true,
    by: ({ task }) => task,
    cell: ({ task, run }) => <Link href={`/runs/${run}/tasks?task=${task}`}>#{task}</Link>,
  },
  { id: 'at', name: inside.made, wide: true, right: true, by: ({ at }) => at, cell: ({ at }) => <Time at={at} /> },
  {
    id: 'load',
    name: inside.download,
    fixed: true,
    right: true,
    cell: ({ id, run, name }) => (
      <a
        href={`/api/runs/${run}/artifacts/${id}`}
        download
        className="inline-flex items-center gap-1 text-accent hover:underline"
      >
        <Download aria-hidden size={14} />
        {inside.download}
        <span className="sr-only"> {name}</span>
      </a>
    ),
  },
]

export default function Artifacts({ run }: { run: WholeRun }) {
  const [asked, again] = useAsked(
    '/api/runs/{id}/artifacts',
    { path: { id: run.id } },
    isOver(run) ? {} : { moves: true, every: 5_000 },
  )
  return (
    <Card flush>
      <States
        of={asked}
        again={again}
        isEmpty={({ artifacts }) => artifacts.length === 0}
        empty={<Empty icon={Package} title={inside.noArtifacts} lead={inside.noArtifactsLead} />}
      >
        {({ artifacts }) => (
          <Table name="artifacts" label={inside.artifacts} columns={COLUMNS} rows={artifacts} idOf={({ id }) => id} />
        )}
      </States>
    </Card>
  )
}
