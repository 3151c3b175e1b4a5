/** `millrace cards gates` and `cards artifacts`: what stands between a card and its next stage, and what hangs on it. */
import { operator, WORKSPACE } from '../app.ts'
import { artifactsOf, gateResultsOf, metricsOf, mustSeeCard, previewGates } from '../domains/stage/artifacts.ts'
import type { GateResult } from '../domains/stage/gates.ts'
import { recipeOf } from '../domains/stage/recipes/recipes.ts'
import { dim, say, table } from './screen.ts'
import { withApp } from './session.ts'

/** What the gates found last, or what those of a stage would say now. */
export function gates(card: number, options: { stage?: string; json?: boolean }): Promise<number> {
  return withApp(async ({ engine, catalogue }) => {
    const { stage } = options
    const found = await engine.as(operator, async (tx) => {
      await mustSeeCard(tx, card)
      if (stage === undefined) return lastRound(await gateResultsOf(tx, card, { limit: 100 }))
      const { recipe } = await recipeOf(tx, WORKSPACE, stage, catalogue)
      return (await previewGates(tx, stage, recipe.gates, card)).results
    })
    if (options.json === true) say(JSON.stringify({ results: found }))
    else if (found.length === 0) say('No gate has looked at this card. --stage <key> asks those of a stage now.')
    for (const one of options.json === true ? [] : found) {
      say(`${wordOf(one)}  ${one.name}${one.message === null ? '' : `: ${one.message}`}`)
      say(dim(`        ${JSON.stringify(one.evidence)}`))
    }
    return 0
  })
}

/** The newest come first; those of one task belong together. */
function lastRound<T extends { readonly run: number | null; readonly task: number }>(results: readonly T[]): T[] {
  const [newest] = results
  return results.filter(({ run, task }) => run === newest?.run && task === newest.task).toReversed()
}

function wordOf({ passed, required }: GateResult): string {
  if (passed === true) return 'passed'
  if (passed === null) return 'open  '
  return required ? 'FAILED' : 'warned'
}

export function artifacts(card: number, options: { json?: boolean }): Promise<number> {
  return withApp(async ({ engine }) => {
    const found = await engine.as(operator, async (tx) => {
      await mustSeeCard(tx, card)
      return { artifacts: await artifactsOf(tx, { card }), metrics: await metricsOf(tx, card) }
    })
    if (options.json === true) {
      say(JSON.stringify(found))
      return 0
    }
    const rows = [
      ...found.artifacts.map(({ type, label, uri, document, stage, by }) => [
        type,
        label,
        uri ?? (document === null ? '' : `version ${document.version}`),
        stage,
        by,
      ]),
      ...found.metrics.map(({ name, value, unit, stage, by }) => ['metric', name, `${value} ${unit}`, stage, by]),
    ]
    say(rows.length === 0 ? 'Nothing hangs on this card.' : table(['type', 'label', 'what', 'stage', 'by'], rows))
    return 0
  })
}
