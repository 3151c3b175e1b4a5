/**
 * The most that a slot can use, estimated when the run is planned: limits and
 * budgets set so much aside, and get back what was not used.  A lane sets aside
 * the same for each of its tasks, so the longest scenario stands for all: a
 * hundred thousand cost no more than one.
 */
import type { Uses } from '@millrace/engine'
import { estimateTokenCount } from 'tokenx'
import type { Definition } from './definition/definition.ts'
import { nameKey, templateParts } from './definition/placeholders.ts'
import type { ProbeInput } from './input.ts'

/** Tokens that an answer is expected to have at most where the run does not say it. */
export const LONGEST_ANSWER = 1_000
/** Beside its text each message has its role and its bounds. */
const MESSAGE = 4
/** An estimate of a text may be too low by a quarter. */
const SAFETY = 1.25

const tokensOf = (text: string) => Math.ceil(estimateTokenCount(text) * SAFETY) + MESSAGE

type Asked = Pick<ProbeInput, 'definition' | 'maxTurns' | 'maxTokens'>

export function usesOf(input: Asked): Required<Pick<Uses, 'requests' | 'tokens'>> {
  const turns = turnsOf(input)
  const tokens = turns.reduce((sum, { inputTokens, outputTokens }) => sum + inputTokens + outputTokens, 0)
  return { requests: turns.length, tokens }
}

/** The most that each turn of a slot can use. */
export function turnsOf({ definition, maxTurns, maxTokens }: Asked): { inputTokens: number; outputTokens: number }[] {
  const answer = maxTokens ?? LONGEST_ANSWER
  const prompts = [longestPrompt(definition), ...definition.followups.map(({ prompt }) => prompt)].slice(0, maxTurns)
  // Each turn sends all that was said before it once more.
  let said = definition.preamble === undefined ? 0 : tokensOf(definition.preamble)
  return prompts.map((prompt) => {
    const inputTokens = said + tokensOf(prompt)
    said = inputTokens + answer
    return { inputTokens, outputTokens: answer }
  })
}

function longestPrompt({ template, dimensions, decision }: Definition): string {
  const wordings = new Map(
    dimensions.map(({ name, levels }) => [nameKey(name), longest(levels.flatMap(({ options }) => options))]),
  )
  const filled = templateParts(template).map((part) =>
    part.kind === 'text' ? part.text : (wordings.get(nameKey(part.name)) ?? ''),
  )
  return [...filled, '\n\n', decision?.instruction ?? ''].join('')
}

/** By bytes: what takes more of them takes more tokens, in every script. */
function longest(texts: readonly string[]): string {
  return texts.reduce((most, text) => (Buffer.byteLength(text) > Buffer.byteLength(most) ? text : most), '')
}
