/** `millrace models`: what can be asked. */
import { openCatalogue } from '../app.ts'
import { readConfig } from '../config.ts'
import { say, table } from './screen.ts'

export async function models(options: { json?: boolean }): Promise<number> {
  const config = readConfig()
  const known = openCatalogue(config).list()
  if (options.json === true) {
    say(JSON.stringify(known))
    return 0
  }
  say(
    table(
      ['model', ''],
      known.map(({ spec, description }) => [spec, description]),
    ),
  )
  if (config.compatibleUrl === undefined) {
    say()
    say('OPENAI_COMPATIBLE_URL adds the models of any OpenAI-compatible server (Ollama, vLLM, LM Studio, OpenRouter).')
  }
  return 0
}
