/**
 * The parts of a run's page, each with an address of its own.  A room adds one here:
 * `/runs/12/<id>`, and what is below it is its own.
 */
import type { Answer } from '../api.ts'
import { page, type PageOf } from '../shell/pages.ts'
import { words as results } from '../words/results.ts'
import { inside } from '../words/runs.ts'

/** A run with what it ended with. */
export type WholeRun = Answer<'get', '/api/runs/{id}'>

export interface RunTab {
  /** In the address; empty for the first. */
  readonly id: string
  readonly name: string
  /** Is it there for such a run?  Always, if left out. */
  readonly when?: (run: WholeRun) => boolean
  /** A number beside its name. */
  readonly count?: (run: WholeRun) => number
  readonly page: PageOf<{ run: WholeRun }>
}

const isProbe = ({ kind }: WholeRun) => kind === 'probe'

export const tabs: readonly RunTab[] = [
  { id: '', name: inside.overview, page: page(() => import('./overview.tsx')) },
  { id: 'results', name: results.results, when: isProbe, page: page(() => import('../results/results.tsx')) },
  {
    id: 'transcripts',
    name: results.transcripts,
    when: isProbe,
    page: page(() => import('../results/transcripts.tsx')),
  },
  { id: 'analysis', name: results.analysis, when: isProbe, page: page(() => import('../results/analysis.tsx')) },
  { id: 'log', name: inside.log, page: page(() => import('./log.tsx')) },
  {
    id: 'failures',
    name: inside.failures,
    count: ({ progress }) => progress.failed,
    page: page(() => import('./failures.tsx')),
  },
  { id: 'tasks', name: inside.tasks, page: page(() => import('./tasks.tsx')) },
  { id: 'artifacts', name: inside.artifacts, page: page(() => import('./artifacts.tsx')) },
  { id: 'audit', name: inside.audit, page: page(() => import('./audit.tsx')) },
  { id: 'configuration', name: inside.configuration, page: page(() => import('./configuration.tsx')) },
]
