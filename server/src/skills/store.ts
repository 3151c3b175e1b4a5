/**
 * Skills of a workspace as they are kept: bringing content in, reading it back, trust,
 * pins and removal.  What is done is done by verbs (skills.sql), which ask who may.
 */
import { Refusal, sqlState, toJson, type Engine, type Principal, type Tx } from '@millrace/engine'
import type { Diagnostic } from './diagnostics.ts'
import type { About } from './front-matter.ts'
import type { JsonSchema } from './io-schema.ts'
import type { Files, SkillContent, SkillFile } from './read-skill.ts'
import { noSuchSkill, type Source, type TrustLevel } from './skill.ts'

export const WAYS = ['product', 'folder', 'import', 'create'] as const
/** Who brought a skill: Millrace itself, the configured folder, a file, a form. */
export type Way = (typeof WAYS)[number]
export const OUTCOMES = ['added', 'updated', 'unchanged', 'pinned'] as const
/** `pinned`: the content was kept as a version, and is not used. */
export type Outcome = (typeof OUTCOMES)[number]

export interface Brought {
  readonly skill: number
  /** The version that is used now. */
  readonly version: number
  readonly outcome: Outcome
}

export interface SkillToPut {
  readonly source: Source
  readonly cameBy: Way
  readonly key: string
  readonly content: SkillContent
  readonly files: Files
  /** Of new content, where it follows nothing: community if left out. */
  readonly level?: Exclude<TrustLevel, 'vetted'>
  readonly remote?: Readonly<Record<string, unknown>>
  readonly pin?: boolean
  /** It is what Millrace ships, byte for byte. */
  readonly vouched?: boolean
}

/** In a transaction of somebody who may write skills there. */
export async function putSkill(tx: Tx, workspace: number, skill: SkillToPut): Promise<Brought> {
  const { files, diagnostics, ...content } = skill.content
  const given = new Map([...skill.files].map(([path, bytes]) => [path.normalize('NFC'), bytes]))
  const { rows } = await tx.query<{ skill: number; version: number; outcome: Outcome }>(
    'select skill, used as version, outcome from skills.put($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)',
    [
      workspace,
      skill.source,
      skill.cameBy,
      skill.key,
      toJson({ ...content, diagnostics }),
      toJson(files.map((file) => ({ ...file, bytes: (given.get(file.path) ?? Buffer.alloc(0)).toString('base64') }))),
      skill.remote === undefined ? null : toJson(skill.remote),
      skill.level ?? null,
      skill.pin ?? null,
      skill.vouched ?? false,
    ],
  )
  const [row] = rows
  if (row === undefined) throw new Error('the verb gave nothing')
  return row
}

export interface SkillHead {
  readonly id: number
  readonly workspaceId: number
  readonly source: Source
  readonly cameBy: Way
  readonly key: string
  readonly name: string
  readonly description: string
  /** The version that is used. */
  readonly version: number
  readonly newest: number
  readonly label: string | null
  readonly digest: string
  readonly trustLevel: TrustLevel
  readonly pinned: boolean
  readonly tags: readonly string[]
  readonly form: SkillContent['form']
  readonly warnings: number
  readonly remoteMetadata: Readonly<Record<string, unknown>> | null
  readonly createdAt: Date
  readonly updatedAt: Date
  readonly seenAt: Date
  readonly goneAt: Date | null
}

export interface SkillVersion {
  readonly version: number
  readonly digest: string
  readonly label: string | null
  readonly trustLevel: TrustLevel
  readonly createdAt: Date
  readonly createdBy: string
}

export interface TrustAct {
  readonly version: number
  readonly digest: string
  readonly before: TrustLevel | null
  readonly level: TrustLevel
  readonly by: string
  readonly at: Date
  readonly note: string | null
}

export interface StoredSkill extends SkillHead {
  /** Which version is shown below. */
  readonly shown: number
  readonly promptTemplate: string
  readonly templates: Readonly<Record<string, string>>
  readonly inputSchema: JsonSchema | null
  readonly outputSchema: JsonSchema | null
  readonly about: About
  readonly diagnostics: readonly Diagnostic[]
  readonly files: readonly SkillFile[]
  /** The newest first. */
  readonly versions: readonly SkillVersion[]
  readonly trustActs: readonly TrustAct[]
}

const HEAD = `
  select s.id, s.workspace_id as "workspaceId", s.source, s.came_by as "cameBy", s.key, v.name, v.description, s.version,
         (select max(o.version) from skills.versions o where o.skill_id = s.id) as newest, v.label, v.digest,
         v.trust_level as "trustLevel", s.pinned, v.tags, v.form, jsonb_array_length(v.diagnostics) as warnings,
         s.remote_metadata as "remoteMetadata", s.created_at as "createdAt", s.updated_at as "updatedAt",
         s.seen_at as "seenAt", s.gone_at as "goneAt"`

export interface SkillFilter {
  readonly workspace?: number
  /** In names, descriptions, tags and keys. */
  readonly search?: string
  readonly source?: Source
  readonly trust?: TrustLevel
  readonly tag?: string
  readonly before?: number
  readonly limit: number
}

