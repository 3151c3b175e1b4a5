/** `millrace skills …`: as the person at the keyboard. */
import { readFile, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import { Refusal, type Engine } from '@millrace/engine'
import { openSkillsOf, operator, WORKSPACE, type App } from '../app.ts'
import { readConfig } from '../config.ts'
import { skillInArchive, type ArchivedSkill } from '../skills/archive.ts'
import { lineOf, type Diagnostic } from '../skills/diagnostics.ts'
import { readSkillFolder } from '../skills/folder.ts'
import { importSkill } from '../skills/import.ts'
import { noSuchSkill, type Source, type TrustLevel } from '../skills/skill.ts'
import { listSkills, removeSkill, skillOf, trustSkill, type SkillHead } from '../skills/store.ts'
import { syncSkills } from '../skills/sync.ts'
import { bold, dim, remark, say, table, when } from './screen.ts'
import { withApp } from './session.ts'

const MANY = 1_000

interface Listed {
  readonly q?: string
  readonly source?: Source
  readonly trust?: TrustLevel
  readonly tag?: string
  readonly json?: boolean
}

export function skillsList({ q, json, ...filter }: Listed): Promise<number> {
  return withApp(async ({ engine }) => {
    const search = q === undefined ? {} : { search: q }
    const found = await engine.as(operator, (tx) =>
      listSkills(tx, { ...filter, ...search, workspace: WORKSPACE, limit: MANY }),
    )
    if (json === true) say(JSON.stringify({ skills: found }))
    else if (found.length === 0)
      say('There are no skills. `millrace skills sync` brings those that ship with Millrace.')
    else {
      const state = (one: SkillHead) => [one.pinned ? 'pinned' : '', one.goneAt === null ? '' : 'gone'].join(' ').trim()
      const rows = found.map((one) => [
        one.id,
        one.key,
        one.version,
        one.trustLevel,
        one.cameBy,
        one.warnings,
        state(one),
      ])
      say(table(['id', 'skill', 'version', 'trust', 'came by', 'warnings', ''], rows))
    }
    return 0
  })
}

/** By its number, its key or its name. */
async function skillNamed(engine: Pick<Engine, 'as'>, named: string): Promise<number> {
  if (/^[1-9]\d{0,14}$/.test(named)) return Number(named)
  const found = await engine.as(operator, (tx) => listSkills(tx, { workspace: WORKSPACE, limit: MANY }))
  const mine = found.filter(({ key, name }) => key === named || name === named)
  const [first] = mine
  if (first === undefined) throw noSuchSkill(JSON.stringify(named.slice(0, 80)))
  if (mine.length === 1) return first.id
  throw new Refusal('SEVERAL_SKILLS', `${mine.length} skills are named so.`, {
    causes: mine.map(({ id, cameBy }) => `${id}, which came by ${cameBy}`),
    remedy: 'Name one by its number.',
  })
}

export function skillsShow(named: string, options: { at?: number; json?: boolean }): Promise<number> {
  return withApp(async ({ engine }) => {
    const id = await skillNamed(engine, named)
    const skill = await engine.as(operator, (tx) => skillOf(tx, id, options.at))
    if (options.json === true) {
      say(JSON.stringify(skill))
      return 0
    }
    const shown = skill.versions.find((one) => one.version === skill.shown)
    say(`${bold(skill.name)}  ${skill.description}`)
    say(`  version   ${skill.shown}${skill.label === null ? '' : ` (${skill.label})`}, of ${skill.newest}`)
    say(`  content   ${shown?.digest ?? skill.digest}`)
    say(`  trust     ${shown?.trustLevel ?? skill.trustLevel}`)
    say(
      `  source    ${skill.source}, came by ${skill.cameBy}${skill.goneAt === null ? '' : '; its place no longer has it'}`,
    )
    say(`  takes     ${fields(skill.inputSchema)}`)
    say(`  gives     ${fields(skill.outputSchema)}`)
    for (const { path, size } of skill.files) say(`  file      ${path}, ${size} bytes`)
    for (const { at, by, version, level, note } of skill.trustActs) {
      say(`  ${when(at)}  ${by}: version ${version} is ${level}${note === null ? '' : `. ${note}`}`)
    }
    for (const one of skill.diagnostics) say(`  ${lineOf(one)}`)
    say()
    say(dim('The prompt:'))
    say(skill.promptTemplate)
    return 0
  })
}

function fields(schema: Readonly<Record<string, unknown>> | null): string {
  const properties = schema?.['properties']
  const required = schema?.['required']
  if (typeof properties !== 'object' || properties === null) return 'anything'
  const names = Object.keys(properties).map((name) =>
    Array.isArray(required) && required.includes(name) ? name : `${name}?`,
  )
  return names.join(', ') || 'nothing'
}

export function skillsSync(options: { json?: boolean }): Promise<number> {
  return withApp(async (app) => {
    const report = await syncSkills(app.engine, operator, WORKSPACE, app.skills.place)
    if (options.json === true) {
      say(JSON.stringify(report))
      return 0
    }
    for (const word of ['added', 'updated', 'pinned', 'unchanged'] as const) {
      for (const { key, version, warnings } of report[word]) {
        say(`${word.padEnd(9)}  ${key}, version ${version}${warnings === 0 ? '' : `, ${warnings} warnings`}`)
      }
    }
    for (const { key } of report.gone) say(`gone       ${key}`)
    for (const { key, diagnostics } of report.refused) {
      say(`refused    ${key}`)
      tellAll(diagnostics, '           ')
    }
    if (!report.folderRead) remark(`There is no folder ${app.skills.place.path} here; MILLRACE_SKILLS names another.`)
    return report.refused.length === 0 ? 0 : 1
  })
}

export interface ImportOptions {
  readonly within?: string
  readonly skillsmp?: string
  readonly pin?: boolean
  readonly json?: boolean
}

export function skillsImport(path: string, { within, skillsmp, pin, json }: ImportOptions): Promise<number> {
  return withApp(async (app: App) => {
    const listing = skillsmp === undefined ? undefined : await app.skills.marketplace.fetch(skillsmp)
    const found = await given(path, within)
    const brought = await importSkill(app.engine, operator, WORKSPACE, {
      ...found,
      ...(listing === undefined ? {} : { listing }),
      ...(pin === undefined ? {} : { pin }),
    })
    const skill = await app.engine.as(operator, (tx) => skillOf(tx, brought.skill))
    if (json === true) say(JSON.stringify({ ...brought, digest: skill.digest, trustLevel: skill.trustLevel }))
    else {
      say(`${brought.outcome}: ${skill.name}, skill ${skill.id}, version ${brought.version}, ${skill.trustLevel}`)
      tellAll(brought.diagnostics, '  ')
    }
    return 0
  })
}

/** A folder, or a file that is an archive. */
async function given(path: string, within: string | undefined): Promise<ArchivedSkill> {
  const there = await stat(path).catch((error: unknown) => {
    throw new Refusal('NO_SUCH_FILE', `There is no folder or archive ${path}.`, { cause: error })
  })
  if (!there.isDirectory()) return skillInArchive(await readFile(path), within)
  if (within !== undefined) throw new Refusal('INVALID_REQUEST', '`--within` is for archives; name the folder itself.')
  const { files, content, diagnostics } = await readSkillFolder(path)
  if (content === undefined) throw invalid(diagnostics)
  return { folder: basename(path), files }
}

const invalid = (diagnostics: readonly Diagnostic[]) =>
  new Refusal('INVALID_SKILL', 'The skill cannot be used.', {
    causes: diagnostics.filter((one) => one.severity === 'error').map(lineOf),
  })

export interface VetOptions {
  readonly level: TrustLevel
  readonly note?: string
  readonly at?: number
  readonly digest?: string
}

export function skillsVet(named: string, { at, ...judgement }: VetOptions): Promise<number> {
  return withApp(async ({ engine }) => {
    const id = await skillNamed(engine, named)
    const version = await trustSkill(engine, operator, id, {
      ...judgement,
      ...(at === undefined ? {} : { version: at }),
    })
    const skill = await engine.as(operator, (tx) => skillOf(tx, id, version))
    const digest = skill.versions.find((one) => one.version === version)?.digest ?? ''
    say(`Version ${version} of ${skill.name} is ${judgement.level}: ${digest}`)
    return 0
  })
}

export function skillsRemove(named: string): Promise<number> {
  return withApp(async ({ engine }) => {
    const id = await skillNamed(engine, named)
    await removeSkill(engine, operator, id)
    say(`Skill ${id} is gone; runs that stand on a version of it keep that.`)
    return 0
  })
}

/** Asks the marketplace; no database is needed. */
export async function skillsSearch(q: string, { page, json }: { page: number; json?: boolean }): Promise<number> {
  const { marketplace } = openSkillsOf(readConfig())
  const found = await marketplace.search({ q, page, limit: 20 })
  if (json === true) say(JSON.stringify(found))
  else if (found.items.length === 0) say('SkillsMP finds nothing.')
  else {
    for (const { id, name, author, stars, description, repository } of found.items) {
      say(
        `${bold(name)}  ${dim(id)}${author === null ? '' : `  by ${author}`}${stars === null ? '' : `, ${stars} stars`}`,
      )
      say(`  ${description.replaceAll(/\s+/g, ' ').slice(0, 200)}`)
      if (repository !== null) say(`  ${repository}`)
    }
    say()
    say(dim('Nobody has looked at them. Fetch the folder, then: millrace skills import FOLDER --skillsmp ID'))
  }
  return 0
}

/** Reads a folder and says what is wrong; no database is needed. */
export async function skillsCheck(folder: string, options: { json?: boolean }): Promise<number> {
  const { content, diagnostics } = await readSkillFolder(folder)
  if (options.json === true) {
    const { promptTemplate: _, templates: __, ...rest } = content ?? { promptTemplate: '', templates: {} }
    say(JSON.stringify({ usable: content !== undefined, diagnostics, skill: content === undefined ? null : rest }))
    return content === undefined ? 1 : 0
  }
  tellAll(diagnostics, '')
  if (content === undefined) {
    say('It cannot be used.')
    return 1
  }
  say(`${content.name} can be used: ${content.form}, ${content.files.length} files, ${content.digest}`)
  say(`  takes  ${fields(content.inputSchema)}`)
  say(`  gives  ${fields(content.outputSchema)}`)
  return 0
}

function tellAll(diagnostics: readonly Diagnostic[], indent: string): void {
  for (const one of diagnostics) say(`${indent}${lineOf(one)}`)
}
