/** What the answers of a run say: distributions, win rates, effects, agreement, what is contested; and how far to trust it. */
import { ChartColumn, RefreshCw, TriangleAlert } from 'lucide-react'
import { ask, type BasicAnalysis, type KeptAnalysis } from '../api.ts'
import { useAsked } from '../asked.ts'
import { isOver } from '../runs/live.ts'
import type { WholeRun } from '../runs/tabs.ts'
import { may, useMe } from '../shell/me.ts'
import { Button, Card, Empty, States, tell, Time, useAct } from '../ui/index.ts'
import { analysis as words } from '../words/results.ts'
import { Agreement, Contested } from './agreement.tsx'
import { ByLevel, Distribution, Effects, Means, Wins } from './distribution.tsx'
import { useScale, type Code } from './scale.ts'

/** Milliseconds between two looks for one that is being made. */
const LOOK = 1_000
const PATIENCE = 60

export default function Analysis({ run }: { run: WholeRun }) {
  const [asked, again] = useAsked(
    '/api/runs/{id}/analysis',
    { path: { id: run.id } },
    isOver(run) ? {} : { every: 5_000 },
  )
  const { codes } = useScale(run.id)
  const making = useMaking(run, again)
  return (
    <States
      of={asked}
      again={again}
      lines={8}
      isEmpty={({ analysis }) => analysis === undefined}
      empty={
        <Empty
          icon={ChartColumn}
          title={words.none.title}
          lead={isOver(run) ? (asked.data?.message ?? words.none.lead) : words.none.notEnded}
        >
          {isOver(run) ? <Make making={making} first /> : null}
        </Empty>
      }
    >
      {(kept) =>
        kept.analysis === undefined ? null : (
          <Shown run={run} kept={kept} analysis={kept.analysis} codes={codes} making={making} />
        )
      }
    </States>
  )
}

type Making = readonly [busy: boolean, make: () => void]

function useMaking(run: WholeRun, again: () => Promise<void>): Making {
  const [busy, act] = useAct()
  const make = () =>
    act(async () => {
      const { run: made } = await ask('post', '/api/runs/{id}/analysis', { path: { id: run.id } })
      if (made !== null) {
        tell(words.making)
        for (let i = 0; i < PATIENCE; i += 1) {
          await new Promise((resolve) => setTimeout(resolve, LOOK))
          const { state } = await ask('get', '/api/runs/{id}/analysis', { path: { id: run.id } })
          if (state === 'current') break
        }
      }
      await again()
    })
  return [busy, make]
}

function Make({ making: [busy, make], first = false }: { making: Making; first?: boolean }) {
  const me = useMe()
  if (!may(me, 'runs:write')) return null
  return (
    <Button
      icon={RefreshCw}
      size={first ? 'normal' : 'small'}
      look={first ? 'primary' : 'plain'}
      busy={busy}
      onClick={make}
    >
      {first ? words.make : words.again}
    </Button>
  )
}

interface ShownProps {
  readonly run: WholeRun
  readonly kept: KeptAnalysis
  readonly analysis: BasicAnalysis
  readonly codes: readonly Code[]
  readonly making: Making
}

function Shown({ run, kept, analysis, codes, making }: ShownProps) {
  const { scale, dimensions, pairs, contested, warnings } = analysis
  const file = (what: string) => `run_${run.id}_${what}`
  const scaled = scale.numeric && scale.lowest !== null && scale.highest !== null
  return (
    <div className="flex flex-col gap-5">
      {kept.state === 'outdated' ? (
        <div className="flex flex-wrap items-center justify-between gap-3 rounded-lg border border-warn bg-warn-wash px-4 py-2.5">
          <span className="flex items-center gap-2">
            <TriangleAlert aria-hidden size={16} className="shrink-0 text-warn" />
            {words.outdated}
          </span>
          <Make making={making} />
        </div>
      ) : null}
      {warnings.length === 0 ? null : (
        <section className="rounded-lg border border-line bg-warn-wash px-4 py-3">
          <h2 className="flex items-center gap-2 text-base">
            <TriangleAlert aria-hidden size={16} className="text-warn" />
            {words.warnings}
          </h2>
          <ul className="mt-1 list-disc pl-10">
            {warnings.map(({ code, modelId, message }) => (
              <li key={`${code} ${modelId}`}>{message}</li>
            ))}
          </ul>
        </section>
      )}
      <Distribution analysis={analysis} codes={codes} file={file('decisions')} />
      {scaled ? (
        <>
          <div className="grid gap-5 xl:grid-cols-2">
            <Wins analysis={analysis} file={file('above_the_middle')} />
            <Means analysis={analysis} file={file('means')} />
          </div>
          {dimensions.length === 0 ? null : (
            <>
              <Effects analysis={analysis} file={file('effects')} />
              <div className="grid gap-5 xl:grid-cols-2">
                {dimensions.map((one) => (
                  <ByLevel key={one.dimension} effect={one} analysis={analysis} file={file(`by_${one.dimension}`)} />
                ))}
              </div>
            </>
          )}
        </>
      ) : null}
      <div className="grid items-start gap-5 xl:grid-cols-2">
        {pairs.length === 0 ? (
          <Card title={words.agreement}>
            <p className="text-dim">{words.oneModel}</p>
          </Card>
        ) : (
          <Agreement analysis={analysis} file={file('agreement')} />
        )}
        {contested.length === 0 ? null : <Contested analysis={analysis} run={run.id} file={file('contested')} />}
      </div>
      <Card title={words.methods}>
        <div className="flex max-w-prose flex-col gap-2 text-dim">
          {words.method.map((one) => (
            <p key={one}>{one}</p>
          ))}
          {kept.madeAt === undefined ? null : (
            <p className="text-sm text-faint">
              {words.madeAt} <Time at={kept.madeAt} />
            </p>
          )}
        </div>
      </Card>
    </div>
  )
}
