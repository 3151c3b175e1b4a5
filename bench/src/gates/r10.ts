/** R10: from an event until the socket of who follows: a hundred streams, five thousand lines a second, readers that come and go. */
import { hire } from '../crew.ts'
import { median, round } from '../numbers.ts'
import { QUIET, type Measured } from '../results.ts'
import type { Followed } from '../acts/readers.ts'
import { serve } from '../served.ts'
import type { Stage } from '../stage.ts'

const STREAMS = 100
const RATE = 5_000
const SECONDS = 20

export async function r10(stage: Stage): Promise<Measured[]> {
  const { http, place } = await serve(stage, 'r10')
  const seconds = stage.quick ? 3 : SECONDS
  const pause = (1000 * STREAMS) / RATE
  const each = Math.round((seconds * 1000) / pause)
  const rounds: { followed: Followed; foreign: number }[] = []
  const quiet = () => rounds.filter(({ foreign }) => foreign <= QUIET)
  try {
    for (let n = 0; n < (stage.quick ? 1 : 6) && quiet().length < 3; n += 1) {
      const writer = await hire({
        contender: 'engine',
        place,
        act: 'lines',
        given: { runs: STREAMS, lines: each, pause },
      })
      const started = (await writer.act()) as number[]
      const first = Math.min(...started)
      const port = Number(new URL(http.url).port)
      const reader = await hire({ contender: 'engine', place, act: 'readers', given: { port, first, runs: STREAMS } })
      try {
        await stage.quiet()
        const followed = reader.act() as Promise<Followed>
        await reader.heard(1)
        const usage = stage.meter.start()
        await writer.act()
        const seen = await followed
        const foreign = round(usage().foreign)
        if (seen.lines !== STREAMS * each) throw new Error(`${seen.lines} lines of ${STREAMS * each} came`)
        rounds.push({ followed: seen, foreign })
        stage.tell(`  ${n + 1}  ${JSON.stringify(seen)}, foreign ${foreign}`)
      } finally {
        await reader.close()
        await writer.close()
      }
    }
  } finally {
    await http.close()
  }
  const counted = quiet().length > 0 ? quiet() : rounds
  const of = (what: (one: Followed) => number) => round(median(counted.map(({ followed }) => what(followed))))
  const foreign = round(median(counted.map((one) => one.foreign)))
  const wrong = rounds.reduce((sum, { followed }) => sum + followed.lost + followed.twice, 0)
  return [
    {
      id: 'R10',
      value: of(({ kept }) => kept.p99),
      bound: { most: 100 },
      foreign,
      absolute: true,
      detail: {
        in: `ms from the moment of the event until the reader has it, p99; ${STREAMS} streams, ${RATE} lines a second; server, worker, readers and PostgreSQL on this machine`,
        ms: { p50: of(({ kept }) => kept.p50), max: of(({ kept }) => kept.max) },
        sinceLogged: { p50: of(({ logged }) => logged.p50), p99: of(({ logged }) => logged.p99) },
      },
    },
    {
      id: 'R10-loss',
      value: wrong,
      bound: { most: 0 },
      foreign,
      detail: {
        in: 'events lost or repeated',
        reconnects: rounds.reduce((sum, { followed }) => sum + followed.reconnects, 0),
        lines: rounds.reduce((sum, { followed }) => sum + followed.lines, 0),
      },
    },
  ]
}
