/** `millrace runs retry`: a further round of what failed or was cancelled. */
import type { Engine } from '@millrace/engine'
import { operator, type App } from '../app.ts'
import type { Config } from '../config.ts'
import { again } from '../runs/again.ts'
import { endOf, outputLines } from './follow-run.ts'
import { COMING_TO_AN_END, performRun } from './perform-run.ts'
import { perform } from './probe.ts'
import { grouped, remark, say } from './screen.ts'
import { onInterrupt, withApp } from './session.ts'

export async function retryRun(id: number, options: { all?: boolean; wait?: boolean }): Promise<number> {
  const interruption = onInterrupt(() => remark(COMING_TO_AN_END))
  const { signal } = interruption
  const work = async (app: App, config: Config) => {
    const { engine } = app
    const before = await engine.run(operator, id)
    const { round, tasks } = await again(engine, operator, before, options.all === true)
    say(
      tasks === 0
        ? `Run ${id} decides once more, in round ${round}; no task of it has to be done again.`
        : `Run ${id} does ${grouped(tasks)} ${tasks === 1 ? 'task' : 'tasks'} again, in round ${round}.`,
    )
    if (options.wait !== true) {
      await tellOfNobody(engine, id)
      return 0
    }
    if (before.kind === app.probe.name) return perform(app, config, id, {}, signal)
    const ended = await performRun(app, config, id, signal)
    say(`Run ${id} ${endOf(ended)}.`)
    for (const line of outputLines(ended)) say(line)
    return ended.finishedAt === null ? 130 : ended.state === 'succeeded' ? 0 : 1
  }
  return withApp(work, { own: options.wait === true }).finally(() => interruption.stop())
}

async function tellOfNobody(engine: Engine, id: number): Promise<void> {
  const waiting = await engine.why(operator, id)
  if (!waiting.some(({ reason }) => reason === 'no_worker')) return
  remark('No worker that knows its kind is alive: `millrace up` or `millrace worker` starts one, or say --wait.')
}
