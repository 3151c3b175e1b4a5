/** `millrace runs analysis` and `analyze`: what a run's answers say, as tables; and making that anew. */
import type { Engine } from '@millrace/engine'
import { operator, WORKSPACE } from '../app.ts'
import type { Analysis } from '../domains/probe/analysis/analysis-shape.ts'
import { keptAnalysis, type KeptAnalysis } from '../domains/probe/analysis/kept-analysis.ts'
import { COMING_TO_AN_END, performRun } from './perform-run.ts'
import { bold, remark, say, table } from './screen.ts'
import { onInterrupt, withApp } from './session.ts'

export async function showAnalysis(id: number, options: { json?: boolean }): Promise<number> {
  return withApp(async ({ engine }) => {
    const kept = await keptAnalysis(engine, operator, id)
    if (options.json === true) say(JSON.stringify(kept))
    else if (kept.state === 'none') say(notMade(kept, id))
    else {
      if (kept.state === 'outdated') remark(outdated(id))
      for (const line of analysisLines(kept.analysis)) say(line)
    }
    return kept.state === 'none' ? 1 : 0
  })
}

/** Makes it anew, if the answers are others than those of the analysis that is kept. */
export async function analyzeRun(id: number, options: { json?: boolean }): Promise<number> {
  const interruption = onInterrupt(() => remark(COMING_TO_AN_END))
  return withApp(
    async (app, config) => {
      const before = await keptAnalysis(app.engine, operator, id)
      if (before.state !== 'current') {
        const { run } = await app.engine.start(
          operator,
          app.probeAnalysis,
          { run: id },
          { workspace: WORKSPACE, parent: id },
        )
        const ended = await performRun(app, config, run, interruption.signal)
        if (ended.finishedAt === null) return 130
        if (ended.state !== 'succeeded') {
          const why = ended.failure?.message ?? 'it was cancelled'
          if (options.json === true)
            say(JSON.stringify({ state: 'none', code: ended.failure?.code ?? 'CANCELLED', message: why }))
          else say(`analysis: not made: ${why}`)
          return 1
        }
      } else remark(`The analysis of run ${id} is of its answers as they are now: nothing was made anew.`)
      const kept = await keptAnalysis(app.engine, operator, id)
      if (options.json === true) say(JSON.stringify(kept))
      else if (kept.state !== 'none') for (const line of analysisLines(kept.analysis)) say(line)
      return 0
    },
    { own: false },
  ).finally(() => interruption.stop())
}

const outdated = (id: number) =>
  `Decisions were changed since it was made: \`millrace runs analyze ${id}\` makes it anew.`

function notMade({ message }: Extract<KeptAnalysis, { state: 'none' }>, id: number): string {
  const remedy =
    message.includes('MILLRACE_PYTHON') || message.includes('has not ended')
      ? ''
      : `; \`millrace runs analyze ${id}\` makes it`
  return `analysis: not made: ${message}${remedy}`
}

