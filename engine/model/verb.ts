/** What a verb of the model is, and what its judges need. */
import type { Dice } from './dice.ts'
import type { Action, Answer } from './stage.ts'
import { sorted, type Run, type Task, type Worker, type World } from './world.ts'

export interface Verb {
  /** How often, beside the others. */
  readonly weight: number
  /** Chooses what to call it with; nothing if there is nothing to call it with. */
  make(world: World, dice: Dice): Omit<Action, 'verb'> | undefined
  /** Lets it happen in the model, and says what is false in the answer. */
  judge(world: World, action: Action, answer: Answer): string[]
}

/** No run, task or worker has such a number. */
export const NOWHERE = 999_999_999

export const runs = (world: World): Run[] => [...world.runs.values()]
export const workers = (world: World): Worker[] => [...world.workers.values()]
export const alive = (world: World): Worker[] => workers(world).filter((worker) => worker.gone === null)
export const running = (world: World): Task[] =>
  runs(world).flatMap((run) => [...run.tasks.values()].filter((task) => task.state === 'running'))

/** Mostly one that is alive. */
export function anyWorker(world: World, dice: Dice): number | undefined {
  return (dice.pick(dice.chance(0.97) ? alive(world) : workers(world)) ?? dice.pick(workers(world)))?.id
}

export function anyRun(world: World, dice: Dice): number {
  return dice.chance(0.01) ? NOWHERE : (dice.pick(runs(world))?.id ?? NOWHERE)
}

export function same(what: string, said: unknown, known: unknown): string[] {
  const [a, b] = [sorted(said ?? null), sorted(known ?? null)]
  return a === b ? [] : [`${what}: the database says ${a}, the model ${b}`]
}

/** Was it refused as it must be?  Then nothing is left to judge. */
export const refused = (answer: Answer, wanted: string | null): string[] => same('refusal', answer.wrong, wanted)

export const rest = <T>(action: Action): T => action.rest as T
