/** Skills that a person brings: from a folder, from an archive, or written in a form. */
import { Refusal, type Engine, type Principal } from '@millrace/engine'
import { stringify } from 'yaml'
import { lineOf, type Diagnostic } from './diagnostics.ts'
import type { JsonSchema } from './io-schema.ts'
import type { Listing } from './marketplace.ts'
import { readSkill, type Files, type SkillContent } from './read-skill.ts'
import { putSkill, type Brought } from './store.ts'

export interface Imported extends Brought {
  readonly diagnostics: readonly Diagnostic[]
}

export interface GivenSkill {
  readonly folder: string
  readonly files: Files
  /** Where it was found, if a marketplace named it. */
  readonly listing?: Listing
  /** It stays at this version, whatever is imported later. */
  readonly pin?: boolean
}

/**
 * It is community, whatever it says of itself; the same once more is no second skill.
 * @throws Refusal INVALID_SKILL with a line for each error, NOT_ALLOWED
 */
export async function importSkill(
  engine: Pick<Engine, 'as'>,
  who: Principal,
  workspace: number,
  { folder, files, listing, pin }: GivenSkill,
): Promise<Imported> {
  const content = usable(files, folder)
  const remote =
    listing === undefined
      ? undefined
      : {
          skillsmpId: listing.id,
          author: listing.author,
          url: listing.url,
          repository: listing.repository,
          stars: listing.stars,
          updatedAt: listing.updatedAt,
          pinnedVersion: pin === true ? content.digest : null,
        }
  const brought = await engine.as(who, (tx) =>
    putSkill(tx, workspace, {
      source: listing === undefined ? 'local' : 'skillsmp',
      cameBy: 'import',
      key: listing === undefined ? content.name : `skillsmp:${listing.id}`,
      content,
      files,
      ...(remote === undefined ? {} : { remote }),
      ...(pin === undefined ? {} : { pin }),
    }),
  )
  return { ...brought, diagnostics: content.diagnostics }
}

export interface WrittenSkill {
  readonly name: string
  readonly description: string
  readonly promptTemplate: string
  readonly inputSchema?: JsonSchema | undefined
  readonly outputSchema?: JsonSchema | undefined
  readonly tags?: readonly string[] | undefined
  /** The author's word for it. */
  readonly version?: string | undefined
}

/**
 * It begins as experimental.
 * @throws Refusal INVALID_SKILL, SKILL_EXISTS, NOT_ALLOWED
 */
export async function createSkill(
  engine: Pick<Engine, 'as'>,
  who: Principal,
  workspace: number,
  written: WrittenSkill,
): Promise<Imported> {
  const files = filesOf(written)
  const content = usable(files, '')
  return engine.as(who, async (tx) => {
    await tx.query('select skills.take($1)', [workspace])
    const { rows } = await tx.query(
      `select from skills.skills where workspace_id = $1 and came_by = 'create' and key = $2 and removed_at is null`,
      [workspace, content.name],
    )
    if (rows.length > 0) {
      throw new Refusal('SKILL_EXISTS', 'There is a skill of that name here.', {
        remedy: 'Choose another name, or remove that one.',
      })
    }
    const skill = {
      source: 'local',
      cameBy: 'create',
      key: content.name,
      content,
      files,
      level: 'experimental',
    } as const
    return { ...(await putSkill(tx, workspace, skill)), diagnostics: content.diagnostics }
  })
}

/** As somebody would write it into a folder. */
function filesOf({ name, description, promptTemplate, inputSchema, outputSchema, tags, version }: WrittenSkill): Files {
  const metadata = {
    ...(version === undefined ? {} : { version }),
    ...(tags === undefined || tags.length === 0 ? {} : { tags: tags.join(', ') }),
  }
  const front = { name, description, ...(Object.keys(metadata).length === 0 ? {} : { metadata }) }
  const texts: [string, string][] = [
    [
      'SKILL.md',
      `---\n${stringify(front, { defaultStringType: 'QUOTE_DOUBLE', defaultKeyType: 'PLAIN', lineWidth: 0 })}---\n`,
    ],
    ['prompt.txt', promptTemplate],
    ...(inputSchema === undefined
      ? []
      : [['input.schema.json', JSON.stringify(inputSchema, undefined, 2)] as [string, string]]),
    ...(outputSchema === undefined
      ? []
      : [['output.schema.json', JSON.stringify(outputSchema, undefined, 2)] as [string, string]]),
  ]
  return new Map(texts.map(([path, text]) => [path, Buffer.from(text)]))
}

/** @throws Refusal INVALID_SKILL */
function usable(files: Files, folder: string): SkillContent {
  const { content, diagnostics } = readSkill(files, folder)
  if (content !== undefined) return content
  throw new Refusal('INVALID_SKILL', 'The skill cannot be used.', {
    causes: diagnostics.filter((one) => one.severity === 'error').map(lineOf),
  })
}
