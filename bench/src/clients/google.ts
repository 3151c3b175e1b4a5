/** Google's own library, with the Gemini API. */
import { ApiError, GoogleGenAI } from '@google/genai'
import { SCHEMA, type Client, type Spoken } from '../official-clients.ts'

export function googleClient(baseUrl: string, apiKey: string, model: string): Client {
  const google = new GoogleGenAI({ apiKey, httpOptions: { baseUrl } })
  const parts = (messages: readonly Spoken[]) => ({
    model,
    contents: messages
      .filter(({ role }) => role !== 'system')
      .map(({ role, content }) => ({ role: role === 'assistant' ? 'model' : 'user', parts: [{ text: content }] })),
  })
  const systemOf = (messages: readonly Spoken[]) => {
    const system = messages.find(({ role }) => role === 'system')?.content
    return system === undefined ? {} : { systemInstruction: system }
  }
  return {
    async ask(messages, settings = {}) {
      const said = await google.models.generateContent({
        ...parts(messages),
        config: { ...systemOf(messages), ...settings },
      })
      return {
        text: said.text ?? '',
        served: said.modelVersion,
        inputTokens: said.usageMetadata?.promptTokenCount,
        outputTokens: said.usageMetadata?.candidatesTokenCount,
      }
    },
    async stream(messages) {
      let text = ''
      let pieces = 0
      let outputTokens: number | undefined
      for await (const chunk of await google.models.generateContentStream(parts(messages))) {
        text += chunk.text ?? ''
        pieces += 1
        outputTokens = chunk.usageMetadata?.candidatesTokenCount
      }
      return { text, pieces, outputTokens }
    },
    async structured(messages) {
      const said = await google.models.generateContent({
        ...parts(messages),
        config: { responseMimeType: 'application/json', responseJsonSchema: SCHEMA },
      })
      return said.text ?? ''
    },
    async models() {
      const names: string[] = []
      for await (const { name } of await google.models.list()) names.push(name?.replace(/^models\//, '') ?? '')
      return names
    },
    told: (error) =>
      error instanceof ApiError
        ? { status: error.status, kind: error.name }
        : { status: undefined, kind: String(error) },
  }
}
