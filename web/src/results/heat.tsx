/** Scenario × model as a map of colours: a table, page by page, each cell the way to its conversation. */
import { Download } from 'lucide-react'
import { Link as Way } from 'wouter'
import type { MatrixRow } from '../api.ts'
import { isOver } from '../runs/live.ts'
import type { WholeRun } from '../runs/tabs.ts'
import { Card, IconButton, LoadMore, States, usePages } from '../ui/index.ts'
import { csvOf, save } from '../ui/chart-file.ts'
import { inkOn, Legend, rampColour } from '../ui/chart.tsx'
import { words } from '../words/results.ts'
import { paintsOf, saidAs, saidIn, type Code, type Said } from './scale.ts'

const PAGE = 50

export function Heat({ run, models, codes }: { run: WholeRun; models: readonly string[]; codes: readonly Code[] }) {
  const [asked, again, pages] = usePages(
    '/api/runs/{id}/matrix',
    { path: { id: run.id }, query: { limit: PAGE } },
    ({ scenario }) => scenario,
    isOver(run) ? {} : { moves: true, every: 5_000 },
  )
  const rows = pages.items
  const dimensions = Object.keys(rows[0]?.dimensions ?? {})
  const shown = paintsOf(codes).filter(({ name }) =>
    rows.some(({ cells }) =>
      Object.values(cells).some(({ decisions }) => Object.keys(decisions).some((one) => saidAs(one, codes) === name)),
    ),
  )
  const csv = () =>
    save(
      `run_${run.id}_matrix.csv`,
      'text/csv',
      csvOf({
        columns: [words.scenario, ...models],
        rows: rows.map(({ key, cells }) => [key, ...models.map((model) => saidIn(cells[model], codes).text)]),
      }),
    )
  return (
    <Card
      flush
      title={words.heat}
      actions={<IconButton size="small" icon={Download} label={words.download} onClick={csv} />}
    >
      <States of={asked} again={again} lines={6}>
        {() => (
          <>
            <div className="px-4 pt-3 pb-1 text-sm text-dim">
              <p className="max-w-prose">{words.heatLead}</p>
              <Legend of={shown} />
            </div>
            <div className="max-h-[36rem] overflow-auto" tabIndex={0} role="region" aria-label={words.heat}>
              <table className="w-full border-separate border-spacing-0 text-sm">
                <thead className="sticky top-0 z-10 bg-box">
                  <tr>
                    {dimensions.length === 0 ? (
                      <th scope="col" className="border-b border-line py-2 pr-3 pl-4 text-left font-medium text-dim">
                        {words.scenario}
                      </th>
                    ) : (
                      dimensions.map((name) => (
                        <th
                          key={name}
                          scope="col"
                          className="border-b border-line py-2 pr-3 pl-4 text-left font-medium text-dim"
                        >
                          {name}
                        </th>
                      ))
                    )}
                    {models.map((model) => (
                      <th
                        key={model}
                        scope="col"
                        title={model}
                        className="max-w-32 min-w-16 truncate border-b border-line px-1 py-2 text-center font-medium"
                      >
                        {model}
                      </th>
                    ))}
                  </tr>
                </thead>
                <tbody>
                  {rows.map((row) => (
                    <tr key={row.scenario} className="hover:bg-sunk">
                      {dimensions.length === 0 ? (
                        <th scope="row" className="pl-4 text-left font-normal">
                          {row.key}
                        </th>
                      ) : (
                        dimensions.map((name, i) => {
                          const level = row.dimensions[name]
                          const Cell = i === 0 ? 'th' : 'td'
                          return (
                            <Cell
                              key={name}
                              {...(i === 0 ? { scope: 'row' as const } : {})}
                              title={level?.option}
                              className="max-w-44 truncate pr-3 pl-4 text-left font-normal"
                            >
                              {level?.label}
                            </Cell>
                          )
                        })
                      )}
                      {models.map((model) => (
                        <td key={model} className="p-px">
                          <HeatCell run={run.id} row={row} model={model} codes={codes} />
                        </td>
                      ))}
                    </tr>
                  ))}
                </tbody>
              </table>
            </div>
            {pages.more || rows.length > PAGE ? <LoadMore of={pages} /> : null}
          </>
        )}
      </States>
    </Card>
  )
}

const INKS = { plain: 'text-ink', middle: 'text-ink dark:text-on-accent', light: 'text-on-accent' } as const
const OTHERWISE: Readonly<Record<string, string>> = {
  refusal: 'bg-held-wash text-held',
  other: 'bg-sunk text-dim',
  unparsed: 'bg-warn-wash text-warn',
  failed: 'bg-bad-wash text-bad',
  open: 'text-faint',
}

function HeatCell({ run, row, model, codes }: { run: number; row: MatrixRow; model: string; codes: readonly Code[] }) {
  const cell = row.cells[model]
  const said = saidIn(cell, codes)
  const look = `flex h-7 items-center justify-center rounded-sm text-sm ${said.outcome === null ? '' : (OTHERWISE[said.outcome] ?? '')}`
  const [only] = cell?.transcripts ?? []
  const title = `${row.key} · ${model}: ${sentenceOf(cell, said, codes)}`
  const style = said.part === null ? undefined : { background: rampColour(said.part) }
  const ink = said.part === null ? '' : INKS[inkOn(said.part)]
  if (cell === undefined || only === undefined) {
    return (
      <span className={look} title={title}>
        {said.text}
      </span>
    )
  }
  const href =
    cell.transcripts.length === 1
      ? `/runs/${run}/transcripts/${only}`
      : `/runs/${run}/transcripts?scenario=${row.scenario}&model=${encodeURIComponent(model)}`
  return (
    <Way href={href} title={title} style={style} className={`${look} ${ink} hover:outline-2 hover:outline-accent`}>
      {said.text}
    </Way>
  )
}

function sentenceOf(cell: MatrixRow['cells'][string] | undefined, said: Said, codes: readonly Code[]): string {
  if (cell === undefined) return ''
  const counts = Object.entries(cell.decisions).map(([one, n]) =>
    n === 1 ? saidAs(one, codes) : `${saidAs(one, codes)} ×${n}`,
  )
  if (cell.failed > 0) counts.push(`${words.outcomes['failed']} ×${cell.failed}`)
  return counts.length === 0 ? (words.outcomes[said.outcome ?? ''] ?? '') : counts.join(', ')
}
