/** The room one comes into. */
import { House } from 'lucide-react'
import { page } from '../shell/pages.ts'
import type { Room } from '../shell/rooms.ts'
import { places } from '../words/places.ts'

export const home: Room = {
  name: places.home,
  path: '/',
  icon: House,
  key: 'h',
  pages: [{ path: '/', page: page(() => import('./home.tsx')) }],
}
