/** Which models a vendor has, by its own free list: the three shapes that such lists come in. */
import type { Failure } from '@millrace/engine'
import { z } from 'zod'
import { failureOf, fromStatus, fromThrown } from './failures.ts'
import { isAnswer, type Reply } from './way-out.ts'

/** `names` is missing where the server does not list its models. */
export interface ModelList {
  readonly failure?: Failure
  readonly names?: ReadonlySet<string>
}

/** Asks for a path after the base URL, with the key. */
type Get = (path: string) => Promise<Reply>

const One = z.object({
  id: z.string().optional(),
  name: z.string().optional(),
  aliases: z.array(z.string()).optional().catch(undefined),
  /** Google lists models of all sorts. */
  supportedGenerationMethods: z.array(z.string()).optional().catch(undefined),
})
const Whole = z
  .union([z.object({ data: z.array(One) }), z.object({ models: z.array(One) })])
  .transform((list) => ('data' in list ? list.data : list.models))

export async function askModels(provider: string, path: string, get: Get): Promise<ModelList> {
  try {
    const { status, headers, body } = await get(path)
    // A server without a list of models is not a wrong one.
    if ([404, 405, 501].includes(status) || !Buffer.isBuffer(body)) return {}
    const text = body.toString('utf8')
    if (!isAnswer(status)) return { failure: fromStatus(status, headers, text, { provider }) }
    const list = Whole.safeParse(JSON.parse(text))
    return list.success ? { names: new Set(list.data.flatMap(namesOf)) } : {}
  } catch (error) {
    return { failure: fromThrown(error) }
  }
}

/** `get` asks for one model by name, where the vendor knows more names than it lists. */
export async function checkAgainst(
  names: ReadonlySet<string>,
  model: string,
  provider: string,
  get?: Get,
): Promise<Failure | null> {
  // Ollama's `latest` may be left out, and so may Google's prefix.
  if ([model, `${model}:latest`, model.replace(/^models\//, '')].some((name) => names.has(name))) return null
  if (get !== undefined && (await isKnown(model, get))) return null
  return failureOf('UNKNOWN_MODEL', { details: { provider, listed: names.size } })
}

async function isKnown(model: string, get: Get): Promise<boolean> {
  try {
    return isAnswer((await get(`/models/${encodeURIComponent(model)}`)).status)
  } catch {
    return false
  }
}

function namesOf({ id, name, aliases = [], supportedGenerationMethods }: z.output<typeof One>): string[] {
  if (supportedGenerationMethods?.includes('generateContent') === false) return []
  return [id ?? name, ...aliases].flatMap((found) => (found === undefined ? [] : [found.replace(/^models\//, '')]))
}
