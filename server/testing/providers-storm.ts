/**
 * `node server/testing/providers-storm.ts [--scenarios 60] [--seed 1]`: a probe of six
 * simulated providers at once.  Every kind of trouble hits a part of the calls, one
 * provider runs out of credit, and a worker is killed every three seconds.  At the end
 * every slot has one transcript or one failure, each failure a code of its trouble,
 * and money is counted once.  Ends with 1 and what is not so,
 * with 2 when a trouble did not hit.
 */
import { join } from 'node:path'
import pg from 'pg'
import { openPostgres } from '@millrace/engine/postgres'
import { startSimulator } from '../src/simulator/simulator.ts'
import { install } from './cli.ts'
import { definitionText } from './probe.ts'

const option = (name: string, otherwise: number) => {
  const at = process.argv.indexOf(name)
  return at < 0 ? otherwise : Number(process.argv[at + 1])
}
const scenarios = option('--scenarios', 60)
const seed = option('--seed', 1)

const MODELS = [
  'openai:gpt-5.5',
  'anthropic:claude-opus-5-5',
  'google:gemini-3.8-flash',
  'xai:grok-4.6',
  'deepseek:deepseek-chat',
  'mistral:mistral-small-latest',
]
const RATE = 0.05
/** What is injected, and what a slot may then have failed with. */
const TROUBLE = {
  'rate-limit': [],
  'server-error': ['SERVER_ERROR', 'POISON_REQUEST'],
  'bad-gateway': ['SERVER_ERROR', 'POISON_REQUEST'],
  unavailable: ['SERVER_ERROR', 'POISON_REQUEST'],
  overloaded: ['SERVER_ERROR', 'POISON_REQUEST'],
  timeout: ['TIMEOUT'],
  reset: ['NETWORK_ERROR'],
  cut: ['NETWORK_ERROR', 'INVALID_RESPONSE'],
  'not-json': ['INVALID_RESPONSE'],
  empty: ['INVALID_RESPONSE'],
  'error-in-200': ['INVALID_RESPONSE', 'SERVER_ERROR'],
  'content-filter': ['CONTENT_FILTER', 'INVALID_RESPONSE'],
  forbidden: ['AUTH_ERROR'],
  unprocessable: ['VALIDATION_ERROR'],
} as const
/** Killed three times under one task is the task's end, whoever's fault it was. */
const EXPECTED = new Set<string>([...Object.values(TROUBLE).flat(), 'QUARANTINED'])

const wrong: string[] = []
const expectThat = (holds: boolean, sentence: string) => {
  console.log(`${holds ? '✓' : '✗'} ${sentence}`)
  if (!holds) wrong.push(sentence)
}

