/** One comparison, drawn: means and groups, differences with their intervals, and where they come from. */
import { Info } from 'lucide-react'
import { useState } from 'react'
import type { Comparison } from '../api.ts'
import { useAsked } from '../asked.ts'
import { chance, count, decimal, percent } from '../shown.ts'
import { ChartCard } from '../ui/chart-card.tsx'
import { Intervals, seriesColour } from '../ui/chart.tsx'
import { Badge, Card, Link, Select, Table, type Column } from '../ui/index.ts'
import { words } from '../words/compare.ts'
import { words as common } from '../words/results.ts'

type Arm = Comparison['arms'][number]
type Pair = Comparison['pairs'][number]

/** With its run where several are compared. */
const armName =
  ({ runs }: Comparison) =>
  ({ modelId, run }: Arm) =>
    runs.length > 1 ? `${modelId} (#${run})` : modelId

export function Compared({ of }: { of: Comparison }) {
  const name = armName(of)
  const at = (place: number) => of.arms[place]
  const named = (place: number) => (at(place) === undefined ? String(place) : name(at(place) as Arm))
  const file = `compare_${of.runs.join('_')}`
  return (
    <div className="flex flex-col gap-5">
      {of.notes.length === 0 ? null : (
        <section className="flex gap-2.5 rounded-lg border border-line bg-warn-wash px-4 py-3">
          <Info aria-hidden size={16} className="mt-0.5 shrink-0 text-warn" />
          <div>
            <h2 className="text-base">{words.notes}</h2>
            <ul className="list-disc pl-5">
              {of.notes.map((one) => (
                <li key={one}>{one}</li>
              ))}
            </ul>
          </div>
        </section>
      )}
      <div className="grid items-start gap-5 xl:grid-cols-2">
        <Arms of={of} name={name} named={named} file={`${file}_means`} />
        <Differences of={of} named={named} file={`${file}_differences`} />
      </div>
      <Pairs of={of} named={named} />
      <Changed of={of} named={named} />
    </div>
  )
}

interface Part {
  readonly of: Comparison
  readonly named: (place: number) => string
  readonly file: string
}

function Arms({ of, name, named, file }: Part & { name: (arm: Arm) => string }) {
  const means = of.arms.flatMap(({ mean }) => (mean === null ? [] : [mean]))
  const low = Math.min(...means)
  const high = Math.max(...means)
  const room = Math.max((high - low) * 0.25, 0.25)
  const groups = of.tied.filter((set) => set.length > 1)
  return (
    <ChartCard
      title={words.arms}
      lead={words.armsLead}
      file={file}
      numbers={{
        columns: [common.model, common.mean, common.decisions, common.refusals, 'O', '?', common.failed],
        rows: of.arms.map((arm) => [
          name(arm),
          arm.mean,
          arm.decision,
          arm.refusal,
          arm.other,
          arm.unparsed,
          arm.failed,
        ]),
      }}
    >
      {means.length === 0 ? null : (
        <Intervals
          label={words.arms}
          domain={[low - room, high + room]}
          tick={(value) => decimal(value, 1)}
          rows={of.arms.map((arm, place) => ({
            name: name(arm),
            value: arm.mean,
            low: null,
            high: null,
            colour: seriesColour(place),
            remark:
              arm.mean === null
                ? '—'
                : `${decimal(arm.mean)} · ${arm.decided.rate === null ? '—' : percent(arm.decided.rate)}`,
            title: `${name(arm)}: ${arm.mean === null ? '—' : decimal(arm.mean)}, ${count(arm.decision)} of ${count(arm.slots)} decided`,
          }))}
        />
      )}
      {groups.length === 0 ? null : (
        <p className="mt-3 text-sm text-dim">
          <span className="font-medium text-ink">{words.tied}: </span>
          {groups.map((set) => set.map(named).join(' = ')).join('; ')}
        </p>
      )}
    </ChartCard>
  )
}

function Differences({ of, named, file }: Part) {
  const known = of.pairs.filter(({ difference }) => difference !== null)
  const far = Math.max(0.25, ...known.flatMap(({ low, high }) => [Math.abs(low ?? 0), Math.abs(high ?? 0)]))
  return (
    <ChartCard
      title={words.differences}
      lead={words.differencesLead}
      file={file}
      numbers={{
        columns: [words.pair, words.difference, 'low', 'high', 'p', 'p (Holm)', 'n', words.needed],
        rows: of.pairs.map((one) => [
          words.against(named(one.a), named(one.b)),
          one.difference,
          one.low,
          one.high,
          one.p,
          one.pHolm,
          one.n,
          one.needed,
        ]),
      }}
    >
      <Intervals
        label={words.differences}
        domain={[-far * 1.1, far * 1.1]}
        reference={0}
        tick={(value) => decimal(value, 1)}
        rows={of.pairs.map((one) => ({
          name: words.against(named(one.a), named(one.b)),
          value: one.difference,
          low: one.low,
          high: one.high,
          colour: one.tied === false ? 'var(--accent)' : 'var(--faint)',
          remark: one.difference === null ? '—' : `${one.difference > 0 ? '+' : ''}${decimal(one.difference)}`,
        }))}
      />
    </ChartCard>
  )
}

