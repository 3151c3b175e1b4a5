/** OpenAI's own library, with its two ways of asking. */
import OpenAI from 'openai'
import { SCHEMA, type Client, type Spoken } from '../official-clients.ts'

export function openaiResponsesClient(baseURL: string, apiKey: string, model: string): Client {
  const openai = new OpenAI({ baseURL, apiKey, maxRetries: 0 })
  const input = (messages: readonly Spoken[]) => messages.map(({ role, content }) => ({ role, content }))
  return {
    async ask(messages, settings = {}) {
      const said = await openai.responses.create({ model, input: input(messages), ...settings })
      return {
        text: said.output_text,
        served: said.model,
        inputTokens: said.usage?.input_tokens,
        outputTokens: said.usage?.output_tokens,
      }
    },
    async stream(messages) {
      let text = ''
      let pieces = 0
      let outputTokens: number | undefined
      for await (const event of await openai.responses.create({ model, input: input(messages), stream: true })) {
        if (event.type === 'response.output_text.delta') {
          text += event.delta
          pieces += 1
        }
        if (event.type === 'response.completed') outputTokens = event.response.usage?.output_tokens
      }
      return { text, pieces, outputTokens }
    },
    async structured(messages) {
      const said = await openai.responses.create({
        model,
        input: input(messages),
        text: { format: { type: 'json_schema', name: 'rating', schema: SCHEMA, strict: true } },
      })
      return said.output_text
    },
    models: () => modelsOf(openai),
    told,
  }
}

export function openaiChatClient(baseURL: string, apiKey: string, model: string): Client {
  const openai = new OpenAI({ baseURL, apiKey, maxRetries: 0 })
  const input = (messages: readonly Spoken[]) => messages.map(({ role, content }) => ({ role, content }))
  return {
    async ask(messages, settings = {}) {
      const said = await openai.chat.completions.create({ model, messages: input(messages), ...settings })
      return {
        text: said.choices[0]?.message.content ?? '',
        served: said.model,
        inputTokens: said.usage?.prompt_tokens,
        outputTokens: said.usage?.completion_tokens,
      }
    },
    async stream(messages) {
      let text = ''
      let pieces = 0
      let outputTokens: number | undefined
      const stream = await openai.chat.completions.create({
        model,
        messages: input(messages),
        stream: true,
        stream_options: { include_usage: true },
      })
      for await (const chunk of stream) {
        const delta = chunk.choices[0]?.delta.content ?? ''
        text += delta
        if (delta !== '') pieces += 1
        outputTokens = chunk.usage?.completion_tokens ?? outputTokens
      }
      return { text, pieces, outputTokens }
    },
    async structured(messages) {
      const said = await openai.chat.completions.create({
        model,
        messages: input(messages),
        // DeepSeek has JSON, and no schemas.
        response_format: model.startsWith('deepseek')
          ? { type: 'json_object' }
          : { type: 'json_schema', json_schema: { name: 'rating', schema: SCHEMA, strict: true } },
      })
      return said.choices[0]?.message.content ?? ''
    },
    models: () => modelsOf(openai),
    told,
  }
}

async function modelsOf(openai: OpenAI): Promise<string[]> {
  return (await openai.models.list()).data.map(({ id }) => id)
}

function told(error: unknown) {
  return error instanceof OpenAI.APIError
    ? { status: typeof error.status === 'number' ? error.status : undefined, kind: error.constructor.name }
    : { status: undefined, kind: String(error) }
}
