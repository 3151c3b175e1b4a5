/** R13: the CSV of many transcripts over HTTP, beside psql's \copy of the same query; and what it adds to the server's memory. */
import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { now } from '../contender.ts'
import { urlOf } from '../probe/command.ts'
import { median, round } from '../numbers.ts'
import type { Measured } from '../results.ts'
import { serve, transcripts } from '../served.ts'
import type { Stage } from '../stage.ts'

const ROWS = 100_000
const run = promisify(execFile)

export async function r13(stage: Stage): Promise<Measured[]> {
  const { http, place } = await serve(stage, 'r13')
  try {
    const rows = stage.size(ROWS)
    const id = await transcripts(http, place, rows)
    stage.tell(`     ${rows} transcripts`)
    const peaks: number[] = []
    async function download(): Promise<number> {
      const before = process.memoryUsage.rss()
      let peak = before
      const timer = setInterval(() => (peak = Math.max(peak, process.memoryUsage.rss())), 5)
      const at = now()
      const response = await http.raw(`/api/export/runs/${id}/csv`, { headers: { 'accept-encoding': 'identity' } })
      let lines = 0
      for await (const chunk of response.body ?? []) {
        for (let end = chunk.indexOf(10); end !== -1; end = chunk.indexOf(10, end + 1)) lines += 1
      }
      const took = now() - at
      clearInterval(timer)
      peaks.push((peak - before) / 1e6)
      if (lines !== rows + 1) throw new Error(`${lines} lines of ${rows + 1}`)
      return took
    }
    async function copy(): Promise<number> {
      const at = now()
      await run('psql', [urlOf(place.owner), '-qc', `\\copy (${query(id)}) to /dev/null csv header`])
      return now() - at
    }
    await download()
    await copy()
    const rounds: { csv: number; psql: number; foreign: number }[] = []
    peaks.length = 0
    for (let n = 0; n < (stage.quick ? 1 : 7); n += 1) {
      await stage.quiet()
      const usage = stage.meter.start()
      const first = n % 2 === 0 ? await download() : undefined
      const psql = await copy()
      const csv = first ?? (await download())
      rounds.push({ csv, psql, foreign: round(usage().foreign) })
      stage.tell(`  ${n + 1}  CSV ${round(csv)} ms, psql ${round(psql)} ms, ${round(peaks.at(-1) ?? 0)} MB more`)
    }
    const foreign = round(median(rounds.map((one) => one.foreign)))
    return [
      {
        id: 'R13',
        value: round(median(rounds.map(({ csv, psql }) => psql / csv))),
        bound: { least: 0.5 },
        foreign,
        detail: {
          in: `rate of the CSV of ${rows} transcripts over HTTP / of \\copy`,
          ms: {
            csv: round(median(rounds.map((one) => one.csv))),
            psql: round(median(rounds.map((one) => one.psql))),
          },
        },
      },
      {
        id: 'R13-memory',
        value: round(Math.max(...peaks)),
        bound: { most: 64 },
        foreign,
        detail: { in: 'MB resident, most while it is sent and read in one process / before', all: peaks.map(round) },
      },
    ]
  } finally {
    await http.close()
  }
}

/** The nine columns of the contract, as the export reads them. */
const query = (id: number) =>
  `
  select i.run_id, s.key, coalesce(t.model, i.input ->> 'model'), s.dimensions,
         case when d.outcome = 'decision' then d.code else d.outcome end, t.turn_count, t.word_count, t.duration_ms,
         coalesce(t.created_at, a.ended_at, r.created_at)
    from engine.tasks k
    join engine.runs r on r.id = k.run_id
    join engine.inputs i on i.run_id = k.run_id and i.n = k.n
    join probe.scenarios s on s.run_id = k.run_id and s.n = (i.input ->> 'scenario')::integer
    join probe.transcripts t on t.run_id = k.run_id and t.task = k.n
    left join probe.decided(${id}) d on d.task = k.n
    left join engine.attempts a on a.run_id = k.run_id and a.n = k.n and a.attempt = k.attempt
   where k.run_id = ${id} and k.n > 0 order by k.n`.replaceAll(/\s+/g, ' ')
