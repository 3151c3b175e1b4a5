/** A person's own prices: a YAML file of `provider:model: {input, output, cached}` in US dollars per million tokens. */
import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { Refusal } from '@millrace/engine'
import { parseDocument } from 'yaml'
import { z } from 'zod'
import type { Rates } from './prices.ts'

export interface OwnPrices {
  /** The beginning of the file's sha256. */
  readonly version: string
  /** By `provider:model`, or `provider:*` for all others of a provider. */
  readonly models: ReadonlyMap<string, Rates>
}

const LARGEST = 1_000_000
const rate = z.number().min(0).max(1_000_000)
const ratesSchema = z.strictObject({ input: rate, output: rate, cached: rate.optional() })
const EXAMPLE = 'It has lines such as `openai-compatible:llama3.2: {input: 0.1, output: 0.4, cached: 0.05}`.'

/** @throws Refusal PRICES_NOT_READABLE, INVALID_PRICES with one cause a line */
export function readOwnPrices(path: string): OwnPrices {
  const text = textOf(path)
  const document = parseDocument(text, { maxAliasCount: 0 } as never)
  const wrong = document.errors.map((error) => `line ${error.linePos?.[0].line ?? '?'}: it is not YAML here`)
  const causes = [...wrong]
  const models = new Map<string, Rates>()
  const read: unknown = wrong.length > 0 ? {} : document.toJS({ maxAliasCount: 0 })
  const isTable = typeof read === 'object' && read !== null && !Array.isArray(read)
  if (!isTable && read !== null) causes.push('the whole: it is not a table of models and prices')
  for (const [spec, value] of isTable ? Object.entries(read) : []) {
    if (!/^[a-z][a-z0-9-]*:\S+$/.test(spec)) {
      causes.push(`${JSON.stringify(spec.slice(0, 80))}: a model is named as provider:model, or provider:*`)
      continue
    }
    const parsed = ratesSchema.safeParse(value)
    if (parsed.success) models.set(spec, ratesOf(parsed.data))
    else causes.push(...parsed.error.issues.map((issue) => `${spec}: ${saidOf(issue)}`))
  }
  if (causes.length > 0) {
    throw new Refusal('INVALID_PRICES', `MILLRACE_PRICES names a file that is no list of prices: ${path}.`, {
      causes: causes.slice(0, 20),
      remedy: EXAMPLE,
    })
  }
  return { version: createHash('sha256').update(text).digest('hex').slice(0, 12), models }
}

function ratesOf({ input, output, cached }: z.output<typeof ratesSchema>): Rates {
  return cached === undefined ? { input, output } : { input, output, cached }
}

function saidOf(issue: z.core.$ZodIssue): string {
  const where = issue.path.join('.')
  if (issue.code === 'unrecognized_keys') return `${issue.keys.join(', ')} is not one of input, output, cached`
  if (where === '') return 'it is not a table of input, output and cached'
  return `${where} must be a number of US dollars per million tokens, from 0 to 1,000,000`
}

function textOf(path: string): string {
  try {
    const text = readFileSync(path, 'utf8')
    if (text.length <= LARGEST) return text
  } catch (error) {
    const why = error instanceof Error && 'code' in error ? String(error.code) : 'unknown'
    throw new Refusal('PRICES_NOT_READABLE', `The prices in ${path} cannot be read (${why}).`, {
      remedy: 'MILLRACE_PRICES names a YAML file; leave it out for the table that comes with Millrace.',
      cause: error,
    })
  }
  throw new Refusal('PRICES_NOT_READABLE', `The prices in ${path} are larger than 1 MB.`, { remedy: EXAMPLE })
}
