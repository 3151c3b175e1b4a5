/** What work on a card has left: records, artifacts, metrics. */
import {
  ExternalLink,
  FileText,
  Gauge,
  GitPullRequest,
  Link2,
  Palette,
  Plus,
  Ticket,
  type LucideIcon,
} from 'lucide-react'
import { useState } from 'react'
import { ask, type CardArtifact } from '../api.ts'
import { askAgain, useAsked } from '../asked.ts'
import { Actor } from '../shell/actor.tsx'
import { Button, Card, Dialog, Empty, Field, Input, Link, Select, States, tell, Time, useAct } from '../ui/index.ts'
import { work as words } from '../words/card.ts'
import type { WholeCard } from './card.tsx'
import { Records } from './records.tsx'

const ICONS: Readonly<Record<CardArtifact['type'], LucideIcon>> = {
  file: FileText,
  url: Link2,
  pr: GitPullRequest,
  ticket: Ticket,
  metric: Gauge,
  chromatic: Palette,
}

export function Work({ card, writes }: { card: WholeCard; writes: boolean }) {
  const [records, again] = useAsked('/api/cards/{id}/records', { path: { id: card.id } }, { moves: true })
  return (
    <div className="grid items-start gap-5 lg:grid-cols-3">
      <div className="flex min-w-0 flex-col gap-5 lg:col-span-2">
        <States
          of={records}
          again={again}
          isEmpty={({ hypotheses, prototypes, tickets, jury }) =>
            hypotheses.length + prototypes.length + tickets.length === 0 && jury === null
          }
          empty={
            <section className="rounded-lg border border-line bg-box shadow-low">
              <Empty icon={FileText} title={words.nothing} lead={words.nothingLead} />
            </section>
          }
        >
          {(all) => <Records of={all} />}
        </States>
      </div>
      <div className="flex min-w-0 flex-col gap-5">
        <Artifacts card={card.id} writes={writes} />
        <Metrics card={card.id} writes={writes} />
      </div>
    </div>
  )
}

function Artifacts({ card, writes }: { card: number; writes: boolean }) {
  const [asked, again] = useAsked('/api/cards/{id}/artifacts', { path: { id: card } }, { moves: true })
  const [adding, setAdding] = useState(false)
  return (
    <Card
      title={words.artifacts}
      flush
      actions={
        writes ? (
          <Button size="small" look="quiet" icon={Plus} onClick={() => setAdding(true)}>
            {words.link}
          </Button>
        ) : undefined
      }
    >
      <States
        of={asked}
        again={again}
        isEmpty={({ artifacts }) => artifacts.length === 0}
        empty={<p className="p-4 text-dim">{words.noArtifactsLead}</p>}
      >
        {({ artifacts }) => (
          <ul>
            {artifacts.map((one) => (
              <Artifact key={one.id} card={card} artifact={one} />
            ))}
          </ul>
        )}
      </States>
      {adding ? <NewLink card={card} onClose={() => setAdding(false)} /> : null}
    </Card>
  )
}

