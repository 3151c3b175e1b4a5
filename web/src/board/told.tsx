/** What people were told: of the whole board, or of one card. */
import {
  Ban,
  BellRing,
  CircleCheck,
  CircleHelp,
  CircleX,
  Hourglass,
  ScanEye,
  Undo2,
  type LucideIcon,
} from 'lucide-react'
import { ask, type Notification } from '../api.ts'
import { askAgain } from '../asked.ts'
import { Badge, Button, Filtered, Link, LoadMore, States, tellProblem, Time, usePages } from '../ui/index.ts'
import { words } from '../words/inbox.ts'

const ICONS: Readonly<Record<Notification['kind'], readonly [LucideIcon, string]>> = {
  run_succeeded: [CircleCheck, 'text-good'],
  run_failed: [CircleX, 'text-bad'],
  approval_needed: [Hourglass, 'text-warn'],
  review_needed: [ScanEye, 'text-warn'],
  questions_asked: [CircleHelp, 'text-warn'],
  card_reverted: [Undo2, 'text-warn'],
  automation_stopped: [Ban, 'text-warn'],
}

/** Those that are read or not are the reader's own. Gives whether it was done; if not, that is told. */
export async function markRead(ids?: readonly number[], upTo?: number): Promise<boolean> {
  try {
    await ask('post', '/api/notifications/read', {
      body: { ...(ids === undefined ? {} : { ids }), ...(upTo === undefined ? {} : { upTo }) },
    })
    return true
  } catch (error) {
    tellProblem(error)
    return false
  } finally {
    askAgain('/api/notifications')
  }
}

interface ToldProps {
  /** A card: what of the newest hundred was about it. */
  readonly of?: number
  readonly unread?: boolean
  /** All up to this one were read here. */
  readonly readTo?: number | undefined
  readonly onAll?: () => void
}

export function Told({ of, unread = false, readTo = 0, onAll }: ToldProps) {
  const query = { limit: of === undefined ? 30 : 100, ...(unread ? { unread: 'true' as const } : {}) }
  const [asked, again, pages] = usePages('/api/notifications', { query }, ({ id }) => id, { moves: true })
  const mine = (items: readonly Notification[]) => items.filter(({ card }) => of === undefined || card.id === of)
  const shown = mine(pages.items).map((one) => (one.id <= readTo ? { ...one, read: true } : one))
  const read = async ({ id }: Notification) => {
    if (!(await markRead([id]))) return
    pages.change((one) => (one.id !== id ? one : unread ? undefined : { ...one, read: true }))
  }
  return (
    <States
      of={asked}
      again={again}
      isEmpty={({ items }) => mine(items).length === 0}
      empty={
        unread && onAll !== undefined ? (
          <Filtered title={words.noUnread} clear={words.showAll} onClear={onAll} />
        ) : (
          <p className="p-4 text-dim">{words.noTold}</p>
        )
      }
    >
      {() => (
        <>
          <ul>
            {shown.map((one) => (
              <Line key={one.id} notice={one} withCard={of === undefined} onRead={() => void read(one)} />
            ))}
          </ul>
          {of === undefined && pages.more ? <LoadMore of={pages} /> : null}
        </>
      )}
    </States>
  )
}

interface LineProps {
  readonly notice: Notification
  readonly withCard: boolean
  readonly onRead: () => void
}

function Line({ notice, withCard, onRead }: LineProps) {
  const [Icon, look] = ICONS[notice.kind] ?? ([BellRing, 'text-dim'] as const)
  return (
    <li
      className={`flex items-start gap-2.5 border-b border-line px-4 py-2.5 last:border-b-0 ${notice.read ? '' : 'bg-wash/50'}`}
    >
      <Icon aria-hidden size={16} className={`mt-0.5 shrink-0 ${look}`} />
      <div className="min-w-0 flex-1">
        <p dir="auto" className={`[overflow-wrap:anywhere] ${notice.read ? '' : 'font-medium'}`}>
          {notice.sentence}
        </p>
        <p className="flex flex-wrap items-center gap-x-2 text-sm text-dim">
          {withCard ? (
            <span className="cut max-w-64">
              <Link href={`/board/${notice.card.id}`}>{notice.card.title}</Link>
            </span>
          ) : null}
          <Time at={notice.at} />
          {notice.read ? null : <Badge tone="busy">{words.isNew}</Badge>}
        </p>
      </div>
      {notice.read ? null : (
        <Button size="small" look="quiet" onClick={onRead}>
          {words.read}
        </Button>
      )}
    </li>
  )
}
