/** The stage of the probe's tests: a bench with one worker, on models over HTTP that do what their names say. */
import { openBench, type Bench } from '../testing/bench.ts'
import { startAnswering } from '../testing/probe.ts'
import { BEHAVIOURS, type Call, type WireServer } from '../testing/wire.ts'

/** Statuses that are told as model names: `status-500` and so on. */
const SOON = { 'retry-after-ms': '20' }
function byModel(call: Call): void | Promise<void> {
  const { model, messages } = call.body
  const status = /^status-(\d+)$/.exec(model)?.[1]
  if (status !== undefined) return call.error(Number(status), { message: 'no' }, SOON)
  const said = /^say-(.*)$/.exec(model)?.[1]
  if (said !== undefined) return call.say({ text: said })
  if (model === 'stumbles-once' && messages.length === 3 && !stumbled) {
    stumbled = true
    return call.error(500, { message: 'no' }, SOON)
  }
  if (model === 'limited' && limited-- > 0) return call.error(429, { message: 'slower' }, SOON)
  if (model === 'mixed') return call.say({ text: MIXED[messages[0]?.content ?? ''] ?? 'Rating: 1' })
  return (BEHAVIOURS[model] ?? BEHAVIOURS['well'])?.(call)
}
let stumbled = false
let limited = 5
const MIXED: Record<string, string> = {
  'Rate case number 1 from 1 to 5.': 'Rating: 4',
  'Rate case number 2 from 1 to 5.': 'Rating: 2',
  'Rate case number 3 from 1 to 5.': "I'm sorry, but I can't help with that.",
  'Rate case number 4 from 1 to 5.': 'Rating: 9',
  'Rate case number 5 from 1 to 5.': 'What a lovely day it is.',
  'Rate case number 6 from 1 to 5.': 'On a scale of 1 to 5 I choose 4.',
}

export interface ProbeStage {
  readonly wire: WireServer
  readonly bench: Bench
  /** The requests that were made to a model. */
  asked(model: string): WireServer['requests']
  close(): Promise<void>
}

export async function openProbeStage(): Promise<ProbeStage> {
  const wire = await startAnswering(byModel)
  const bench = await openBench(wire)
  await bench.work()
  return {
    wire,
    bench,
    asked: (model) => wire.requests.filter((request) => request.body?.model === model),
    async close() {
      await bench.close()
      await wire.close()
    },
  }
}
