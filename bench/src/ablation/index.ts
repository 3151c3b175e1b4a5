/** What each promise costs: one element after another, against the yardstick of the same round. */
import { RAW1, RAW50 } from '../../raw/raw.ts'
import { median, round } from '../numbers.ts'
import { record } from '../results.ts'
import { interleave, ratio, type Case, type Rounds, type Stage } from '../stage.ts'
import { STEPS } from './steps.ts'

interface Line {
  readonly element: string
  readonly rate: number
  readonly ratio: number
  readonly serverMs: number
  /** What this element adds, in percent of the processor time of raw. */
  readonly adds: number
}

export async function ablate(stage: Stage): Promise<void> {
  const shapes = {
    'batch 1, a run each': { shape: 1, loops: RAW1.loops, batch: 1, tasks: stage.size(2_000) },
    'batch 50, 100 tasks a run': { shape: 100, loops: RAW50.loops, batch: 50, tasks: stage.size(6_000) },
  }
  const tables: Record<string, { foreign: number; lines: Line[] }> = {}
  for (const [name, { shape, loops, batch, tasks }] of Object.entries(shapes)) {
    stage.tell(`  ${name}`)
    const work = { tasks, flight: loops * batch, batch, call: 0 }
    const cases: Case[] = [
      { name: RAW, contender: 'raw', drain: 'loops', work },
      ...STEPS.map((step) => ({ name: step.name, contender: 'ablation', drain: step.name, shape, work })),
    ]
    const rounds = await interleave(stage, cases, stage.quick ? 1 : 5)
    const foreign = round(median(Object.values(rounds).flatMap((all) => all.map((one) => one.foreign))))
    tables[name] = { foreign, lines: toLines(rounds) }
  }
  for (const [name, { foreign, lines }] of Object.entries(tables)) {
    stage.tell(`\n${name}; foreign load ${foreign}\n`)
    stage.tell('| element | tasks/s | / raw | server ms a task | adds, % of raw |\n|---|---|---|---|---|')
    for (const { element, rate, ratio, serverMs, adds } of lines) {
      stage.tell(`| ${element} | ${rate} | ${ratio} | ${serverMs} | ${adds} |`)
    }
  }
  if (!stage.quick) await record([], { in: 'server CPU ms a task; 4 kB answers; medians of 5 rounds', tables })
}

const RAW = 'raw'

function toLines(rounds: Rounds): Line[] {
  const names = [RAW, ...STEPS.map(({ name }) => name)]
  const cpu = (name: string) => median((rounds[name] ?? []).map((one) => one.serverMs))
  return names.map((element, n) => ({
    element,
    rate: Math.round(median((rounds[element] ?? []).map((one) => one.rate))),
    ratio: ratio(rounds, element, RAW),
    serverMs: round(cpu(element)),
    adds: n === 0 ? 0 : Math.round(((cpu(element) - cpu(names[n - 1] ?? RAW)) / cpu(RAW)) * 100),
  }))
}
