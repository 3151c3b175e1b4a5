/** `millrace approvals …`: what waits for a person, and his word. */
import { operator, WORKSPACE } from '../app.ts'
import { act, waitingRuns, type Action, type Waiting } from '../domains/stage/approvals.ts'
import { say as print, table, when } from './screen.ts'
import { withApp } from './session.ts'

export async function listWaiting(options: { json?: boolean }): Promise<number> {
  return withApp(async ({ engine }) => {
    const found = await waitingRuns(engine, operator, { workspace: WORKSPACE, limit: 500 })
    if (options.json === true) print(JSON.stringify(found))
    else if (found.length === 0) print('Nothing waits for a person.')
    else
      print(
        table(
          ['run', 'awaits', 'why', 'card', 'stage', 'since', 'title'],
          found.map((one) => [one.run, one.awaits, why(one), one.card.id, one.stage, when(one.since), one.card.title]),
        ),
      )
    return 0
  })
}

function why({ awaits, needs, gates, openQuestions }: Waiting): string {
  if (awaits === 'approval') return needs === 'trust' ? 'a skill is not trusted' : 'its level'
  const failed = gates.filter((gate) => gate.required && !gate.passed).map((gate) => gate.id)
  return awaits === 'questions' ? `${openQuestions} without an answer` : `did not pass: ${failed.join(', ')}`
}

export async function say(
  run: number,
  action: Extract<Action, 'approve' | 'retry' | 'cancel'>,
  options: { reason?: string; json?: boolean },
): Promise<number> {
  return withApp(async ({ engine }) => {
    await act(engine, operator, run, action, options.reason === undefined ? {} : { reason: options.reason })
    const { status } = await engine.run(operator, run)
    if (options.json === true) print(JSON.stringify({ run, status }))
    else print(`Run ${run} is ${status}.`)
    return 0
  })
}
