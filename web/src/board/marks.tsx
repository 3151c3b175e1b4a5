/** Small signs of the board: how urgent a card is, what runs on it, how much a stage does by itself. */
import {
  Bot,
  ChevronDown,
  ChevronsUp,
  ChevronUp,
  CircleHelp,
  CircleSlash,
  Equal,
  Hand,
  Hourglass,
  ScanEye,
  UserCheck,
  Zap,
  ZapOff,
  type LucideIcon,
} from 'lucide-react'
import type { CardHead, StageRecipe } from '../api.ts'
import { Badge, StatusBadge, Tooltip } from '../ui/index.ts'
import { words } from '../words/board.ts'

const PRIORITIES: Readonly<Record<CardHead['priority'], readonly [LucideIcon, string]>> = {
  urgent: [ChevronsUp, 'text-bad'],
  high: [ChevronUp, 'text-warn'],
  medium: [Equal, 'text-faint'],
  low: [ChevronDown, 'text-faint'],
}

export function Priority({ of, named = false }: { of: CardHead['priority']; named?: boolean }) {
  const [Icon, look] = PRIORITIES[of]
  return (
    <span
      className={`inline-flex items-center gap-1 text-xs ${look}`}
      title={`${words.priority}: ${words.priorities[of]}`}
    >
      <Icon aria-hidden size={15} />
      <span className={named ? 'font-medium' : 'sr-only'}>{words.priorities[of]}</span>
    </span>
  )
}

const AWAITS = { approval: Hourglass, questions: CircleHelp, review: ScanEye } as const

/** What the newest run of a card does in its stage. */
export function RunMark({ run }: { run: CardHead['run'] }) {
  if (run === null) return null
  if (run.awaits !== null) {
    return (
      <Badge tone="warn" icon={AWAITS[run.awaits]}>
        {words.awaits[run.awaits]}
      </Badge>
    )
  }
  return <StatusBadge status={run.status} />
}

const LEVELS = { fully_auto: Zap, auto_notify: Bot, human_approval: UserCheck, manual: Hand } as const

/** How much a stage does by itself. */
export function LevelMark({ recipe }: { recipe: Pick<StageRecipe, 'automationLevel' | 'enabled'> | undefined }) {
  const [Icon, name, says] =
    recipe === undefined
      ? ([CircleSlash, words.noRecipe, words.noRecipeSays] as const)
      : !recipe.enabled
        ? ([ZapOff, words.disabled, words.disabledSays] as const)
        : ([
            LEVELS[recipe.automationLevel],
            words.levels[recipe.automationLevel],
            words.levelSays[recipe.automationLevel],
          ] as const)
  return (
    <Tooltip text={says}>
      <span className="inline-flex items-center gap-1 text-xs text-dim">
        <Icon aria-hidden size={13} className={recipe?.enabled === true ? 'text-accent' : 'text-faint'} />
        {name}
      </span>
    </Tooltip>
  )
}

/** What a card is in, for the filter. */
export function stateOf({ run, openQuestions }: CardHead): keyof typeof words.states {
  if (openQuestions > 0 || (run !== null && run.awaits !== null)) return 'waits'
  if (run === null) return 'idle'
  if (run.status === 'failed') return 'failed'
  return run.active ? 'busy' : 'idle'
}
