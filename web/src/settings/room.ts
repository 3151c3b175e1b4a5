/** The room of settings: one's own, the workspace's, the installation's. */
import { Settings } from 'lucide-react'
import { page } from '../shell/pages.ts'
import type { Room } from '../shell/rooms.ts'
import { places } from '../words/places.ts'

export const settings: Room = {
  name: places.settings,
  path: '/settings',
  icon: Settings,
  key: ',',
  /** Found by their names; what one may not see says so. */
  async find(text) {
    const { words } = await import('../words/settings.ts')
    const parts = {
      appearance: words.appearance,
      keys: words.keys,
      usage: words.money,
      prices: words.prices,
      members: words.members,
      'provider-keys': words.providerKeys,
      webhooks: words.webhooks,
      retention: words.retention,
      audit: words.audit,
    }
    return Object.entries(parts)
      .filter(([, name]) => name.toLowerCase().includes(text.toLowerCase()))
      .map(([id, name]) => ({ name, href: `/settings/${id}` }))
  },
  pages: [{ path: '/settings/:part?', page: page(() => import('./settings.tsx')) }],
}
