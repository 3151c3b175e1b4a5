/** The room of runs: the list, and each run with its parts. */
import { Activity } from 'lucide-react'
import { ask } from '../api.ts'
import { page } from '../shell/pages.ts'
import type { Room } from '../shell/rooms.ts'
import { places } from '../words/places.ts'
import { words as states } from '../words/ui.ts'

export const runs: Room = {
  name: places.runs,
  path: '/runs',
  icon: Activity,
  key: 'r',
  pages: [
    { path: '/runs', page: page(() => import('./list.tsx')) },
    { path: '/runs/:id/:tab?/*?', page: page(() => import('./run.tsx')) },
  ],
  async find(typed) {
    // `run 12` and `#12` are number 12.
    const text = typed.replace(/^(run\s+|#)(?=\d+$)/i, '')
    const [{ items }, { words }] = await Promise.all([
      ask('get', '/api/runs', { query: { search: text, limit: 6 } }),
      import('../words/runs.ts'),
    ])
    return items.map(({ id, name, kind, status }) => ({
      name: `${words.run(id)} · ${name ?? kind}`,
      href: `/runs/${id}`,
      remark: states.status[status],
    }))
  },
}
