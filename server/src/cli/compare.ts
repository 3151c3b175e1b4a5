/** `millrace runs compare`: runs of one definition, or the models of one run, beside one another. */
import { operator } from '../app.ts'
import { compareRuns, type Comparison } from '../domains/probe/compare/compare.ts'
import { chance, percent, shown } from './analysis.ts'
import { bold, grouped, say, table } from './screen.ts'
import { withApp } from './session.ts'

export async function compare(runs: number[], options: { seed: number; json?: boolean }): Promise<number> {
  return withApp(async ({ engine }) => {
    const found = await compareRuns(engine, operator, runs, options.seed)
    if (options.json === true) say(JSON.stringify(found))
    else for (const line of comparisonLines(found)) say(line)
    return 0
  })
}

/** Changed scenarios that are told of a pair. */
const CHANGED = 5

function comparisonLines({
  name,
  runs,
  arms,
  pairs,
  tied,
  notes,
  measure,
  pairing,
  seed,
  draws,
}: Comparison): string[] {
  const nameOf = (place: number) => {
    const arm = arms[place]
    return runs.length === 1 ? (arm?.modelId ?? '') : `${arm?.run} ${arm?.modelId}`
  }
  const lines = [
    `${bold(name)}: ${runs.length === 1 ? `run ${runs[0]}` : `runs ${runs.join(', ')}`}; paired: ${pairing}.`,
    '',
    table(
      ['run', 'model', 'slots', 'decided', 'refused', 'other', 'unparsed', 'failed', measure ?? 'mean'],
      arms.map((arm) => [
        arm.run,
        arm.modelId,
        arm.slots,
        percent(arm.decided),
        arm.refusal,
        arm.other,
        arm.unparsed,
        arm.failed + arm.cancelled,
        shown(arm.mean),
      ]),
    ),
    '',
    bold('Differences, b − a, on the scenarios that both decided'),
    table(
      ['a', 'b', 'n', 'of', 'difference', '95 %', 'p', 'p (Holm)', '', 'n needed'],
      pairs.map((pair) => [
        nameOf(pair.a),
        nameOf(pair.b),
        pair.n,
        pair.asked,
        shown(pair.difference),
        pair.low === null ? '–' : `[${shown(pair.low)}, ${shown(pair.high)}]`,
        chance(pair.p).slice(2),
        chance(pair.pHolm).slice(2),
        pair.tied === null ? '' : pair.tied ? 'tied' : 'differ',
        pair.needed === null ? '–' : grouped(pair.needed),
      ]),
    ),
    '',
    bold('Changed sides and decided, b against a (exact McNemar)'),
    table(
      ['a', 'b', 'above the middle', 'p (Holm)', 'decided', 'p (Holm)'],
      pairs.map(({ a, b, wins, decided }) => [
        nameOf(a),
        nameOf(b),
        `+${wins.gained} −${wins.lost} of ${wins.n}`,
        chance(wins.pHolm).slice(2),
        `+${decided.gained} −${decided.lost} of ${decided.n}`,
        chance(decided.pHolm).slice(2),
      ]),
    ),
  ]
  const sets = tied.filter((set) => set.length > 1)
  if (sets.length > 0) {
    lines.push('', bold('Not told apart'))
    for (const set of sets) lines.push(`  ${set.map(nameOf).join(' · ')}`)
  }
  for (const pair of pairs) {
    if (pair.changed.length === 0) continue
    lines.push(
      '',
      `${nameOf(pair.a)} → ${nameOf(pair.b)}: ${grouped(pair.changed.length)} of ${grouped(pair.asked)} scenarios are not the same`,
    )
    for (const { scenarioId, saidA, saidB } of pair.changed.slice(0, CHANGED)) {
      lines.push(`  ${scenarioId}: ${toldOf(saidA)} → ${toldOf(saidB)}`)
    }
    if (pair.changed.length > CHANGED) lines.push(`  … and ${grouped(pair.changed.length - CHANGED)} more (--json)`)
  }
  lines.push('', ...notes.map((note) => `Note: ${note}`), `Drawn ${grouped(draws)} times with seed ${seed}.`)
  return lines
}

function toldOf(said: Readonly<Record<string, number>>): string {
  return Object.entries(said)
    .map(([what, amount]) => (amount === 1 ? what : `${what} ×${amount}`))
    .join(', ')
}
