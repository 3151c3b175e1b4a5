/**
 * The door for whoever runs skills: one skill at one version, as it was read, and
 * what is thought of that content.  What is given here belongs into a run's snapshot.
 */
import { Refusal, type Tx } from '@millrace/engine'
import type { JsonSchema } from './io-schema.ts'

export const TRUST_LEVELS = ['vetted', 'community', 'experimental'] as const
export type TrustLevel = (typeof TRUST_LEVELS)[number]
export const SOURCES = ['local', 'skillsmp'] as const
export type Source = (typeof SOURCES)[number]

export interface UsableSkill {
  readonly id: number
  readonly key: string
  readonly name: string
  readonly description: string
  readonly source: Source
  readonly version: number
  /** Of all files of that version: `sha256:…`. */
  readonly digest: string
  /** Of that content, not of the name. */
  readonly trust: TrustLevel
  /** For `renderPrompt`. */
  readonly promptTemplate: string
  /** By path below the skill, such as `templates/prd.md`; for `renderPrompt` with the outputs. */
  readonly templates: Readonly<Record<string, string>>
  readonly inputSchema: JsonSchema | null
  readonly outputSchema: JsonSchema | null
  /** Its place no longer has it. */
  readonly gone: boolean
}

const USABLE = `
  select s.id, s.key, v.name, v.description, s.source, v.version, v.digest, v.trust_level as trust,
         v.prompt_template as "promptTemplate", v.templates, v.input_schema as "inputSchema",
         v.output_schema as "outputSchema", s.gone_at is not null as gone
    from skills.skills s join skills.versions v on v.skill_id = s.id`

/**
 * The version that is named, or the one that is used now.  A version that is named
 * is there also when the skill was removed: a run stands on it.
 * @returns undefined where the workspace has no such skill
 */
export async function skillFor(
  tx: Tx,
  workspace: number,
  skill: number,
  version?: number,
): Promise<UsableSkill | undefined> {
  const { rows } = await tx.query(
    `${USABLE} where s.workspace_id = $1 and s.id = $2 and v.version = coalesce($3, s.version)
       and ($3::integer is not null or s.removed_at is null)`,
    [workspace, skill, version ?? null],
  )
  return rows[0] as unknown as UsableSkill | undefined
}

/** Those whose content is vetted and whose place has them, by name. */
export async function vettedSkills(tx: Tx, workspace: number): Promise<UsableSkill[]> {
  const { rows } = await tx.query(
    `${USABLE} and v.version = s.version where s.workspace_id = $1 and v.trust_level = 'vetted'
        and s.removed_at is null and s.gone_at is null order by v.name, s.id limit 500`,
    [workspace],
  )
  return rows as unknown as UsableSkill[]
}

/** One that Millrace ships, by the name of its folder. */
export async function productSkill(tx: Tx, workspace: number, key: string): Promise<UsableSkill | undefined> {
  const { rows } = await tx.query(
    `${USABLE} and v.version = s.version where s.workspace_id = $1 and s.came_by = 'product' and s.key = $2 and s.removed_at is null`,
    [workspace, key],
  )
  return rows[0] as unknown as UsableSkill | undefined
}

/** What is thought of a version now, or of the one that is used. @throws Refusal NO_SUCH_SKILL */
export async function trustOf(tx: Tx, workspace: number, skill: number, version?: number): Promise<TrustLevel> {
  const { rows } = await tx.query<{ trust: TrustLevel }>(
    `select v.trust_level as trust from skills.skills s
       join skills.versions v on v.skill_id = s.id and v.version = coalesce($3, s.version)
      where s.workspace_id = $1 and s.id = $2`,
    [workspace, skill, version ?? null],
  )
  if (rows[0] === undefined) throw noSuchSkill(skill)
  return rows[0].trust
}

export function noSuchSkill(skill: number | string): Refusal {
  return new Refusal('NO_SUCH_SKILL', `There is no skill ${skill} here, or not in that version.`, {
    remedy: '`millrace skills list` shows those that there are.',
  })
}
