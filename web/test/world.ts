/** A workspace where something has happened, and the pages to look at in it: for the check of barriers, and for pictures. */
import { readFileSync } from 'node:fs'
import { definition } from '../../server/testing/bench.ts'
import { definitionText } from '../../server/testing/probe.ts'
import type { HttpStage } from '../../server/test/http-stage.ts'

export const EXAMPLE = new URL('../../examples/value-dilemma/definition.yaml', import.meta.url)

export interface World {
  readonly finished: number
  readonly failed: number
  readonly running: number
  readonly paused: number
}

/** The worker goes on with what is slow; drain it when the pages have been looked at. */
export async function fill(http: HttpStage): Promise<World & { worker: Awaited<ReturnType<HttpStage['work']>> }> {
  const worker = await http.work(8)
  const example = definition(readFileSync(EXAMPLE, 'utf8'))
  const start = async (body: object) => (await http.ask('/api/runs', { body })).body.run.id as number
  // The first that is kept, and its fork.
  await http.ask('/api/definitions', { body: example })
  await http.ask('/api/definitions/1', { method: 'PATCH', body: { set: { name: 'A confidence, or a warning' } } })
  await http.ask('/api/definitions/1/fork', {
    body: { set: { name: 'Among strangers', preamble: 'Nobody here knows anybody.' } },
  })
  const finished = await start({ definition: example, models: ['fake:a', 'fake:b'] })
  await http.ended(finished)
  const failed = await start({
    definition: definition(
      definitionText(
        12,
        1,
        'A very long name that somebody gave to a definition, because nobody said how long a name may be 🌊 שלום',
      ),
    ),
    models: ['fake:flaky', 'fake:empty', 'fake:c'],
  })
  await http.ended(failed)
  const cancelled = await start({ definition: example, models: ['fake:slow'], hold: true })
  await http.ask(`/api/runs/${cancelled}/cancel`, { method: 'POST' })
  const paused = await start({ definition: example, models: ['fake:a', 'fake:c'], hold: true })
  const running = await start({
    definition: definition(definitionText(40, 0, 'A longer one')),
    models: ['fake:slow', 'fake:down', 'fake:a'],
    samplesPerScenario: 2,
  })
  return { finished, failed, running, paused, worker }
}

/** Tools that were called, limits that were set: for the rooms beside runs. */
export async function fillMore(http: HttpStage): Promise<void> {
  const call = async (tool: string, input: object) => http.ask('/v1/analyze-execution', { body: { tool, input } })
  await call('csv_profile', { csv: 'city,people\nBerlin,3700000\nOslo,700000\nBern,134000' })
  await call('csv_profile', { csv: '', delimiter: '#' })
  await call('text_statistics', { text: 'A mill turns while water runs.' })
  await http.ask('/api/limits/openai', { method: 'PUT', body: { concurrency: 8, requestsPerMinute: 500 } })
  await http.ask('/api/limits/anthropic/stop', { method: 'POST' })
}

interface Shown {
  readonly name: string
  readonly path: (world: World) => string
  /** Also looked at where there is nothing yet. */
  readonly empty?: true
  /** Much like another: looked at for barriers in the long journeys alone. */
  readonly seldom?: true
}

/** Every page of the console; a room that gets one adds it here. */
export const PAGES: readonly Shown[] = [
  { name: 'home', path: () => '/', empty: true },
  { name: 'runs', path: () => '/runs', empty: true },
  { name: 'runs-filtered', path: () => '/runs?status=queued&search=zzz' },
  { name: 'run-finished', path: ({ finished }) => `/runs/${finished}` },
  { name: 'run-running', path: ({ running }) => `/runs/${running}` },
  { name: 'run-failures', path: ({ failed }) => `/runs/${failed}/failures` },
  { name: 'run-log', path: ({ finished }) => `/runs/${finished}/log` },
  { name: 'run-tasks', path: ({ failed }) => `/runs/${failed}/tasks` },
  { name: 'run-paused', path: ({ paused }) => `/runs/${paused}` },
  { name: 'run-audit', path: ({ finished }) => `/runs/${finished}/audit`, seldom: true },
  { name: 'run-configuration', path: ({ finished }) => `/runs/${finished}/configuration` },
  { name: 'run-results', path: ({ finished }) => `/runs/${finished}/results` },
  { name: 'run-results-failed', path: ({ failed }) => `/runs/${failed}/results` },
  { name: 'run-transcripts', path: ({ finished }) => `/runs/${finished}/transcripts` },
  { name: 'run-transcript', path: ({ finished }) => `/runs/${finished}/transcripts/3` },
  { name: 'run-analysis', path: ({ finished }) => `/runs/${finished}/analysis` },
  { name: 'start', path: () => '/runs?start=definition.1' },
  { name: 'start-again', path: ({ finished }) => `/runs/${finished}?start=run.${finished}` },
  { name: 'definitions', path: () => '/definitions', empty: true },
  { name: 'definition-new', path: () => '/definitions/new', empty: true },
  { name: 'definition', path: () => '/definitions/1' },
  { name: 'definition-yaml', path: () => '/definitions/1?view=yaml' },
  { name: 'definition-fork', path: () => '/definitions/2' },
  { name: 'definition-scenarios', path: () => '/definitions/1/scenarios' },
  { name: 'definition-versions', path: () => '/definitions/1/versions' },
  { name: 'compare', path: () => '/compare', empty: true },
  { name: 'compare-models', path: ({ finished }) => `/compare?runs=${finished}` },
  { name: 'run-missing', path: () => '/runs/999999' },
  { name: 'tools', path: () => '/tools', empty: true },
  { name: 'tool', path: () => '/tools/csv_profile' },
  { name: 'tool-about', path: () => '/tools/csv_profile/about', seldom: true },
  { name: 'tool-calls', path: () => '/tools/csv_profile/calls?status=FAILED', seldom: true },
  { name: 'system', path: () => '/system', empty: true },
  { name: 'system-providers', path: () => '/system/providers', seldom: true },
  { name: 'system-workers', path: () => '/system/workers', empty: true, seldom: true },
  { name: 'system-limits', path: () => '/system/limits', empty: true, seldom: true },
  { name: 'diagnosis', path: () => '/diagnosis', empty: true },
  { name: 'settings', path: () => '/settings', seldom: true },
  { name: 'settings-appearance', path: () => '/settings/appearance', seldom: true },
  { name: 'settings-keys', path: () => '/settings/keys', empty: true },
  { name: 'settings-usage', path: () => '/settings/usage', empty: true },
  { name: 'settings-prices', path: () => '/settings/prices', seldom: true },
  { name: 'settings-members', path: () => '/settings/members', seldom: true },
  { name: 'settings-accounts', path: () => '/settings/accounts', seldom: true },
  { name: 'settings-provider-keys', path: () => '/settings/provider-keys', seldom: true },
  { name: 'settings-webhooks', path: () => '/settings/webhooks', empty: true, seldom: true },
  { name: 'settings-retention', path: () => '/settings/retention', seldom: true },
  { name: 'settings-audit', path: () => '/settings/audit', seldom: true },
  { name: 'not-found', path: () => '/nowhere' },
]
