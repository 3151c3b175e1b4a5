/** What is answered about definitions, as schemas. */
import { z } from 'zod'
import { definitionWarnings, type Definition } from '../domains/probe/definition/definition.ts'
import { countScenarios } from '../domains/probe/definition/expand.ts'
import { FIELDS, type DefinitionHead, type StoredDefinition } from '../domains/probe/definitions.ts'

export const head = z
  .object({
    id: z.int(),
    name: z.string(),
    tags: z.array(z.string()),
    version: z.int().describe('The newest.'),
    parent: z.object({ id: z.int(), version: z.int(), latest: z.int() }).nullable(),
    createdAt: z.date(),
    createdBy: z.string(),
    updatedAt: z.date(),
    lastAccessedAt: z.date().nullable(),
  })
  .meta({ id: 'DefinitionHead' })

export const content = z
  .object({
    schemaVersion: z.literal(1),
    name: z.string(),
    preamble: z.string().optional(),
    preambleAs: z.enum(['system', 'user']),
    template: z.string(),
    dimensions: z.array(
      z.object({
        name: z.string(),
        levels: z.array(z.object({ score: z.number(), label: z.string(), options: z.array(z.string()) })),
      }),
    ),
    followups: z.array(z.object({ label: z.string(), prompt: z.string() })),
    decision: z
      .object({
        instruction: z.string().optional(),
        labels: z.array(z.object({ code: z.string(), label: z.string() })),
      })
      .optional(),
    tags: z.array(z.string()),
  })
  .meta({ id: 'DefinitionContent' })

export const stored = head
  .extend({
    shown: z.int().describe('Which version this is.'),
    overridden: z
      .array(z.enum(FIELDS))
      .nullable()
      .describe('The fields that a fork has for itself; null without a parent.'),
    hash: z.string(),
    content,
    scenarios: z.string().describe('How many there are; digits, however many.'),
    warnings: z.array(z.string()),
  })
  .meta({ id: 'Definition' })

export const scenario = z.object({
  index: z.int(),
  key: z.string(),
  dimensions: z.record(z.string(), z.object({ score: z.number(), label: z.string(), option: z.string() })),
  prompt: z.string(),
})

export const draft = z
  .object({
    draft: content
      .nullable()
      .describe('In the shape of a definition, valid or not; null where the YAML cannot be read.'),
    problems: z.array(
      z.object({
        path: z.string().describe('`dimensions[0].name`; empty for the whole.'),
        line: z.int().nullable().describe('In the YAML, if that was given.'),
        column: z.int().nullable(),
        message: z.string(),
      }),
    ),
    yaml: z.string().nullable().describe('The draft as a file.'),
    scenarios: z.string().nullable().describe('How many there are; null while it is not valid.'),
    warnings: z.array(z.string()),
    first: z.array(scenario).describe('The first scenarios, with their prompts.'),
  })
  .meta({ id: 'DefinitionDraft' })

export function headOf(one: DefinitionHead): z.output<typeof head> {
  return { ...one, tags: [...one.tags] }
}

export function shown(found: StoredDefinition): z.output<typeof stored> {
  const { shown, overridden, hash } = found
  return {
    ...headOf(found),
    shown,
    hash,
    overridden: overridden === null ? null : [...overridden],
    ...facts(found.content),
  }
}

export function facts(definition: Definition) {
  return {
    content: structuredClone(definition) as unknown as z.output<typeof content>,
    scenarios: countScenarios(definition).toString(),
    warnings: definitionWarnings(definition),
  }
}
