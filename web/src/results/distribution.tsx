/** What was decided, and what it goes with: charts of one analysis. */
import { useState } from 'react'
import type { BasicAnalysis } from '../api.ts'
import { chance, count, decimal, percent } from '../shown.ts'
import { ChartCard } from '../ui/chart-card.tsx'
import { Intervals, seriesColour, Shares } from '../ui/chart.tsx'
import { Lines } from '../ui/chart-lines.tsx'
import { Select } from '../ui/index.ts'
import { analysis as words, words as common } from '../words/results.ts'
import { OUTCOMES, paintsOf, partsOf, saidAs, type Code } from './scale.ts'

interface Part {
  readonly analysis: BasicAnalysis
  readonly file: string
}

export function Distribution({ analysis: { models, scale }, codes, file }: Part & { codes: readonly Code[] }) {
  const known = codes.length > 0 ? codes : scale.codes.map((code) => ({ code, label: code }))
  const countsOf = ({ decisions, refusal, other, unparsed }: BasicAnalysis['models'][number]) => ({
    ...decisions,
    refusal,
    other,
    unparsed,
  })
  const rows = models.map((one) => ({ name: one.modelId, parts: partsOf(countsOf(one), known) }))
  const paints = paintsOf(known).filter(({ name }) =>
    rows.some(({ parts }) => parts.some((part) => part.name === name && part.value > 0)),
  )
  return (
    <ChartCard
      title={words.distribution}
      lead={words.distributionLead}
      file={file}
      numbers={{
        columns: [
          common.model,
          ...known.map(({ code }) => saidAs(code, known)),
          ...OUTCOMES.map((one) => common.outcomes[one] ?? one),
          common.failed,
        ],
        rows: models.map((one, i) => [one.modelId, ...(rows[i]?.parts ?? []).map(({ value }) => value), one.failed]),
      }}
    >
      <Shares label={words.distribution} rows={rows} paints={paints} />
    </ChartCard>
  )
}

export function Wins({ analysis: { models }, file }: Part) {
  const [way, setWay] = useState<'without' | 'with'>('without')
  const shareOf = ({ wins }: BasicAnalysis['models'][number]) =>
    way === 'with' ? wins.withNeutrals : wins.withoutNeutrals
  return (
    <ChartCard
      title={words.wins}
      lead={words.winsLead}
      file={file}
      choice={
        <Select
          label={words.measure}
          value={way}
          onChange={setWay}
          of={[
            { value: 'without', label: words.winsWithout },
            { value: 'with', label: words.winsWith },
          ]}
        />
      }
      numbers={{
        columns: [common.model, words.rate, words.low, words.high, words.n],
        rows: models.map((one) => {
          const { rate, low, high, n } = shareOf(one)
          return [one.modelId, rate, low, high, n]
        }),
      }}
    >
      <Intervals
        label={words.wins}
        domain={[0, 1]}
        reference={0.5}
        tick={percent}
        rows={models.map((one, place) => {
          const { rate, low, high, n } = shareOf(one)
          return {
            name: one.modelId,
            value: rate,
            low,
            high,
            colour: seriesColour(place),
            remark: `${rate === null ? '—' : percent(rate)} · ${count(n)}`,
          }
        })}
      />
    </ChartCard>
  )
}

/** The 95 % of a mean, by its standard deviation; none for fewer than two. */
function spreadOf(mean: number | null, sd: number | null, n: number): readonly [number, number] | undefined {
  if (mean === null || sd === null || n < 2) return undefined
  const half = (1.96 * sd) / Math.sqrt(n)
  return [mean - half, mean + half]
}

export function Means({ analysis: { models, scale }, file }: Part) {
  const domain = [scale.lowest ?? 0, scale.highest ?? 1] as const
  return (
    <ChartCard
      title={words.means}
      lead={words.meansLead}
      file={file}
      numbers={{
        columns: [common.model, words.mean, words.sd, words.n],
        rows: models.map(({ modelId, mean, sd, n }) => [modelId, mean, sd, n]),
      }}
    >
      <Intervals
        label={words.means}
        domain={domain}
        {...(scale.middle === null ? {} : { reference: scale.middle })}
        tick={(value) => String(value)}
        rows={models.map(({ modelId, mean, sd, n }, place) => {
          const within = spreadOf(mean, sd, n)
          return {
            name: modelId,
            value: mean,
            low: within === undefined ? null : Math.max(domain[0], within[0]),
            high: within === undefined ? null : Math.min(domain[1], within[1]),
            colour: seriesColour(place),
            remark: `${mean === null ? '—' : decimal(mean)} · ${count(n)}`,
          }
        })}
      />
    </ChartCard>
  )
}

const sizeOf = (eta: number) =>
  eta >= 0.14
    ? words.sizes.large
    : eta >= 0.06
      ? words.sizes.middling
      : eta >= 0.01
        ? words.sizes.small
        : words.sizes.none

export function Effects({ analysis: { dimensions }, file }: Part) {
  const most = Math.max(
    0.2,
    ...dimensions.flatMap(({ etaSquared, models }) => [etaSquared ?? 0, ...models.map((one) => one.etaSquared ?? 0)]),
  )
  return (
    <ChartCard
      title={words.effects}
      lead={words.effectsLead}
      file={file}
      numbers={{
        columns: [words.dimension, common.model, 'η²', 'H', 'p', words.n],
        rows: dimensions.flatMap((one) => [
          [one.dimension, '', one.etaSquared, one.h, one.p, one.n],
          ...one.models.map((of) => [one.dimension, of.modelId, of.etaSquared, of.h, of.p, of.n]),
        ]),
      }}
    >
      <Intervals
        label={words.effects}
        domain={[0, most]}
        tick={(value) => decimal(value)}
        rows={dimensions.map(({ dimension, etaSquared, p }) => ({
          name: dimension,
          value: etaSquared,
          low: etaSquared === null ? null : 0,
          high: etaSquared,
          remark: etaSquared === null ? '—' : sizeOf(etaSquared),
          title: `${dimension}: η² ${etaSquared === null ? '—' : decimal(etaSquared, 3)}, p ${p === null ? '—' : chance(p)}`,
        }))}
      />
    </ChartCard>
  )
}

/** Means at each level, a line a model. */
export function ByLevel({ effect, analysis: { scale }, file }: Part & { effect: BasicAnalysis['dimensions'][number] }) {
  const { dimension, etaSquared, p, means, models } = effect
  const levels = Object.keys(means)
  const series = models.map((one) => ({ name: one.modelId, values: levels.map((level) => one.means[level] ?? null) }))
  return (
    <ChartCard
      title={words.byLevel(dimension)}
      lead={
        etaSquared === null || p === null
          ? words.noEffect
          : words.byLevelLead(decimal(etaSquared), chance(p), sizeOf(etaSquared))
      }
      file={file}
      numbers={{
        columns: [words.level, ...series.map(({ name }) => name)],
        rows: levels.map((level, i) => [level, ...series.map(({ values }) => values[i] ?? null)]),
      }}
    >
      <Lines
        label={words.byLevel(dimension)}
        levels={levels}
        series={series}
        domain={[scale.lowest ?? 0, scale.highest ?? 1]}
        {...(scale.middle === null ? {} : { reference: scale.middle })}
        tick={(value) => String(Number(value.toFixed(2)))}
      />
    </ChartCard>
  )
}
