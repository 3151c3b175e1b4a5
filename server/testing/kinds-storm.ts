/**
 * `node server/testing/kinds-storm.ts [--seed 1] [--work 12]`: probes held by our own
 * process and by programs in Python, cards that go through stages, and calls of tools
 * that misbehave, at the same time and on the same workers, while those are killed,
 * stopped, cut off, their Python killed under them, PostgreSQL falls, and the providers
 * answer 429, 500, half a reply, nothing, or too late.  Then the laws of the engine and
 * those of each kind are counted.  Ends with 1 and what is not so; with 2 when a fault
 * did not hit, because then nothing was proved.
 */
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import pg from 'pg'
import { openEngine } from '@millrace/engine'
import { openPostgres, type Postgres } from '@millrace/engine/postgres'
import { ALWAYS, AT_THE_END } from '../../engine/chaos/storm-laws.ts'
import { brokenOf } from '../../engine/chaos/storm-oracle.ts'
import { loginsOf, operator, productKinds } from '../src/app.ts'
import { readConfig } from '../src/config.ts'
import { setSettings } from '../src/domains/stage/board.ts'
import { addCard } from '../src/domains/stage/cards.ts'
import { saveRecipe } from '../src/domains/stage/recipes/recipes.ts'
import { faultOf } from '../src/simulator/faults.ts'
import { startSimulator } from '../src/simulator/simulator.ts'
import { syncSkills } from '../src/skills/sync.ts'
import { install } from './cli.ts'
import { definitionText } from './probe.ts'
import { insist, openCrew, shuffled, type Ask, type Strike } from './storm-crew.ts'
import { HOSTILE, hostileFolder } from './tools/hostile.ts'

const { values } = parseArgs({ options: { seed: { type: 'string' }, work: { type: 'string' } } })
const seed = Number(values.seed ?? 1)
const WORK = Number(values.work ?? 12)
const CREW = 3
const LATENCY = 400
const MODELS = ['openai:gpt-5.5', 'mistral:mistral-small-latest']
const STRIKES: readonly Strike[] = [
  ...(['kill', 'kill', 'stop', 'stop', 'stop', 'cut', 'terminate', 'crash'] as const),
  ...(['kill python', 'kill python', 'stop python'] as const),
]
const TROUBLE = { 'rate-limit': 0.06, 'server-error': 0.06, cut: 0.08, empty: 0.05, reset: 0.06, 'not-json': 0.06 }
/** Those that end soon; each is called so often. */
const BAD = [
  'exits',
  'throws_a_string',
  'breaks_the_protocol',
  'py_raises',
  'py_leaves_grandchildren',
  'py_loops',
] as const
/** What the storm itself may have done to a slot, whatever it is. */
const BY_THE_STORM = ['QUARANTINED', 'TOOL_CRASHED', 'TOOL_PROTOCOL', 'TIMEOUT']

let dice = seed >>> 0
function random(): number {
  dice = (Math.imul(dice, 1_664_525) + 1_013_904_223) >>> 0
  return dice / 4_294_967_296
}

let raging = true
let unanswered = 0
const simulator = await startSimulator({
  seed: String(seed),
  plan({ turns, attempt }) {
    if (!raging) return { latencyMs: 20 }
    // One that is answered long after whoever asked has been taken for dead, and one that never is.
    if (unanswered > 0) {
      unanswered -= 1
      return unanswered % 2 === 0 ? { latencyMs: 8_000 } : { fault: 'hang' }
    }
    const fault = faultOf(TROUBLE, `${seed} ${JSON.stringify(turns)}`, attempt)
    return { latencyMs: LATENCY, retryAfter: 1, ...(fault === undefined ? {} : { fault }) }
  },
})
const tools = await hostileFolder()
const place = await install(undefined, {
  MILLRACE_SIMULATOR_URL: simulator.url,
  MILLRACE_TOOLS: tools.path,
  WORKER_SLOTS: '12',
})
const folder = join(place.folder, '.millrace')
const servers: Postgres[] = []
const hits = new Map<string, number>()
const hit = (fault: string) => hits.set(fault, (hits.get(fault) ?? 0) + 1)
const wrong: string[] = []
let exit = 1

