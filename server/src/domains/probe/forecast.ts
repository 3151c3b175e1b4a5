/**
 * What a run will use and cost, before it is started.  Prompts are counted; how
 * long answers will be is taken from those that the same model gave before, or
 * assumed.  So there is an interval, and it says on what it stands.
 */
import type { Engine, Principal } from '@millrace/engine'
import { isFailure } from '../../providers/failures.ts'
import type { Catalogue } from '../../providers/catalogue.ts'
import { MICROS, type Prices } from '../../prices/prices.ts'
import { tokenCounter } from '../../providers/tokens.ts'
import type { ProbeInput } from './input.ts'
import type { sampleOf } from './run.ts'
import { LONGEST_ANSWER } from './uses.ts'

export interface Interval {
  readonly low: number
  readonly likely: number
  readonly high: number
}

export interface ModelForecast {
  readonly model: string
  readonly calls: number
  readonly inputTokens: Interval
  /** Counted by the model's own tokenizer; else estimated. */
  readonly exact: boolean
  readonly outputTokens: Interval
  /** US dollars; null where no price is known. */
  readonly costUsd: Interval | null
  /** Answers that lengths were taken from; 0: they are assumed. */
  readonly seen: number
  /** That one call took, of those answers; null where there are none. */
  readonly secondsPerCall: number | null
  readonly deprecated: boolean
}

/** Tokens of an answer: a tenth is shorter than `low`, a tenth longer than `high`. */
export interface Lengths extends Interval {
  readonly seen: number
  /** That one call took. */
  readonly seconds: number
}

/** Without an answer that was seen. */
const ASSUMED: Interval = { low: 50, likely: 200, high: LONGEST_ANSWER }
/** Fewer say too little. */
const ENOUGH = 10
/** Transcripts that are looked at, the newest. */
const NEWEST = 1_000
/** Scenarios that are looked at to count tokens. */
const COUNTED = 50

/** How long the answers of these models were in this database, by spec. */
export async function lengthsSeen(
  engine: Engine,
  who: Principal,
  models: readonly string[],
  catalogue: Catalogue,
): Promise<ReadonlyMap<string, Lengths>> {
  const found = new Map<string, Lengths>()
  for (const spec of models) {
    const resolved = catalogue.resolve(spec)
    if (isFailure(resolved)) continue
    const { rows } = await engine.as(who, (tx) =>
      tx.query<{ seen: number; low: number; likely: number; high: number; seconds: number }>(
        `select coalesce(sum(t.turn_count), 0)::integer as seen, avg(t.answer)::float8 as likely,
                percentile_cont(0.1) within group (order by t.answer) as low,
                percentile_cont(0.9) within group (order by t.answer) as high, avg(t.seconds)::float8 as seconds
           from (select x.turn_count, x.output_tokens::float8 / x.turn_count as answer,
                        x.duration_ms / 1000.0 / x.turn_count as seconds from probe.transcripts x
                  where x.workspace_id = any ((select access.workspaces())::bigint[]) and x.provider = $1 and x.model = $2
                  order by x.created_at desc limit ${NEWEST}) t`,
        [resolved.providerId, resolved.model],
      ),
    )
    const [row] = rows
    if (row !== undefined && row.seen >= ENOUGH) found.set(spec, row)
  }
  return found
}

export async function forecast(
  input: ProbeInput,
  { expansion, indexes }: ReturnType<typeof sampleOf>,
  catalogue: Catalogue,
  prices: Prices,
  seen: ReadonlyMap<string, Lengths>,
): Promise<ModelForecast[]> {
  const turns = Math.min(input.maxTurns, 1 + input.definition.followups.length)
  const slots = indexes.length * input.samplesPerScenario
  const prompts = indexes.slice(0, COUNTED).map((index) => expansion.at(index).prompt)
  const followups = input.definition.followups.slice(0, turns - 1).map(({ prompt }) => prompt)
  return Promise.all(
    input.models.map(async (spec): Promise<ModelForecast> => {
      const resolved = catalogue.resolve(spec)
      const known = isFailure(resolved) ? undefined : resolved
      const counter = await tokenCounter(known?.providerId ?? '', known?.model ?? '')
      const count = (text: string) => counter.count(text)
      const first = prompts.reduce((sum, prompt) => sum + count(prompt), 0) / Math.max(1, prompts.length)
      const lengths = atMost(seen.get(spec) ?? ASSUMED, input.maxTokens)
      const said = [count(input.definition.preamble ?? '') + first, ...followups.map(count)]
      // A slot whose answers all have this length: the input, turn by turn, and the output.
      const slotOf = (answer: number) => {
        const inputs = said.map((_, i) => said.slice(0, i + 1).reduce((sum, one) => sum + one, 0) + i * answer)
        const costs = inputs.map((inputTokens) =>
          known === undefined
            ? null
            : prices.cost(known.providerId, known.model, {
                inputTokens: Math.round(inputTokens),
                outputTokens: answer,
              }),
        )
        return {
          input: Math.round(inputs.reduce((sum, one) => sum + one, 0) * slots),
          output: Math.round(answer * turns * slots),
          cost: costs.reduce<number | null>((sum, one) => (sum === null || one === null ? null : sum + one.micros), 0),
        }
      }
      const [low, likely, high] = [slotOf(lengths.low), slotOf(lengths.likely), slotOf(lengths.high)]
      const usd = (micros: number | null) => ((micros ?? 0) * slots) / MICROS
      return {
        model: spec,
        calls: slots * turns,
        inputTokens: { low: low.input, likely: likely.input, high: high.input },
        exact: counter.exact,
        outputTokens: { low: low.output, likely: likely.output, high: high.output },
        costUsd: likely.cost === null ? null : { low: usd(low.cost), likely: usd(likely.cost), high: usd(high.cost) },
        seen: seen.get(spec)?.seen ?? 0,
        secondsPerCall: seen.get(spec)?.seconds ?? null,
        deprecated: known !== undefined && prices.of(known.providerId, known.model)?.deprecated === true,
      }
    }),
  )
}

function atMost({ low, likely, high }: Interval, most = Infinity): Interval {
  const cut = (tokens: number) => Math.min(Math.ceil(tokens), most)
  return { low: cut(low), likely: cut(likely), high: cut(high) }
}

/** Of all models together; null where one of them is not known. */
export function together(parts: readonly (Interval | null)[]): Interval | null {
  return parts.reduce<Interval | null>(
    (sum, one) =>
      sum === null || one === null
        ? null
        : { low: sum.low + one.low, likely: sum.likely + one.likely, high: sum.high + one.high },
    { low: 0, likely: 0, high: 0 },
  )
}
