/** The room of diagnosis runs.  Neither addresses nor titles hold anything of a patient. */
import { Stethoscope } from 'lucide-react'
import { page } from '../shell/pages.ts'
import type { Room } from '../shell/rooms.ts'
import { places } from '../words/places.ts'

export const diagnosis: Room = {
  name: places.diagnosis,
  path: '/diagnosis',
  icon: Stethoscope,
  key: 'x',
  pages: [
    { path: '/diagnosis', page: page(() => import('./list.tsx')) },
    { path: '/diagnosis/people', page: page(() => import('./people.tsx')) },
    { path: '/diagnosis/:id', page: page(() => import('./run.tsx')) },
  ],
}