/** One line about it, for a run that has ended. */
export async function headline(engine: Engine, id: number): Promise<string> {
  const kept = await keptAnalysis(engine, operator, id)
  if (kept.state === 'none') return notMade(kept, id)
  const { dimensions, pairs, contested, warnings } = kept.analysis
  const strongest = dimensions.toSorted((a, b) => (b.etaSquared ?? -1) - (a.etaSquared ?? -1))[0]
  const [pair] = pairs
  const said = [
    ...(typeof strongest?.etaSquared !== 'number'
      ? []
      : (strongest.p ?? 1) * dimensions.length < 0.05
        ? [`${strongest.dimension} has the largest effect (η² ${shown(strongest.etaSquared)}, ${chance(strongest.p)})`]
        : ['no dimension has an effect that can be told from chance']),
    ...(pairs.length === 1 && typeof pair?.spearman === 'number'
      ? [`models agree with ρ ${shown(pair.spearman)}`]
      : []),
    ...(contested[0] === undefined ? [] : [`most contested is ${contested[0].scenarioId}`]),
    ...(warnings.length === 0 ? [] : [`${warnings.length} ${warnings.length === 1 ? 'warning' : 'warnings'}`]),
  ]
  const about = said.length === 0 ? 'made' : said.join('; ')
  return `analysis: ${about}. \`millrace runs analysis ${id}\` shows it${kept.state === 'outdated' ? `; decisions were changed since, \`millrace runs analyze ${id}\` makes it anew` : ''}.`
}

/** Two decimals, or a dash for what is not known. */
export const shown = (value: number | null | undefined, digits = 2): string =>
  value === null || value === undefined ? '–' : value.toFixed(digits).replace(/^-(0(?:\.0*)?)$/, '$1')

export const chance = (p: number | null | undefined): string =>
  p === null || p === undefined ? 'p –' : p < 0.001 ? 'p < 0.001' : `p ${p.toFixed(3)}`

interface Shared {
  readonly rate: number | null
  readonly low: number | null
  readonly high: number | null
}

/** `40 % [21–64]`. */
export function percent({ rate, low, high }: Shared): string {
  if (rate === null || low === null || high === null) return '–'
  const whole = (value: number) => Math.round(100 * value)
  return `${whole(rate)} % [${whole(low)}–${whole(high)}]`
}

function analysisLines(analysis: Analysis): string[] {
  const { models, dimensions, pairs, contested, warnings, scale } = analysis
  const lines = [
    bold('Models'),
    table(
      ['model', 'n', 'mean', 'sd', 'median', ...scale.codes, 'refused', 'other', 'unparsed', 'failed'],
      models.map((one) => [
        one.modelId,
        one.n,
        shown(one.mean),
        shown(one.sd),
        shown(one.median, 1),
        ...scale.codes.map((code) => one.decisions[code] ?? 0),
        one.refusal === 0 ? '0' : `${one.refusal}: ${percent(one.refusalRate)}`,
        one.other,
        one.unparsed,
        one.failed + one.cancelled,
      ]),
    ),
  ]
  if (scale.numeric && dimensions.length > 0) {
    lines.push('', bold(`Above the middle of the scale (${scale.middle}), by level; in brackets 95 %`))
    lines.push(
      table(
        ['dimension', 'level', 'model', 'n', 'with neutrals', 'without'],
        // Models of one level stand together.
        (models[0]?.winRates ?? []).flatMap((_, place) =>
          models.flatMap(({ modelId, winRates }) => {
            const rate = winRates[place]
            if (rate === undefined) return []
            const { dimension, level, n, withNeutrals, withoutNeutrals } = rate
            return [[dimension, level, modelId, n, percent(withNeutrals), percent(withoutNeutrals)]]
          }),
        ),
      ),
    )
    lines.push('', bold('Effect of each dimension (Kruskal–Wallis)'))
    const effects = dimensions.flatMap((one) => [
      { ...one, modelId: 'all' },
      ...one.models.map((of) => ({ ...of, dimension: one.dimension })),
    ])
    lines.push(
      table(
        ['dimension', 'model', 'n', 'H', 'p', 'η²'],
        effects.map((one) => [
          one.dimension,
          one.modelId,
          one.n,
          shown(one.h),
          chance(one.p).slice(2),
          shown(one.etaSquared),
        ]),
      ),
    )
  }
  if (pairs.length > 0) {
    lines.push('', bold('Agreement of models, on the scenarios that both decided'))
    lines.push(
      table(
        ['a', 'b', 'n', 'ρ', 'p', 'p (Holm)', 'd', 'the same'],
        pairs.map((one) => [
          one.a,
          one.b,
          one.n,
          shown(one.spearman),
          chance(one.p).slice(2),
          chance(one.pHolm).slice(2),
          shown(one.cohensD),
          percent(one.same),
        ]),
      ),
    )
  }
  if (contested.length > 0) {
    lines.push('', bold('Most contested'))
    lines.push(
      table(
        ['scenario', 'sd', 'means'],
        contested.map((one) => [
          one.scenarioId,
          shown(one.sd),
          Object.entries(one.means)
            .map(([model, value]) => `${model} ${shown(value)}`)
            .join(', '),
        ]),
      ),
    )
  }
  if (warnings.length > 0) lines.push('', ...warnings.map(({ message }) => `Note: ${message}`))
  return lines
}
