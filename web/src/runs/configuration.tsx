/** What a run was asked with, and what it may use. */
import { useAsked } from '../asked.ts'
import { count, dollars } from '../shown.ts'
import { Card, JsonView, States } from '../ui/index.ts'
import { inside } from '../words/runs.ts'
import { isOver } from './live.ts'
import type { WholeRun } from './tabs.ts'

export default function Configuration({ run }: { run: WholeRun }) {
  const [input, inputAgain] = useAsked('/api/runs/{id}/input', { path: { id: run.id } })
  const [budget, budgetAgain] = useAsked('/api/runs/{id}/budget', { path: { id: run.id } }, { moves: !isOver(run) })
  return (
    <div className="flex flex-col gap-5">
      <Card title={inside.budget}>
        <States of={budget} again={budgetAgain} lines={1}>
          {({ budget: of }) =>
            of === null ? (
              <p className="text-dim">{inside.noBudget}</p>
            ) : (
              <ul>
                {of.tokens === null ? null : <li>{inside.tokensUsed(count(of.usedTokens), count(of.tokens))}</li>}
                {of.micros === null ? null : (
                  <li>{inside.moneyUsed(dollars(of.usedMicros / 1e6), dollars(of.micros / 1e6))}</li>
                )}
              </ul>
            )
          }
        </States>
      </Card>
      <Card title={inside.input}>
        <States of={input} again={inputAgain} lines={8}>
          {(asked) => <JsonView value={asked.input} label={inside.input} />}
        </States>
      </Card>
    </div>
  )
}
