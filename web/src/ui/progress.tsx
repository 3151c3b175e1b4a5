/** How far something is: done, failed and cancelled beside each other, the rest to come. */
import { count } from '../shown.ts'
import { words } from '../words/ui.ts'

interface ProgressProps {
  readonly label: string
  readonly total: number
  readonly completed: number
  readonly failed: number
  readonly cancelled?: number
  readonly thick?: boolean
  /** It goes on now. */
  readonly moving?: boolean
}

export function Progress({
  label,
  total,
  completed,
  failed,
  cancelled = 0,
  thick = false,
  moving = false,
}: ProgressProps) {
  const ended = completed + failed + cancelled
  const part = (n: number) => (total === 0 ? 0 : (100 * n) / total)
  // A failure among thousands is still seen.
  const seen = (n: number) => (n === 0 ? '0' : `max(3px, ${part(n)}%)`)
  return (
    <div
      role="progressbar"
      aria-label={label}
      aria-valuemin={0}
      aria-valuemax={total}
      aria-valuenow={ended}
      aria-valuetext={words.progress.sentence(ended, total, failed)}
      className={`flex w-full overflow-clip rounded-full bg-line ${thick ? 'h-2.5' : 'h-1.5'}`}
    >
      <div
        className={`bg-accent transition-[width] duration-300 ${moving ? 'pulse' : ''}`}
        style={{ width: `${part(completed)}%` }}
      />
      <div className="bg-bad transition-[width] duration-300" style={{ width: seen(failed) }} />
      <div className="bg-edge transition-[width] duration-300" style={{ width: seen(cancelled) }} />
    </div>
  )
}

/** The same in words and numbers. */
export function ProgressCounts({
  total,
  completed,
  failed,
  cancelled = 0,
}: Pick<ProgressProps, 'total' | 'completed' | 'failed' | 'cancelled'>) {
  return (
    <span className="text-sm whitespace-nowrap text-dim">
      {count(completed + failed + cancelled)} / {count(total)}
      {failed === 0 ? null : <span className="text-bad"> · {words.progress.failed(count(failed))}</span>}
    </span>
  )
}
