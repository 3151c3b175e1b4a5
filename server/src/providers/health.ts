/**
 * Are the providers there?  Asked of their free lists of models, each for itself and
 * no longer than ten seconds; what was said is kept for five minutes.  No call is paid for.
 */
import type { Catalogue } from './catalogue.ts'

export interface ProviderHealth {
  readonly id: string
  /** For people. */
  readonly name: string
  /** There is all that it takes to ask it: key, address. */
  readonly configured: boolean
  /** It answered its free question; what has none counts as connected when it is configured. */
  readonly connected: boolean
  /** What is wrong, in our own words, with its code. */
  readonly error?: { readonly code: string; readonly message: string }
  /** Milliseconds in which it answered its free question; null where none was asked. */
  readonly latencyMs: number | null
  /** ISO 8601. */
  readonly checkedAt: string
}

const KEPT_MS = 300_000

interface Kept {
  readonly until: number
  /** A key or an address that was set meanwhile counts at once. */
  readonly configured: string
  readonly health: Promise<{ readonly providers: readonly ProviderHealth[] }>
}

const kept = new WeakMap<Catalogue, Kept>()

/** Never throws. Callers at the same time share one question; a fresh look asks again, whatever is kept. */
export async function providerHealth(
  catalogue: Catalogue,
  now: () => number = Date.now,
  fresh = false,
): Promise<{ readonly providers: readonly ProviderHealth[] }> {
  const offered = catalogue.providers()
  const configured = offered.map(({ id, missing }) => `${id}:${missing?.code ?? ''}`).join()
  const known = kept.get(catalogue)
  if (!fresh && known !== undefined && known.until > now() && known.configured === configured) return await known.health
  const health = Promise.all(
    offered.map(async ({ id, name, missing, provider }): Promise<ProviderHealth> => {
      const began = performance.now()
      const failure = missing ?? (await provider?.models())?.failure
      const asked = missing === undefined && provider !== undefined
      return {
        id,
        name,
        configured: missing === undefined,
        connected: failure === undefined,
        ...(failure === undefined ? {} : { error: { code: failure.code, message: failure.message } }),
        latencyMs: asked ? Math.round(performance.now() - began) : null,
        checkedAt: new Date(now()).toISOString(),
      }
    }),
  ).then((providers) => ({ providers }))
  kept.set(catalogue, { until: now() + KEPT_MS, configured, health })
  return await health
}
