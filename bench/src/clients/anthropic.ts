/** Anthropic's own library. */
import Anthropic from '@anthropic-ai/sdk'
import { SCHEMA, type Client, type Spoken } from '../official-clients.ts'

export function anthropicClient(baseURL: string, apiKey: string, model: string): Client {
  const anthropic = new Anthropic({ baseURL, apiKey, maxRetries: 0 })
  const body = (messages: readonly Spoken[]) => ({
    model,
    max_tokens: 1000,
    system: messages
      .filter(({ role }) => role === 'system')
      .map(({ content }) => content)
      .join('\n'),
    messages: messages.flatMap(({ role, content }) => (role === 'system' ? [] : [{ role, content }])),
  })
  const textOf = (content: readonly Anthropic.ContentBlock[]) =>
    content.map((block) => (block.type === 'text' ? block.text : '')).join('')
  return {
    async ask(messages, settings = {}) {
      const said = await anthropic.messages.create({ ...body(messages), ...settings })
      return {
        text: textOf(said.content),
        served: said.model,
        inputTokens: said.usage.input_tokens,
        outputTokens: said.usage.output_tokens,
      }
    },
    async stream(messages) {
      let pieces = 0
      const stream = anthropic.messages.stream(body(messages)).on('text', () => {
        pieces += 1
      })
      const said = await stream.finalMessage()
      return { text: textOf(said.content), pieces, outputTokens: said.usage.output_tokens }
    },
    async structured(messages) {
      const said = await anthropic.messages.create({
        ...body(messages),
        output_config: { format: { type: 'json_schema', schema: SCHEMA } },
      })
      return textOf(said.content)
    },
    async models() {
      return (await anthropic.models.list()).data.map(({ id }) => id)
    },
    told: (error) =>
      error instanceof Anthropic.APIError
        ? { status: typeof error.status === 'number' ? error.status : undefined, kind: error.constructor.name }
        : { status: undefined, kind: String(error) },
  }
}
