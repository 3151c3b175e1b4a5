/** What a run would come to, asked again as it is filled in: tasks, tokens, money, time, and what is wrong. */
import { TriangleAlert } from 'lucide-react'
import { useEffect, useState } from 'react'
import { ask, problemIn, type DryRun, type Given, type Problem as ProblemData } from '../api.ts'
import { useAsked } from '../asked.ts'
import { briefly, count, dollars, duration } from '../shown.ts'
import { Figure, Problem } from '../ui/index.ts'
import { words } from '../words/start.ts'

/** Milliseconds after the last change. */
const PAUSE = 250
const LARGE = 1_000

type Body = Given<'post', '/api/runs'>['body'] | undefined

export interface Estimated {
  readonly dry?: DryRun
  readonly problem?: ProblemData
  /** Of what was filled in before. */
  readonly stale: boolean
}

export function useEstimate(body: Body): Estimated {
  const [state, setState] = useState<Omit<Estimated, 'stale'> & { of?: string }>({})
  const key =
    body === undefined
      ? undefined
      : JSON.stringify({ ...body, priority: undefined, hold: undefined, budget: undefined })
  useEffect(() => {
    if (key === undefined) return undefined
    const gone = new AbortController()
    const timer = setTimeout(() => {
      ask(
        'post',
        '/api/runs/dry-run',
        { body: JSON.parse(key) as Given<'post', '/api/runs/dry-run'>['body'] },
        { signal: gone.signal },
      ).then(
        (dry) => setState({ dry, of: key }),
        (error: unknown) => {
          if (!gone.signal.aborted) setState({ problem: problemIn(error), of: key })
        },
      )
    }, PAUSE)
    return () => {
      clearTimeout(timer)
      gone.abort()
    }
  }, [key])
  if (key === undefined) return { stale: false }
  return { ...state, stale: state.of !== key }
}

/** The same in a line, beside the buttons. */
export function InShort({ of: { dry, problem, stale } }: { of: Estimated }) {
  return (
    <span className={`mr-auto self-center text-sm text-dim max-sm:hidden ${stale ? 'opacity-60' : ''}`}>
      {problem !== undefined ? (
        <span className="text-bad">{problem.title}</span>
      ) : dry === undefined ? null : (
        words.short(
          count(dry.tasks),
          briefly(dry.inputTokens + dry.outputTokens),
          dry.costUsd === null ? '—' : dollars(dry.costUsd),
        )
      )}
    </span>
  )
}

export function Estimate({ of: { dry, problem, stale }, ready }: { of: Estimated; ready: boolean }) {
  const [workers] = useAsked('/api/workers', {})
  const slots = (workers.data?.workers ?? []).reduce((n, one) => n + (one.state === 'alive' ? one.slots : 0), 0)
  return (
    <section aria-live="polite" aria-busy={stale} className="rounded-md bg-sunk p-4">
      <h3 className="mb-2">{words.estimate}</h3>
      {!ready ? (
        <p className="text-dim">{words.chooseFirst}</p>
      ) : problem !== undefined ? (
        <div className="-mx-4 -mb-4">
          <Problem problem={problem} />
        </div>
      ) : dry === undefined ? (
        <p className="text-dim">…</p>
      ) : (
        <div className={stale ? 'opacity-60' : ''}>
          <Numbers dry={dry} slots={slots} known={workers.data !== undefined} />
        </div>
      )}
    </section>
  )
}

function Numbers({ dry, slots, known }: { dry: DryRun; slots: number; known: boolean }) {
  const sum = (by: (one: DryRun['forecast'][number]) => number) => dry.forecast.reduce((n, one) => n + by(one), 0)
  const low = sum(({ inputTokens, outputTokens }) => inputTokens.low + outputTokens.low)
  const high = sum(({ inputTokens, outputTokens }) => inputTokens.high + outputTokens.high)
  const priced = dry.forecast.every(({ costUsd }) => costUsd !== null)
  const seconds = dry.forecast.every(({ secondsPerCall }) => secondsPerCall !== null)
    ? sum(({ secondsPerCall, calls }) => (secondsPerCall ?? 0) * calls) / Math.max(1, Math.min(slots, dry.tasks))
    : undefined
  return (
    <>
      <div className="grid grid-cols-2 gap-4 sm:grid-cols-4">
        <Figure
          label={words.tasks}
          value={count(dry.tasks)}
          remark={words.ofScenarios(count(dry.scenarios), count(dry.scenariosInAll))}
        />
        <Figure
          label={words.tokens}
          value={briefly(dry.inputTokens + dry.outputTokens)}
          remark={words.between(briefly(low), briefly(high))}
        />
        <Figure
          label={words.cost}
          value={dry.costUsd === null ? '—' : dollars(dry.costUsd)}
          remark={
            priced
              ? words.between(
                  dollars(sum(({ costUsd }) => costUsd?.low ?? 0)),
                  dollars(sum(({ costUsd }) => costUsd?.high ?? 0)),
                )
              : words.unknownPrice
          }
        />
        <Figure
          label={words.time}
          value={seconds === undefined ? '—' : duration(seconds)}
          remark={
            known && slots === 0
              ? words.noWorker
              : seconds === undefined
                ? words.unknownTime
                : words.slots(count(slots))
          }
        />
      </div>
      {dry.forecast.some(({ seen }) => seen === 0) ? <p className="mt-2 text-sm text-dim">{words.assumed}</p> : null}
      {dry.tasks > LARGE || dry.warnings.length > 0 ? (
        <ul className="mt-3 flex flex-col gap-1">
          {[...(dry.tasks > LARGE ? [words.large(count(dry.tasks))] : []), ...dry.warnings].map((one) => (
            <li key={one} className="flex gap-2">
              <TriangleAlert aria-hidden size={16} className="mt-0.5 shrink-0 text-warn" />
              {one}
            </li>
          ))}
        </ul>
      ) : null}
    </>
  )
}
