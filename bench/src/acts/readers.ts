/** Many who follow a run each over HTTP, and come again now and then by the number of their last event. */
import { quantile } from '../numbers.ts'
import { now } from '../contender.ts'
import type { Act } from './index.ts'

export interface Followed {
  /** Log lines that came, events that came twice, and numbers that never came. */
  readonly lines: number
  readonly twice: number
  readonly lost: number
  readonly reconnects: number
  /** Milliseconds until a line was here, since it was kept and since it was logged; of those that came live. */
  readonly kept: { readonly p50: number; readonly p99: number; readonly max: number }
  readonly logged: { readonly p50: number; readonly p99: number }
}

interface Seen {
  readonly n: number
  readonly at: string
  readonly kind: string
  readonly data: { readonly text?: string }
}

/** Milliseconds that a reader stays at most, and at least. */
const STAYS = [2_000, 5_000] as const

/** Says 1 when all have their first stream; `go` resolves when each has seen the end of his run. */
export const readers: Act = async (_place, { port = 0, first = 1, runs = 1 }, say) => {
  const url = `http://127.0.0.1:${port}/api/runs/`
  const kept: number[] = []
  const logged: number[] = []
  const count = { lines: 0, twice: 0, lost: 0, reconnects: 0 }
  let open = 0

  async function follow(run: number): Promise<void> {
    let last = 0
    for (let times = 0; ; times += 1) {
      const [least, most] = STAYS
      const leave = AbortSignal.timeout(Math.round(least + Math.random() * (most - least)))
      try {
        const response = await fetch(`${url}${run}/logs?stream=true`, {
          headers: { authorization: 'Bearer reader', ...(last === 0 ? {} : { 'last-event-id': String(last) }) },
          signal: leave,
        })
        if (response.status === 204) return
        if (!response.ok) throw new Error(`${response.status} ${await response.text()}`)
        if (times === 0 && (open += 1) === runs) say({ n: 1, at: now() })
        if (times > 0) count.reconnects += 1
        const live = Date.now()
        let text = ''
        const decoder = new TextDecoder()
        for await (const chunk of response.body ?? []) {
          text += decoder.decode(chunk, { stream: true })
          const arrived = [Date.now(), now()] as const
          for (let end = text.indexOf('\n\n'); end !== -1; end = text.indexOf('\n\n')) {
            const block = text.slice(0, end)
            text = text.slice(end + 2)
            if (block.startsWith('event: end')) return
            const data = /^data: (.*)$/m.exec(block)?.[1]
            if (data !== undefined) take(JSON.parse(data) as Seen, arrived, live)
          }
        }
      } catch (error) {
        if (!leave.aborted) throw error
      }
    }
    function take({ n, at, kind, data }: Seen, [clock, stamp]: readonly [number, number], live: number) {
      if (n <= last) count.twice += 1
      else count.lost += n - last - 1
      last = Math.max(last, n)
      if (kind !== 'log') return
      count.lines += 1
      const since = Date.parse(at)
      if (since < live) return
      kept.push(clock - since)
      logged.push(stamp - Number(data.text))
    }
  }
  return {
    async go(): Promise<Followed> {
      await Promise.all(Array.from({ length: runs }, (_, n) => follow(first + n)))
      const of = (values: number[]) => ({
        p50: quantile(values, 0.5),
        p99: quantile(values, 0.99),
        max: quantile(values, 1),
      })
      return { ...count, kept: of(kept), logged: of(logged) }
    },
    close: async () => {},
  }
}
