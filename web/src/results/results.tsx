/** What came of a probe: in short, model by model, and scenario × model. */
import { Download, Hourglass, Scale, TriangleAlert } from 'lucide-react'
import { useState } from 'react'
import type { ModelResult } from '../api.ts'
import { useAsked } from '../asked.ts'
import { useFilters } from '../filters.ts'
import { isOver } from '../runs/live.ts'
import type { WholeRun } from '../runs/tabs.ts'
import { briefly, count, decimal, dollars, duration, percent } from '../shown.ts'
import {
  Button,
  ButtonLink,
  Card,
  Empty,
  Figure,
  Link,
  Money,
  States,
  Table,
  Tokens,
  type Column,
} from '../ui/index.ts'
import { words } from '../words/results.ts'
import { Exporting } from './exporting.tsx'
import { Heat } from './heat.tsx'
import { partsOf, paintsOf, useScale, type Code } from './scale.ts'

export default function Results({ run }: { run: WholeRun }) {
  const over = isOver(run)
  const [asked, again] = useAsked(
    '/api/runs/{id}/results',
    { path: { id: run.id } },
    over ? {} : { moves: true, every: 3_000 },
  )
  const { codes } = useScale(run.id)
  return (
    <States
      of={asked}
      again={again}
      lines={8}
      isEmpty={({ models }) => models.every(({ answered }) => answered === 0)}
      empty={
        over ? (
          <Empty icon={TriangleAlert} title={words.noAnswers.title} lead={words.noAnswers.lead}>
            <ButtonLink href={`/runs/${run.id}/failures`}>{words.noAnswers.go}</ButtonLink>
          </Empty>
        ) : (
          <Empty icon={Hourglass} title={words.noneYet.title} lead={words.noneYet.lead} />
        )
      }
    >
      {({ models }) => (
        <div className="flex flex-col gap-5">
          <Summary models={models} codes={codes} />
          <Models run={run} models={models} codes={codes} />
          <Heat run={run} models={models.map(({ model }) => model)} codes={codes} />
        </div>
      )}
    </States>
  )
}

const sum = <T,>(of: readonly T[], by: (one: T) => number) => of.reduce((n, one) => n + by(one), 0)
const decided = ({ decisions }: ModelResult, codes: readonly Code[]) => sum(codes, ({ code }) => decisions[code] ?? 0)

function Summary({ models, codes }: { models: readonly ModelResult[]; codes: readonly Code[] }) {
  const answered = sum(models, (one) => one.answered)
  const asked = sum(models, (one) => one.answered + one.failed + one.cancelled + one.open)
  const refused = sum(models, ({ decisions }) => decisions['refusal'] ?? 0)
  const decisions = sum(models, (one) => decided(one, codes))
  const failed = sum(models, (one) => one.failed)
  const input = sum(models, ({ inputTokens }) => inputTokens)
  const output = sum(models, ({ outputTokens }) => outputTokens)
  const cost = models.some(({ costUsd, answered: n }) => costUsd === null && n > 0)
    ? null
    : sum(models, ({ costUsd }) => costUsd ?? 0)
  const times = models.flatMap(({ medianMs }) => (medianMs === null ? [] : [medianMs])).toSorted((a, b) => a - b)
  const time = times[Math.floor((times.length - 1) / 2)]
  return (
    <section
      aria-label={words.summary}
      className="grid grid-cols-2 gap-x-4 gap-y-5 rounded-lg border border-line bg-box p-4 shadow-low sm:grid-cols-3 xl:grid-cols-6"
    >
      <Figure label={words.answers} value={count(answered)} remark={words.ofSlots(count(asked))} />
      <Figure
        label={words.decisions}
        value={codes.length === 0 ? '—' : count(decisions)}
        remark={codes.length === 0 ? words.noScale : words.share(percent(decisions / answered))}
      />
      <Figure
        label={words.refusals}
        value={codes.length === 0 ? '—' : count(refused)}
        remark={codes.length === 0 ? ' ' : words.share(percent(refused / answered))}
      />
      <Figure
        label={words.tokens}
        value={briefly(input + output)}
        remark={words.inOut(briefly(input), briefly(output))}
      />
      <Figure
        label={words.cost}
        value={<Money usd={cost} />}
        remark={cost === null ? words.unpriced : cost === 0 ? ' ' : words.perAnswer(dollars(cost / answered))}
      />
      {failed > 0 ? (
        <Figure
          label={words.failures}
          value={<span className="text-bad">{count(failed)}</span>}
          remark={words.ofSlots(count(asked))}
        />
      ) : (
        <Figure label={words.time} value={time === undefined ? '—' : duration(time / 1_000)} remark={words.median} />
      )}
    </section>
  )
}

