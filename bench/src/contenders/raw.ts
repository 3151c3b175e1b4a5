/** The yardstick of bench/raw, as a contender. */
import { openRaw, RAW_FILL, RAW_RESET, rawSchema } from '../../raw/raw.ts'
import { answer, now, stopwatch, type Contender } from '../contender.ts'
import { ask, settle } from '../server.ts'

export const raw: Contender = {
  async prepare(place) {
    await ask(place.owner, await rawSchema())
  },
  async fill(place, { tasks }) {
    await ask(place.owner, RAW_RESET)
    await ask(place.owner, RAW_FILL, [tasks])
    await settle(place)
  },
  async check(place, tasks) {
    const [row] = await ask<{ kept: string }>(
      place.owner,
      `select count(*) as kept from raw.results r join raw.tasks t on t.id = r.task_id where t.state = 'done'`,
    )
    if (Number(row?.kept) !== tasks) throw new Error(`raw kept ${row?.kept} of ${tasks}`)
  },
  drains: {
    async loops(place, work) {
      const watch = stopwatch(work.tasks)
      const shape = { loops: work.flight / work.batch, batch: work.batch }
      const opened = await openRaw(place.owner, shape, (n) => (watch.task(), answer(n)))
      return {
        async go() {
          const start = now()
          await opened.work()
          return watch.from(start)
        },
        close: () => opened.close(),
      }
    },
  },
}
