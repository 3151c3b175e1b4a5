/** The room where runs stand beside one another. */
import { Scale } from 'lucide-react'
import { page } from '../shell/pages.ts'
import type { Room } from '../shell/rooms.ts'
import { places } from '../words/places.ts'

export const compare: Room = {
  name: places.compare,
  path: '/compare',
  icon: Scale,
  key: 'c',
  pages: [{ path: '/compare', page: page(() => import('./compare.tsx')) }],
}
