/** The room of tools: the list, and each with what it takes, gives and did. */
import { Wrench } from 'lucide-react'
import { ask } from '../api.ts'
import { page } from '../shell/pages.ts'
import type { Room } from '../shell/rooms.ts'
import { may } from '../shell/me.ts'
import { places } from '../words/places.ts'

export const tools: Room = {
  name: places.tools,
  path: '/tools',
  icon: Wrench,
  key: 't',
  may: (me) => may(me, 'tools'),
  pages: [
    { path: '/tools', page: page(() => import('./list.tsx')) },
    { path: '/tools/:name/:part?', page: page(() => import('./tool.tsx')) },
  ],
  async find(text) {
    const [{ tools: all }, { words }] = await Promise.all([ask('get', '/v1/tools', {}), import('../words/tools.ts')])
    const wanted = text.toLowerCase()
    return all
      .filter(({ name, description }) => `${name} ${description ?? ''}`.toLowerCase().includes(wanted))
      .slice(0, 5)
      .map(({ name, state }) => ({ name, href: `/tools/${name}`, remark: words.states[state] }))
  },
}
