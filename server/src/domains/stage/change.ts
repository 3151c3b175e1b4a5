/** Changing a board: whoever performs and whoever watches looks, because a move may have begun a run or ended one. */
import type { Engine, Principal, Tx } from '@millrace/engine'

/** Where boards are changed and read: an engine, or what stands for one. */
export type Desk = Pick<Engine, 'as'>

/** `run`: the one that this is about; whoever follows it hears of it at once. */
export function change<T>(desk: Desk, who: Principal, work: (tx: Tx) => Promise<T>, run?: number): Promise<T> {
  const runs = run === undefined ? '' : `${run}:0`
  return desk.as(who, work, () => ({ millrace_tasks: '', millrace_runs: runs, millrace_cancel: '' }))
}
