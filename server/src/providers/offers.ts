/** Which models can be asked: as the providers list them, kept for five minutes; grouped by the versions of one model. */
import type { Catalogue, KnownModel, Offer } from './catalogue.ts'

const KEPT_MS = 300_000

interface Kept {
  readonly until: number
  /** A key or an address that was set meanwhile counts at once. */
  readonly configured: string
  readonly offers: Promise<readonly Offer[]>
}

const kept = new WeakMap<Catalogue, Kept>()

/** Never throws: a provider that does not answer says so in its failure. Callers at the same time share one question. */
export async function modelsOffered(catalogue: Catalogue, now: () => number = Date.now): Promise<readonly Offer[]> {
  const configured = catalogue
    .providers()
    .map(({ id, missing }) => `${id}:${missing?.code ?? ''}`)
    .join()
  const known = kept.get(catalogue)
  if (known !== undefined && known.until > now() && known.configured === configured) return await known.offers
  const offers = catalogue.models()
  kept.set(catalogue, { until: now() + KEPT_MS, configured, offers })
  const found = await offers
  // What nobody answered is asked again the next time.
  if (found.some(({ failure }) => failure?.retryable === true)) kept.delete(catalogue)
  return found
}

/** One model with its dated and numbered versions. */
export interface OfferedModel {
  readonly providerId: string
  /** Without a version: `gemini-1.5-pro`. */
  readonly model: string
  readonly description: string
  /** Names that can be asked for, oldest first; the bare one is not among them. */
  readonly versions: readonly string[]
  /** What the bare name stands for where no provider has it: the newest version. */
  readonly defaultVersion: string | null
  /** Its provider has all that it takes to be asked. */
  readonly available: boolean
}

const VERSION = /[-@](\d{4}-\d{2}-\d{2}|\d{8}|\d{6}|\d{3,4})$/

export function withVersions(offers: readonly Offer[]): OfferedModel[] {
  return offers.flatMap(({ models, failure }) =>
    [...Map.groupBy(models, ({ model }) => model.replace(VERSION, ''))].map(([model, all]) => {
      const versions = all.flatMap((one: KnownModel) => (one.model === model ? [] : [one.model])).toSorted()
      const bare = all.find((one) => one.model === model)
      return {
        providerId: all[0]?.providerId ?? '',
        model,
        description: (bare ?? all[0])?.description ?? '',
        versions,
        defaultVersion: bare === undefined ? (versions.at(-1) ?? null) : null,
        available: failure === null,
      }
    }),
  )
}

/** What a bare name means where exactly one provider has it; what names a provider is left as it is. */
export function specOf(asked: string, catalogue: Catalogue, offers: readonly Offer[]): string {
  const provider = asked.slice(0, Math.max(0, asked.indexOf(':')))
  if (catalogue.providers().some(({ id }) => id === provider)) return asked
  const exact = offers.flatMap(({ models }) => models.filter(({ model }) => model === asked))
  if (exact.length > 0) return exact.length === 1 ? (exact[0]?.spec ?? asked) : asked
  const meant = withVersions(offers).filter(({ model }) => model === asked)
  const [only] = meant
  return meant.length === 1 && only !== undefined ? `${only.providerId}:${only.defaultVersion ?? only.model}` : asked
}