function Models({ run, models, codes }: { run: WholeRun; models: readonly ModelResult[]; codes: readonly Code[] }) {
  const paints = paintsOf(codes)
  const [filter, , clear] = useFilters('export')
  const [exporting, setExporting] = useState(false)
  const rows = models.map((one, id) => ({ ...one, id }))
  const columns: readonly Column<(typeof rows)[number]>[] = [
    {
      id: 'model',
      name: words.model,
      fixed: true,
      by: ({ model }) => model,
      cell: ({ model }) => (
        <span className="cut block max-w-[min(18rem,46vw)]" title={model}>
          <Link href={`/runs/${run.id}/transcripts?model=${encodeURIComponent(model)}`}>{model}</Link>
        </span>
      ),
    },
    { id: 'answers', name: words.answers, right: true, by: (one) => one.answered, cell: (one) => count(one.answered) },
    ...(codes.length === 0
      ? []
      : ([
          {
            id: 'distribution',
            name: words.distribution,
            width: 'w-48 max-sm:hidden',
            cell: (one) => (
              <div className="flex h-3.5 min-w-28 gap-px overflow-clip rounded-sm">
                {partsOf(one.decisions, codes).map(({ name, value }, i) =>
                  value === 0 ? null : (
                    <div
                      key={name}
                      title={`${name}: ${count(value)}`}
                      style={{ flexGrow: value, background: paints[i]?.colour }}
                    />
                  ),
                )}
              </div>
            ),
          },
          {
            id: 'decisions',
            name: words.decisions,
            right: true,
            wide: true,
            by: (one) => decided(one, codes),
            cell: (one) => count(decided(one, codes)),
          },
          {
            id: 'refusals',
            name: words.refusals,
            right: true,
            wide: true,
            by: (one) => one.decisions['refusal'] ?? 0,
            cell: (one) => count(one.decisions['refusal'] ?? 0),
          },
          {
            id: 'mean',
            name: words.mean,
            right: true,
            by: (one) => one.mean ?? -Infinity,
            cell: (one) => (one.mean === null ? '—' : decimal(one.mean)),
          },
        ] satisfies Column<(typeof rows)[number]>[])),
    {
      id: 'input',
      name: words.input,
      right: true,
      hidden: true,
      by: (one) => one.inputTokens,
      cell: (one) => <Tokens n={one.inputTokens} />,
    },
    {
      id: 'output',
      name: words.output,
      right: true,
      hidden: true,
      by: (one) => one.outputTokens,
      cell: (one) => <Tokens n={one.outputTokens} />,
    },
    {
      id: 'tokens',
      name: words.tokens,
      right: true,
      wide: true,
      by: (one) => one.inputTokens + one.outputTokens,
      cell: (one) => <Tokens n={one.inputTokens + one.outputTokens} />,
    },
    {
      id: 'cost',
      name: words.cost,
      right: true,
      wide: true,
      by: (one) => one.costUsd ?? -1,
      cell: (one) => <Money usd={one.costUsd} />,
    },
    {
      id: 'time',
      name: words.time,
      right: true,
      wide: true,
      by: (one) => one.medianMs ?? -1,
      cell: (one) => (one.medianMs === null ? '—' : duration(one.medianMs / 1_000)),
    },
    {
      id: 'failed',
      name: words.failed,
      right: true,
      by: (one) => one.failed,
      cell: (one) =>
        one.failed === 0 ? (
          <span className="text-faint">0</span>
        ) : (
          <span
            className="text-bad"
            title={Object.entries(one.failures)
              .map(([code, n]) => `${code} ${n}`)
              .join(', ')}
          >
            {count(one.failed)}
          </span>
        ),
    },
  ]
  const open = exporting || filter.export !== undefined
  return (
    <Card
      flush
      title={words.byModel}
      actions={
        <>
          {models.length < 2 ? null : (
            <ButtonLink size="small" icon={Scale} href={`/compare?runs=${run.id}`}>
              {words.compareModels}
            </ButtonLink>
          )}
          <Button size="small" icon={Download} onClick={() => setExporting(true)}>
            {words.export}
          </Button>
        </>
      }
    >
      <Table name="results" label={words.byModel} columns={columns} rows={rows} idOf={({ id }) => id} />
      <Exporting
        run={run.id}
        open={open}
        onClose={() => {
          setExporting(false)
          if (filter.export !== undefined) clear()
        }}
      />
    </Card>
  )
}
