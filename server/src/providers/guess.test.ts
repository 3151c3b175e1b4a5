/** What a model without a provider may have meant, and how its tokens are counted. */
import { describe, expect, test } from 'vitest'
import { guessSpec } from './guess.ts'
import { tokenCounter } from './tokens.ts'

describe('a model without a provider', () => {
  test.each([
    ['gpt-5.4', 'openai:gpt-5.4'],
    ['o3', 'openai:o3'],
    ['o4-mini', 'openai:o4-mini'],
    ['claude-opus-5-5', 'anthropic:claude-opus-5-5'],
    ['gemini-3.8-flash', 'google:gemini-3.8-flash'],
    ['gemma-3-27b-it', 'google:gemma-3-27b-it'],
    ['grok-4.6', 'xai:grok-4.6'],
    ['deepseek-v4', 'deepseek:deepseek-v4'],
    ['mistral-medium-3-5', 'mistral:mistral-medium-3-5'],
    ['codestral', 'mistral:codestral'],
    ['ministral-8b', 'mistral:ministral-8b'],
    ['pixtral-large', 'mistral:pixtral-large'],
    ['qwen2.5:7b', 'openai-compatible:qwen2.5:7b'],
    ['gemini:gemini-3', 'google:gemini-3'],
    ['ollama:llama3.2', 'openai-compatible:llama3.2'],
    ['nobody-knows', undefined],
    ['nobody:x', undefined],
    ['o3x', undefined],
    ['', undefined],
  ])('%s may have meant %s', (given, meant) => {
    expect(guessSpec(given)).toBe(meant)
  })
})

describe('tokens', () => {
  test('of OpenAI’s models are counted exactly, also where a text looks like a special token; of others estimated', async () => {
    const exact = await tokenCounter('openai', 'gpt-5.4')
    expect([exact.exact, exact.count('hello world'), exact.count('<|endoftext|>') > 1]).toEqual([true, 2, true])
    const older = await tokenCounter('openai', 'gpt-4-turbo')
    expect([older.exact, older.count('hello world')]).toEqual([true, 2])
    const other = await tokenCounter('anthropic', 'claude-opus-5-5')
    expect(other.exact).toBe(false)
    expect(other.count('hello world')).toBeGreaterThan(0)
  })
})
