/** The transcripts of a run, found by filters that stand in the address; and one of them, opened. */
import { MessagesSquare } from 'lucide-react'
import { useEffect, useMemo, useRef } from 'react'
import { useParams } from 'wouter'
import type { Given, Transcript } from '../api.ts'
import { useFilters } from '../filters.ts'
import { isOver } from '../runs/live.ts'
import type { WholeRun } from '../runs/tabs.ts'
import { useCommands } from '../shell/keys.ts'
import { stepping } from '../shell/stepping.ts'
import { count, duration } from '../shown.ts'
import {
  Badge,
  Button,
  Empty,
  Filtered,
  Link,
  LoadMore,
  Money,
  PausedSearch,
  Select,
  States,
  Table,
  Time,
  Tokens,
  usePages,
  type Column,
} from '../ui/index.ts'
import { transcripts as words, words as common } from '../words/results.ts'
import { OUTCOMES, rampOf, saidAs, useScale, type Code } from './scale.ts'
import { Opened } from './transcript.tsx'

type Query = NonNullable<Given<'get', '/api/runs/{id}/transcripts'>['query']>

/** Large enough that scrolling seldom waits, small enough to be there at once. */
const PAGE = 200
const KEYS = [
  ...stepping(words),
  {
    name: words.search,
    keys: '/',
    quiet: true,
    run: () => document.querySelector<HTMLInputElement>('#content input[type=search]')?.focus(),
  },
]
export const FILTERS = ['model', 'scenario', 'scenarioKey', 'decision', 'search'] as const

export default function Transcripts({ run }: { run: WholeRun }) {
  const { '*': rest = '' } = useParams()
  return /^\d{1,9}$/.test(rest) ? <Opened run={run} n={Number(rest)} /> : <List run={run} />
}

function List({ run }: { run: WholeRun }) {
  const [filter, set, clear] = useFilters(...FILTERS)
  const filtered = Object.keys(filter).length > 0
  const over = isOver(run)
  const [asked, again, pages] = usePages(
    '/api/runs/{id}/transcripts',
    { path: { id: run.id }, query: { ...(filter as object as Query), limit: PAGE } },
    ({ n }) => n,
    over ? {} : { moves: true, every: 3_000 },
  )
  const { codes } = useScale(run.id)
  const behind = new URLSearchParams(filter).toString()
  const columns = useMemo(() => columnsOf(run.id, codes, behind), [run.id, codes, behind])
  useCommands(KEYS)
  const scenario = filter.scenarioKey ?? pages.items[0]?.scenarioKey
  return (
    <section className="overflow-clip rounded-lg border border-line bg-box shadow-low">
      <div className="flex flex-wrap items-center gap-2 border-b border-line px-4 py-3">
        <div className="w-72 max-sm:w-full">
          <PausedSearch label={words.search} value={filter.search ?? ''} onChange={(value) => set('search', value)} />
        </div>
        <Select
          label={words.model}
          value={filter.model ?? ''}
          onChange={(value) => set('model', value)}
          of={[{ value: '', label: words.any }, ...(run.models ?? []).map((model) => ({ value: model, label: model }))]}
        />
        {codes.length === 0 ? null : (
          <Select
            label={words.decision}
            value={filter.decision ?? ''}
            onChange={(value) => set('decision', value)}
            of={[
              { value: '', label: words.any },
              ...codes.map(({ code }) => ({ value: code, label: saidAs(code, codes) })),
              ...OUTCOMES.map((one) => ({ value: one as string, label: common.outcomes[one] ?? one })),
            ]}
          />
        )}
        {scenario === undefined || (filter.scenario ?? filter.scenarioKey) === undefined ? null : (
          <Button size="small" onClick={() => set(filter.scenario === undefined ? 'scenarioKey' : 'scenario', '')}>
            <span className="max-w-60 truncate">{words.onlyScenario(scenario)}</span> ✕
          </Button>
        )}
        {filtered ? (
          <Button look="quiet" size="small" onClick={clear}>
            {words.clear}
          </Button>
        ) : null}
        <span className="ml-auto text-sm text-dim">
          {asked.data === undefined ? '' : words.loaded(count(pages.items.length), pages.more)}
        </span>
      </div>
      <States
        of={asked}
        again={again}
        lines={10}
        isEmpty={({ items }) => items.length === 0}
        empty={
          filtered ? (
            <Filtered title={words.none} clear={words.clear} onClear={clear} />
          ) : (
            <Empty icon={MessagesSquare} title={words.empty.title} lead={words.empty.lead} />
          )
        }
      >
        {() => (
          <>
            <Table name="transcripts" label={words.table} columns={columns} rows={pages.items} idOf={({ n }) => n} />
            <Reached onReached={pages.load} when={pages.more} />
            <LoadMore of={pages} />
          </>
        )}
      </States>
    </section>
  )
}

