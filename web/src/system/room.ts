/** The room of what everything stands on. */
import { ServerCog } from 'lucide-react'
import { lazy } from 'react'
import type { Room } from '../shell/rooms.ts'
import { places } from '../words/places.ts'

export const system: Room = {
  name: places.system,
  path: '/system',
  icon: ServerCog,
  key: 'y',
  pages: [{ path: '/system/:part?', page: lazy(() => import('./system.tsx')) }],
}
