/** The room one comes into. */
import { House } from 'lucide-react'
import { lazy } from 'react'
import type { Room } from '../shell/rooms.ts'
import { places } from '../words/places.ts'

export const home: Room = {
  name: places.home,
  path: '/',
  icon: House,
  key: 'h',
  pages: [{ path: '/', page: lazy(() => import('./home.tsx')) }],
}
