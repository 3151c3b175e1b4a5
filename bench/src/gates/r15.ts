/**
 * R15: processor time of one call through the door of the providers and under a limit,
 * 50 in flight: tasks that ask a stub under a limit, less tasks that do neither.
 */
import { request } from 'undici'
import { z } from 'zod'
import { defineRun, defineTask, openEngine, startWorker } from '../../../engine/src/index.ts'
import { openProviders } from '../../../server/src/providers/catalogue.ts'
import { generate } from '../../../server/src/providers/provider.ts'
import { WHO } from '../contenders/engine.ts'
import { median, round } from '../numbers.ts'
import { openStub } from '../probe/stub.ts'
import { QUIET, type Measured } from '../results.ts'
import type { Stage } from '../stage.ts'

const FLIGHT = 50
const Input = z.object({ asks: z.boolean(), tasks: z.number() })

export async function r15(stage: Stage): Promise<Measured[]> {
  const { contender, place } = await stage.enter('engine')
  const stub = await openStub({ latency: 0 })
  // A vendor whose answers come whole, in the stub's format.
  const catalogue = openProviders({ addresses: { mistral: stub.url }, keyOf: () => 'bench' })
  const found = catalogue.resolve('mistral:stub')
  if ('code' in found) throw new Error(found.code)
  const task = defineTask({
    name: 'bench.call',
    input: Input,
    output: z.object({ length: z.number() }),
    async perform({ input, signal, run, task: n }) {
      if (!input.asks) return { length: 0 }
      const messages = [{ role: 'user' as const, content: `How much do you like ${run}.${n}?` }]
      const { answer } = await generate(found.provider, { model: 'stub', messages }, signal)
      return { length: answer?.text.length ?? -1 }
    },
  })
  const kind = defineRun({
    name: 'bench.calls',
    input: Input,
    tasks: [task],
    *plan(input) {
      const limited = input.asks ? { key: 'stub', uses: { tokens: 100 } } : {}
      for (let n = 0; n < input.tasks; n += 1) yield { kind: 'bench.call', input, ...limited }
    },
  })
  const tasks = stage.size(5_000)
  const rounds: { micros: number; door: number; client: number; foreign: number }[] = []
  await contender.fill(place, { tasks: 1, shape: 'one run' })
  const engine = openEngine(place.api)
  await engine.limits.set({ ...WHO, operator: true }, 'stub', { concurrency: FLIGHT, requestsPerMinute: 60_000_000 })
  const worker = await startWorker({ settings: place.worker, kinds: [kind], slots: FLIGHT, report: console.error })

  /** Microseconds of this process a task. */
  async function spend(asks: boolean): Promise<number> {
    const before = process.cpuUsage()
    const { run } = await engine.start(WHO, kind, { asks, tasks }, { workspace: 1 })
    for await (const _ of engine.follow(WHO, run));
    const { user, system } = process.cpuUsage(before)
    const { succeeded } = (await engine.run(WHO, run)).progress
    if (succeeded !== tasks) throw new Error(`${succeeded} of ${tasks} answered`)
    return (user + system) / tasks
  }
  /** The door alone, as many at a time. */
  async function callAlone(): Promise<number> {
    const before = process.cpuUsage()
    let left = tasks
    const one = async () => {
      while (left-- > 0) {
        const messages = [{ role: 'user' as const, content: `How much do you like ${left}?` }]
        await generate(
          (found as { provider: Parameters<typeof generate>[0] }).provider,
          { model: 'stub', messages },
          AbortSignal.timeout(60_000),
        )
      }
    }
    await Promise.all(Array.from({ length: FLIGHT }, one))
    const { user, system } = process.cpuUsage(before)
    return (user + system) / tasks
  }
  /** What a call costs by itself: the client that the door stands on, asked the same. */
  async function callBare(): Promise<number> {
    const before = process.cpuUsage()
    let left = tasks
    const one = async () => {
      while (left-- > 0) {
        const messages = [{ role: 'user', content: `How much do you like ${left}?` }]
        const { body } = await request(`${stub.url}/chat/completions`, {
          method: 'POST',
          headers: { 'content-type': 'application/json', authorization: 'Bearer bench' },
          body: JSON.stringify({ model: 'stub', messages }),
        })
        await body.json()
      }
    }
    await Promise.all(Array.from({ length: FLIGHT }, one))
    const { user, system } = process.cpuUsage(before)
    return (user + system) / tasks
  }
  try {
    await spend(true)
    await spend(false)
    await callBare()
    const quiet = () => rounds.filter((one) => one.foreign <= QUIET)
    for (let n = 0; n < (stage.quick ? 1 : 10) && quiet().length < 5; n += 1) {
      await stage.quiet()
      const usage = stage.meter.start()
      const all = await spend(true)
      const bare = await spend(false)
      const door = await callAlone()
      const client = await callBare()
      const foreign = round(usage().foreign)
      rounds.push({ micros: all - bare, door, client, foreign })
      stage.tell(
        `  ${n + 1}  ${Math.round(all - bare)} µs (the door alone ${Math.round(door)}, its client alone ${Math.round(client)}), foreign ${foreign}`,
      )
    }
    const counted = quiet().length > 0 ? quiet() : rounds
    return [
      {
        id: 'R15',
        value: Math.round(median(counted.map((one) => one.micros))),
        bound: { most: 150 },
        foreign: round(median(counted.map((one) => one.foreign))),
        absolute: true,
        detail: {
          in: 'µs of processor time a call, in the process that calls',
          door: Math.round(median(counted.map((one) => one.door))),
          client: Math.round(median(counted.map((one) => one.client))),
          all: counted.map((one) => Math.round(one.micros)),
        },
      },
    ]
  } finally {
    await worker.drain(1)
    await engine.close()
    await stub.close()
  }
}
