/** Two kinds that several processes know, each with its own code in them. */
import { z } from 'zod'
import { defineRun, defineTask, type Hand } from '../src/index.ts'

const amounts = z.object({ amount: z.number() })
const planned = (kind: string) => (input: { amount: number }) =>
  Array.from({ length: input.amount }, (_, index) => ({ kind, input: { at: index + 1 } }))

export function waitingRun(perform: (hand: Hand<{ at: number }>) => Promise<void>) {
  const wait = defineTask({
    name: 'wait',
    input: z.object({ at: z.number() }),
    output: z.object({ by: z.number() }),
    async perform(hand) {
      await perform(hand)
      return { by: process.pid }
    },
  })
  return defineRun({ name: 'waiting', input: amounts, tasks: [wait], plan: planned('wait') })
}

/** `within` runs inside of the saving transaction, after the row was written. */
export function savingRun(within: () => Promise<void>) {
  const save = defineTask({
    name: 'save',
    input: z.object({ at: z.number() }),
    output: z.object({ at: z.number() }),
    perform: async (hand) => ({ at: hand.input.at }),
    async save(tx, finished) {
      for (const one of finished) {
        await tx.query('insert into public.saved (run, task, attempt, pid) values ($1, $2, $3, $4)', [
          one.run,
          one.task,
          one.attempt,
          process.pid,
        ])
      }
      await within()
    },
  })
  return defineRun({ name: 'saving', input: amounts, tasks: [save], plan: planned('save') })
}

export const SAVED = `create table public.saved (run bigint, task integer, attempt integer, pid integer);
  grant insert, select on public.saved to millrace_worker`
