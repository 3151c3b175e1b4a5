/**
 * Prompts: the vetted skills of the catalogue with what they take as arguments, and tools
 * of the registry that give a prompt.  What nobody vetted is not offered: a prompt speaks
 * with the voice of who chose it.
 */
import {
  ProtocolError,
  ProtocolErrorCode,
  type GetPromptResult,
  type InputRequiredResult,
  type Prompt,
} from '@modelcontextprotocol/server'
import { z } from 'zod'
import { allows } from '../access/signed-in.ts'
import { checkerOf } from '../patterns.ts'
import { vettedSkills, type UsableSkill } from '../skills/skill.ts'
import { ALL, renderPrompt } from '../skills/template.ts'
import type { Askable, Questions } from '../tools/questions.ts'
import { issuesOf, type JsonSchema } from '../tools/schemas.ts'
import type { Asking, CallHand } from './asking.ts'
import { performCall, registryTools } from './registry-tools.ts'
import { blocks } from './results.ts'

interface Known {
  readonly shown: Prompt
  readonly input: JsonSchema | null
  /** Undefined: a tool gives it. */
  readonly skill?: UsableSkill
}

async function knownPrompts(asking: Asking): Promise<Known[]> {
  const { house, who, workspace } = asking
  const tools = (await registryTools(asking, 'prompt')).map(({ name, description, input }): Known => {
    const schema = input as JsonSchema
    return { shown: shownAs(name, description ?? name, schema), input: schema }
  })
  if (!allows(who, 'skills:read')) return tools
  const skills = await house.engine.as(who.principal, (tx) => vettedSkills(tx, workspace()))
  const times = new Map<string, number>()
  for (const { name } of skills) times.set(name, (times.get(name) ?? 0) + 1)
  for (const { shown } of tools) times.set(shown.name, 2)
  return [
    ...tools,
    ...skills.map((skill): Known => {
      const { id, name, description, inputSchema } = skill
      // Of several with one name each says its number.
      return {
        shown: shownAs(times.get(name) === 1 ? name : `${name}.${id}`, description, inputSchema),
        input: inputSchema,
        skill,
      }
    }),
  ]
}

function shownAs(name: string, description: string, input: JsonSchema | null): Prompt {
  const required = new Set(Array.isArray(input?.['required']) ? input['required'] : [])
  return {
    name,
    description,
    arguments: Object.entries(fieldsOf(input))
      .map(([field, { description: about }]) => ({
        name: field,
        ...(typeof about === 'string' ? { description: about } : {}),
        required: required.has(field),
      }))
      .toSorted((a, b) => Number(b.required) - Number(a.required)),
  }
}

const fieldsOf = (input: JsonSchema | null) =>
  (input?.['properties'] ?? {}) as Readonly<Record<string, Readonly<Record<string, unknown>>>>

export const listPrompts = async (asking: Asking): Promise<Prompt[]> =>
  (await knownPrompts(asking)).map(({ shown }) => shown)

const message = z.object({ role: z.enum(['user', 'assistant']), content: z.unknown() })
const given = z.object({ messages: z.array(message).min(1), description: z.string().optional() })

/** @throws ProtocolError InvalidParams for what is no prompt, or arguments that do not fit */
export async function getPrompt(
  asking: Asking,
  { name, values, askable }: { name: string; values: Readonly<Record<string, string>>; askable: Askable },
  hand: CallHand,
  ask: (questions: Questions) => Promise<InputRequiredResult>,
): Promise<GetPromptResult | InputRequiredResult> {
  const known = (await knownPrompts(asking)).find(({ shown }) => shown.name === name)
  if (known === undefined)
    throw new ProtocolError(ProtocolErrorCode.InvalidParams, 'There is no prompt of that name here.')
  const { skill, shown } = known
  const input = inputFrom(values, known.input)
  if (skill !== undefined) {
    const text = renderPrompt(skill.promptTemplate, { [ALL]: input, ...input })
    return {
      ...(shown.description === undefined ? {} : { description: shown.description }),
      messages: [{ role: 'user', content: { type: 'text', text } }],
    }
  }
  const ended = await performCall(asking, { name, input, askable }, hand)
  if (ended === undefined || 'error' in ended) {
    const { code, message: said } = ended?.error ?? { code: 'UNAVAILABLE', message: 'Nobody has it now.' }
    throw new ProtocolError(ProtocolErrorCode.InternalError, `${code}: ${said}`)
  }
  if ('questions' in ended) return ask(ended.questions)
  const read = given.safeParse(ended.output)
  const contents = read.success ? blocks.safeParse({ content: read.data.messages.map(({ content }) => content) }) : read
  if (!read.success || !contents.success) {
    throw new ProtocolError(ProtocolErrorCode.InternalError, 'INVALID_OUTPUT: The tool gave no prompt.')
  }
  return read.data as GetPromptResult
}

/** Arguments are texts; what is no text by the schema is read as JSON. @throws ProtocolError InvalidParams */
function inputFrom(values: Readonly<Record<string, string>>, schema: JsonSchema | null): Record<string, unknown> {
  const fields = fieldsOf(schema)
  const input = Object.fromEntries(
    Object.entries(values).map(([field, text]) => {
      const type = Object.hasOwn(fields, field) ? fields[field]?.['type'] : 'string'
      return [field, type === 'string' || type === undefined ? text : asJson(text)]
    }),
  )
  const read = schema === null ? undefined : checkerOf(schema).safeParse(input)
  if (read?.success === false) throw new ProtocolError(ProtocolErrorCode.InvalidParams, issuesOf(read.error.issues))
  return input
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

/** The words that an argument may be, where it may be few. */
export async function completePrompt(asking: Asking, name: string, field: string): Promise<readonly string[]> {
  const known = (await knownPrompts(asking)).find(({ shown }) => shown.name === name)
  const { type, enum: words, anyOf } = fieldsOf(known?.input ?? null)[field] ?? {}
  if (type === 'boolean') return ['true', 'false']
  const choices = Array.isArray(words)
    ? words
    : Array.isArray(anyOf)
      ? anyOf.map((one: { const?: unknown }) => one.const)
      : []
  return choices.filter((word) => word !== undefined && word !== null).map(String)
}