function Artifact({ card, artifact }: { card: number; artifact: CardArtifact }) {
  const { type, label, uri, document, by, at, run } = artifact
  const Icon = ICONS[type]
  return (
    <li className="flex items-start gap-2.5 border-b border-line px-4 py-2.5 last:border-b-0">
      <Icon aria-hidden size={16} className="mt-0.5 shrink-0 text-dim" />
      <div className="min-w-0 flex-1">
        <div className="cut" title={label}>
          {document !== null ? (
            <Link
              href={`/board/${card}/documents?path=${encodeURIComponent(document.path)}&version=${document.version}`}
            >
              {label}
            </Link>
          ) : uri !== null && /^https?:/.test(uri) ? (
            <Link href={uri} title={uri}>
              {label} <ExternalLink aria-hidden size={12} className="inline" />
            </Link>
          ) : (
            label
          )}
        </div>
        <div className="text-xs text-faint">
          {words.types[type]} · {run === null ? <Actor of={by} /> : <Link href={`/runs/${run}`}>#{run}</Link>} ·{' '}
          <Time at={at} />
          {document === null ? null : (
            <>
              {' · '}
              <Link href={`/api/cards/${card}/artifacts/${artifact.id}`}>{words.download}</Link>
            </>
          )}
        </div>
      </div>
    </li>
  )
}

const LINKS = ['url', 'pr', 'ticket', 'chromatic'] as const

function NewLink({ card, onClose }: { card: number; onClose: () => void }) {
  const [type, setType] = useState<(typeof LINKS)[number]>('url')
  const [label, setLabel] = useState('')
  const [uri, setUri] = useState('')
  const [busy, act] = useAct()
  const add = () =>
    act(async () => {
      await ask('post', '/api/cards/{id}/artifacts', { path: { id: card }, body: { type, label: label.trim(), uri } })
      tell(words.added)
      askAgain(`/api/cards/${card}/artifacts`)
      onClose()
    })
  return (
    <Dialog
      open
      onClose={onClose}
      title={words.link}
      actions={
        <Button look="primary" busy={busy} disabled={label.trim() === '' || uri === ''} onClick={add}>
          {words.add}
        </Button>
      }
    >
      <div className="flex flex-col gap-4">
        <Select
          label={words.type}
          value={type}
          onChange={setType}
          of={LINKS.map((value) => ({ value, label: words.types[value] }))}
        />
        <Field label={words.label}>
          <Input value={label} onChange={setLabel} maxLength={200} />
        </Field>
        <Field label={words.uri}>
          <Input value={uri} onChange={setUri} type="url" placeholder="https://…" />
        </Field>
      </div>
    </Dialog>
  )
}

function Metrics({ card, writes }: { card: number; writes: boolean }) {
  const [asked, again] = useAsked('/api/cards/{id}/metrics', { path: { id: card } }, { moves: true })
  const [adding, setAdding] = useState(false)
  return (
    <Card
      title={words.metrics}
      flush
      actions={
        writes ? (
          <Button size="small" look="quiet" icon={Plus} onClick={() => setAdding(true)}>
            {words.measure}
          </Button>
        ) : undefined
      }
    >
      <States
        of={asked}
        again={again}
        isEmpty={({ metrics }) => metrics.length === 0}
        empty={<p className="p-4 text-dim">{words.noMetrics}</p>}
      >
        {({ metrics }) => (
          <ul>
            {metrics.map(({ id, name, value, unit, at, by, run, stage }) => (
              <li
                key={id}
                className="flex items-baseline justify-between gap-3 border-b border-line px-4 py-2 last:border-b-0"
              >
                <div className="min-w-0">
                  <div className="cut">{name}</div>
                  <div className="text-xs text-faint">
                    {stage} · {run === null ? <Actor of={by} /> : <Link href={`/runs/${run}`}>#{run}</Link>} ·{' '}
                    <Time at={at} />
                  </div>
                </div>
                <span className="shrink-0 font-medium">
                  {value.toLocaleString('en', { maximumFractionDigits: 2 })} <span className="text-dim">{unit}</span>
                </span>
              </li>
            ))}
          </ul>
        )}
      </States>
      {adding ? <NewMetric card={card} onClose={() => setAdding(false)} /> : null}
    </Card>
  )
}

function NewMetric({ card, onClose }: { card: number; onClose: () => void }) {
  const [name, setName] = useState('')
  const [value, setValue] = useState('')
  const [unit, setUnit] = useState('')
  const n = Number(value)
  const ready = name.trim() !== '' && value.trim() !== '' && Number.isFinite(n)
  const [busy, act] = useAct()
  const add = () =>
    act(async () => {
      await ask('post', '/api/cards/{id}/metrics', {
        path: { id: card },
        body: { name: name.trim(), value: n, ...(unit.trim() === '' ? {} : { unit: unit.trim() }) },
      })
      tell(words.added)
      askAgain(`/api/cards/${card}/metrics`)
      onClose()
    })
  return (
    <Dialog
      open
      onClose={onClose}
      title={words.measure}
      actions={
        <Button look="primary" busy={busy} disabled={!ready} onClick={add}>
          {words.add}
        </Button>
      }
    >
      <div className="flex flex-col gap-4">
        <Field label={words.name} hint={words.nameHint}>
          <Input value={name} onChange={setName} maxLength={64} />
        </Field>
        <Field label={words.value}>
          <Input value={value} onChange={setValue} inputMode="decimal" />
        </Field>
        <Field label={words.unit} hint={words.unitHint}>
          <Input value={unit} onChange={setUnit} maxLength={32} />
        </Field>
      </div>
    </Dialog>
  )
}
