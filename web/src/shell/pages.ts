/** A page whose code loads on need; or before, when it is known that it will be needed. */
import { lazy, type ComponentType, type LazyExoticComponent } from 'react'

export type PageOf<P = object> = LazyExoticComponent<ComponentType<P>> & {
  /** Begins to load it; that it fails is told when it is shown. */
  readonly load: () => void
}

export function page<P = object>(from: () => Promise<{ default: ComponentType<P> }>): PageOf<P> {
  let loading: Promise<{ default: ComponentType<P> }> | undefined
  // What failed is tried again when it is needed.
  const once = () =>
    (loading ??= from().catch((error: unknown) => {
      loading = undefined
      throw error
    }))
  return Object.assign(lazy(once), { load: () => void once().catch(() => {}) })
}
