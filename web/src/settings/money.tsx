/** What was used and what it cost, by day, model or provider; and how much all runs may use. */
import { Coins } from 'lucide-react'
import { useState } from 'react'
import { ask, type Answer, type Budget } from '../api.ts'
import { askAgain, useAsked } from '../asked.ts'
import { useFilters } from '../filters.ts'
import { may, useMe, workspaceOf } from '../shell/me.ts'
import { count, dollars } from '../shown.ts'
import {
  Button,
  Card,
  Dialog,
  Empty,
  Figure,
  Money as Usd,
  NumberField,
  Progress,
  Select,
  States,
  Table,
  tell,
  Tokens,
  useAct,
  type Column,
} from '../ui/index.ts'
import { words } from '../words/settings.ts'
import { ByDay } from './by-day.tsx'

type Line = Answer<'get', '/api/usage'>['lines'][number]
type By = 'day' | 'model' | 'provider'
const BYS = [
  { value: 'day', label: words.byDay },
  { value: 'model', label: words.byModel },
  { value: 'provider', label: words.byProvider },
] as const
const SPANS = [7, 30, 90, 365].map((days) => ({ value: String(days), label: words.lastDays(days) }))

export default function Money() {
  return (
    <div className="grid items-start gap-5 lg:grid-cols-3">
      <div className="flex min-w-0 flex-col gap-5 lg:col-span-2">
        <Usage />
      </div>
      <BudgetCard />
    </div>
  )
}

function Usage() {
  const [filter, set] = useFilters('by', 'days')
  const by = BYS.find(({ value }) => value === filter.by)?.value ?? 'day'
  const days = Number(SPANS.find(({ value }) => value === filter.days)?.value ?? '30')
  const [asked, again] = useAsked('/api/usage', { query: { days, by: by === 'day' ? 'day' : 'model' } })
  const columns: readonly Column<Line>[] = [
    {
      id: 'of',
      name: BYS.find(({ value }) => value === by)?.label ?? '',
      fixed: true,
      by: ({ of }) => of,
      cell: ({ of }) => (
        <span className="cut block max-w-xs" title={of}>
          {of}
        </span>
      ),
    },
    { id: 'calls', name: words.calls, right: true, by: ({ calls }) => calls, cell: ({ calls }) => count(calls) },
    {
      id: 'tokens',
      name: words.tokens,
      right: true,
      by: ({ tokens }) => tokens,
      cell: ({ tokens }) => <Tokens n={tokens} />,
    },
    {
      id: 'cost',
      name: words.cost,
      right: true,
      by: ({ costUsd }) => costUsd,
      cell: ({ costUsd }) => <Usd usd={costUsd} />,
    },
    {
      id: 'unpriced',
      name: words.unpriced,
      right: true,
      wide: true,
      cell: ({ unpriced }) => (unpriced === 0 ? '' : count(unpriced)),
    },
  ]
  return (
    <Card
      title={words.usage}
      flush
      actions={
        <>
          <Select<By> label={words.by} value={by} of={BYS} onChange={(next) => set('by', next)} />
          <Select label={words.span} value={String(days)} of={SPANS} onChange={(next) => set('days', next)} />
        </>
      }
    >
      <States
        of={asked}
        again={again}
        lines={6}
        isEmpty={({ lines }) => lines.length === 0}
        empty={<Empty icon={Coins} title={words.noUsage} lead={words.noUsageLead} />}
      >
        {({ lines, total, since }) => {
          const rows = by === 'provider' ? byProvider(lines) : by === 'day' ? lines.toReversed() : lines
          return (
            <>
              <div className="grid grid-cols-3 gap-4 border-b border-line p-4">
                <Figure label={words.cost} value={dollars(total.costUsd)} />
                <Figure label={words.calls} value={count(total.calls)} />
                <Figure label={words.tokens} value={<Tokens n={total.tokens} />} />
              </div>
              {by === 'day' ? <ByDay lines={lines} since={since} days={days} /> : null}
              <Table name="usage" label={words.usage} columns={columns} rows={rows} idOf={(row) => rows.indexOf(row)} />
              {total.unpriced === 0 ? null : (
                <p className="border-t border-line px-4 py-2.5 text-sm text-dim">
                  {words.unpricedNote(count(total.unpriced))}
                </p>
              )}
            </>
          )
        }}
      </States>
    </Card>
  )
}