try {
  const migrated = await place.run(['migrate'])
  if (migrated.code !== 0) throw new Error(migrated.stderr)
  const postgres = await openPostgres({ folder })
  servers.push(postgres)
  const owner = new pg.Pool({ ...postgres.owner(), max: 4 })
  owner.on('error', () => {})
  owner.on('connect', (client) => client.on('error', () => {}))
  const sql: Ask = async <R extends pg.QueryResultRow>(text: string, given?: unknown[]) =>
    insist(async () => (await owner.query<R>(text, given)).rows)
  const config = readConfig({ ...place.environment, MILLRACE_FOLDER: folder })
  const served = productKinds(config)
  await served.tools.load()
  const engine = openEngine(loginsOf(postgres, config).api)

  await openBoard()
  await place.file('d.yaml', definitionText(WORK, 1))
  const crew = openCrew({ place, folder, servers, sql, random, linger: LATENCY })
  await Promise.all(Array.from({ length: CREW }, () => crew.hire()))

  const began = Date.now()
  for (const worker of ['inline', 'python']) {
    const asked = ['d.yaml', '--models', MODELS.join(), '--max-tokens', '400', '--worker', worker, '--json', '--new']
    place.begin(['probe', ...asked])
  }
  const working = Promise.all([cards(), calls()])
  for (const [at, fault] of shuffled(STRIKES, random).entries()) {
    await pause(400 + random() * 900)
    if (at % 3 === 0) unanswered += 1
    if (await crew.strike(fault)) hit(fault)
  }
  raging = false
  await working
  await settle()
  const late = await crew.leave()
  for (const { faults } of Object.values(simulator.stats().providers)) {
    for (const [name, amount] of Object.entries(faults)) {
      hits.set(`provider: ${name}`, (hits.get(`provider: ${name}`) ?? 0) + amount)
    }
  }
  await judge()
  console.log(`seed ${seed}: ${((Date.now() - began) / 1000).toFixed(0)} s, ${late} attempts came too late`)
  console.log(`hits: ${JSON.stringify(Object.fromEntries(hits))}`)
  const wanted = [...new Set<string>(STRIKES), ...Object.keys(TROUBLE).map((name) => `provider: ${name}`)]
  const missed = wanted.filter((name) => !hits.has(name))
  for (const one of wrong) console.log(`  FALSE: ${one}`)
  if (missed.length > 0) console.log(`not counted, these did not hit: ${missed.join(', ')}`)
  exit = wrong.length > 0 ? 1 : missed.length > 0 ? 2 : 0
  if (exit === 1) console.log(`replay with: node server/testing/kinds-storm.ts --seed ${seed} --work ${WORK}`)
  await served.leave()
  await engine.close()
  await owner.end()

  /** Two stages that a model works on, one after the other by itself, and one where cards stay. */
  async function openBoard() {
    await insist(() => syncSkills(engine, operator, 1, served.skills.place))
    await engine.as(operator, (tx) => tx.query('select stage.initialize(1)'))
    const step = {
      order: 1,
      skillId: 'summarize-text',
      inputsMapping: { text: 'card.description' },
      outputsMapping: { summary: "documents['summary.md']" },
      params: { model: 'gpt-5.5' },
    }
    for (const stage of ['inbox', 'discovery']) {
      const change = { provider: 'openai', automationLevel: 'fully_auto', recipeSteps: [step], gates: [] }
      await saveRecipe(engine, operator, 1, stage, change, served.catalogue)
    }
    await saveRecipe(engine, operator, 1, 'prd', { automationLevel: 'manual', recipeSteps: [] }, served.catalogue)
    await setSettings(engine, operator, 1, { automationMode: 'auto_all', workerMaxConcurrency: 4 })
  }

  async function cards() {
    for (let n = 0; n < WORK / 2 || raging; n += 1) {
      await insist(() => addCard(engine, operator, 1, { title: `Card ${n}`, description: `A text of ${seed}/${n}.` }))
      await pause(700)
    }
  }

  async function calls() {
    for (let n = 0; n < WORK * 2 || raging; n += 1) {
      const bad = BAD[n % (BAD.length * 2)]
      const input = bad === undefined ? { n } : { seconds: '5' }
      const asked = { tool: bad ?? 'neighbour', input, retries: 0 }
      await insist(() => engine.start(operator, served.tool, asked, { workspace: 1, key: `${seed}/${n}` }))
      await pause(200)
    }
  }

  /** Who waits for an answer that never comes is sent home. */
  async function settle() {
    let quiet = Date.now()
    for (const end = Date.now() + 240_000; ; await pause(500)) {
      const open = await sql<{ id: string; kind: string }>(
        `select r.id, r.kind, engine.status(r) as status from engine.runs r where r.finished_at is null and engine.status(r) <> 'paused'`,
      )
      if (open.length === 0) return
      if (Date.now() > end) {
        wrong.push(`“every run ends”: ${open.length} did not, for example ${JSON.stringify(open[0])}`)
        return
      }
      if (simulator.stats().inFlight > 0 && open.length <= 12 && Date.now() - quiet > 5_000) {
        await crew.relieve()
        quiet = Date.now()
        hit('drain')
      }
    }
  }

  async function judge() {
    // Of the storm's own kinds there is nothing here.
    const laws = [...ALWAYS, ...AT_THE_END].filter(({ asks }) => !/storm\.|->> 'ends'|'TWICE'|->> 'buys'/.test(asks))
    wrong.push(...(await brokenOf(laws, { sql: (text, given) => sql(text, given) }, 0)))
    const never = async (says: string, text: string, given?: unknown[]) => {
      const rows = await sql(text, given)
      if (rows.length > 0) wrong.push(`“${says}”: ${rows.length} times not, for example ${JSON.stringify(rows[0])}`)
    }
    await never(
      'every slot of a probe has one transcript or one failure',
      `select t.run_id, t.n, t.state, count(x.*) from engine.tasks t join engine.runs r on r.id = t.run_id and r.kind = 'probe'
         left join probe.transcripts x on x.run_id = t.run_id and x.task = t.n
        where t.n > 0 group by 1, 2, 3 having count(x.*) <> (t.state = 'succeeded')::integer`,
    )
    await never(
      'each answer has one receipt',
      `select run_id, n, name, count(*) from engine.ledger where entry = 'receipt' group by 1, 2, 3 having count(*) <> 1`,
    )
    await never(
      'a transcript costs what its turns cost',
      `select run_id, task from probe.transcripts x where cost_usd is distinct from
         (select coalesce(sum((y -> 'cost' ->> 'micros')::numeric), 0) / 1000000 from jsonb_array_elements(x.turns) y)`,
    )
    await never(
      'a card takes each step of its way once, by the run that ended it',
      `select card_id, from_stage, to_stage, count(*) from stage.stage_transition_events where from_stage is not null
        group by 1, 2, 3 having count(*) <> 1`,
    )
    await never(
      'what stands on a card and what its runs say is the same',
      `select c.id from stage.cards c where c.active_run is not null
        union all select k.run_id from stage.card_runs k where k.ended_at is null
        union all select c.id from stage.cards c where c.stage <> (
          select t.to_stage from stage.stage_transition_events t where t.card_id = c.id order by t.id desc limit 1)`,
    )
    const ended = await sql<{ tool: string; state: string; code: string | null; same: boolean }>(
      `select b.input ->> 'tool' as tool, r.state::text, a.failure ->> 'code' as code,
              o.output #> '{output,echo}' is not distinct from b.input -> 'input' as same
         from engine.runs r join engine.run_bodies b on b.run_id = r.id
         left join engine.outputs o on o.run_id = r.id and o.n = 1
         left join lateral (select failure from engine.attempts x where x.run_id = r.id and x.n = 1 order by attempt desc limit 1) a on true
        where r.kind = 'tool'`,
    )
    for (const { tool, state, code, same } of ended) {
      const isBad = Object.hasOwn(HOSTILE, tool)
      const codes: readonly string[] = isBad
        ? [HOSTILE[tool as keyof typeof HOSTILE][0], ...BY_THE_STORM]
        : BY_THE_STORM
      const fits = state === 'succeeded' ? !isBad && same : codes.includes(code ?? '')
      if (!fits) wrong.push(`“a tool’s caller is told what it did”: ${JSON.stringify({ tool, state, code, same })}`)
    }
    const amounts = await sql(
      'select kind, state::text, count(*)::integer as amount from engine.runs group by 1, 2 order by 1, 2',
    )
    console.log(amounts.map(({ kind, state, amount }) => `${amount} ${kind} ${state}`).join(', '))
  }
} finally {
  for (const server of servers) await server.close()
  await place.remove()
  await tools.remove()
  await simulator.close()
}
process.exitCode = exit
