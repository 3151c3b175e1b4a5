/** Pause, resume, cancel: shown at once as it will be, and put right by what the server says. */
import { ask, type Run } from '../api.ts'
import { askAgain, setAsked } from '../asked.ts'
import { tell, tellProblem } from '../ui/index.ts'
import { words } from '../words/runs.ts'

export type Verb = 'pause' | 'resume' | 'cancel'

/** Who may be asked for what, by the status. */
export const CAN: Readonly<Record<Verb, readonly Run['status'][]>> = {
  pause: ['queued', 'running'],
  resume: ['paused', 'awaiting_approval'],
  cancel: ['queued', 'running', 'paused', 'awaiting_approval'],
}

/** What is expected until the server has said it; a cancelled run still gives up what is under way. */
export function expected(run: Run, verb: Verb): Run {
  if (verb === 'cancel') return { ...run, cancelAsked: true }
  return { ...run, status: verb === 'pause' ? 'paused' : run.startedAt === null ? 'queued' : 'running' }
}

/** What is asked of runs now. */
const under = new Map<number, Promise<unknown>>()

/** One after the other, as they were pressed; only what the last one brought is shown. */
export async function steer(run: Run, verb: Verb): Promise<void> {
  const given = { path: { id: run.id } }
  setAsked('/api/runs/{id}', given, (before) => ({ ...before, ...expected(before, verb) }))
  const asked = (under.get(run.id) ?? Promise.resolve()).then(() => ask('post', `/api/runs/{id}/${verb}`, given))
  const over = asked.catch(() => {})
  under.set(run.id, over)
  try {
    const { run: after } = await asked
    if (under.get(run.id) === over) setAsked('/api/runs/{id}', given, (before) => ({ ...before, ...after }))
  } catch (error) {
    tellProblem(error)
  }
  if (under.get(run.id) !== over) return
  under.delete(run.id)
  askAgain(`/api/runs/${run.id}`)
}

/** The server takes a hundred at a time. */
const AT_ONCE = 100

export async function steerMany(ids: readonly number[], verb: Verb): Promise<void> {
  let done = 0
  try {
    for (let at = 0; at < ids.length; at += AT_ONCE) {
      const { results } = await ask('post', `/api/runs/${verb}`, { body: { runs: ids.slice(at, at + AT_ONCE) } })
      done += results.filter(({ code }) => code === null).length
    }
    tell(words.done[verb](done), done === ids.length ? undefined : words.done.not(ids.length - done))
  } catch (error) {
    tellProblem(error)
  }
  askAgain('/api/runs')
}