const simulator = await startSimulator({
  seed: String(seed),
  latencyMs: 150,
  faults: Object.fromEntries(Object.keys(TROUBLE).map((name) => [name, RATE])),
})
const place = await install(undefined, { MILLRACE_SIMULATOR_URL: simulator.url, WORKER_SLOTS: '20' })
let killed = 0
let missed: string[] = []
try {
  await place.file('d.yaml', definitionText(scenarios, 1))
  const migrated = await place.run(['migrate'])
  if (migrated.code !== 0) throw new Error(migrated.stderr)
  const crew = Array.from({ length: 3 }, () => place.begin(['worker']))
  await Promise.all(crew.map((worker) => worker.says(/Worker \d+ performs/)))
  // Mistral has credit for a part of it.
  simulator.set({ provider: 'mistral', credit: { calls: scenarios } })
  const probe = place.begin(['probe', 'd.yaml', '--models', MODELS.join(), '--max-tokens', '400', '--json'])
  const killing = setInterval(() => {
    const n = killed % crew.length
    killed += 1
    void crew[n]?.kill()
    crew[n] = place.begin(['worker'])
  }, 3_000)
  const stopped = await probe
    .says(/everything under mistral is stopped \(BILLING\)/, 120)
    .then(() => true)
    .catch(() => false)
  expectThat(stopped, 'who runs out of credit is stopped, and the command says so')
  const others = JSON.parse((await place.run(['runs', 'why', '1', '--json'])).stdout) as { waiting: { key: string }[] }
  expectThat(
    others.waiting.every(({ key }) => key === 'mistral'),
    'nobody else waits for it',
  )
  simulator.set({ provider: 'mistral', credit: null })
  await place.run(['limits', 'release', 'mistral'])
  const { code, stdout, stderr } = await probe.ended
  clearInterval(killing)
  if (stdout === '') throw new Error(stderr)
  const { run } = JSON.parse(stdout) as { run: { state: string; progress: Record<string, number> } }
  console.log(`run ${run.state}, ${JSON.stringify(run.progress)}, exit ${code}, ${killed} workers killed`)

  const postgres = await openPostgres({ folder: join(place.folder, '.millrace') })
  const client = new pg.Client(postgres.owner())
  await client.connect()
  const ask = async (text: string) => (await client.query<Record<string, string | null>>(text)).rows
  const slots = scenarios * MODELS.length
  const [kept] = await ask(
    `select count(*) as n, count(distinct (scenario, provider, model, sample)) as distinct from probe.transcripts`,
  )
  const failed = await ask(
    `select a.failure ->> 'code' as code, count(*) as n from engine.tasks t
       join lateral (select failure from engine.attempts b where b.run_id = t.run_id and b.n = t.n order by attempt desc limit 1) a on true
      where t.state = 'failed' and t.n > 0 group by 1 order by 2 desc`,
  )
  console.log(failed.map(({ code: name, n }) => `${n} × ${name}`).join(', '))
  const lost = failed.reduce((sum, { n }) => sum + Number(n), 0)
  expectThat(Number(kept?.['n']) + lost === slots, `${kept?.['n']} transcripts and ${lost} failures are ${slots} slots`)
  expectThat(kept?.['n'] === kept?.['distinct'], 'no slot has two transcripts')
  expectThat(killed >= 3, 'workers were killed')
  expectThat(
    failed.every(({ code: name }) => EXPECTED.has(name ?? '')),
    'every failure has a code of what was done to it',
  )
  const [money] = await ask(
    `select (select count(*) from engine.ledger where entry = 'receipt') as receipts,
            (select count(distinct (run_id, n, name)) from engine.ledger where entry = 'receipt') as bought,
            (select coalesce(sum(turn_count), 0) from probe.transcripts) as turns,
            (select coalesce(sum(cost_usd), 0) from probe.transcripts) as cost,
            (select coalesce(sum((x -> 'cost' ->> 'micros')::numeric), 0) / 1000000 from probe.transcripts t, jsonb_array_elements(t.turns) x) as by_turn`,
  )
  console.log(JSON.stringify(money))
  const { answeredTwice, requests } = simulator.stats()
  console.log(`the providers saw ${requests} requests; ${answeredTwice} answers were given twice`)
  expectThat(money?.['receipts'] === money?.['bought'], 'each answer has one receipt')
  expectThat(Number(money?.['cost']) === Number(money?.['by_turn']), 'the cost of a transcript is that of its turns')
  const hits = { kill: killed, ...faultsSeen() }
  console.log(`hits: ${JSON.stringify(hits)}`)
  missed = Object.keys(TROUBLE).filter((name) => !(name in hits))
  if (missed.length > 0) console.log(`not counted, these did not hit: ${missed.join(', ')}`)
  expectThat(answeredTwice <= killed * 20, 'no more was bought twice than was in flight when workers were killed')
  await client.end()
  await postgres.close()
} finally {
  await place.remove()
  await simulator.close()
}
process.exitCode = wrong.length > 0 ? 1 : missed.length > 0 ? 2 : 0

/** What the providers did, all together. */
function faultsSeen(): Record<string, number> {
  const sum: Record<string, number> = {}
  for (const { faults } of Object.values(simulator.stats().providers)) {
    for (const [name, amount] of Object.entries(faults)) sum[name] = (sum[name] ?? 0) + amount
  }
  return sum
}
