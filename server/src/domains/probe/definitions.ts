/**
 * Definitions that are kept, as versions that never change.  A fork stands on one
 * version of its parent and inherits every field that it does not override; it
 * moves to a newer version of the parent when somebody says so.
 */
import { Refusal, sqlState, toJson, toText, type Engine, type Principal, type Tx } from '@millrace/engine'
import { definitionHash, parseDefinition, type Definition } from './definition/definition.ts'

/** What a fork may override, each for itself. */
export const FIELDS = [
  'name',
  'preamble',
  'preambleAs',
  'template',
  'dimensions',
  'followups',
  'decision',
  'tags',
] as const
export type Field = (typeof FIELDS)[number]

export interface DefinitionHead {
  readonly id: number
  readonly name: string
  readonly tags: readonly string[]
  /** The newest. */
  readonly version: number
  readonly parent: { readonly id: number; readonly version: number; readonly latest: number } | null
  readonly createdAt: Date
  readonly createdBy: string
  readonly updatedAt: Date
  readonly lastAccessedAt: Date | null
}

export interface StoredDefinition extends DefinitionHead {
  /** Which version this is. */
  readonly shown: number
  /** The fields that are its own; null without a parent, where all are. */
  readonly overridden: readonly Field[] | null
  readonly content: Definition
  readonly hash: string
}

export interface DefinitionVersion {
  readonly version: number
  readonly hash: string
  readonly parentVersion: number | null
  readonly createdAt: Date
  readonly createdBy: string
}

/** What is to be otherwise: a field's new value, or null for none. */
export type Change = Readonly<Partial<Record<Field, unknown>>>

const HEAD = `
  select d.id, d.workspace_id as workspace, d.name, d.tags, d.version, d.created_at as "createdAt", d.created_by as "createdBy", d.updated_at as "updatedAt",
         (select max(a.at) from probe.accesses a where a.definition_id = d.id) as "lastAccessedAt",
         case when d.parent_id is not null then json_build_object('id', d.parent_id, 'version', v.parent_version,
           'latest', (select p.version from probe.definitions p where p.id = d.parent_id)) end as parent`

export async function listDefinitions(
  tx: Tx,
  filter: { search?: string; tag?: string; parent?: number; before?: number; limit: number; offset?: number },
): Promise<DefinitionHead[]> {
  const { rows } = await tx.query(
    `${HEAD} from probe.definitions d join probe.definition_versions v on v.definition_id = d.id and v.version = d.version
      where d.deleted_at is null and ($1::text is null or strpos(lower(d.name), lower($1)) > 0)
        and ($2::text is null or $2 = any(d.tags)) and ($3::bigint is null or d.parent_id = $3)
        and ($4::bigint is null or d.id < $4)
      order by d.id desc limit $5 offset $6`,
    [
      filter.search ?? null,
      filter.tag ?? null,
      filter.parent ?? null,
      filter.before ?? null,
      filter.limit,
      filter.offset ?? 0,
    ],
  )
  return rows as unknown as DefinitionHead[]
}

/** A version of it, the newest if none is named. @throws Refusal NO_SUCH_DEFINITION */
export async function definitionOf(
  tx: Tx,
  id: number,
  version?: number,
): Promise<StoredDefinition & { workspace: number }> {
  const { rows } = await tx.query(
    `${HEAD}, v.version as shown, v.own as overridden, v.content, v.hash
       from probe.definitions d join probe.definition_versions v on v.definition_id = d.id and v.version = coalesce($2, d.version)
      where d.id = $1 and d.deleted_at is null`,
    [id, version ?? null],
  )
  const row = rows[0] as unknown as (StoredDefinition & { workspace: number }) | undefined
  if (row === undefined) throw noSuchDefinition(id)
  return { ...row, content: parseDefinition(row.content) }
}

/** The newest versions of several, in the order of the numbers; those that are not there are left out. */
export async function definitionsOf(tx: Tx, ids: readonly number[]): Promise<StoredDefinition[]> {
  const { rows } = await tx.query(
    `${HEAD}, v.version as shown, v.own as overridden, v.content, v.hash
       from probe.definitions d join probe.definition_versions v on v.definition_id = d.id and v.version = d.version
      where d.id = any($1) and d.deleted_at is null order by array_position($1, d.id)`,
    [ids],
  )
  return (rows as unknown as StoredDefinition[]).map((row) => ({ ...row, content: parseDefinition(row.content) }))
}

export async function versionsOf(
  tx: Tx,
  id: number,
  page: { before?: number; limit: number },
): Promise<DefinitionVersion[]> {
  await definitionOf(tx, id)
  const { rows } = await tx.query(
    `select version, hash, parent_version as "parentVersion", created_at as "createdAt", created_by as "createdBy"
       from probe.definition_versions where definition_id = $1 and ($2::integer is null or version < $2)
      order by version desc limit $3`,
    [id, page.before ?? null, page.limit],
  )
  return rows as unknown as DefinitionVersion[]
}

export function createDefinition(
  engine: Engine,
  who: Principal,
  workspace: number,
  content: Definition,
): Promise<number> {
  return engine.as(who, (tx) => define(tx, workspace, content))
}

