/** The newest run of a card in its stage: what it does, what it waits for, and what can be said to it. */
import { CirclePause, CirclePlay, CircleX, Play, RotateCcw } from 'lucide-react'
import { useEffect, useState } from 'react'
import { ask } from '../api.ts'
import { askAgain, useAsked } from '../asked.ts'
import { Actor } from '../shell/actor.tsx'
import { may, useMe } from '../shell/me.ts'
import { Button, Card, Facts, Link, Progress, ProgressCounts, tell, Time, useAct } from '../ui/index.ts'
import { words } from '../words/card.ts'
import { remedies } from '../words/runs.ts'
import type { WholeCard } from './card.tsx'
import { act, Decide, Reason } from './decide.tsx'
import { RunMark } from './marks.tsx'

export function RunCard({ card }: { card: WholeCard }) {
  const { run } = card
  return (
    <Card title={words.run} actions={run === null ? <RunNow card={card} /> : <RunMark run={run} />}>
      {run === null ? <p className="text-dim">{words.noRun}</p> : <Inside card={card} run={run} />}
    </Card>
  )
}

function Inside({ card, run }: { card: WholeCard; run: NonNullable<WholeCard['run']> }) {
  const [asked, again] = useAsked('/api/runs/{id}', { path: { id: run.id } }, { moves: true })
  useEffect(() => {
    void again()
  }, [run.status, run.awaits, again])
  const [cancelling, setCancelling] = useState(false)
  const allowed = may(useMe(), 'runs:write')
  const whole = asked.data
  const facts = whole?.card
  const open = card.questions.filter((one) => one.run === run.id && one.answer === null).length
  const say = (action: 'pause' | 'resume' | 'retry') => void act(run.id, card.id, action, words.done[action])
  const under = run.status === 'running' || run.status === 'queued'
  return (
    <div className="flex flex-col gap-3">
      {run.awaits === null ? null : (
        <div className="rounded-md bg-warn-wash p-3">
          <p>{words.awaits[run.awaits]}</p>
          {facts?.needs == null ? null : <p className="text-dim">{words.needs[facts.needs]}</p>}
        </div>
      )}
      {whole !== undefined && run.status === 'running' ? (
        <div className="flex items-center gap-3">
          <Progress label={words.run} {...whole.progress} moving />
          <ProgressCounts {...whole.progress} />
        </div>
      ) : null}
      {whole?.failure == null ? null : (
        <div className="rounded-md bg-bad-wash p-3">
          <p className="font-medium text-bad">{whole.failure.message}</p>
          <p className="text-dim">{remedies[whole.failure.code] ?? whole.failure.code}</p>
        </div>
      )}
      <Facts
        of={[
          [
            words.run,
            <span key="run">
              <Link href={`/runs/${run.id}`}>{words.runNumber(run.id)}</Link>
              {whole === undefined ? null : (
                <span className="text-dim">
                  {' '}
                  · <Time at={whole.startedAt ?? whole.createdAt} />
                  {whole.round > 1 ? ` · ${words.round} ${whole.round}` : ''}
                </span>
              )}
            </span>,
          ],
          [words.triggered, facts == null ? '…' : <Actor of={facts.triggeredBy} />],
          ...(facts?.reason == null
            ? []
            : [
                [
                  words.reason,
                  <span key="reason" dir="auto" className="[overflow-wrap:anywhere]">
                    {facts.reason}
                  </span>,
                ] as const,
              ]),
        ]}
      />
      {allowed ? (
        <div className="flex flex-wrap gap-2">
          {run.awaits !== null && facts != null ? (
            <Decide
              waits={{ run: run.id, awaits: run.awaits, digest: facts.digest, card: facts.card, openQuestions: open }}
            />
          ) : null}
          {under ? (
            <Button size="small" icon={CirclePause} onClick={() => say('pause')}>
              {words.pauseRun}
            </Button>
          ) : null}
          {run.status === 'paused' ? (
            <Button size="small" look="primary" icon={CirclePlay} onClick={() => say('resume')}>
              {words.resumeRun}
            </Button>
          ) : null}
          {under || run.status === 'paused' ? (
            <Button size="small" look="danger" icon={CircleX} onClick={() => setCancelling(true)}>
              {words.cancel}
            </Button>
          ) : null}
          {run.status === 'failed' || run.status === 'cancelled' ? (
            <Button size="small" look="primary" icon={RotateCcw} onClick={() => say('retry')}>
              {words.retry}
            </Button>
          ) : null}
          {run.active ? null : <RunNow card={card} />}
        </div>
      ) : null}
      {cancelling ? (
        <Reason
          verb="cancel"
          waits={{ run: run.id, card: { id: card.id, title: card.title, version: card.version } }}
          onClose={() => setCancelling(false)}
        />
      ) : null}
    </div>
  )
}

function RunNow({ card }: { card: WholeCard }) {
  const allowed = may(useMe(), 'runs:write')
  const [busy, act] = useAct()
  const go = () =>
    act(async () => {
      try {
        const { run, created } = await ask('post', '/api/runs', { body: { cardId: card.id, stage: card.stage } })
        tell(created ? words.began(run.id) : words.already(run.id))
      } finally {
        askAgain(`/api/cards/${card.id}`, '/api/board', '/api/runs?')
      }
    })
  if (!allowed) return null
  return (
    <Button size="small" icon={Play} busy={busy} onClick={go}>
      {words.runNow}
    </Button>
  )
}
