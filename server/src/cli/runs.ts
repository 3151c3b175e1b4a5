/** `millrace runs …`: look at runs and steer them. */
import { relative } from 'node:path'
import type { Activity, Run } from '@millrace/engine'
import { operator } from '../app.ts'
import { exportRun, type ProbeExport } from '../domains/probe/export.ts'
import { findRuns } from '../runs/find-runs.ts'
import { override, resultsOf } from '../domains/probe/results.ts'
import { headline } from './analysis.ts'
import { endOf, exportTo, failureLines, outputLines, resultTable } from './follow-run.ts'
import { prunedLine, prunedRun } from './retention.ts'
import { usageOfRun } from '../prices/usage.ts'
import { paidLine } from './money.ts'
import { grouped, remark, say, table, when } from './screen.ts'
import { onInterrupt, withApp } from './session.ts'
import { wonder } from './waiting.ts'

export async function listRuns(options: { limit: number; before?: number; json?: boolean }): Promise<number> {
  return withApp(async ({ engine }) => {
    const { limit, before } = options
    const found = await findRuns(engine, operator, { limit, ...(before === undefined ? {} : { before }) })
    if (options.json === true) say(JSON.stringify(found))
    else if (found.length === 0)
      say('There are no runs yet. `millrace probe examples/value-dilemma/definition.yaml --models fake:a` starts one.')
    else {
      say(
        table(
          ['run', 'kind', 'status', 'done', 'failed', 'total', 'started', 'name'],
          found.map((run) => [
            run.id,
            run.kind,
            run.status,
            `${run.progress.percent} %`,
            run.progress.failed,
            run.progress.total,
            when(run.createdAt),
            run.name ?? '',
          ]),
        ),
      )
    }
    return 0
  })
}

export async function showRun(id: number, options: { json?: boolean }): Promise<number> {
  return withApp(async ({ engine }) => {
    const run = await engine.run(operator, id).catch(async (error: unknown) => {
      const pruned = await prunedRun(engine, id)
      if (pruned === undefined) throw error
      return pruned
    })
    if ('prunedAt' in run) {
      say(options.json === true ? JSON.stringify({ pruned: run }) : prunedLine(run))
      return 0
    }
    const activity = run.finishedAt === null ? await engine.activity(operator, id) : undefined
    const results = run.kind === 'probe' ? await resultsOf(engine, operator, id) : []
    const paid = await usageOfRun(engine, operator, id)
    if (options.json === true) {
      say(JSON.stringify({ run, activity, results, paid }))
      return 0
    }
    say(`Run ${id} (${run.kind}) ${endOf(run)}.`)
    say(progressLine(run))
    if (activity !== undefined) say(activityLine(activity))
    for (const line of run.kind === 'probe' ? [] : outputLines(run)) say(line)
    if (results.length > 0) {
      say()
      say(resultTable(results))
      for (const line of failureLines(results)) say(line)
    }
    if (paid.calls > 0) say(paidLine(paid))
    if (run.kind === 'probe' && run.finishedAt !== null) {
      say()
      say(await headline(engine, id))
    }
    return 0
  })
}

function activityLine({ inFlight, retries, rate, secondsLeft }: Activity): string {
  const pace = rate === null ? '' : `; ${rate.toFixed(1)} end a second`
  const left = secondsLeft === null ? '' : `, about ${grouped(Math.ceil(secondsLeft))} s to go`
  return `${grouped(inFlight)} under way, ${grouped(retries)} tried again${pace}${left}.`
}

function progressLine({ progress, createdAt }: Run): string {
  const failed = progress.failed > 0 ? `, ${progress.failed} failed` : ''
  const cancelled = progress.cancelled > 0 ? `, ${progress.cancelled} cancelled` : ''
  return `${progress.percent} %: ${grouped(progress.succeeded)} of ${grouped(progress.total)} succeeded${failed}${cancelled}; started ${when(createdAt)}.`
}

export async function logs(id: number, options: { follow?: boolean; after: number; json?: boolean }): Promise<number> {
  const interruption = onInterrupt(() => {})
  return withApp(async ({ engine }) => {
    const { lastEvent } = await engine.run(operator, id)
    if (options.follow !== true && lastEvent <= options.after) return 0
    const wondering = options.follow === true ? wonder(engine, id, remark) : undefined
    try {
      for await (const event of engine.follow(operator, id, options.after, interruption.signal)) {
        wondering?.moved()
        if (options.json === true) say(JSON.stringify(event))
        else
          say(
            `${String(event.n).padStart(5)}  ${event.at.toISOString()}  ${event.kind}${event.task === null ? '' : ` [${event.task}]`}  ${facts(event.data)}`.trimEnd(),
          )
        if (options.follow !== true && event.n >= lastEvent) break
      }
    } finally {
      wondering?.stop()
    }
    return interruption.signal.aborted ? 130 : 0
  }).finally(() => interruption.stop())
}

function facts(data: Record<string, unknown>): string {
  return Object.entries(data)
    .map(([name, value]) => `${name}=${typeof value === 'string' ? value : JSON.stringify(value)}`)
    .join(' ')
}

export async function exportTranscripts(id: number, options: ProbeExport & { out?: string }): Promise<number> {
  return withApp(async ({ engine }, config) => {
    const { status } = await engine.run(operator, id)
    if (options.out === '-') {
      await exportRun(engine, operator, id, options, writeOut)
      return 0
    }
    const { path, rows } = await exportTo(engine, id, options, options.out, config.folder)
    say(`${grouped(rows)} rows are in ${relative('.', path)}`)
    if (status === 'queued' || status === 'running' || status === 'paused')
      remark(`Run ${id} is ${status}: this is what there is so far.`)
    return 0
  })
}

/** Waits for a slow reader; a reader that goes away ends the export. */
function writeOut(text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    process.stdout.write(text, (error) => (error ? reject(error) : resolve()))
  })
}

export async function decideTranscript(id: number, task: number, code: string): Promise<number> {
  return withApp(async ({ engine }) => {
    await override(engine, operator, id, task, code)
    say(`Transcript ${task} of run ${id} now counts as ${code}.`)
    return 0
  })
}

const STEERED = { hold: 'is paused', release: 'goes on', cancel: 'was told to end' } as const

export async function steer(id: number, verb: keyof typeof STEERED): Promise<number> {
  return withApp(async ({ engine }) => {
    await engine[verb](operator, id)
    say(`Run ${id} ${STEERED[verb]}.`)
    return 0
  })
}
