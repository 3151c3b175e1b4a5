/**
 * Looking now and then at who is gone, what is due and what was cancelled: often while
 * anybody performs anything, seldom while nobody does, and together as often as a few do.
 */
import type { Liveness } from './liveness.ts'

export interface Sweeps {
  /** Something moves, here or elsewhere: whoever rests looks soon. */
  stir(): void
  stop(): void
}

/** Milliseconds between two sweeps while anybody performs anything, and while nobody does. */
const BUSY = 25
const IDLE = 250
/** When somebody was missing: whether he really is gone is known then. */
const AGAIN = 16
/** Milliseconds for each of many workers: together they sweep as often as a few do. */
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
    try {
      const swept = await liveness.sweep()
      busy ||= swept?.busy === true
      alive = swept?.alive ?? alive
      missing = swept?.missing === true
      if ((swept?.ready ?? 0) > 0) on.work()
    } catch (error) {
      on.report(error)
    }
    if (stopped) return
    const quick = busy || performance.now() - movedAt < STIRRED
    resting = !quick && !missing
    again(missing ? AGAIN : Math.max(quick ? BUSY : IDLE, SHARE * alive))
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
