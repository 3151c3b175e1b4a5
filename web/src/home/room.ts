/** The room one comes into. */
import { House } from 'lucide-react'
import { lazy } from 'react'
import type { Room } from '../shell/rooms.ts'
import { words } from '../words/home.ts'

export const home: Room = {
  name: words.title,
  path: '/',
  icon: House,
  key: 'h',
  pages: [{ path: '/', page: lazy(() => import('./home.tsx')) }],
}