function columnsOf(run: number, codes: readonly Code[], query: string): readonly Column<Transcript>[] {
  const behind = query === '' ? '' : `?${query}`
  return [
    {
      id: 'n',
      name: words.number,
      fixed: true,
      by: ({ n }) => n,
      cell: ({ n }) => <Link href={`/runs/${run}/transcripts/${n}${behind}`}>#{n}</Link>,
    },
    {
      id: 'decision',
      name: words.decision,
      by: ({ decision }) => decision ?? '',
      cell: ({ decision, overridden }) => (
        <span className="flex items-center gap-2">
          <span
            aria-hidden
            className="size-3 shrink-0 rounded-sm border border-line"
            style={{ background: rampOf(decision, codes) }}
          />
          <span className="cut max-w-[min(15rem,40vw)]">{saidAs(decision, codes)}</span>
          {overridden ? <Badge tone="warn">{words.overridden}</Badge> : null}
        </span>
      ),
    },
    {
      id: 'model',
      name: words.model,
      by: ({ model }) => model,
      cell: ({ model }) => (
        <span className="cut block max-w-[min(14rem,30vw)]" title={model}>
          {model}
        </span>
      ),
    },
    {
      id: 'scenario',
      name: words.scenario,
      wide: true,
      by: ({ scenario }) => scenario,
      cell: ({ scenarioKey }) => (
        <span className="cut block max-w-72 text-dim" title={scenarioKey}>
          {scenarioKey}
        </span>
      ),
    },
    { id: 'sample', name: words.sample, hidden: true, right: true, by: (one) => one.sample, cell: (one) => one.sample },
    {
      id: 'turns',
      name: words.turns,
      wide: true,
      right: true,
      by: (one) => one.turnCount,
      cell: (one) => one.turnCount,
    },
    {
      id: 'words',
      name: words.words,
      wide: true,
      right: true,
      by: (one) => one.wordCount,
      cell: (one) => count(one.wordCount),
    },
    {
      id: 'tokens',
      name: words.tokens,
      hidden: true,
      right: true,
      by: (one) => one.inputTokens + one.outputTokens,
      cell: (one) => <Tokens n={one.inputTokens + one.outputTokens} />,
    },
    {
      id: 'cost',
      name: words.cost,
      hidden: true,
      right: true,
      by: (one) => one.costUsd ?? -1,
      cell: (one) => <Money usd={one.costUsd} />,
    },
    {
      id: 'time',
      name: words.time,
      wide: true,
      right: true,
      by: (one) => one.durationMs,
      cell: (one) => <span className="whitespace-nowrap">{duration(one.durationMs / 1_000)}</span>,
    },
    {
      id: 'version',
      name: words.version,
      hidden: true,
      by: (one) => one.modelVersion ?? '',
      cell: (one) => one.modelVersion ?? '—',
    },
    {
      id: 'created',
      name: words.created,
      hidden: true,
      right: true,
      by: (one) => one.createdAt,
      cell: (one) => <Time at={one.createdAt} />,
    },
  ]
}

/** Says that the end of the list is near, so that the next page is there before one comes to it. */
function Reached({ onReached, when }: { onReached: () => void; when: boolean }) {
  const mark = useRef<HTMLDivElement>(null)
  const latest = useRef(onReached)
  latest.current = onReached
  useEffect(() => {
    const { current } = mark
    if (!when || current === null) return undefined
    const watch = new IntersectionObserver(
      (entries) => entries.some(({ isIntersecting }) => isIntersecting) && latest.current(),
      { rootMargin: '0px 0px 1200px 0px' },
    )
    watch.observe(current)
    return () => watch.disconnect()
  })
  return <div ref={mark} />
}
