/** Waiting for a run with a bar, and telling what came of it. */
import { access, constants, mkdir, open, rename, rm, stat } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import { Refusal, type Engine, type Progress, type Run } from '@millrace/engine'
import { operator } from '../app.ts'
import { exportFileName } from '../domains/probe/csv.ts'
import { exportRun, type ProbeExport } from '../domains/probe/export.ts'
import type { ModelResult } from '../domains/probe/results.ts'
import { dollars } from './money.ts'
import { duration, grouped, openBar, table } from './screen.ts'
import { wonder } from './waiting.ts'

/** Follows until the run has ended or the signal is aborted. */
export async function watch(engine: Engine, id: number, signal: AbortSignal): Promise<Run> {
  const begun = await engine.run(operator, id)
  const bar = openBar(`Run ${id}`)
  bar.show(begun.progress)
  const wondering = wonder(engine, id, (line) => bar.note(line))
  try {
    for await (const event of engine.follow(operator, id, begun.lastEvent, signal)) {
      wondering.moved()
      const { total, succeeded, failed, cancelled } = event.data
      if (typeof total !== 'number' || typeof succeeded !== 'number') continue
      bar.show(progressOf(total, succeeded, Number(failed), Number(cancelled)))
    }
  } finally {
    wondering.stop()
  }
  const ended = await engine.run(operator, id)
  bar.show(ended.progress)
  bar.end()
  return ended
}

function progressOf(total: number, succeeded: number, failed: number, cancelled: number): Progress {
  const ended = succeeded + failed + cancelled
  const percent = total === 0 ? 100 : Math.floor((100 * ended) / total)
  return { total, succeeded, failed, cancelled, open: total - ended, percent }
}

/** What became of it, in words. */
export function endOf(run: Run): string {
  const { failed } = run.progress
  const seconds = run.finishedAt === null ? 0 : (run.finishedAt.getTime() - run.createdAt.getTime()) / 1000
  if (run.state === 'succeeded' && failed > 0)
    return `completed with ${failed} ${failed === 1 ? 'error' : 'errors'} in ${duration(seconds)}`
  if (run.state === 'failed')
    return `failed: ${run.failure?.message ?? 'nobody knows why'} (${run.failure?.code ?? 'UNKNOWN'})`
  return run.finishedAt === null ? run.status : `${run.state} in ${duration(seconds)}`
}

/** What a run ended with, for a person; nothing when that is nothing. */
export function outputLines({ output }: Run): string[] {
  return output === null || output === undefined ? [] : JSON.stringify(output, null, 2).split('\n')
}

export function resultTable(results: readonly ModelResult[]): string {
  const codes = [...new Set(results.flatMap((result) => Object.keys(result.decisions)))].sort(byScale)
  const anyFailed = results.some((result) => result.failed > 0)
  const head = [
    'model',
    'answered',
    ...(anyFailed ? ['failed'] : []),
    ...codes,
    'mean',
    'tokens in',
    'tokens out',
    'US dollars',
    'median',
  ]
  return table(
    head,
    results.map((result) => [
      result.model,
      result.answered,
      ...(anyFailed ? [result.failed] : []),
      ...codes.map((code) => result.decisions[code] ?? 0),
      result.mean === null ? '–' : result.mean.toFixed(2),
      grouped(result.inputTokens),
      grouped(result.outputTokens),
      dollars(result.costUsd),
      result.medianMs === null ? '–' : duration(result.medianMs / 1000),
    ]),
  )
}

const LAST = ['refusal', 'other', 'unparsed']

function byScale(a: string, b: string): number {
  const place = (code: string) => LAST.indexOf(code)
  return place(a) - place(b) || a.localeCompare(b, 'en', { numeric: true })
}

/** The commonest failures, one line each. */
export function failureLines(results: readonly ModelResult[]): string[] {
  return results.flatMap((result) =>
    Object.entries(result.failures).map(([code, amount]) => `${result.model}: ${amount} × ${code}`),
  )
}

/** Writes an export beside its place and moves it there when it is whole. Gives the path. */
export async function exportTo(engine: Engine, id: number, how: ProbeExport, out: string | undefined, folder: string) {
  const name = exportFileName(String(id), new Date(), how.format)
  if (out === undefined) await mkdir(join(folder, 'exports'), { recursive: true })
  else await checkOut(out)
  const path = await placeFor(out ?? join(folder, 'exports/'), name)
  const there = await stat(path).catch(() => undefined)
  // A pipe or a device is written to as it stands; a file takes its place when it is whole.
  const temporary = there === undefined || there.isFile() ? `${path}.${process.pid}.part` : path
  const file = await open(temporary, 'w').catch((error: unknown) => Promise.reject(unwritable(out ?? path, error)))
  try {
    const { rows } = await exportRun(engine, operator, id, how, async (text) => {
      await file.write(text)
    })
    await file.close()
    if (temporary !== path) await rename(temporary, path)
    return { path, rows }
  } catch (error) {
    await file.close().catch(() => {})
    if (temporary !== path) await rm(temporary, { force: true })
    throw error
  }
}

/** @throws Refusal OUT_NOT_WRITABLE; asked before a run, so that nothing is bought for a file that cannot be */
export async function checkOut(out: string | undefined): Promise<void> {
  if (out === undefined || out === '-') return
  const folder = out.endsWith('/') ? out : dirname(out)
  try {
    await mkdir(folder, { recursive: true })
    await access(folder, constants.W_OK)
  } catch (error) {
    throw unwritable(out, error)
  }
}

function unwritable(out: string, cause: unknown): Refusal {
  const why = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown'
  return new Refusal('OUT_NOT_WRITABLE', `${out} cannot be written (${why}).`, {
    remedy: 'Name another place with --out.',
    cause,
  })
}

async function placeFor(out: string, name: string): Promise<string> {
  const isFolder =
    out.endsWith('/') ||
    (await stat(out).then(
      (it) => it.isDirectory(),
      () => false,
    ))
  return resolve(isFolder ? join(out, name) : out)
}
