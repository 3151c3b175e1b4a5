/** Where the time of runs went, a column each. */
import { useAsked } from '../asked.ts'
import { count, decimal, duration } from '../shown.ts'
import { Badge, Card, Link, States } from '../ui/index.ts'
import { words } from '../words/compare.ts'

export function Efficiencies({ runs }: { runs: readonly number[] }) {
  return (
    <Card title={words.efficiency}>
      <div className="grid gap-x-8 gap-y-6 md:grid-cols-2 xl:grid-cols-3">
        {runs.map((run) => (
          <One key={run} run={run} />
        ))}
      </div>
    </Card>
  )
}

function One({ run }: { run: number }) {
  const [asked, again] = useAsked('/api/runs/{id}/efficiency', { path: { id: run } })
  return (
    <div className="min-w-0">
      <h3 className="mb-2">
        <Link href={`/runs/${run}`}>{words.run(run)}</Link>
      </h3>
      <States of={asked} again={again} lines={5}>
        {({ makespan, ideal, ratio, peak, providers, drift }) => {
          const others = drift.filter((one) => one.others > 0)
          return (
            <div className="flex flex-col gap-3">
              <dl className="grid grid-cols-3 gap-2">
                <Figure name={words.took} value={duration(makespan)} />
                <Figure name={words.ideal} value={ideal === null ? '—' : duration(ideal)} />
                <Figure name={words.ratio} value={ratio === null ? '—' : `${decimal(ratio, 1)} ×`} />
              </dl>
              {providers.map((one) => {
                const lost = Object.entries(one.lost).filter(([, { seconds }]) => seconds >= 0.05)
                return (
                  <p key={one.provider} className="text-sm text-dim">
                    <span className="font-medium text-ink">{one.provider}</span> · {count(one.calls)}{' '}
                    {words.calls.toLowerCase()} · {words.medianCall.toLowerCase()}{' '}
                    {one.medianCall === null ? '—' : duration(one.medianCall)} · {words.peak.toLowerCase()}{' '}
                    {count(peak)} · {words.lost.toLowerCase()}{' '}
                    {lost.length === 0
                      ? words.nothingLost
                      : lost
                          .map(
                            ([what, { seconds }]) =>
                              `${words.lostOf[what as keyof typeof words.lostOf]} ${duration(seconds)}`,
                          )
                          .join(', ')}
                  </p>
                )
              })}
              {others.map((one) => (
                <p key={one.model} className="text-sm">
                  <Badge tone="warn">{words.drift}</Badge> {one.model}:{' '}
                  {one.versions.map(({ version, answers }) => `${version} ${count(answers)}`).join(', ')}
                </p>
              ))}
            </div>
          )
        }}
      </States>
    </div>
  )
}

function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt className="text-sm text-dim">{name}</dt>
      <dd className="text-lg font-semibold">{value}</dd>
    </div>
  )
}
