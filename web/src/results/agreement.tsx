/** Models beside one another: how far each two agree, and where they do not. */
import { useState } from 'react'
import type { BasicAnalysis } from '../api.ts'
import { decimal, percent } from '../shown.ts'
import { ChartCard, useWidth } from '../ui/chart-card.tsx'
import { FILLS, inkOn, Legend, rampColour, seriesColour } from '../ui/chart.tsx'
import { Dots } from '../ui/chart-lines.tsx'
import { Link, Select } from '../ui/index.ts'
import { analysis as words, words as common } from '../words/results.ts'

interface Part {
  readonly analysis: BasicAnalysis
  readonly file: string
}

type Measure = 'same' | 'rho'

export function Agreement({ analysis: { models, pairs, scale }, file }: Part) {
  const [measure, setMeasure] = useState<Measure>('same')
  const names = models.map(({ modelId }) => modelId)
  const pairOf = (a: string, b: string) =>
    pairs.find((one) => (one.a === a && one.b === b) || (one.a === b && one.b === a))
  const valueOf = (a: string, b: string): number | null => {
    if (a === b) return 1
    const found = pairOf(a, b)
    return (measure === 'same' ? found?.same.rate : found?.spearman) ?? null
  }
  const text = (value: number) => (measure === 'same' ? percent(value) : decimal(value))
  return (
    <ChartCard
      title={words.agreement}
      lead={words.agreementLead}
      file={file}
      choice={
        scale.numeric ? (
          <Select
            label={words.measure}
            value={measure}
            onChange={setMeasure}
            of={[
              { value: 'same', label: words.same },
              { value: 'rho', label: words.rho },
            ]}
          />
        ) : undefined
      }
      numbers={{
        columns: [
          common.model,
          common.model + ' 2',
          words.same,
          words.low,
          words.high,
          words.rho,
          words.p,
          words.d,
          words.n,
        ],
        rows: pairs.map((one) => [
          one.a,
          one.b,
          one.same.rate,
          one.same.low,
          one.same.high,
          one.spearman,
          one.pHolm,
          one.cohensD,
          one.n,
        ]),
      }}
    >
      <Matrix
        label={words.agreement}
        names={names}
        cell={(a, b) => {
          const value = valueOf(a, b)
          const found = pairOf(a, b)
          return {
            text: value === null ? '—' : a === b ? '' : text(value),
            part: value === null || a === b ? null : Math.max(0, value),
            title: `${a} · ${b}: ${value === null ? '—' : text(value)}${found === undefined ? '' : ` (n ${found.n})`}`,
          }
        }}
      />
    </ChartCard>
  )
}

interface MatrixProps {
  readonly label: string
  readonly names: readonly string[]
  readonly cell: (
    a: string,
    b: string,
  ) => { readonly text: string; readonly part: number | null; readonly title: string }
}

const HEIGHT = 38

/** Each with each; numbers stand for the names above. */
function Matrix({ label, names, cell }: MatrixProps) {
  const [box, width] = useWidth(480)
  const left = Math.min(Math.max(...names.map((name) => name.length * 7.2 + 34)), width * 0.45)
  const across = Math.min(96, (width - left) / names.length)
  const most = Math.max(3, Math.floor((left - 34) / 7))
  return (
    <div ref={box}>
      <svg role="img" aria-label={label} width={width} height={(names.length + 1) * HEIGHT} className="block">
        {names.map((name, i) => (
          <g key={name}>
            <text
              x={left + across * (i + 0.5)}
              y={HEIGHT / 2}
              textAnchor="middle"
              dominantBaseline="central"
              className="fill-dim text-sm"
            >
              {i + 1}
              <title>{name}</title>
            </text>
            <text x={0} y={HEIGHT * (i + 1.5)} dominantBaseline="central" className="fill-ink text-sm">
              {`${i + 1}  ${name.length > most ? `${name.slice(0, most - 1)}…` : name}`}
              <title>{name}</title>
            </text>
            {names.map((other, j) => {
              const { text, part, title } = cell(name, other)
              return (
                <g key={other}>
                  <rect
                    x={left + across * j + 1}
                    y={HEIGHT * (i + 1) + 1}
                    width={Math.max(1, across - 2)}
                    height={HEIGHT - 2}
                    rx={3}
                    style={{ fill: part === null ? 'var(--sunk)' : rampColour(part) }}
                  >
                    <title>{title}</title>
                  </rect>
                  <text
                    x={left + across * (j + 0.5)}
                    y={HEIGHT * (i + 1.5)}
                    textAnchor="middle"
                    dominantBaseline="central"
                    className={`pointer-events-none text-sm ${part === null ? 'fill-ink' : FILLS[inkOn(part)]}`}
                  >
                    {text}
                  </text>
                </g>
              )
            })}
          </g>
        ))}
      </svg>
    </div>
  )
}

export function Contested({ analysis: { contested, models, scale }, run, file }: Part & { run: number }) {
  const places = new Map(models.map(({ modelId }, place) => [modelId, place]))
  const domain = [scale.lowest ?? 0, scale.highest ?? 1] as const
  const names = [...places.keys()]
  return (
    <ChartCard
      title={words.contested}
      lead={words.contestedLead}
      file={file}
      numbers={{
        columns: [common.scenario, words.spread, ...names],
        rows: contested.map(({ scenarioId, sd, means }) => [
          scenarioId,
          sd,
          ...names.map((name) => means[name] ?? null),
        ]),
      }}
    >
      <ol className="flex flex-col gap-3">
        {contested.map(({ scenarioId, levels, means }) => (
          <li key={scenarioId} className="grid items-center gap-x-4 gap-y-1 sm:grid-cols-2">
            <div className="min-w-0">
              <Link href={`/runs/${run}/transcripts?scenarioKey=${encodeURIComponent(scenarioId)}`} title={scenarioId}>
                {Object.values(levels).join(' · ') || scenarioId}
              </Link>
            </div>
            <Dots
              label={`${scenarioId}: ${Object.entries(means)
                .map(([name, value]) => `${name} ${decimal(value)}`)
                .join(', ')}`}
              domain={domain}
              of={Object.entries(means).map(([name, value]) => ({ name, value, place: places.get(name) ?? 0 }))}
            />
          </li>
        ))}
      </ol>
      <Legend of={names.map((name, place) => ({ name, colour: seriesColour(place) }))} />
    </ChartCard>
  )
}
