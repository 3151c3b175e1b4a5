/** The room of settings: one's own, the workspace's, the installation's. */
import { Settings } from 'lucide-react'
import { lazy } from 'react'
import type { Room } from '../shell/rooms.ts'
import { words } from '../words/settings.ts'

export const settings: Room = {
  name: words.title,
  path: '/settings',
  icon: Settings,
  key: ',',
  pages: [{ path: '/settings/:part?', page: lazy(() => import('./settings.tsx')) }],
}
