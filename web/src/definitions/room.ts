/** The room of definitions: the list, and each with its editor, scenarios and versions. */
import { FileText } from 'lucide-react'
import { ask } from '../api.ts'
import { page } from '../shell/pages.ts'
import type { Room } from '../shell/rooms.ts'
import { places } from '../words/places.ts'

export const definitions: Room = {
  name: places.definitions,
  path: '/definitions',
  icon: FileText,
  key: 'd',
  pages: [
    { path: '/definitions', page: page(() => import('./list.tsx')) },
    { path: '/definitions/new', page: page(() => import('./write.tsx')) },
    { path: '/definitions/:id/:tab?', page: page(() => import('./definition.tsx')) },
  ],
  async find(text) {
    const { items } = await ask('get', '/api/definitions', { query: { search: text, limit: 6 } })
    return items.map(({ id, name, version }) => ({ name, href: `/definitions/${id}`, remark: `#${id} · ${version}` }))
  },
}
