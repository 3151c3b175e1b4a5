/** The room of diagnosis runs.  Neither addresses nor titles hold anything of a patient. */
import { Stethoscope } from 'lucide-react'
import { lazy } from 'react'
import type { Room } from '../shell/rooms.ts'
import { words } from '../words/diagnosis.ts'

export const diagnosis: Room = {
  name: words.title,
  path: '/diagnosis',
  icon: Stethoscope,
  key: 'x',
  pages: [
    { path: '/diagnosis', page: lazy(() => import('./list.tsx')) },
    { path: '/diagnosis/people', page: lazy(() => import('./people.tsx')) },
    { path: '/diagnosis/:id', page: lazy(() => import('./run.tsx')) },
  ],
}
