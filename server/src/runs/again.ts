/** A further round of what failed or was cancelled, if there is a sense in it. */
import { Refusal, type Engine, type Principal, type Run } from '@millrace/engine'

/**
 * Gives the round, and how many tasks are done once more.
 * @throws Refusal NOT_ENDED, TRANSCRIPTS_STAY, STEPS_IN_ORDER, NOTHING_TO_RETRY
 */
export async function again(
  engine: Engine,
  who: Principal,
  run: Run,
  all: boolean,
): Promise<{ round: number; tasks: number }> {
  refuseUnlessSensible(run, all)
  let tasks = 0
  const round = await engine.reopen(who, run.id, {
    all,
    async alongside(tx) {
      const { rows } = await tx.query<{ tasks: number }>(
        'select open - deciding::integer as tasks from engine.runs where id = $1',
        [run.id],
      )
      tasks = rows[0]?.tasks ?? 0
    },
  })
  return { round, tasks }
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
      `Run ${run.id} has ${succeeded.toLocaleString('en-US')} transcripts, and a slot keeps its transcript: they are not asked again.`,
      {
        remedy: `\`millrace probe … --new\` asks everything anew, as a run of its own; \`millrace runs retry ${run.id}\` asks what failed.`,
      },
    )
  }
  if (all && run.kind === 'stage') {
    throw new Refusal('STEPS_IN_ORDER', 'The steps of a stage follow one another, and are not done anew all at once.', {
      remedy: `\`millrace runs retry ${run.id}\` does what failed and what comes after it; Run now on the card begins a new run.`,
    })
  }
  // One that failed or was cancelled all the same may decide otherwise the next time.
  if (!all && failed + cancelled === 0 && run.state === 'succeeded') {
    throw new Refusal(
      'NOTHING_TO_RETRY',
      `All ${succeeded.toLocaleString('en-US')} tasks of run ${run.id} succeeded.`,
      {
        remedy:
          run.kind === 'probe'
            ? '`millrace probe … --new` asks everything anew, as a run of its own.'
            : run.kind === 'stage'
              ? 'Run now on the card begins a new run.'
              : `\`millrace runs retry ${run.id} --all\` does all of them again.`,
      },
    )
  }
}
