/** `millrace runs retry`: a further round of what failed or was cancelled. */
import { Refusal, type Engine, type Run } from '@millrace/engine'
import { operator, type App } from '../app.ts'
import type { Config } from '../config.ts'
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
    refuseUnlessSensible(before, options.all === true)
    let tasks = 0
    const round = await engine.reopen(operator, id, {
      all: options.all === true,
      async alongside(tx) {
        const { rows } = await tx.query<{ tasks: number }>(
          'select open - deciding::integer as tasks from engine.runs where id = $1',
          [id],
        )
        tasks = rows[0]?.tasks ?? 0
      },
    })
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

function refuseUnlessSensible(run: Run, all: boolean): void {
  const { succeeded, failed, cancelled } = run.progress
  if (run.finishedAt === null) {
    throw new Refusal('NOT_ENDED', `Run ${run.id} is ${run.status}: only a run that has ended can be tried again.`, {
      remedy: `\`millrace runs logs ${run.id} --follow\` waits for its end, \`millrace runs cancel ${run.id}\` brings it.`,
    })
  }
  if (all && run.kind === 'probe' && succeeded > 0) {
    throw new Refusal(
      'TRANSCRIPTS_STAY',
      `Run ${run.id} has ${grouped(succeeded)} transcripts, and a slot keeps its transcript: they are not asked again.`,
      {
        remedy: `\`millrace probe … --new\` asks everything anew, as a run of its own; \`millrace runs retry ${run.id}\` asks what failed.`,
      },
    )
  }
  // One that failed or was cancelled all the same may decide otherwise the next time.
  if (!all && failed + cancelled === 0 && run.state === 'succeeded') {
    throw new Refusal('NOTHING_TO_RETRY', `All ${grouped(succeeded)} tasks of run ${run.id} succeeded.`, {
      remedy:
        run.kind === 'probe'
          ? '`millrace probe … --new` asks everything anew, as a run of its own.'
          : `\`millrace runs retry ${run.id} --all\` does all of them again.`,
    })
  }
}

async function tellOfNobody(engine: Engine, id: number): Promise<void> {
  const waiting = await engine.why(operator, id)
  if (!waiting.some(({ reason }) => reason === 'no_worker')) return
  remark('No worker that knows its kind is alive: `millrace up` or `millrace worker` starts one, or say --wait.')
}
