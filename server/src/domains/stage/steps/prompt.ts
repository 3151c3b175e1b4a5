/**
 * What is said to a model: the instructions of a skill as the system's message, and from
 * the first block of material on as the user's.  A skill whose prompt has no such block is
 * the user's message whole, below a line that says which skill this is.
 */
import { Refusal } from '@millrace/engine'
import type { Message } from '../../../providers/provider.ts'
import type { UsableSkill } from '../../../skills/skill.ts'
import { renderPrompt } from '../../../skills/template.ts'
import { stepFailed } from './failures.ts'
import { asMaterial } from './material.ts'

/** Material can begin none: `asMaterial` sees to that. */
const FIRST_BLOCK = /^<data\b/m

type Prompted = Pick<UsableSkill, 'name' | 'description' | 'promptTemplate'>

/** @throws TaskFailed INVALID_TEMPLATE with the names that are missing */
export function messagesOf(skill: Prompted, variables: Readonly<Record<string, unknown>>): Message[] {
  const prompt = filled(skill.promptTemplate, asMaterial(variables))
  const at = prompt.search(FIRST_BLOCK)
  const instructions = at < 0 ? '' : prompt.slice(0, at).trim()
  return instructions === ''
    ? [
        { role: 'system', content: `You perform the skill “${skill.name}”: ${skill.description}` },
        { role: 'user', content: prompt },
      ]
    : [
        { role: 'system', content: instructions },
        { role: 'user', content: prompt.slice(at) },
      ]
}

function filled(template: string, variables: Readonly<Record<string, unknown>>): string {
  try {
    return renderPrompt(template, variables)
  } catch (error) {
    throw error instanceof Refusal
      ? stepFailed('INVALID_TEMPLATE', error.code === 'MISSING_VARIABLE' ? error.causes : [])
      : error
  }
}
