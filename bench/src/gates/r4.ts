/** R4: a worker dies with a task in its hands; when does another one begin it? */
import { now, wait } from '../contender.ts'
import { hire, type Child } from '../crew.ts'
import { quantile, round } from '../numbers.ts'
import type { Measured } from '../results.ts'
import type { Stage } from '../stage.ts'

/** Seconds of a lease, and what a sweep may add. */
const LEASE = 15
const MORE = 2

export async function r4(stage: Stage): Promise<Measured[]> {
  const { contender, place } = await stage.enter('engine')
  const starter = await contender.openStarter?.(place)
  if (starter === undefined) throw new Error('the engine cannot start one')
  const hireOne = () => hire({ contender: 'engine', place, listen: true })
  let crew = await Promise.all([hireOne(), hireOne()])
  let number = 0

  /** Whoever has the task is dealt with; the other one is to begin it. Milliseconds. */
  async function lose(signal: 'SIGKILL' | 'SIGSTOP'): Promise<number> {
    number -= 1
    const n = number
    await starter?.start(n)
    const begun = await Promise.any(crew.map((child) => child.heard(n).then(() => child)))
    const other = crew.find((child) => child !== begun) as Child
    const replacement = hireOne()
    await wait(300 + Math.random() * 200)
    crew = [other, await replacement]
    const rescued = Promise.any(crew.map((child) => child.heard(n)))
    const at = now()
    begun.kill(signal)
    const heard = await rescued
    if (signal === 'SIGSTOP') begun.kill('SIGKILL')
    if (heard.attempt !== 2) throw new Error(`rescued by attempt ${heard.attempt}`)
    return heard.at - at
  }

  try {
    // A server that has just started waits until everybody had time to come back.
    await wait(3_000)
    const usage = stage.meter.start()
    const kills: number[] = []
    for (let n = 0; n < stage.size(100); n += 1) kills.push(await lose('SIGKILL'))
    const killed = round(usage().foreign)
    const spread = { p50: p(kills, 0.5), p90: p(kills, 0.9), p99: p(kills, 0.99), max: p(kills, 1) }
    stage.tell(`     kill -9: ${JSON.stringify(spread)} ms, foreign ${killed}`)
    const silences: number[] = []
    for (let n = 0; n < stage.size(2); n += 1) silences.push((await lose('SIGSTOP')) / 1000)
    const silent = round(usage().foreign)
    stage.tell(`     silent: ${silences.map(round).join(', ')} s`)
    return [
      {
        id: 'R4-kill',
        value: round(p(kills, 0.99) / 1000),
        bound: { most: 0.1 },
        foreign: killed,
        absolute: true,
        detail: { in: 's from SIGKILL to the code of the task elsewhere, p99', samples: kills.length, ms: spread },
      },
      {
        id: 'R4-silent',
        value: round(Math.max(...silences)),
        bound: { most: LEASE + MORE },
        foreign: silent,
        absolute: true,
        detail: { in: 's from SIGSTOP to the code of the task elsewhere', all: silences.map(round) },
      },
    ]
  } finally {
    for (const child of crew) await child.close()
    await starter.close()
  }
}

const p = (values: readonly number[], share: number) => round(quantile(values, share))
