/**
 * Lists within lists without a statement each: what the fields of one turn of the
 * event loop ask for is asked of the database at once, as who asks.
 */
import type { Engine, Principal, Tx } from '@millrace/engine'
import type { Turn } from '../domains/probe/ask.ts'
import type { Definition } from '../domains/probe/definition/definition.ts'
import {
  lastEnded,
  snapshotsOf,
  transcriptsOfRuns,
  turnsOfTranscripts,
  type EndedTask,
  type TranscriptOfRun,
} from '../domains/probe/many-runs.ts'

type Load<K, V> = (key: K) => Promise<V | undefined>

export interface Loaders {
  readonly snapshot: Load<number, Definition>
  /** By `run-task`. */
  readonly turns: Load<string, Turn[]>
  transcripts(run: number, page: { model: string | null; limit: number; offset: number }): Promise<TranscriptOfRun[]>
  ended(run: number, limit: number): Promise<EndedTask[]>
}

/** For one request: nothing is remembered beyond it. */
export function openLoaders(engine: Engine, who: Principal): Loaders {
  const together = <K, V>(ask: (tx: Tx, keys: readonly K[]) => Promise<ReadonlyMap<K, V>>) =>
    gathered<K, V>((keys) => engine.as(who, (tx) => ask(tx, keys)))
  const byPage = new Map<string, Load<number, unknown>>()
  function paged<V>(
    what: string,
    page: unknown,
    ask: (tx: Tx, runs: readonly number[]) => Promise<ReadonlyMap<number, V>>,
  ): Load<number, V> {
    const key = JSON.stringify([what, page])
    const load = (byPage.get(key) as Load<number, V> | undefined) ?? together(ask)
    byPage.set(key, load)
    return load
  }
  return {
    snapshot: together(snapshotsOf),
    turns: together(turnsOfTranscripts),
    transcripts: async (run, page) =>
      (await paged('transcripts', page, (tx, runs) => transcriptsOfRuns(tx, runs, page))(run)) ?? [],
    ended: async (run, limit) => (await paged('ended', limit, (tx, runs) => lastEnded(tx, runs, limit))(run)) ?? [],
  }
}

function gathered<K, V>(ask: (keys: readonly K[]) => Promise<ReadonlyMap<K, V>>): Load<K, V> {
  let keys = new Set<K>()
  let asking: Promise<ReadonlyMap<K, V>> | undefined
  return async (key) => {
    keys.add(key)
    asking ??= new Promise<void>((resolve) => setImmediate(resolve)).then(() => {
      const all = [...keys]
      keys = new Set()
      asking = undefined
      return ask(all)
    })
    return (await asking).get(key)
  }
}
