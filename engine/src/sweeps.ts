/**
 * Looking now and then at who is gone, what is due and what was cancelled: often while
 * anybody performs anything, seldom and when something is due while nobody does, and
 * together as often as a few do.
 */
import type { Liveness } from './liveness.ts'

export interface Sweeps {
  /** Something moves, here or elsewhere: whoever rests looks soon. */
  stir(): void
  stop(): void
}

/** Milliseconds between two sweeps while anybody performs anything. */
const BUSY = 25
/** While nobody does, for each worker: together one a second; and the longest of one. */
const IDLE = 1_000
const LONGEST = 5_000
/** When somebody was missing: whether he really is gone is known then. */
const AGAIN = 16
/** Milliseconds for each of many workers that are busy: together they sweep as often as a few do. */
const SHARE = 12
/** Milliseconds for which something that moved keeps them quick. */
const STIRRED = 1_000

export function openSweeps(
  liveness: Pick<Liveness, 'sweep'>,
  on: {
    /** Does this worker perform anything? */
    readonly busy: () => boolean
    /** There is work that nobody may have been rung for. */
    readonly work: () => void
    readonly report: (error: unknown) => void
  },
): Sweeps {
  let timer: NodeJS.Timeout | undefined
  let movedAt = performance.now()
  let resting = false
  let stopped = false
  let alive = 1

  async function sweep() {
    resting = false
    let busy = on.busy()
    let missing = false
    let due = Infinity
    try {
      const swept = await liveness.sweep()
      busy ||= swept?.busy === true
      alive = swept?.alive ?? alive
      missing = swept?.missing === true
      if (typeof swept?.dueIn === 'number') due = swept.dueIn * 1_000
      if ((swept?.ready ?? 0) > 0) on.work()
    } catch (error) {
      on.report(error)
    }
    if (stopped) return
    const quick = busy || performance.now() - movedAt < STIRRED
    resting = !quick && !missing
    const idle = Math.max(BUSY, Math.min(due, IDLE * alive, LONGEST))
    again(missing ? AGAIN : quick ? Math.max(BUSY, SHARE * alive) : idle)
  }

  const again = (pause: number) => {
    clearTimeout(timer)
    timer = setTimeout(() => void sweep(), pause)
  }
  void sweep()
  return {
    stir() {
      movedAt = performance.now()
      if (resting && !stopped) again(BUSY)
      resting = false
    },
    stop() {
      stopped = true
      clearTimeout(timer)
    },
  }
}