/** The newest first. */
export async function listSkills(tx: Tx, filter: SkillFilter): Promise<SkillHead[]> {
  const { rows } = await tx.query(
    `${HEAD} from skills.skills s join skills.versions v on v.skill_id = s.id and v.version = s.version
      where s.removed_at is null and ($1::bigint is null or s.workspace_id = $1)
        and ($2::text is null or strpos(lower(concat_ws(' ', v.name, v.description, s.key, array_to_string(v.tags, ' '))), lower($2)) > 0)
        and ($3::text is null or s.source = $3) and ($4::text is null or v.trust_level = $4)
        and ($5::text is null or $5 = any(v.tags)) and ($6::bigint is null or s.id < $6)
      order by s.id desc limit $7`,
    [
      filter.workspace ?? null,
      filter.search ?? null,
      filter.source ?? null,
      filter.trust ?? null,
      filter.tag ?? null,
      filter.before ?? null,
      filter.limit,
    ],
  )
  return rows as unknown as SkillHead[]
}

/** A version of it, the one that is used if none is named. @throws Refusal NO_SUCH_SKILL */
export async function skillOf(tx: Tx, id: number, version?: number): Promise<StoredSkill> {
  const { rows } = await tx.query(
    `${HEAD}, v.version as shown, v.prompt_template as "promptTemplate", v.templates, v.input_schema as "inputSchema",
         v.output_schema as "outputSchema", v.about, v.diagnostics
       from skills.skills s join skills.versions v on v.skill_id = s.id and v.version = coalesce($2, s.version)
      where s.id = $1 and s.removed_at is null`,
    [id, version ?? null],
  )
  const [row] = rows as unknown as StoredSkill[]
  if (row === undefined) throw noSuchSkill(id)
  const files = await tx.query(
    'select path, size, digest from skills.files where skill_id = $1 and version = $2 order by path',
    [id, row.shown],
  )
  const versions = await tx.query(
    `select version, digest, label, trust_level as "trustLevel", created_at as "createdAt", created_by as "createdBy"
       from skills.versions where skill_id = $1 order by version desc limit 100`,
    [id],
  )
  const acts = await tx.query(
    'select version, digest, before, level, by, at, note from skills.trust_acts where skill_id = $1 order by id desc limit 100',
    [id],
  )
  return {
    ...row,
    files: files.rows as unknown as SkillFile[],
    versions: versions.rows as unknown as SkillVersion[],
    trustActs: acts.rows as unknown as TrustAct[],
  }
}

export interface SkillFileText extends SkillFile {
  /** Null where it is no text. */
  readonly text: string | null
}

/** @throws Refusal NO_SUCH_SKILL */
export async function fileOf(tx: Tx, id: number, path: string, version?: number): Promise<SkillFileText> {
  const { rows } = await tx.query<{ path: string; size: number; digest: string; bytes: Buffer }>(
    `select f.path, f.size, f.digest, f.bytes from skills.skills s
       join skills.files f on f.skill_id = s.id and f.version = coalesce($2, s.version) and f.path = $3
      where s.id = $1 and s.removed_at is null`,
    [id, version ?? null, path],
  )
  if (rows[0] === undefined) throw noSuchSkill(id)
  const { bytes, ...file } = rows[0]
  const text = bytes.toString('utf8')
  return { ...file, text: text.includes('\0') || !Buffer.from(text).equals(bytes) ? null : text }
}

export interface Judgement {
  readonly level: TrustLevel
  readonly note?: string
  /** The one that is used if left out. */
  readonly version?: number
  /** Of the content that was looked at; other content is refused. */
  readonly digest?: string
}

/** Gives the version. @throws Refusal NO_SUCH_SKILL, SKILL_CHANGED, NOT_ALLOWED */
export function trustSkill(
  engine: Pick<Engine, 'as'>,
  who: Principal,
  id: number,
  judgement: Judgement,
): Promise<number> {
  const { level, note, version, digest } = judgement
  return refusing(id, () =>
    engine.as(who, async (tx) => {
      const { rows } = await tx.query<{ version: number }>('select skills.trust($1, $2, $3, $4, $5) as version', [
        id,
        version ?? null,
        digest ?? null,
        level,
        note ?? null,
      ])
      return rows[0]?.version ?? 0
    }),
  )
}

/** @throws Refusal NO_SUCH_SKILL, NOT_ALLOWED */
export async function pinSkill(engine: Pick<Engine, 'as'>, who: Principal, id: number, pinned: boolean): Promise<void> {
  await refusing(id, () => engine.as(who, (tx) => tx.query('select skills.pin($1, $2)', [id, pinned])))
}

/** @throws Refusal NO_SUCH_SKILL, SKILL_IN_USE, NOT_ALLOWED */
export async function removeSkill(engine: Pick<Engine, 'as'>, who: Principal, id: number): Promise<void> {
  await refusing(id, () => engine.as(who, (tx) => tx.query('select skills.remove($1)', [id])))
}

async function refusing<T>(id: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error
    const state = sqlState(cause)
    const detail =
      typeof cause === 'object' && cause !== null && 'detail' in cause && typeof cause.detail === 'string'
        ? cause.detail
        : ''
    if (state === 'MR030') throw noSuchSkill(id)
    if (state === 'MR031') {
      throw new Refusal('SKILL_CHANGED', 'This skill has other content now than what was looked at.', {
        remedy: 'Look at it again, and send the digest that it has now.',
      })
    }
    if (state === 'MR032') {
      throw new Refusal('SKILL_IN_USE', 'Something stands on this skill.', {
        causes: detail === '' ? [] : detail.split('\n'),
        remedy: 'Take it out there first.',
      })
    }
    throw error
  }
}
