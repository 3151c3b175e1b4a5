/** Small definitions, and a model server whose calls can be held and let go. */
import type { Outside } from '../src/domains/probe/ask.ts'
import { openPrices } from '../src/prices/prices.ts'
import { openLoopback } from '../src/gateway/loopback.ts'
import type { Catalogue } from '../src/providers/catalogue.ts'
import { failureOf } from '../src/providers/failures.ts'
import type { Provider } from '../src/providers/provider.ts'
import { openPython } from '../src/tools/python/python.ts'
import { startWireServer, type Call, type WireServer } from './wire.ts'

/** `scenarios` scenarios of one dimension, `followups` further turns. */
export function definitionText(scenarios: number, followups = 0, name = 'Small'): string {
  const values = Array.from({ length: scenarios }, (_, i) => `number ${i + 1}`)
  const more = Array.from(
    { length: followups },
    (_, i) => `  - {label: follow ${i + 1}, prompt: "And then, ${i + 1}?"}`,
  )
  return [
    `name: ${name}`,
    'template: "Rate case [Case] from 1 to 5."',
    `dimensions: [{name: Case, values: [${values.join(', ')}]}]`,
    ...(more.length === 0 ? [] : ['followups:', ...more]),
    'decision: {labels: [{code: 1, label: one}, {code: 2, label: two}, {code: 3, label: three}, {code: 4, label: four}, {code: 5, label: five}]}',
    '',
  ].join('\n')
}

export interface GatedServer extends WireServer {
  /** Chat calls that came in, oldest first. */
  readonly calls: readonly { readonly messages: readonly { role: string; content: string }[] }[]
  /** Calls that came in and are not answered yet. */
  readonly held: number
  /** From now on every call waits. */
  shut(): void
  /** This many may still be answered; those after it wait. */
  admit(amount: number): void
  /** Answers all that wait, and all that come. */
  open(): void
}

/** A server that answers `Rating: 4`, when it is let. */
export async function startGatedServer(): Promise<GatedServer> {
  const waiting = new Set<Call>()
  let admitted = Infinity
  const wire = await startWireServer({ models: ['m'] })
  const calls: { messages: readonly { role: string; content: string }[] }[] = []
  const answer = (call: Call) => {
    calls.push({ messages: call.body.messages })
    wire.script(answer)
    if (admitted > 0) {
      admitted -= 1
      call.say()
      return
    }
    waiting.add(call)
    call.response.on('close', () => waiting.delete(call))
  }
  wire.script(answer)
  return {
    ...wire,
    calls,
    get held() {
      return waiting.size
    },
    shut: () => void (admitted = 0),
    admit: (amount) => void (admitted = amount),
    open() {
      admitted = Infinity
      for (const call of waiting) call.say()
      waiting.clear()
    },
  }
}

/** Providers by their id, with nobody asked whether a model is known. */
export function catalogueOf(providers: Readonly<Record<string, Provider>>): Catalogue {
  return {
    resolve(spec) {
      const colon = spec.indexOf(':')
      const provider = providers[spec.slice(0, colon)]
      const model = spec.slice(colon + 1)
      if (provider === undefined) return failureOf('UNSUPPORTED_PROVIDER')
      return { provider, providerId: provider.id, model }
    },
    check: async (specs) => specs.map((spec) => ({ spec, failure: null })),
    list: () => [],
    providers: () => Object.entries(providers).map(([id, provider]) => ({ id, name: provider.name, provider })),
    models: async () => [],
  }
}

/** What a probe needs besides the door to the models; nothing begins before it is used. */
export function outside(prices = openPrices(), command = 'python3'): Outside & { close(): Promise<unknown> } {
  const python = openPython({ command, most: 4, tell: (line) => console.error(line) })
  const gateway = openLoopback()
  return { prices, python, gateway, close: () => Promise.all([python.close(), gateway.close()]) }
}

/** Answers each call by a function of it, whatever the model is called. */
export async function startAnswering(answer: (call: Call) => void | Promise<void>): Promise<WireServer> {
  const wire = await startWireServer()
  const again = (call: Call) => {
    wire.script(again)
    return answer(call)
  }
  wire.script(again)
  return wire
}
