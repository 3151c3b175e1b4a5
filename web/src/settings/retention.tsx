/** Old runs: how many there are, and throwing them away. */
import { useState } from 'react'
import { ask } from '../api.ts'
import { askAgain, useAsked } from '../asked.ts'
import { count } from '../shown.ts'
import { Button, Card, ConfirmDialog, Link, NumberField, States, tell, Time, useAct } from '../ui/index.ts'
import { words } from '../words/settings.ts'

export default function Retention() {
  const [days, setDays] = useState(90)
  const [asked, again] = useAsked('/api/retention', { query: { olderThanDays: days } })
  const [asking, setAsking] = useState(false)
  const [busy, act] = useAct()
  const prune = () =>
    act(async () => {
      const { pruned, more } = await ask('post', '/api/retention/prune', { body: { olderThanDays: days } })
      tell(words.pruned(count(pruned)), more ? words.prunedMore : undefined)
      askAgain('/api/retention', '/api/runs', '/api/usage')
    })
  return (
    <Card title={words.retention}>
      <div className="flex flex-col gap-4">
        <p className="max-w-prose text-dim">{words.retentionLead}</p>
        <NumberField label={words.older} value={days} onChange={(next) => setDays(next ?? 0)} min={0} max={36_500} />
        <States
          of={asked}
          again={again}
          lines={2}
          isEmpty={({ runs }) => runs === 0}
          empty={<p className="font-medium">{words.none}</p>}
        >
          {({ runs, oldest }) => (
            <div className="flex flex-col items-start gap-3">
              <p>
                <span className="font-medium">{words.wouldGo(count(runs))}</span>{' '}
                {oldest === null ? null : (
                  <span className="text-dim">
                    {words.oldest}: <Link href={`/runs/${oldest.id}`}>#{oldest.id}</Link>, <Time at={oldest.at} />
                  </span>
                )}
              </p>
              <Button look="danger" busy={busy} onClick={() => setAsking(true)}>
                {words.prune}
              </Button>
              <ConfirmDialog
                open={asking}
                onClose={() => setAsking(false)}
                title={words.pruneAsk(count(runs))}
                lead={words.pruneLead}
                confirm={words.prune}
                onConfirm={prune}
              />
            </div>
          )}
        </States>
      </div>
    </Card>
  )
}
