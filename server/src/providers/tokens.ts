/**
 * Counting tokens of a text before it is sent: exact for OpenAI's models, whose
 * tables are large and loaded when they are first asked for; an estimate else.
 */
import { estimateTokenCount } from 'tokenx'

export interface TokenCounter {
  readonly exact: boolean
  count(text: string): number
}

const ESTIMATE: TokenCounter = { exact: false, count: estimateTokenCount }
/** Before gpt-4o. */
const OLDER = /^(gpt-3\.5|gpt-4($|-(?!o)))/

export async function tokenCounter(providerId: string, model: string): Promise<TokenCounter> {
  if (providerId !== 'openai') return ESTIMATE
  const { countTokens } = OLDER.test(model)
    ? await import('gpt-tokenizer/encoding/cl100k_base')
    : await import('gpt-tokenizer/encoding/o200k_base')
  // What looks like a special token in a person's text is text.
  return { exact: true, count: (text) => countTokens(text, { disallowedSpecial: new Set() }) }
}
