/** The stage of the tests of access: rows in every table, two workspaces, everybody who may come, and a way to try things. */
import pg from 'pg'
import { openApi } from '../src/access.ts'
import { apiSettings, sqlState, workerSettings } from '../src/database.ts'
import type { Principal } from '../src/index.ts'
import { freshDatabase, member, type TestDatabase } from '../testing/index.ts'
import { addWorkspace, startRun, tasksOf, workerByHand } from './by-hand.ts'

/** Who comes, on which login, and whether he sees the rows of workspace 1. */
export interface Comer {
  readonly name: string
  readonly login: 'api' | 'worker'
  readonly claims: Principal | undefined
  readonly sees: boolean
  readonly starts: boolean
}

export interface AccessStage {
  readonly db: TestDatabase
  readonly api: pg.Client
  readonly worker: pg.Client
  /** A workspace beside the workspace 1. */
  readonly foreign: number
  /** A run of the workspace 1 that has rows in every table. */
  readonly run: number
  comers(): Comer[]
  clientOf(comer: Comer): pg.Client
  close(): Promise<void>
}

export async function openAccessStage(): Promise<AccessStage> {
  const db = await freshDatabase()
  const foreign = await addWorkspace(db, 'foreign')
  const home = await workerByHand(db, { workspace: 1 })
  const stranger = await workerByHand(db, { workspace: foreign })
  const anybody = await workerByHand(db, {})
  const run = await startRun(db, tasksOf(3))
  await startRun(db, tasksOf(1), { workspace: foreign })
  const keyed = openApi(db.api, 1)
  await keyed.as(member(), (tx) =>
    tx.query(
      `select engine.start(1, 'keyed', '{}', '[{"kind": "none"}]', false, 5::smallint, null, null, 'a key', '\\x01', 1000000)`,
    ),
  )
  await keyed.as(OPERATOR, (tx) => tx.query("select engine.limit_key('limited', 5, null, null)"))
  const held = await home.claim(3)
  await startRun(db, [{ kind: 'work', input: {}, key: 'limited' }], { workspace: 1, kind: 'old' })
  const [limited] = await home.claim(1)
  await home.client.query(
    `select engine.note($1, $2, $3, array['call', 'call', 'call'], array['intent', 'intent', 'intent'],
    array['\\x01', '\\x01', '\\x01']::bytea[], array[null, null, null]::jsonb[], array[0, 0, 0], array[0, 0, 0])`,
    [held.map((one) => one.run), held.map((one) => one.n), held.map((one) => one.attempt)],
  )
  const [first, second] = held
  if (first === undefined || limited === undefined) throw new Error('nothing was claimed')
  await home.client.query(
    `with begun as materialized (select engine.begin_blob(1) as id),
          added as materialized (select id, engine.add_chunk(id, 0, '\\x01') from begun)
     select engine.attach(array[$1::bigint], array[$2::integer], array[$3::integer], array['name'], array['text/plain'],
                          array[engine.end_blob(id, '\\x02', 1)]) from added`,
    [first.run, first.n, first.attempt],
  )
  await home.close({ held: limited, outcome: 'succeeded', body: {} })
  await keyed.as(OPERATOR, (tx) => tx.query("select engine.prune('infinity', null, 'old')"))
  await startRun(db, [{ kind: 'work', input: {}, key: 'limited' }], { workspace: 1 })
  await home.claim(1)
  await keyed.close()
  await home.close({ held: first, outcome: 'succeeded', body: { kept: true } })
  if (second !== undefined) await home.close({ held: second, outcome: 'failed', body: { code: 'X' } })
  const api = await connect(apiSettings(db.api))
  const worker = await connect(workerSettings(db.worker))
  await Promise.all([home.end(), stranger.end(), anybody.end()])
  return {
    db,
    api,
    worker,
    foreign,
    run,
    comers: () => comersOf(foreign),
    clientOf: (comer) => (comer.login === 'api' ? api : worker),
    async close() {
      await Promise.all([api.end(), worker.end()])
      await db.drop()
    },
  }
}

const OPERATOR: Principal = { sub: 'operator', workspaces: {}, operator: true }

const comersOf = (foreign: number): Comer[] => [
  { name: 'an admin', login: 'api', claims: member('admin'), sees: true, starts: true },
  { name: 'a member', login: 'api', claims: member('member'), sees: true, starts: true },
  { name: 'a viewer', login: 'api', claims: member('viewer'), sees: true, starts: false },
  { name: 'an admin of another workspace', login: 'api', claims: member('admin', foreign), sees: false, starts: false },
  {
    name: 'somebody without a workspace',
    login: 'api',
    claims: { sub: 'x', workspaces: {} },
    sees: false,
    starts: false,
  },
  { name: 'the operator', login: 'api', claims: OPERATOR, sees: false, starts: false },
  { name: 'the api’s login by itself', login: 'api', claims: undefined, sees: false, starts: false },
  { name: 'the worker’s login', login: 'worker', claims: undefined, sees: true, starts: false },
  { name: 'the worker’s login with claims', login: 'worker', claims: member('admin'), sees: true, starts: false },
]

async function connect(settings: pg.ClientConfig): Promise<pg.Client> {
  const client = new pg.Client(settings)
  client.on('error', () => {})
  await client.connect()
  return client
}

/** Tries something as somebody, and undoes it; gives the rows or the SQLSTATE. */
export async function tries(client: pg.Client, claims: unknown, text: string, values: unknown[] = []) {
  await client.query('begin')
  try {
    if (claims !== undefined) {
      await client.query("select set_config('request.jwt.claims', $1, true)", [JSON.stringify(claims)])
    }
    const { rows, rowCount } = await client.query<Record<string, unknown>>(text, values)
    return { rows, count: rowCount ?? 0, state: undefined }
  } catch (error) {
    return { rows: [], count: 0, state: sqlState(error) ?? String(error) }
  } finally {
    await client.query('rollback')
  }
}
