/** What a person may have meant by a model without a provider, or by another name of one.  A help only: nobody is asked by a guess. */

const BY_NAME: readonly (readonly [RegExp, string])[] = [
  [/^(gpt-|chatgpt-|o[134](-|$))/i, 'openai'],
  [/^claude/i, 'anthropic'],
  [/^(gemini|gemma)/i, 'google'],
  [/^grok/i, 'xai'],
  [/^deepseek/i, 'deepseek'],
  [/^(mistral|ministral|magistral|codestral|devstral|pixtral|voxtral|open-mi)/i, 'mistral'],
  [/^(llama|qwen|phi|yi-|command-r|olmo|smollm)/i, 'openai-compatible'],
]

/** Other names of the providers. */
const BY_PROVIDER: Readonly<Record<string, string>> = {
  gpt: 'openai',
  chatgpt: 'openai',
  claude: 'anthropic',
  gemini: 'google',
  vertex: 'google',
  grok: 'xai',
  'x-ai': 'xai',
  mistralai: 'mistral',
  ollama: 'openai-compatible',
  vllm: 'openai-compatible',
  lmstudio: 'openai-compatible',
  openrouter: 'openai-compatible',
}

/** `provider:model` for a spec whose provider is missing or called otherwise; undefined: no idea. */
export function guessSpec(spec: string): string | undefined {
  const named = /^([^:/]+):(.+)$/.exec(spec)
  const other = named === null ? undefined : BY_PROVIDER[(named[1] ?? '').toLowerCase()]
  if (other !== undefined) return `${other}:${named?.[2] ?? ''}`
  // `qwen2.5:7b` is how Ollama names one; `x:y` of an unknown x says nothing.
  const provider = BY_NAME.find(([name]) => name.test(spec))?.[1]
  return provider === undefined || (named !== null && provider !== 'openai-compatible')
    ? undefined
    : `${provider}:${spec}`
}
