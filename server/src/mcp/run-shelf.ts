/** Runs by their address: what they are, what they brought, their transcripts. */
import { Refusal } from '@millrace/engine'
import { allows, mustAllow } from '../access/signed-in.ts'
import { exportRun } from '../domains/probe/export.ts'
import { findRuns } from '../runs/find-runs.ts'
import { transcriptOf, transcriptsOf } from '../domains/probe/transcripts.ts'
import type { Asking } from './asking.ts'
import { runResults, shownRun } from './run-tools.ts'
import { json, type Content, type Shelf } from './shelf.ts'

const ALL = 'millrace://runs/'
const PLACE = /^millrace:\/\/runs\/(\d{1,15})(?:\/(results|transcripts|transcripts\.csv)(?:\/(\d{1,9}))?)?$/
/** Characters that an answer holds. */
const LARGEST = 8 * 1024 * 1024
const MOST_TRANSCRIPTS = 500
/** Milliseconds between two notices that a run has changed. */
const APART = 250

type View = 'results' | 'transcripts' | 'transcripts.csv' | undefined

function placeOf(uri: string): { run: number; view: View; n: number | undefined } | undefined {
  const found = PLACE.exec(uri)
  if (found === null) return undefined
  const [, run, view, n] = found
  if (n !== undefined && view !== 'transcripts') return undefined
  return { run: Number(run), view: view as View, n: n === undefined ? undefined : Number(n) }
}

const JSON_TYPE = 'application/json'

export const runShelf: Shelf = {
  begins: ALL,
  templates: [
    {
      uriTemplate: `${ALL}{id}`,
      name: 'run',
      description: 'A run: how far it is, what it failed with.',
      mimeType: JSON_TYPE,
    },
    {
      uriTemplate: `${ALL}{id}/results`,
      name: 'run_results',
      description: 'What a run brought: its output or failure, of a probe the decisions of each model.',
      mimeType: JSON_TYPE,
    },
    {
      uriTemplate: `${ALL}{id}/transcripts`,
      name: 'run_transcripts',
      description: 'The first 500 transcripts of a probe run, without their texts.',
      mimeType: JSON_TYPE,
    },
    {
      uriTemplate: `${ALL}{id}/transcripts/{n}`,
      name: 'run_transcript',
      description: 'One transcript with its prompts and answers.',
      mimeType: JSON_TYPE,
    },
    {
      uriTemplate: `${ALL}{id}/transcripts.csv`,
      name: 'run_transcripts_csv',
      description: 'The transcripts of a probe run as CSV.',
      mimeType: 'text/csv',
    },
  ],
  async list({ house, who }, { after, limit }) {
    if (!allows(who, 'runs:read')) return { resources: [], next: undefined }
    const filter = { limit: limit + 1, ...(after === undefined ? {} : { before: after }) }
    const found = await findRuns(house.engine, who.principal, filter)
    const resources = found.slice(0, limit).map(({ id, kind, name, status, createdAt, finishedAt }) => ({
      uri: `${ALL}${id}`,
      name: `run ${id}`,
      title: `${kind} ${id}${name === null ? '' : `: ${name}`}`,
      description: `A run of the kind ${kind}, ${status} when it was listed.`,
      mimeType: JSON_TYPE,
      annotations: { lastModified: (finishedAt ?? createdAt).toISOString() },
    }))
    return { resources, next: found.length > limit ? found[limit - 1]?.id : undefined }
  },
  async read(asking, uri) {
    const place = placeOf(uri)
    if (place === undefined) return undefined
    const { run, view, n } = place
    const { house, who } = asking
    if (view === 'transcripts.csv') return csvOf(asking, run)
    mustAllow(who, 'runs:read')
    house.accesses.saw(who.principal, n === undefined ? { run } : { run, task: n })
    if (view === undefined) return json(await shownRun(asking, run))
    if (view === 'results') return json(await runResults(asking, run))
    return house.engine.as(who.principal, async (tx) => {
      if (n !== undefined) return json(await transcriptOf(tx, run, n, {}))
      const transcripts = await transcriptsOf(tx, run, { after: 0, limit: MOST_TRANSCRIPTS })
      return transcripts.length === 0 ? undefined : json({ transcripts })
    })
  },
  async complete({ house, who }, part, { id }) {
    if (!allows(who, 'runs:read')) return []
    const { engine } = house
    if (part === 'id') return (await findRuns(engine, who.principal, { limit: 100 })).map((run) => String(run.id))
    if (part !== 'n' || id === undefined || !/^\d{1,15}$/.test(id)) return []
    const seen = await engine.as(who.principal, (tx) =>
      transcriptsOf(tx, Number(id), { after: 0, limit: MOST_TRANSCRIPTS }),
    )
    return seen.map(({ n }) => String(n))
  },
  async watch({ house, who }, uri, signal) {
    const place = placeOf(uri)
    if (place === undefined) return undefined
    mustAllow(who, 'runs:read')
    const { engine, feeds } = house
    if (feeds.full) throw new Refusal('TOO_MANY_READERS', 'As many as this server tells of their runs are listening.')
    const { lastEvent } = await engine.run(who.principal, place.run)
    return changes(feeds.read(who.principal, place.run, lastEvent, signal), signal)
  },
}

/** The first at once, and then no more than a few a second; the last is never lost. */
async function* changes(batches: AsyncIterable<{ ended: boolean }>, signal: AbortSignal): AsyncIterable<void> {
  let told = -APART
  for await (const { ended } of batches) {
    const wait = told + APART - performance.now()
    if (wait > 0 && !signal.aborted) await new Promise((resolve) => setTimeout(resolve, wait))
    told = performance.now()
    if (signal.aborted) return
    yield
    if (ended) return
  }
}

async function csvOf({ house, who }: Asking, run: number): Promise<Content> {
  mustAllow(who, 'exports:read')
  const parts: string[] = []
  let length = 0
  await exportRun(house.exports, who.principal, run, { format: 'csv' }, async (text) => {
    length += text.length
    if (length > LARGEST) {
      throw new Refusal('TOO_MUCH_ASKED', 'These transcripts are too large for one answer.', {
        remedy: `Read them from /api/export/runs/${run}/csv.`,
      })
    }
    parts.push(text)
  })
  house.accesses.saw(who.principal, { run })
  return { mimeType: 'text/csv', text: parts.join('') }
}
