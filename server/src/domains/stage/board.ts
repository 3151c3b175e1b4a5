/** The board of a workspace: its stages with their cards and what runs on them, and its settings. */
import type { Principal } from '@millrace/engine'
import { z } from 'zod'
import { HEAD, headOf, type CardHead, type CardRow } from './cards.ts'
import { change, type Desk } from './change.ts'

export interface Stage {
  /** What recipes and cards name; it stays. */
  readonly key: string
  readonly name: string
}

export interface Column extends Stage {
  /** Cards that are not archived. */
  readonly count: number
  /** Of them, those with a run that is under way or waits. */
  readonly busy: number
  readonly cards: readonly CardHead[]
}

export interface Board {
  readonly workspace: number
  readonly columns: readonly Column[]
}

/** Makes it if nobody has used it yet. @throws Refusal NOT_ALLOWED */
export async function initialize(engine: Desk, who: Principal, workspace: number): Promise<void> {
  await engine.as(who, (tx) => tx.query('select stage.initialize($1)', [workspace]))
}

/** The first `limit` cards of each stage; two queries, however many there are. */
export async function boardOf(
  engine: Desk,
  who: Principal,
  workspace: number,
  { limit = 50, archived = false }: { limit?: number; archived?: boolean } = {},
): Promise<Board> {
  return engine.as(who, async (tx) => {
    // Who only looks at a board that nobody has used finds it empty.
    await tx.query("select stage.initialize($1) where access.may($1, 'card.change')", [workspace])
    const { rows: stages } = await tx.query<Record<'key' | 'name', string> & Record<'count' | 'busy', number>>(
      `select g.key, g.name, count(c.id) as count, count(c.active_run) as busy
         from stage.stages g
         left join stage.cards c on c.workspace_id = g.workspace_id and c.stage = g.key and ($2 or c.status <> 'archived')
        where g.workspace_id = $1 group by g.key, g.name, g.position order by g.position`,
      [workspace, archived],
    )
    const { rows: cards } = await tx.query<CardRow>(
      `${HEAD} join stage.stages g on g.workspace_id = c.workspace_id and g.key = c.stage
        where c.workspace_id = $1 and c.id = any(array(
          select q.id from stage.stages o cross join lateral (
            select d.id from stage.cards d
             where d.workspace_id = o.workspace_id and d.stage = o.key and ($2 or d.status <> 'archived')
             order by d.position, d.id limit $3) q where o.workspace_id = $1))
        order by c.position, c.id`,
      [workspace, archived, limit],
    )
    const heads = cards.map(headOf)
    return {
      workspace,
      columns: stages.map((stage) => ({ ...stage, cards: heads.filter((card) => card.stage === stage.key) })),
    }
  })
}

export const stageSchema = z.strictObject({
  key: z
    .string()
    .regex(/^[a-z][a-z0-9_-]{0,39}$/, 'small letters, digits, - and _, at most 40')
    .describe('What recipes and cards name; it stays.'),
  name: z
    .string()
    .min(1)
    .max(60)
    .regex(/^[^\p{Cc}]+$/u, 'no control characters'),
})

/**
 * All stages in their order: named anew, added, and removed where no card is.
 * @throws Refusal STAGE_TWICE, STAGE_NOT_EMPTY, STAGE_IS_STOP_STAGE, NOT_ALLOWED
 */
export async function setStages(
  engine: Desk,
  who: Principal,
  workspace: number,
  stages: readonly Stage[],
): Promise<Stage[]> {
  const { rows } = await change(engine, who, (tx) =>
    tx.query<{ key: string; name: string }>('select key, name from stage.set_stages($1, $2)', [
      workspace,
      JSON.stringify(stages),
    ]),
  )
  return rows
}

/** The settings by the names that the API, the file and the seed have for them. */
export const settingsSchema = z.strictObject({
  automationMode: z
    .enum(['manual', 'auto_to_stage', 'auto_all'])
    .describe('manual: nothing begins or moves by itself. auto_to_stage: up to and with automationStopStage.'),
  automationStopStage: z.string().max(40).nullable().describe('The last stage into which automation goes.'),
  workerEnabled: z.boolean().describe('No: no task of a stage run of this workspace is claimed.'),
  workerMaxConcurrency: z
    .int()
    .min(1)
    .max(1_000)
    .describe('Stage runs that are worked on at a time, over all workers.'),
  workerPollIntervalMs: z
    .int()
    .min(100)
    .max(3_600_000)
    .describe(
      'After which workers look for stage runs though nobody rang; the shortest of all workspaces, and of POLL_INTERVAL, counts.',
    ),
  aiExecutionMode: z.enum(['server', 'off']).describe('off: cards move, and nothing is started.'),
  fourEyes: z.boolean().describe('Nobody approves what he has started himself.'),
})
export type BoardSettings = z.output<typeof settingsSchema>
/** What is not named stays. */
export type SettingsChange = { readonly [Name in keyof BoardSettings]?: BoardSettings[Name] | undefined }

const COLUMNS: Readonly<Record<keyof BoardSettings, string>> = {
  automationMode: 'automation_mode',
  automationStopStage: 'automation_stop_stage',
  workerEnabled: 'worker_enabled',
  workerMaxConcurrency: 'worker_max_concurrency',
  workerPollIntervalMs: 'worker_poll_interval_ms',
  aiExecutionMode: 'ai_execution_mode',
  fourEyes: 'four_eyes',
}

export interface StoredSettings extends BoardSettings {
  readonly version: number
  readonly changedBy: string
  readonly changedAt: Date
  /** Of the settings.json that was taken in last. */
  readonly fileDigest: string | null
}

const SETTINGS = `select ${Object.entries(COLUMNS)
  .map(([name, column]) => `${column} as "${name}"`)
  .join(
    ', ',
  )}, version, changed_by as "changedBy", changed_at as "changedAt", file_digest as "fileDigest" from stage.settings`

export async function boardSettings(engine: Desk, who: Principal, workspace: number): Promise<StoredSettings> {
  await initialize(engine, who, workspace)
  const { rows } = await engine.as(who, (tx) => tx.query(`${SETTINGS} where workspace_id = $1`, [workspace]))
  return rows[0] as unknown as StoredSettings
}

/** @throws Refusal SETTINGS_CHANGED, NO_SUCH_STAGE, NO_STOP_STAGE, NOT_ALLOWED */
export async function setSettings(
  engine: Desk,
  who: Principal,
  workspace: number,
  changes: SettingsChange,
  { version, file }: { version?: number; file?: string } = {},
): Promise<StoredSettings> {
  const columns = Object.entries(changes).map(([name, value]) => [COLUMNS[name as keyof BoardSettings], value])
  await change(engine, who, (tx) =>
    tx.query('select stage.set_settings($1, $2, $3, $4)', [
      workspace,
      JSON.stringify(Object.fromEntries(columns)),
      version ?? null,
      file ?? null,
    ]),
  )
  return boardSettings(engine, who, workspace)
}
