/** The shapes of skills at the HTTP door. */
import { z } from 'zod'
import type { Diagnostic } from '../skills/diagnostics.ts'
import { SOURCES, TRUST_LEVELS } from '../skills/skill.ts'
import type { SkillHead, StoredSkill } from '../skills/store.ts'
import { OUTCOMES, WAYS } from '../skills/store.ts'
import type { SyncReport } from '../skills/sync.ts'

const schema = z.record(z.string(), z.unknown()).describe('JSON Schema.')
export const trustLevel = z.enum(TRUST_LEVELS)

const diagnostic = z
  .object({
    severity: z.enum(['error', 'warning']),
    code: z.string(),
    file: z.string(),
    line: z.int().nullable(),
    message: z.string(),
  })
  .meta({ id: 'SkillDiagnostic' })

export const skillHead = z
  .object({
    id: z.int(),
    workspaceId: z.int(),
    source: z.enum(SOURCES),
    cameBy: z.enum(WAYS).describe('product: it ships with Millrace.'),
    key: z.string(),
    name: z.string(),
    description: z.string(),
    version: z.int().describe('The version that is used where none is named.'),
    newest: z.int(),
    label: z.string().nullable().describe('The author’s word for the version.'),
    digest: z.string().describe('Of all files of the version.'),
    trustLevel: trustLevel.describe('Of that content.'),
    pinned: z.boolean(),
    tags: z.array(z.string()),
    form: z.enum(['headings', 'agentskills', 'hybrid']),
    warnings: z.int(),
    entrypoint: z.string().nullable().describe('Of a local skill, below the folder of skills.'),
    remoteMetadata: z
      .record(z.string(), z.unknown())
      .nullable()
      .describe('What a marketplace said; nobody checked it.'),
    createdAt: z.date(),
    updatedAt: z.date(),
    seenAt: z.date(),
    goneAt: z.date().nullable().describe('Since when its place no longer has it.'),
  })
  .meta({ id: 'Skill' })

export const listing = z
  .object({
    id: z.string().describe('Give it as `skillsmpId` with the files.'),
    source: z.literal('skillsmp'),
    name: z.string(),
    description: z.string(),
    author: z.string().nullable(),
    url: z.string().nullable(),
    repository: z.string().nullable().describe('Where its files lie.'),
    stars: z.number().nullable(),
    updatedAt: z.string().nullable(),
  })
  .meta({ id: 'SkillListing', description: 'What a marketplace says of a skill; it has none of its content.' })

const version = z.object({
  version: z.int(),
  digest: z.string(),
  label: z.string().nullable(),
  trustLevel,
  createdAt: z.date(),
  createdBy: z.string(),
})

const trustAct = z.object({
  version: z.int(),
  digest: z.string(),
  before: trustLevel.nullable(),
  level: trustLevel,
  by: z.string(),
  at: z.date(),
  note: z.string().nullable(),
})

export const storedSkill = skillHead
  .extend({
    shown: z.int().describe('Which version the fields below are of.'),
    promptTemplate: z.string(),
    templates: z.record(z.string(), z.string()),
    inputSchema: schema.nullable(),
    outputSchema: schema.nullable(),
    about: z.object({
      license: z.string().optional(),
      compatibility: z.string().optional(),
      metadata: z.record(z.string(), z.string()).optional(),
      allowedTools: z.string().optional(),
    }),
    diagnostics: z.array(diagnostic),
    files: z.array(z.object({ path: z.string(), size: z.int(), digest: z.string() })),
    versions: z.array(version).describe('The newest first, at most 100.'),
    trustActs: z.array(trustAct).describe('The newest first, at most 100.'),
  })
  .meta({ id: 'StoredSkill' })

const synced = z.object({
  id: z.int(),
  key: z.string(),
  cameBy: z.enum(WAYS),
  version: z.int(),
  warnings: z.int(),
})

export const syncReport = z
  .object({
    added: z.array(synced),
    updated: z.array(synced),
    unchanged: z.array(synced),
    pinned: z.array(synced).describe('Their new content is kept, and not used.'),
    gone: z.array(z.object({ id: z.int(), key: z.string() })),
    refused: z.array(z.object({ key: z.string(), cameBy: z.enum(WAYS), diagnostics: z.array(diagnostic) })),
    folderRead: z.boolean().describe('False: there is no folder of skills.'),
  })
  .meta({ id: 'SkillSync' })

export const brought = z
  .object({ skill: skillHead, outcome: z.enum(OUTCOMES), diagnostics: z.array(diagnostic) })
  .meta({ id: 'BroughtSkill' })

export function headOf(head: SkillHead): z.output<typeof skillHead> {
  const { cameBy, key, tags, remoteMetadata, ...rest } = head
  const entrypoint = cameBy === 'folder' ? `${key}/SKILL.md` : null
  return {
    ...rest,
    cameBy,
    key,
    tags: [...tags],
    remoteMetadata: remoteMetadata === null ? null : { ...remoteMetadata },
    entrypoint,
  }
}

export function shownSkill(skill: StoredSkill): z.output<typeof storedSkill> {
  const {
    shown,
    promptTemplate,
    templates,
    inputSchema,
    outputSchema,
    about,
    diagnostics,
    files,
    versions,
    trustActs,
  } = skill
  const { license, compatibility, metadata, allowedTools } = about
  return {
    ...headOf(skill),
    shown,
    promptTemplate,
    templates: { ...templates },
    inputSchema: inputSchema === null ? null : { ...inputSchema },
    outputSchema: outputSchema === null ? null : { ...outputSchema },
    about: {
      ...(license === undefined ? {} : { license }),
      ...(compatibility === undefined ? {} : { compatibility }),
      ...(metadata === undefined ? {} : { metadata: { ...metadata } }),
      ...(allowedTools === undefined ? {} : { allowedTools }),
    },
    diagnostics: diagnosticsOf(diagnostics),
    files: [...files],
    versions: [...versions],
    trustActs: [...trustActs],
  }
}

export const diagnosticsOf = (all: readonly Diagnostic[]): z.output<typeof diagnostic>[] => [...all]

export function reportOf(report: SyncReport): z.output<typeof syncReport> {
  return {
    added: [...report.added],
    updated: [...report.updated],
    unchanged: [...report.unchanged],
    pinned: [...report.pinned],
    gone: [...report.gone],
    refused: report.refused.map((one) => ({ ...one, diagnostics: diagnosticsOf(one.diagnostics) })),
    folderRead: report.folderRead,
  }
}