const verdict = ({ tied }: Pair) =>
  tied === null ? (
    <Badge>{words.unsure}</Badge>
  ) : tied ? (
    <Badge>{words.same}</Badge>
  ) : (
    <Badge tone="busy">{words.differ}</Badge>
  )

function Pairs({ of, named }: Omit<Part, 'file'>) {
  const rows = of.pairs.map((pair, id) => ({ ...pair, id }))
  const columns: readonly Column<(typeof rows)[number]>[] = [
    {
      id: 'pair',
      name: words.pair,
      fixed: true,
      cell: ({ a, b }) => (
        <span className="cut block max-w-[min(24rem,50vw)]" title={words.against(named(a), named(b))}>
          {words.against(named(a), named(b))}
        </span>
      ),
    },
    { id: 'verdict', name: words.verdict, cell: verdict },
    {
      id: 'difference',
      name: words.difference,
      right: true,
      by: ({ difference }) => difference ?? 0,
      cell: ({ difference, low, high }) =>
        difference === null ? (
          '—'
        ) : (
          <span className="whitespace-nowrap">
            {decimal(difference)}{' '}
            {low === null || high === null ? null : (
              <span className="text-dim">
                [{decimal(low)}, {decimal(high)}]
              </span>
            )}
          </span>
        ),
    },
    {
      id: 'p',
      name: 'p (Holm)',
      right: true,
      by: ({ pHolm }) => pHolm ?? 2,
      cell: ({ pHolm }) => (pHolm === null ? '—' : chance(pHolm)),
    },
    { id: 'n', name: 'n', right: true, wide: true, cell: ({ n, asked }) => words.ofAsked(count(n), count(asked)) },
    {
      id: 'needed',
      name: words.needed,
      right: true,
      wide: true,
      cell: ({ needed }) => (needed === null ? '—' : count(needed)),
    },
    { id: 'wins', name: words.wins, right: true, wide: true, cell: ({ wins }) => `+${wins.gained} / −${wins.lost}` },
    {
      id: 'decided',
      name: words.decided,
      right: true,
      hidden: true,
      cell: ({ decided }) => `+${decided.gained} / −${decided.lost}`,
    },
  ]
  return (
    <Card flush title={words.pairs}>
      <Table name="pairs" label={words.pairs} columns={columns} rows={rows} idOf={({ id }) => id} />
    </Card>
  )
}

const SHOWN = 50

function Changed({ of, named }: Omit<Part, 'file'>) {
  const [place, setPlace] = useState(0)
  // Scenarios by their levels rather than by their keys, as far as a page of them reaches.
  const [asked] = useAsked('/api/runs/{id}/scenarios', { path: { id: of.runs[0] ?? 0 }, query: { limit: 500 } })
  const levels = new Map(
    asked.data?.items.map(({ key, dimensions }) => [
      key,
      Object.values(dimensions)
        .map(({ label }) => label)
        .join(' · '),
    ]),
  )
  const pair = of.pairs[place]
  if (pair === undefined) return null
  const a = of.arms[pair.a]
  const b = of.arms[pair.b]
  const said = (counts: Readonly<Record<string, number>>) =>
    Object.entries(counts)
      .map(([code, n]) => `${common.outcomes[code] ?? code}${n > 1 ? ` ×${n}` : ''}`)
      .join(', ') || '—'
  const way = (arm: Arm | undefined, key: string) =>
    arm === undefined ? '#' : `/runs/${arm.run}/transcripts?scenarioKey=${encodeURIComponent(key)}`
  return (
    <Card
      flush
      title={words.changed}
      actions={
        of.pairs.length < 2 ? undefined : (
          <div className="max-w-72">
            <Select
              label={words.changedOf}
              value={String(place)}
              onChange={(value) => setPlace(Number(value))}
              of={of.pairs.map((one, i) => ({ value: String(i), label: words.against(named(one.a), named(one.b)) }))}
            />
          </div>
        )
      }
    >
      {pair.changed.length === 0 ? (
        <p className="p-4 text-dim">{words.nothingChanged}</p>
      ) : (
        <div className="overflow-x-auto">
          <table className="w-full border-collapse">
            <thead className="text-sm text-dim">
              <tr className="h-9 border-b border-line">
                <th scope="col" className="px-4 text-left font-medium">
                  {common.scenario}
                </th>
                <th scope="col" className="px-3 text-left font-medium">
                  {named(pair.a)}
                </th>
                <th scope="col" className="px-3 text-left font-medium">
                  {named(pair.b)}
                </th>
              </tr>
            </thead>
            <tbody>
              {pair.changed.slice(0, SHOWN).map(({ scenarioId, saidA, saidB }) => (
                <tr key={scenarioId} className="h-10 border-b border-line last:border-b-0 hover:bg-sunk">
                  <th scope="row" className="max-w-80 truncate px-4 text-left font-normal" title={scenarioId}>
                    {levels.get(scenarioId) || scenarioId}
                  </th>
                  <td className="px-3">
                    <Link href={way(a, scenarioId)}>{said(saidA)}</Link>
                  </td>
                  <td className="px-3">
                    <Link href={way(b, scenarioId)}>{said(saidB)}</Link>
                  </td>
                </tr>
              ))}
            </tbody>
          </table>
        </div>
      )}
    </Card>
  )
}
