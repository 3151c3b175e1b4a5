/** `millrace doctor`: looks at everything that a run needs, and says what to do about what is wrong. */
import { Refusal, type Tx } from '@millrace/engine'
import { openApp, openCatalogue, operator, type App } from '../app.ts'
import { readConfig, type Config } from '../config.ts'
import { say } from './screen.ts'

interface Finding {
  readonly what: string
  readonly state: 'well' | 'note' | 'wrong'
  readonly says: string
  readonly remedy?: string
}

export async function doctor(options: { json?: boolean }): Promise<number> {
  const findings: Finding[] = [{ what: 'node', state: 'well', says: process.version }]
  const config = readConfig()
  const app = await openApp(config, () => {}).catch((error: unknown) => {
    if (!(error instanceof Refusal)) throw error
    findings.push({
      what: 'database',
      state: 'wrong',
      says: error.message,
      ...(error.remedy === undefined ? {} : { remedy: error.remedy }),
    })
    return undefined
  })
  try {
    if (app !== undefined) findings.push(...(await lookAtDatabase(app)))
    findings.push(...(await lookAtProviders(config)))
  } finally {
    await app?.close()
  }
  if (options.json === true) say(JSON.stringify(findings))
  else for (const finding of findings) tell(finding)
  return findings.some((finding) => finding.state === 'wrong') ? 1 : 0
}

const SIGN = { well: '✓', note: '·', wrong: '✗' } as const

function tell({ what, state, says, remedy }: Finding) {
  say(`${SIGN[state]} ${what.padEnd(10)} ${says}`)
  if (remedy !== undefined) say(`  ${' '.repeat(10)} ${remedy}`)
}

async function lookAtDatabase(app: App): Promise<Finding[]> {
  return app.engine.as(operator, async (tx) => {
    const [about] = (
      await tx.query<{ version: string; connections: number; most: number }>(
        `select current_setting('server_version') as version, (select count(*) from pg_stat_activity) as connections,
              current_setting('max_connections')::integer as most`,
      )
    ).rows
    const free = (about?.most ?? 0) - (about?.connections ?? 0)
    return [
      { what: 'database', state: 'well', says: `PostgreSQL ${about?.version ?? '?'}, ${app.postgres.place}` },
      free < 20
        ? {
            what: 'connections',
            state: 'wrong',
            says: `${free} of ${about?.most} are free`,
            remedy: 'Raise max_connections, or stop programs that hold connections.',
          }
        : { what: 'connections', state: 'well', says: `${free} of ${about?.most} are free` },
      ...(await lookAtWorkers(tx)),
    ]
  })
}

async function lookAtWorkers(tx: Tx): Promise<Finding[]> {
  const { rows: workers } = await tx.query<{
    id: number
    name: string
    slots: number
    stale: boolean
    kinds: string[]
  }>(
    `select id, name, slots, kinds, seen_at < engine.clock() - interval '60 seconds' or not exists (
              select 1 from pg_locks k where k.locktype = 'advisory' and k.classid = engine.liveness()::oid and k.objid = w.id::oid
                and k.objsubid = 2 and k.database = (select oid from pg_database where datname = current_database())) as stale
       from engine.workers w where gone_at is null order by id`,
  )
  const { rows: waiting } = await tx.query<{ kind: string; ready: number; runs: number }>(
    `select l.kind, count(*) as ready, count(distinct l.run_id) as runs
       from engine.lanes l join engine.tasks t on t.lane_id = l.id and t.state = 'ready' and t.due_at is null
      where not l.idle and l.stop is null group by l.kind order by l.kind`,
  )
  const served = new Set(workers.filter((worker) => !worker.stale).flatMap((worker) => worker.kinds))
  const findings: Finding[] = waiting
    .filter(({ kind }) => !served.has(kind))
    .map(({ kind, ready, runs }) => ({
      what: 'waiting',
      state: 'wrong',
      says: `${ready} tasks of kind ${kind} in ${runs} ${runs === 1 ? 'run' : 'runs'} have no worker`,
      remedy: 'Start one: `millrace worker`, or `millrace up`.',
    }))
  for (const worker of workers) {
    findings.push(
      worker.stale
        ? {
            what: 'worker',
            state: 'wrong',
            says: `${worker.id} (${worker.name}) has not been seen for a minute`,
            remedy: 'Its tasks go to others; look at that process.',
          }
        : { what: 'worker', state: 'well', says: `${worker.id} (${worker.name}), ${worker.slots} slots` },
    )
  }
  if (workers.length === 0)
    findings.push({
      what: 'worker',
      state: 'note',
      says: 'none is running; `millrace up` and `millrace probe` bring their own',
    })
  return findings
}

async function lookAtProviders(config: Config): Promise<Finding[]> {
  const catalogue = openCatalogue(config)
  const findings: Finding[] = [{ what: 'fake', state: 'well', says: 'keyless models, always there' }]
  if (config.compatibleUrl === undefined) {
    return [
      ...findings,
      { what: 'models', state: 'note', says: 'OPENAI_COMPATIBLE_URL is not set: only the fake models can be asked' },
    ]
  }
  const [name = 'any'] = config.compatibleModels ?? []
  const [checked] = await catalogue.check([`openai-compatible:${name}`])
  const failure = checked?.failure ?? null
  if (failure === null || failure.code === 'UNKNOWN_MODEL') {
    return [...findings, { what: 'models', state: 'well', says: 'the OpenAI-compatible server answers' }]
  }
  return [
    ...findings,
    {
      what: 'models',
      state: 'wrong',
      says: failure.message,
      remedy: 'Look at OPENAI_COMPATIBLE_URL and OPENAI_COMPATIBLE_API_KEY.',
    },
  ]
}