/** `openai:gpt` and `openai:mini` together. */
function byProvider(lines: readonly Line[]): readonly Line[] {
  const all = new Map<string, Line>()
  for (const line of lines) {
    const of = line.of.split(':')[0] ?? line.of
    const before = all.get(of) ?? { of, calls: 0, tokens: 0, costUsd: 0, unpriced: 0 }
    all.set(of, {
      of,
      calls: before.calls + line.calls,
      tokens: before.tokens + line.tokens,
      costUsd: before.costUsd + line.costUsd,
      unpriced: before.unpriced + line.unpriced,
    })
  }
  return [...all.values()].toSorted((a, b) => b.costUsd - a.costUsd)
}

const MICROS = 1_000_000

function BudgetCard() {
  const me = useMe()
  const id = workspaceOf(me)?.id ?? 0
  const [asked, again] = useAsked('/api/workspaces/{id}/budget', { path: { id } }, { every: 10_000 })
  const [changing, setChanging] = useState(false)
  return (
    <Card title={words.budget}>
      <States of={asked} again={again}>
        {({ budget }) => (
          <div className="flex flex-col gap-4">
            {budget === null || (budget.micros === null && budget.tokens === null) ? (
              <p className="text-dim">{words.noBudget}</p>
            ) : null}
            {budget === null || budget.micros === null ? null : (
              <Purse
                label={words.dollars}
                used={budget.usedMicros}
                reserved={budget.reservedMicros}
                most={budget.micros}
                shown={(n) => dollars(n / MICROS)}
              />
            )}
            {budget === null || budget.tokens === null ? null : (
              <Purse
                label={words.tokens}
                used={budget.usedTokens}
                reserved={budget.reservedTokens}
                most={budget.tokens}
                shown={count}
              />
            )}
            <p className="text-sm text-dim">{words.budgetLead}</p>
            {may(me, 'admin') ? (
              <div>
                <Button onClick={() => setChanging(true)}>{words.changeBudget}</Button>
              </div>
            ) : null}
            {changing ? <Change workspace={id} budget={budget} onClose={() => setChanging(false)} /> : null}
          </div>
        )}
      </States>
    </Card>
  )
}

function Purse({
  label,
  used,
  reserved,
  most,
  shown,
}: {
  label: string
  used: number
  reserved: number
  most: number
  shown: (n: number) => string
}) {
  return (
    <div>
      <div className="mb-1.5 flex justify-between gap-3">
        <span className="font-medium">{label}</span>
        <span className={used >= most ? 'text-bad' : 'text-dim'}>{words.of(shown(used), shown(most))}</span>
      </div>
      <Progress label={label} total={Math.max(most, 1)} completed={Math.min(used, most)} failed={0} thick />
      {reserved === 0 ? null : <p className="mt-1 text-sm text-dim">{words.reserved(shown(reserved))}</p>}
    </div>
  )
}

function Change({ workspace, budget, onClose }: { workspace: number; budget: Budget | null; onClose: () => void }) {
  const [usd, setUsd] = useState(budget?.micros == null ? null : budget.micros / MICROS)
  const [tokens, setTokens] = useState(budget?.tokens ?? null)
  const [busy, act] = useAct()
  const save = () =>
    act(async () => {
      await ask('put', '/api/workspaces/{id}/budget', {
        path: { id: workspace },
        body: {
          ...(usd === null ? {} : { micros: Math.round(usd * MICROS) }),
          ...(tokens === null ? {} : { tokens }),
        },
      })
      askAgain('/api/workspaces')
      tell(words.saved)
      onClose()
    })
  return (
    <Dialog
      open
      onClose={onClose}
      title={words.changeBudget}
      lead={words.budgetLead}
      actions={
        <Button look="primary" busy={busy} onClick={save}>
          {words.save}
        </Button>
      }
    >
      <div className="flex flex-col gap-4">
        <NumberField label={words.dollars} hint={words.noMost} value={usd} onChange={setUsd} min={0} max={9_000_000} />
        <NumberField
          label={words.tokens}
          hint={words.noMost}
          value={tokens}
          onChange={setTokens}
          min={0}
          max={Number.MAX_SAFE_INTEGER}
          step={1_000}
        />
      </div>
    </Dialog>
  )
}
