/** Mistral's own library. */
import { Mistral } from '@mistralai/mistralai'
import { MistralError } from '@mistralai/mistralai/models/errors'
import { SCHEMA, type Client, type Spoken } from '../official-clients.ts'

export function mistralClient(serverURL: string, apiKey: string, model: string): Client {
  const mistral = new Mistral({ serverURL, apiKey, retryConfig: { strategy: 'none' } })
  const input = (messages: readonly Spoken[]) => messages.map(({ role, content }) => ({ role, content }))
  const textOf = (content: unknown) => (typeof content === 'string' ? content : '')
  return {
    async ask(messages, settings = {}) {
      const said = await mistral.chat.complete({ model, messages: input(messages), ...settings })
      return {
        text: textOf(said.choices[0]?.message?.content),
        served: said.model,
        inputTokens: said.usage.promptTokens,
        outputTokens: said.usage.completionTokens,
      }
    },
    async stream(messages) {
      let text = ''
      let pieces = 0
      let outputTokens: number | undefined
      for await (const { data } of await mistral.chat.stream({ model, messages: input(messages) })) {
        const delta = textOf(data.choices[0]?.delta.content)
        text += delta
        if (delta !== '') pieces += 1
        outputTokens = data.usage?.completionTokens ?? outputTokens
      }
      return { text, pieces, outputTokens }
    },
    async structured(messages) {
      const said = await mistral.chat.complete({
        model,
        messages: input(messages),
        responseFormat: { type: 'json_schema', jsonSchema: { name: 'rating', schemaDefinition: SCHEMA, strict: true } },
      })
      return textOf(said.choices[0]?.message?.content)
    },
    async models() {
      return ((await mistral.models.list()).data ?? []).map((card) => ('id' in card ? card.id : ''))
    },
    told: (error) =>
      error instanceof MistralError
        ? { status: error.statusCode, kind: error.name }
        : { status: undefined, kind: String(error) },
  }
}
