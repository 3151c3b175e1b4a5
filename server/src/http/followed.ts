/**
 * Several runs followed on one line: a browser has few connections to a server, and
 * one person many tabs.  The `id:` of a message says how far the reader is in each run,
 * `12:345,13:7`; he comes again with it as `Last-Event-ID` and goes on exactly there.
 */
import { Refusal, type Engine, type Principal } from '@millrace/engine'
import type { Feeds } from './feeds.ts'
import type { Line } from './lines.ts'

/** Runs that one reader may follow at a time. */
const MOST = 50
export const FOLLOWED = /^\d{1,15}(:\d{1,15})?(,\d{1,15}(:\d{1,15})?)*$/

/** @throws Refusal TOO_MANY_RUNS */
export function followedOf(wanted: string | undefined, seen: unknown): Map<number, number> {
  const placesOf = (text: string) =>
    text.split(',').map((one): [number, number] => {
      const [run = 0, after = 0] = one.split(':').map(Number)
      return [run, after]
    })
  const all = new Map(wanted === undefined ? [] : placesOf(wanted))
  if (all.size > MOST) throw new Refusal('INVALID_REQUEST', `At most ${MOST} runs are followed on one line.`)
  if (typeof seen === 'string' && FOLLOWED.test(seen)) {
    for (const [run, after] of placesOf(seen)) if (all.has(run)) all.set(run, after)
  }
  return all
}

/** Sends what happens in each of them, until it ends or the reader is gone. */
export async function follow(
  { engine, feeds }: { engine: Engine; feeds: Feeds },
  who: Principal,
  places: Map<number, number>,
  line: Line,
): Promise<void> {
  const id = () => Array.from(places, ([run, after]) => `${run}:${after}`).join(',')
  const send = (event: string, data: unknown) =>
    line.send(`event: ${event}\nid: ${id()}\ndata: ${JSON.stringify(data)}\n\n`)
  await Promise.all(
    Array.from(places, async ([run, from]) => {
      try {
        await engine.run(who, run)
      } catch (error) {
        if (!(error instanceof Refusal) || error.code !== 'NO_SUCH_RUN') throw error
        return await send('gone', { run })
      }
      for await (const { events, ended } of feeds.read(who, run, from, line.signal)) {
        places.set(run, events.at(-1)?.n ?? places.get(run) ?? from)
        await send('events', { run, events, ended })
      }
    }),
  )
}
