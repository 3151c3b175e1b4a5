/** Small words with a colour; the colour is never the only sign. */
import {
  Ban,
  CircleCheck,
  CircleDashed,
  CircleX,
  Hourglass,
  LoaderCircle,
  PauseCircle,
  type LucideIcon,
} from 'lucide-react'
import type { ReactNode } from 'react'
import type { Run } from '../api.ts'
import { words } from '../words/ui.ts'

export type Tone = 'plain' | 'good' | 'bad' | 'warn' | 'busy' | 'held'

const TONES: Readonly<Record<Tone, string>> = {
  plain: 'bg-sunk text-dim',
  good: 'bg-good-wash text-good',
  bad: 'bg-bad-wash text-bad',
  warn: 'bg-warn-wash text-warn',
  busy: 'bg-wash text-accent',
  held: 'bg-held-wash text-held',
}

export function Badge({
  tone = 'plain',
  icon: Icon,
  moving = false,
  children,
}: {
  tone?: Tone
  icon?: LucideIcon
  moving?: boolean
  children: ReactNode
}) {
  return (
    <span
      className={`inline-flex h-5.5 items-center gap-1 rounded-full px-2 text-xs font-medium whitespace-nowrap ${TONES[tone]}`}
    >
      {Icon === undefined ? null : (
        <Icon aria-hidden size={13} className={moving ? 'animate-spin [animation-duration:2.4s]' : ''} />
      )}
      {children}
    </span>
  )
}

type Status = Run['status']
const STATUSES: Readonly<Record<Status, readonly [Tone, LucideIcon]>> = {
  queued: ['plain', CircleDashed],
  running: ['busy', LoaderCircle],
  paused: ['held', PauseCircle],
  awaiting_approval: ['warn', Hourglass],
  succeeded: ['good', CircleCheck],
  failed: ['bad', CircleX],
  cancelled: ['plain', Ban],
}

/** What a person sees as the status of a run: colour, picture and word. */
export function StatusBadge({ status }: { status: Status }) {
  const [tone, icon] = STATUSES[status]
  return (
    <Badge tone={tone} icon={icon} moving={status === 'running'}>
      {words.status[status]}
    </Badge>
  )
}
