/** The room of the board: cards that move through stages. */
import { SquareKanban } from 'lucide-react'
import { lazy } from 'react'
import { ask } from '../api.ts'
import type { Room } from '../shell/rooms.ts'
import { words } from '../words/board.ts'

export const board: Room = {
  name: words.title,
  path: '/board',
  icon: SquareKanban,
  key: 'b',
  pages: [
    { path: '/board', page: lazy(() => import('./board.tsx')) },
    { path: '/board/inbox', page: lazy(() => import('./inbox.tsx')) },
    { path: '/board/recipes/:stage?', page: lazy(() => import('./recipes.tsx')) },
    { path: '/board/settings', page: lazy(() => import('./settings.tsx')) },
    { path: '/board/:id/:tab?', page: lazy(() => import('./card.tsx')) },
  ],
  waits: lazy(() => import('./waits.tsx')),
  async find(text) {
    const { items } = await ask('get', '/api/cards', { query: { search: text, limit: 6 } })
    return items.map(({ id, title, stage }) => ({ name: title, href: `/board/${id}`, remark: stage }))
  },
}
