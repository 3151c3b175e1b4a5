/** Who works, what waits, and what can be done when a worker is lost. */
import { HeartPulse, LifeBuoy, Trash2 } from 'lucide-react'
import { useState } from 'react'
import { ask } from '../api.ts'
import { askAgain, useAsked } from '../asked.ts'
import { count } from '../shown.ts'
import { Badge, Button, Card, Facts, States, tell, tellProblem, Time, Tooltip } from '../ui/index.ts'
import { words } from '../words/board-settings.ts'

const TONES = { alive: 'good', stale: 'warn', gone: 'plain' } as const
/** Milliseconds. */
const EVERY = 10_000

export function Workers({ admin }: { admin: boolean }) {
  const [asked, again] = useAsked('/api/workers', {}, { every: EVERY })
  const [busy, setBusy] = useState<string>()
  async function act(action: 'health_check' | 'rescue' | 'cleanup') {
    setBusy(action)
    try {
      const { message } = await ask('post', '/api/workers', { body: { action } })
      tell(message)
      askAgain('/api/workers')
    } catch (error) {
      tellProblem(error)
    }
    setBusy(undefined)
  }
  const button = (action: 'health_check' | 'rescue' | 'cleanup', name: string, says: string, icon: typeof LifeBuoy) => (
    <Tooltip text={says}>
      <span>
        <Button size="small" icon={icon} busy={busy === action} onClick={() => void act(action)}>
          {name}
        </Button>
      </span>
    </Tooltip>
  )
  return (
    <Card
      title={words.workers}
      flush
      actions={
        admin ? (
          <>
            {button('health_check', words.health, words.healthSays, HeartPulse)}
            {button('rescue', words.rescue, words.rescueSays, LifeBuoy)}
            {button('cleanup', words.cleanup, words.cleanupSays, Trash2)}
          </>
        ) : undefined
      }
    >
      <States of={asked} again={again}>
        {({ workers, health }) => (
          <>
            <div className="border-b border-line p-4">
              <Facts of={[[words.queue, count(health.queueLength)]]} />
            </div>
            {workers.length === 0 ? <p className="p-4 text-dim">{words.noWorkers}</p> : null}
            <ul>
              {workers.map((one) => (
                <li
                  key={one.id}
                  className="flex flex-wrap items-center gap-x-3 border-b border-line px-4 py-2 last:border-b-0"
                >
                  <span className="cut min-w-0 flex-1">{one.name}</span>
                  <span className="text-sm text-dim">
                    {words.running(one.running, one.slots)} · {words.processed(count(one.processed), count(one.failed))}{' '}
                    · <Time at={one.seenAt} />
                  </span>
                  <Badge tone={TONES[one.state]}>{words.state[one.state]}</Badge>
                </li>
              ))}
            </ul>
          </>
        )}
      </States>
    </Card>
  )
}
