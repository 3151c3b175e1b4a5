/** The room of definitions: the list, and each with its editor, scenarios and versions. */
import { FileText } from 'lucide-react'
import { lazy } from 'react'
import { ask } from '../api.ts'
import type { Room } from '../shell/rooms.ts'
import { places } from '../words/places.ts'

export const definitions: Room = {
  name: places.definitions,
  path: '/definitions',
  icon: FileText,
  key: 'd',
  pages: [
    { path: '/definitions', page: lazy(() => import('./list.tsx')) },
    { path: '/definitions/new', page: lazy(() => import('./write.tsx')) },
    { path: '/definitions/:id/:tab?', page: lazy(() => import('./definition.tsx')) },
  ],
  async find(text) {
    const { items } = await ask('get', '/api/definitions', { query: { search: text, limit: 6 } })
    return items.map(({ id, name, version }) => ({ name, href: `/definitions/${id}`, remark: `#${id} · ${version}` }))
  },
}
