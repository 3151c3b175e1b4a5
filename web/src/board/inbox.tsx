/** What waits for a person on the board, and what happened meanwhile. */
import { CheckCheck, Inbox as InboxIcon } from 'lucide-react'
import { useState } from 'react'
import { useAsked } from '../asked.ts'
import { useFilters } from '../filters.ts'
import { count } from '../shown.ts'
import { Badge, Button, Card, Empty, Page, States, Switch } from '../ui/index.ts'
import { words as ofBoard } from '../words/board.ts'
import { words } from '../words/inbox.ts'
import { useMoves } from './live.ts'
import { Parts } from './parts.tsx'
import { markRead, Told } from './told.tsx'
import { Waiting } from './waiting.tsx'

export default function InboxPage() {
  const [filter, setFilter] = useFilters('unread')
  const [waiting, again] = useAsked('/api/approvals', { query: { limit: 100 } }, { moves: true })
  const [told, askTold] = useAsked('/api/notifications', { query: { limit: 30 } }, { moves: true })
  const [board] = useAsked('/api/board', { query: { limit: 50 } })
  useMoves(() => {
    void again()
    void askTold()
  })
  const unread = filter.unread !== undefined
  const set = (on: boolean) => setFilter('unread', on ? 'true' : '')
  const newest = told.data?.items[0]?.id
  const [readTo, setReadTo] = useState<number>()
  const readAll = async (upTo: number) => {
    if (await markRead(undefined, upTo)) setReadTo(upTo)
  }
  return (
    <Page title={words.title} lead={words.lead} above={[[ofBoard.title, '/board']]}>
      <Parts />
      <div className="grid items-start gap-5 lg:grid-cols-5">
        <div className="min-w-0 lg:col-span-3">
          <Card title={words.waits} flush>
            <States
              of={waiting}
              again={again}
              isEmpty={({ items }) => items.length === 0}
              empty={<Empty icon={InboxIcon} title={words.none} lead={words.noneLead} />}
            >
              {({ items }) => (
                <ul>
                  {items.map((one) => (
                    <Waiting
                      key={one.run}
                      of={one}
                      stage={board.data?.columns.find(({ key }) => key === one.stage)?.name ?? one.stage}
                    />
                  ))}
                </ul>
              )}
            </States>
          </Card>
        </div>
        <div className="min-w-0 lg:col-span-2">
          <Card
            flush
            title={
              <span className="flex items-center gap-2">
                {words.told}
                {(told.data?.unread ?? 0) > 0 ? (
                  <Badge tone="busy">{words.unread(count(told.data?.unread ?? 0))}</Badge>
                ) : null}
              </span>
            }
            actions={
              <>
                <Switch label={words.onlyUnread} checked={unread} onChange={set} />
                {(told.data?.unread ?? 0) > 0 && newest !== undefined ? (
                  <Button size="small" look="quiet" icon={CheckCheck} onClick={() => void readAll(newest)}>
                    {words.readAll}
                  </Button>
                ) : null}
              </>
            }
          >
            <Told key={String(unread)} unread={unread} readTo={readTo} onAll={() => set(false)} />
          </Card>
        </div>
      </div>
    </Page>
  )
}
