/** R8: what row-level security costs the list of runs, one run, and an export: with the policies, and with them off. */
import { exportRun } from '../../../server/src/domains/probe/export.ts'
import { findRuns } from '../../../server/src/runs/find-runs.ts'
import { now } from '../contender.ts'
import { median, round } from '../numbers.ts'
import type { Measured } from '../results.ts'
import { READER, serve, transcripts } from '../served.ts'
import { ask, type Place } from '../server.ts'
import type { Stage } from '../stage.ts'

const ASKED = ['list', 'get', 'export'] as const
type Times = Record<(typeof ASKED)[number], number>

export async function r8(stage: Stage): Promise<Measured[]> {
  const { http, place } = await serve(stage, 'r8')
  try {
    const run = await transcripts(http, place, stage.size(5_000))
    await ask(place.owner, RUNS, [run, stage.size(5_000)])
    await ask(place.owner, 'analyze')
    const { engine } = http
    async function measure(): Promise<Times> {
      const repeat = async (times: number, look: () => Promise<unknown>) => {
        const took: number[] = []
        for (let n = 0; n < times; n += 1) {
          const at = now()
          await look()
          took.push(now() - at)
        }
        return median(took)
      }
      return {
        list: await repeat(stage.size(300), () => findRuns(engine, READER, { limit: 50 })),
        get: await repeat(stage.size(1_000), () => engine.run(READER, run)),
        export: await repeat(stage.quick ? 1 : 10, () =>
          exportRun(engine, READER, run, { format: 'csv', columns: 'contract' }, async () => {}),
        ),
      }
    }
    const rounds: { walls: Times; open: Times; foreign: number }[] = []
    await measure()
    for (let n = 0; n < (stage.quick ? 1 : 7); n += 1) {
      await stage.quiet()
      const usage = stage.meter.start()
      const sides: Partial<Record<'walls' | 'open', Times>> = {}
      for (const side of n % 2 === 0 ? (['walls', 'open'] as const) : (['open', 'walls'] as const)) {
        await setWalls(place, side === 'walls')
        // Plans are made anew.
        await engine.run(READER, run)
        sides[side] = await measure()
      }
      await setWalls(place, true)
      const { walls, open } = sides as Required<typeof sides>
      rounds.push({ walls, open, foreign: round(usage().foreign) })
      stage.tell(`  ${n + 1}  ms with and without: ${JSON.stringify([walls, open].map(rounded))}`)
    }
    const ratioOf = (what: keyof Times) => median(rounds.map((one) => one.walls[what] / one.open[what]))
    return ASKED.map((what) => ({
      id: `R8-${what}`,
      value: round(ratioOf(what)),
      bound: { most: 1.05 },
      foreign: round(median(rounds.map((one) => one.foreign))),
      detail: {
        in: 'time with the policies / without, both as the login of the API through the verbs',
        ms: {
          with: round(median(rounds.map((one) => one.walls[what]))),
          without: round(median(rounds.map((one) => one.open[what]))),
        },
      },
    }))
  } finally {
    await http.close()
  }
}

const rounded = (times: Times) => ASKED.map((what) => round(times[what]))

/** Of every table that has policies. */
async function setWalls(place: Place, on: boolean): Promise<void> {
  await ask(
    place.owner,
    `do $$ declare t regclass; begin
       for t in select distinct polrelid::regclass from pg_policy loop
         execute format('alter table %s ${on ? 'enable' : 'disable'} row level security', t);
       end loop;
     end $$`,
  )
}

/** So many runs like that one, in four workspaces of which the reader sees one. */
const RUNS = `
  with made as (insert into engine.workspaces (name) select 'other-' || g from generate_series(1, 3) g on conflict do nothing returning id),
  spaces as (select array_agg(id order by id) || 1::bigint as ids from made)
  insert into engine.runs (workspace_id, kind, state, has_next, total, open, succeeded, last_event, created_at, started_at, finished_at)
  select ids[1 + g % 4], 'probe', 'succeeded', false, 1, 0, 1, 0, now(), now(), now()
    from generate_series(1, $2::integer) g, spaces where $1::bigint > 0`
