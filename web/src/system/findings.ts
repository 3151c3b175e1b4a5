/** What is not as it should be, from what the server says of its parts; each with what to do. */
import type { Answer, Limit } from '../api.ts'
import { count, duration } from '../shown.ts'
import { remedies } from '../words/runs.ts'
import { words } from '../words/system.ts'

const say = words.finding

export interface Finding {
  readonly what: string
  readonly todo: string
  readonly bad: boolean
  readonly way?: { readonly name: string; readonly href: string }
}

interface Facts {
  readonly system?: Answer<'get', '/api/health/system'> | undefined
  readonly workers?: Answer<'get', '/api/health/workers'> | undefined
  readonly providers?: Answer<'get', '/api/health/providers'> | undefined
  readonly tools?: Answer<'get', '/api/health/tools'> | undefined
  readonly queue?: Answer<'get', '/api/health/queue'> | undefined
  readonly limits?: readonly Limit[] | undefined
}

/** Why a key is stopped: somebody's word, or the code of what failed there. */
export const stoppedBy = (code: string) =>
  code === 'PAUSED' ? say.byPerson : say.byCode(code.toLowerCase().replaceAll('_', ' '))

/** Seconds after which it is told that something waits. */
const LONG = 600

/** The worst first. */
export function findingsOf({ system, workers, providers, tools, queue, limits = [] }: Facts): readonly Finding[] {
  const found: Finding[] = []
  if (workers !== undefined) {
    if (workers.alive === 0) found.push({ what: say.noWorker, todo: say.noWorkerDo, bad: true })
    for (const { name, state } of workers.workers)
      if (state === 'stale')
        found.push({
          what: say.stale(name),
          todo: say.staleDo,
          bad: false,
          way: { name: say.toWorkers, href: '/system/workers' },
        })
  }
  if (providers !== undefined) {
    const asked = providers.providers
    if (!asked.some(({ connected }) => connected)) {
      const way = { name: say.toProviders, href: '/system/providers' }
      found.push({ what: say.noProvider, todo: say.noProviderDo, bad: true, way })
    }
    for (const { id, name, configured, connected, error } of asked) {
      if (!configured || connected) continue
      const remedy = remedies[error?.code ?? ''] ?? ''
      found.push({
        what: say.provider(name),
        todo: `${error?.message ?? ''} ${remedy}`.trim(),
        bad: true,
        way: { name: say.setKey, href: `/settings/provider-keys?set=${encodeURIComponent(id)}` },
      })
    }
  }
  for (const { key, stopped } of limits) {
    if (stopped === null) continue
    const way = { name: say.toLimits, href: '/system/limits' }
    found.push({
      what: `${say.stopped(key)} ${stoppedBy(stopped)}`,
      todo: remedies[stopped] ?? say.stoppedDo,
      bad: false,
      way,
    })
  }
  if (workers !== undefined && !workers.python.healthy) {
    const { missing, warnings } = workers.python
    const todo = missing.length > 0 ? say.pythonMissing(missing.join(', ')) : warnings.join(' ')
    found.push({ what: say.python, todo, bad: false })
  }
  // Where nobody performs, no tool is there either: that is said above.
  if (workers !== undefined && workers.alive > 0) {
    for (const { name, reason } of tools?.unwell ?? []) {
      const way = { name: say.toTool, href: `/tools/${encodeURIComponent(name)}` }
      found.push({ what: say.tool(name), todo: reason ?? '', bad: false, way })
    }
    const oldest = queue?.oldestWaiting ?? 0
    if (oldest > LONG) {
      const way = { name: say.toRuns, href: '/runs?status=queued' }
      found.push({ what: say.old(duration(oldest)), todo: say.oldDo, bad: false, way })
    }
  }
  const waiting = system?.database.waiting ?? 0
  if (waiting > 0) found.push({ what: say.connections(count(waiting)), todo: say.connectionsDo, bad: false })
  return found.toSorted((a, b) => Number(b.bad) - Number(a.bad))
}
