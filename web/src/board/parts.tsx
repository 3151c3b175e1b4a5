/** The parts of the room of the board, each with its address; beside the inbox how much waits there. */
import { useAsked } from '../asked.ts'
import { Badge, Tabs } from '../ui/index.ts'
import { count } from '../shown.ts'
import { words } from '../words/board.ts'
import { useMoves } from './live.ts'

export function Parts() {
  const [waiting, askWaiting] = useAsked('/api/approvals', { query: { limit: 100 } }, { moves: true })
  const [told, askTold] = useAsked('/api/notifications', { query: { limit: 1 } }, { moves: true })
  useMoves(() => {
    void askWaiting()
    void askTold()
  })
  const waits = waiting.data?.items.length ?? 0
  const unread = told.data?.unread ?? 0
  return (
    <Tabs
      label={words.parts}
      of={[
        { name: words.title, href: '/board' },
        {
          name: words.inbox,
          href: '/board/inbox',
          mark:
            waits > 0 ? <Badge tone="warn">{count(waits)}</Badge> : unread > 0 ? <Badge>{count(unread)}</Badge> : null,
        },
        { name: words.recipes, href: '/board/recipes' },
        { name: words.settings, href: '/board/settings' },
      ]}
    />
  )
}
