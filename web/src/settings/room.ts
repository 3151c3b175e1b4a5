/** The room of settings: one's own, the workspace's, the installation's. */
import { Settings } from 'lucide-react'
import { lazy } from 'react'
import type { Room } from '../shell/rooms.ts'
import { words } from '../words/settings.ts'

/** Found by their names; what one may not see says so. */
const PARTS = [
  { id: 'appearance', name: words.appearance },
  { id: 'keys', name: words.keys },
  { id: 'usage', name: words.money },
  { id: 'prices', name: words.prices },
  { id: 'members', name: words.members },
  { id: 'provider-keys', name: words.providerKeys },
  { id: 'webhooks', name: words.webhooks },
  { id: 'retention', name: words.retention },
  { id: 'audit', name: words.audit },
]

export const settings: Room = {
  name: words.title,
  path: '/settings',
  icon: Settings,
  key: ',',
  find: async (text) =>
    PARTS.filter(({ name }) => name.toLowerCase().includes(text.toLowerCase())).map(({ id, name }) => ({
      name,
      href: `/settings/${id}`,
    })),
  pages: [{ path: '/settings/:part?', page: lazy(() => import('./settings.tsx')) }],
}
