/** The rooms of the board: cards that move through stages, and the skills that their recipes stand on. */
import { Puzzle, SquareKanban } from 'lucide-react'
import { lazy } from 'react'
import { ask } from '../api.ts'
import { page } from '../shell/pages.ts'
import type { Room } from '../shell/rooms.ts'
import { places } from '../words/places.ts'

export const board: Room = {
  name: places.board,
  path: '/board',
  icon: SquareKanban,
  key: 'b',
  pages: [
    { path: '/board', page: page(() => import('./board.tsx')) },
    { path: '/board/inbox', page: page(() => import('./inbox.tsx')) },
    { path: '/board/recipes/:stage?', page: page(() => import('./recipes.tsx')) },
    { path: '/board/settings', page: page(() => import('./settings.tsx')) },
    { path: '/board/:id/:tab?', page: page(() => import('./card.tsx')) },
  ],
  waits: lazy(() => import('./waits.tsx')),
  async find(text) {
    const { items } = await ask('get', '/api/cards', { query: { search: text, limit: 6 } })
    return items.map(({ id, title, stage }) => ({ name: title, href: `/board/${id}`, remark: stage }))
  },
}

export const skills: Room = {
  name: places.skills,
  path: '/skills',
  icon: Puzzle,
  key: 'k',
  pages: [
    { path: '/skills', page: page(() => import('./skills.tsx')) },
    { path: '/skills/:id', page: page(() => import('./skill.tsx')) },
  ],
  async find(text) {
    const { items } = await ask('get', '/api/skills', { query: { q: text, limit: 6 } })
    return items.map(({ id, name, description }) => ({ name, href: `/skills/${id}`, remark: description.slice(0, 60) }))
  },
}
