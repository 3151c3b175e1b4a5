/** `millrace runs why`: what in a run waits, and for what. */
import type { Engine, Run } from '@millrace/engine'
import { operator } from '../app.ts'
import { endOf } from './follow-run.ts'
import { grouped, say } from './screen.ts'
import { withApp } from './session.ts'
import { remedyOf } from './waiting.ts'

export async function whyRun(id: number, options: { json?: boolean }): Promise<number> {
  return withApp(async ({ engine }) => {
    const run = await engine.run(operator, id)
    const [waiting, running] = await Promise.all([engine.why(operator, id), runningOf(engine, id)])
    if (options.json === true) {
      say(JSON.stringify({ run: id, state: run.state, status: run.status, running, waiting }))
      return 0
    }
    for (const one of waiting) say(`${one.sentence}${remedyOf(one, id)}`)
    if (waiting.length === 0) say(nothingWaits(run, running))
    return 0
  })
}

async function runningOf(engine: Engine, run: number): Promise<number> {
  const { rows } = await engine.as(operator, (tx) =>
    tx.query<{ running: number }>(
      "select count(*) as running from engine.tasks where run_id = $1 and state = 'running'",
      [run],
    ),
  )
  return rows[0]?.running ?? 0
}

function nothingWaits(run: Run, running: number): string {
  if (run.finishedAt !== null) return `Nothing waits: run ${run.id} ${endOf(run)}, at ${run.finishedAt.toISOString()}.`
  return `Nothing waits: ${grouped(running)} ${running === 1 ? 'task is' : 'tasks are'} running.`
}
