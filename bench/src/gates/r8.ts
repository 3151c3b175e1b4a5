/** R8: what row-level security costs the list of runs, one run, and an export: beside a login that the policies pass. */
import { openEngine, type Engine } from '../../../engine/src/index.ts'
import { exportRun } from '../../../server/src/domains/probe/export.ts'
import { findRuns } from '../../../server/src/runs/find-runs.ts'
import { now } from '../contender.ts'
import { median, round } from '../numbers.ts'
import type { Measured } from '../results.ts'
import { READER, serve, transcripts } from '../served.ts'
import { ask, type Place } from '../server.ts'
import type { Stage } from '../stage.ts'

const SIDES = ['walls', 'open'] as const
type Times = Record<(typeof SIDES)[number], number>

/** Each is asked so often a round, call by call on one side and then on the other: so both meet the same weather. */
const ASKED = [
  { what: 'list', times: 150, look: (engine: Engine) => findRuns(engine, READER, { limit: 50 }) },
  { what: 'get', times: 500, look: (engine: Engine, run: number) => engine.run(READER, run) },
  {
    what: 'export',
    times: 10,
    look: (engine: Engine, run: number) =>
      exportRun(engine, READER, run, { format: 'csv', columns: 'contract' }, async () => {}),
  },
]

export async function r8(stage: Stage): Promise<Measured[]> {
  const { http, place } = await serve(stage, 'r8')
  const engines = { walls: http.engine, open: openEngine(await passing(place)) }
  try {
    const run = await transcripts(http, place, stage.size(5_000))
    await ask(place.owner, RUNS, [run, stage.size(5_000)])
    await ask(place.owner, 'analyze')
    const measured: Measured[] = []
    for (const { what, times, look } of ASKED) {
      const rounds: (Times & { foreign: number })[] = []
      for (let n = 0; n < (stage.quick ? 1 : 7); n += 1) {
        await stage.quiet()
        const usage = stage.meter.start()
        const took: Record<keyof Times, number[]> = { walls: [], open: [] }
        for (let k = 0; k < (stage.quick ? 2 : times); k += 1) {
          for (const side of k % 2 === 0 ? SIDES : SIDES.toReversed()) {
            const at = now()
            await look(engines[side], run)
            took[side].push(now() - at)
          }
        }
        const one = { walls: median(took.walls), open: median(took.open), foreign: round(usage().foreign) }
        rounds.push(one)
        stage.tell(
          `  ${what} ${n + 1}  ms with ${round(one.walls)}, without ${round(one.open)}, foreign ${one.foreign}`,
        )
      }
      measured.push({
        id: `R8-${what}`,
        value: round(median(rounds.map((one) => one.walls / one.open))),
        bound: { most: 1.05 },
        foreign: round(median(rounds.map((one) => one.foreign))),
        detail: {
          in: 'time as the login of the API / as one like it that the policies let pass, through the verbs, call by call',
          ms: {
            with: round(median(rounds.map((one) => one.walls))),
            without: round(median(rounds.map((one) => one.open))),
          },
        },
      })
    }
    return measured
  } finally {
    await engines.open.close()
    await http.close()
  }
}

/** A login with all that the API's may do, and no policy in its way. */
async function passing(place: Place): Promise<Place['api']> {
  const user = 'r8_passing'
  const { password } = place.api
  await ask(place.owner, `create role ${user} login bypassrls in role millrace_api password '${password}'`)
  return { ...place.api, user }
}

/** So many runs like that one, in four workspaces of which the reader sees one. */
const RUNS = `
  with made as (insert into engine.workspaces (name) select 'other-' || g from generate_series(1, 3) g on conflict do nothing returning id),
  spaces as (select array_agg(id order by id) || 1::bigint as ids from made)
  insert into engine.runs (workspace_id, kind, state, has_next, total, open, succeeded, last_event, created_at, started_at, finished_at)
  select ids[1 + g % 4], 'probe', 'succeeded', false, 1, 0, 1, 0, now(), now(), now()
    from generate_series(1, $2::integer) g, spaces where $1::bigint > 0`
