/** R11: the list of runs where a million have been; what a browser loads of the console until Home is there, and how soon a run with a long log is drawn. */
import { quantile, round } from '../numbers.ts'
import type { Measured } from '../results.ts'
import type { Stage } from '../stage.ts'
import { r11List } from './r11-list.ts'

const LINES = 100_000
const WHAT = { definition: { name: 'Long', template: 'Is it so?', dimensions: [] }, models: ['fake:a'], hold: true }

/** What is used of a page of playwright's; its own types need those of a browser. */
interface Page {
  goto(url: string): Promise<unknown>
  addInitScript(text: string): Promise<unknown>
  waitForSelector(selector: string): Promise<unknown>
  evaluate(text: string): Promise<unknown>
  context(): { close(): Promise<void> }
}
interface Console {
  readonly http: {
    readonly url: string
    readonly db: { sql(text: string, values?: unknown[]): Promise<unknown> }
    ask(path: string, how: { body: unknown }): Promise<{ body: { run: { id: number } }; text: string }>
  }
  person(): Promise<Page>
  close(): Promise<void>
}

export const r11 = async (stage: Stage): Promise<Measured[]> => [await r11List(stage), ...(await r11Console(stage))]

async function r11Console(stage: Stage): Promise<Measured[]> {
  const place = await stage.empty('console')
  const secrets = { millrace_api: place.api.password, millrace_worker: place.worker.password }
  process.env['MILLRACE_TEST_POSTGRES'] = JSON.stringify({ owner: place.owner, secrets })
  const path = new URL('../../../web/test/stage.ts', import.meta.url).href
  const { openStage } = (await import(path)) as { openStage: () => Promise<Console> }
  const console = await openStage()
  try {
    const bytes = await load(console)
    const usage = stage.meter.start()
    const run = await longRun(console, stage.size(LINES))
    const took: number[] = []
    for (let n = 0; n < (stage.quick ? 1 : 20); n += 1) {
      await stage.quiet()
      took.push(await draw(console, run))
    }
    const foreign = round(usage().foreign)
    const p = (share: number) => round(quantile(took, share))
    stage.tell(
      `  first route ${bytes} bytes; a log of ${stage.size(LINES)} lines drawn: p50 ${p(0.5)} ms, p95 ${p(0.95)}`,
    )
    return [
      {
        id: 'R11b-bytes',
        value: bytes,
        bound: { most: 170_000 },
        foreign,
        detail: { in: 'bytes of JavaScript over the wire, compressed, until Home is there' },
      },
      {
        id: 'R11b-paint',
        value: p(0.5),
        bound: { most: 300 },
        foreign,
        absolute: true,
        detail: {
          in: `ms from the call of the page, with an empty cache, until the first line of ${LINES} is drawn, median`,
          samples: took.length,
          ms: { p50: p(0.5), p95: p(0.95), max: p(1) },
        },
      },
    ]
  } finally {
    await console.close()
  }
}

async function load(console: Console): Promise<number> {
  const page = await console.person()
  await page.goto(console.http.url)
  await page.waitForSelector('h1')
  const bytes = await page.evaluate(
    `performance.getEntriesByType('resource').filter(({ name }) => new URL(name).pathname.endsWith('.js'))
       .reduce((sum, { encodedBodySize }) => sum + encodedBodySize, 0)`,
  )
  await page.context().close()
  return Number(bytes)
}

async function longRun({ http }: Console, lines: number): Promise<number> {
  const started = await http.ask('/api/runs', { body: WHAT })
  if (started.body?.run === undefined) throw new Error(started.text)
  const { id } = started.body.run
  await http.db.sql(
    `with r as (select workspace_id, last_event from engine.runs where id = $1), more as (
       insert into engine.events (run_id, n, workspace_id, at, kind, task, data)
       select $1, r.last_event + i, r.workspace_id, now(), 'log', 1, jsonb_build_object('text', 'line ' || i)
         from r, generate_series(1, $2::integer) i)
     update engine.runs set last_event = last_event + $2 where id = $1`,
    [id, lines],
  )
  return id
}

/** Milliseconds until a line of the log has been drawn, by somebody who was never here. */
async function draw(console: Console, run: number): Promise<number> {
  const page = await console.person()
  await page.addInitScript(`{
    const look = () => document.querySelector('[role=log] [data-index]') === null
      ? requestAnimationFrame(look)
      : requestAnimationFrame(() => { globalThis.drawn = performance.now() })
    requestAnimationFrame(look)
  }`)
  await page.goto(`${console.http.url}/runs/${run}/log`)
  await page.waitForSelector('[role=log] [data-index]')
  const drawn = Number(
    await page.evaluate(`new Promise((done) => {
      const look = () => globalThis.drawn === undefined ? requestAnimationFrame(look) : done(globalThis.drawn)
      look()
    })`),
  )
  await page.context().close()
  return drawn
}