/** A child that inherits from a version of its parent, the newest if none is named. */
export function forkDefinition(
  engine: Engine,
  who: Principal,
  parent: number,
  { version, set }: { version?: number; set: Change },
): Promise<number> {
  return engine.as(who, async (tx) => {
    const from = await definitionOf(tx, parent, version)
    return await define(tx, from.workspace, changed(from.content, set), {
      id: parent,
      version: from.shown,
      own: FIELDS.filter((field) => Object.hasOwn(set, field)),
    })
  })
}

export interface Edit {
  /** The version that was looked at; another one meanwhile refuses the edit. */
  readonly baseVersion?: number
  readonly set: Change
  /** Fields that are the parent's again. */
  readonly inherit: readonly Field[]
  /** Stand on this version of the parent from now on. */
  readonly parentVersion?: number
}

/** Gives the new version; the same one where nothing would be otherwise. @throws Refusal DEFINITION_CHANGED, INVALID_DEFINITION */
export async function editDefinition(engine: Engine, who: Principal, id: number, edit: Edit): Promise<number> {
  return engine.as(who, async (tx) => {
    const now = await definitionOf(tx, id)
    if (edit.baseVersion !== undefined && edit.baseVersion !== now.version) throw changedMeanwhile(now.version)
    if (now.parent === null && (edit.inherit.length > 0 || edit.parentVersion !== undefined)) {
      throw new Refusal('INVALID_DEFINITION', 'Only a fork inherits; this definition has no parent.')
    }
    const parent =
      now.parent === null ? undefined : await parentAt(tx, now.parent.id, edit.parentVersion ?? now.parent.version)
    const own = FIELDS.filter(
      (field) =>
        (now.overridden?.includes(field) === true && !edit.inherit.includes(field)) || Object.hasOwn(edit.set, field),
    )
    const mine = Object.fromEntries(own.map((field) => [field, now.content[field] ?? null]))
    const content = changed(parent?.content ?? now.content, parent === undefined ? edit.set : { ...mine, ...edit.set })
    const hash = definitionHash(content)
    const same =
      hash === now.hash &&
      (parent === undefined || (parent.version === now.parent?.version && own.join() === now.overridden?.join()))
    if (same) return now.version
    const { rows } = await told(id, () =>
      tx.query<{ version: number }>('select probe.edit($1, $2, $3, $4, $5, $6) as version', [
        id,
        now.version,
        parent?.version ?? null,
        parent === undefined ? null : own,
        toJson(content),
        hash,
      ]),
    )
    return rows[0]?.version ?? now.version
  })
}

/** It is not shown any more; runs and forks that stand on it keep what they have. */
export async function removeDefinition(engine: Engine, who: Principal, id: number): Promise<void> {
  await told(id, () => engine.as(who, (tx) => tx.query('select probe.remove($1)', [id])))
}

/** A deleted parent is still what its forks stand on. */
async function parentAt(tx: Tx, id: number, version: number): Promise<{ version: number; content: Definition }> {
  const { rows } = await tx.query<{ content: unknown }>(
    'select content from probe.definition_versions where definition_id = $1 and version = $2',
    [id, version],
  )
  if (rows[0] === undefined) throw new Refusal('INVALID_DEFINITION', `The parent has no version ${version}.`)
  return { version, content: parseDefinition(rows[0].content) }
}

/** @throws Refusal INVALID_DEFINITION with all that is wrong */
function changed(from: Definition, set: Change): Definition {
  const plain: Record<string, unknown> = { ...from }
  for (const field of FIELDS) {
    if (!Object.hasOwn(set, field)) continue
    if (set[field] === null || set[field] === undefined) delete plain[field]
    else plain[field] = set[field]
  }
  return parseDefinition(plain)
}

async function define(
  tx: Tx,
  workspace: number,
  content: Definition,
  parent?: { id: number; version: number; own: readonly Field[] },
): Promise<number> {
  const { rows } = await told(parent?.id ?? 0, () =>
    tx.query<{ id: number }>('select probe.define($1, $2, $3, $4, $5, $6) as id', [
      workspace,
      parent?.id ?? null,
      parent?.version ?? null,
      parent?.own ?? null,
      toJson({ ...content, name: toText(content.name) }),
      definitionHash(content),
    ]),
  )
  return rows[0]?.id ?? 0
}

async function told<T>(id: number, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } catch (error) {
    const cause = error instanceof Error ? (error.cause ?? error) : error
    if (sqlState(cause) === 'MR006') throw noSuchDefinition(id)
    if (sqlState(cause) === 'MR007') throw changedMeanwhile()
    throw error
  }
}

function noSuchDefinition(id: number): Refusal {
  return new Refusal('NO_SUCH_DEFINITION', `There is no definition ${id}, or not in that version.`)
}

function changedMeanwhile(version?: number): Refusal {
  const now = version === undefined ? '' : ` It is at version ${version} now.`
  return new Refusal('DEFINITION_CHANGED', `Somebody else has changed this definition meanwhile.${now}`, {
    remedy: 'Read it again, and send the change with its version.',
  })
}
