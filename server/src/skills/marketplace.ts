/** A place where skills of others are found: searching, and what is known of one.  Their content comes by import. */

export interface Listing {
  readonly id: string
  readonly name: string
  readonly description: string
  readonly author: string | null
  /** Its page there. */
  readonly url: string | null
  /** Where its files lie. */
  readonly repository: string | null
  readonly stars: number | null
  readonly updatedAt: string | null
}

export interface Listings {
  readonly items: readonly Listing[]
  readonly page: number
  /** Null where it does not say. */
  readonly total: number | null
  readonly more: boolean
}

export interface Search {
  readonly q: string
  /** From 1. */
  readonly page: number
  readonly limit: number
}

/**
 * Each throws Refusal MARKETPLACE_OFF, MARKETPLACE_KEY, MARKETPLACE_QUOTA,
 * MARKETPLACE_AWAY or MARKETPLACE_ODD; `fetch` NO_SUCH_LISTING too.
 */
export interface Marketplace {
  search(search: Search): Promise<Listings>
  fetch(id: string): Promise<Listing>
}
