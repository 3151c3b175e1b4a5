/** The room of what everything stands on. */
import { ServerCog } from 'lucide-react'
import { page } from '../shell/pages.ts'
import type { Room } from '../shell/rooms.ts'
import { places } from '../words/places.ts'

export const system: Room = {
  name: places.system,
  path: '/system',
  icon: ServerCog,
  key: 'y',
  pages: [{ path: '/system/:part?', page: page(() => import('./system.tsx')) }],
}
