/** R11: the list of runs over HTTP where a million have been: the newest, the next pages, filtered, looked for. */
import { now } from '../contender.ts'
import { quantile, round } from '../numbers.ts'
import { QUIET, type Measured } from '../results.ts'
import { serve } from '../served.ts'
import { ask } from '../server.ts'
import type { Stage } from '../stage.ts'

const RUNS = 1_000_000

export async function r11List(stage: Stage): Promise<Measured> {
  const { http, place } = await serve(stage, 'r11_list')
  try {
    const runs = stage.size(RUNS)
    for (let from = 1; from <= runs; from += 50_000) {
      await ask(place.owner, FILL, [from, Math.min(runs, from + 49_999)])
    }
    await ask(place.owner, `select setval(pg_get_serial_sequence('engine.runs', 'id'), $1)`, [runs])
    await ask(place.owner, 'vacuum analyze')
    /** What a person asks for; `next` of a page is looked up anew each time. */
    const asked: Readonly<Record<string, () => Promise<string>>> = {
      newest: async () => '/api/runs?limit=50',
      'a page in the middle': async () => `/api/runs?limit=50&cursor=${await cursorAfter(Math.random())}`,
      'of a workspace': async () => '/api/runs?limit=50&workspaceId=1',
      'of a kind': async () => '/api/runs?limit=50&kind=probe',
      'of a kind that is rare': async () => '/api/runs?limit=50&kind=diagnosis',
      'of a status': async () => '/api/runs?limit=50&status=failed',
      'of a status that is rare': async () => '/api/runs?limit=50&status=paused',
      'by a word': async () => '/api/runs?limit=50&search=survey%2012',
      'by a word that nothing has': async () => '/api/runs?limit=50&search=nowhere',
    }
    async function cursorAfter(share: number): Promise<string> {
      // As the server writes it: the last page that was seen ended there.
      return Buffer.from(`n${Math.max(60, Math.round(runs * share))}`).toString('base64url')
    }
    const took = new Map<string, number[]>(Object.keys(asked).map((name) => [name, []]))
    const foreign: number[] = []
    for (let n = 0; n < (stage.quick ? 1 : 8) && foreign.filter((one) => one <= QUIET).length < 5; n += 1) {
      await stage.quiet()
      const usage = stage.meter.start()
      for (let i = 0; i < stage.size(20); i += 1) {
        for (const [name, path] of Object.entries(asked)) {
          const url = await path()
          const at = now()
          const { status, text } = await http.ask(url, { as: 'reader' })
          took.get(name)?.push(now() - at)
          if (status !== 200) throw new Error(`${url}: ${text}`)
        }
      }
      foreign.push(round(usage().foreign))
    }
    const p95 = Object.fromEntries([...took].map(([name, times]) => [name, round(quantile(times, 0.95))]))
    stage.tell(`  p95 in ms: ${JSON.stringify(p95)}`)
    return {
      id: 'R11-list',
      value: Math.max(...Object.values(p95)),
      bound: { most: 50 },
      foreign: round(Math.min(...foreign)),
      absolute: true,
      detail: { in: `ms over HTTP with ${runs} runs, p95; the worst of`, p95 },
    }
  } finally {
    await http.close()
  }
}

/** Written past the verbs: of every thousand 990 probes, nine stage runs, one diagnosis; one in a hundred failed, one in two hundred thousand waits. */
const FILL = `
  with made as (
    insert into engine.runs (id, workspace_id, kind, state, held, has_next, total, open, succeeded, failed, last_event, created_at, started_at, finished_at)
    overriding system value
    select r, 1, case when r % 1000 = 0 then 'diagnosis' when r % 111 = 0 then 'stage' else 'probe' end,
           (case when r % 200000 = 0 then 'running' when r % 100 = 7 then 'failed' else 'succeeded' end)::engine.run_state,
           case when r % 200000 = 0 then 'paused'::engine.hold_reason end,
           false, 10, case when r % 200000 = 0 then 10 else 0 end,
           case when r % 200000 = 0 then 0 when r % 100 = 7 then 9 else 10 end, (r % 100 = 7)::integer, 2,
           now(), now(), case when r % 200000 <> 0 then now() end
      from generate_series($1::bigint, $2) r returning id, kind),
  bodies as (insert into engine.run_bodies (run_id, workspace_id, input) select id, 1, '{}' from made)
  insert into probe.runs (run_id, workspace_id, name, definition_hash, question, seed, models, scenarios, samples)
  select id, 1, 'survey ' || id % 50, 'none', 'q' || id, 'seed', array['fake:a'], 10, 1 from made where kind = 'probe'`
