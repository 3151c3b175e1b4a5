/** `millrace runs efficiency`: where the time of a run went. */
import { operator } from '../app.ts'
import { efficiencyOf, type Drift, type Efficiency, type ProviderTime } from '../domains/probe/efficiency/efficiency.ts'
import { bold, duration, grouped, say, table } from './screen.ts'
import { withApp } from './session.ts'

export async function efficiency(id: number, options: { json?: boolean }): Promise<number> {
  return withApp(async ({ engine }) => {
    const found = await efficiencyOf(engine, operator, id)
    if (options.json === true) say(JSON.stringify(found))
    else for (const line of efficiencyLines(found)) say(line)
    return 0
  })
}

const time = (seconds: number | null) => (seconds === null ? '–' : duration(seconds))

function efficiencyLines(found: Efficiency): string[] {
  const ratio = found.ratio === null ? '' : `: ${found.ratio.toFixed(2)} × the ideal of ${time(found.ideal)}`
  return [
    `Run ${found.run} took ${time(found.makespan)}${ratio}.`,
    `The ideal is the larger of its longest slot (${time(found.longestSlot)}) and all answered calls (${time(found.callTime)}) by ${grouped(found.peak)} at once, the most that were.`,
    `No call was under way for ${time(found.idle)} (${time(found.beforeFirst)} before the first, ${time(found.afterLast)} after the last)${found.paused > 0 ? `; it was paused for ${time(found.paused)}` : ''}.`,
    '',
    table(
      ['provider', 'calls', 'answered', 'median', '95 %', 'without answer', 'failures'],
      found.providers.map((one) => [
        one.provider,
        one.calls,
        one.answered,
        time(one.medianCall),
        time(one.p95Call),
        time(one.failedTime),
        Object.entries(one.failures)
          .map(([code, amount]) => `${amount} × ${code}`)
          .join(', ') || '–',
      ]),
    ),
    ...lostLines(found.providers),
    ...found.drift.flatMap(driftLine),
    '',
    bold('Not known'),
    ...found.unknown.map((line) => `  ${line}`),
  ]
}

const LOSS = {
  backoff: 'pauses after failures',
  limits: 'limits of the provider',
  stopped: 'a stopped key',
  workers: 'workers that went',
} as const

/** Tasks wait beside one another, so these are task-seconds and may be more than the run took. */
function lostLines(providers: readonly ProviderTime[]): string[] {
  const rows = providers.flatMap(({ provider, lost }) =>
    (Object.keys(LOSS) as (keyof typeof LOSS)[]).flatMap((loss) =>
      lost[loss].attempts === 0 ? [] : [[provider, LOSS[loss], lost[loss].attempts, time(lost[loss].seconds)]],
    ),
  )
  return rows.length === 0 ? [] : ['', table(['provider', 'waited for', 'attempts', 'task-seconds'], rows)]
}

function driftLine({ model, answers, versions, others }: Drift): string[] {
  const [first] = versions
  if (first === undefined || others === 0) return []
  const rest = versions.slice(1).map((one) => `${one.version} ${grouped(one.answers)}`)
  return [
    '',
    `${model}: ${grouped(others)} of ${grouped(answers)} answers came from another snapshot than ${first.version} (${rest.join(', ')}).`,
  ]
}
