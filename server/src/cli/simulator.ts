/** `millrace simulator`: six providers without a key, until Ctrl-C. */
import { Refusal } from '@millrace/engine'
import { FAULTS, isFault, type FaultRates } from '../simulator/faults.ts'
import type { Credit } from '../simulator/limits.ts'
import { startSimulator, type Simulator } from '../simulator/simulator.ts'
import { bold, dim, remark, say, table } from './screen.ts'
import { onInterrupt } from './session.ts'

export interface SimulateOptions {
  readonly port: number
  readonly seed: string
  readonly latency?: number
  readonly fault: readonly string[]
  readonly requestsPerSecond?: number
  readonly requestsPerMinute?: number
  readonly tokensPerMinute?: number
  readonly concurrency?: number
  readonly credit?: string
}

export async function simulate(options: SimulateOptions): Promise<number> {
  const { requestsPerSecond, requestsPerMinute, tokensPerMinute, concurrency } = options
  const faults = ratesOf(options.fault)
  const credit = options.credit === undefined ? undefined : creditOf(options.credit)
  const simulator = await start(options.port, {
    seed: options.seed,
    faults,
    limits: {
      ...(requestsPerSecond === undefined ? {} : { requestsPerSecond }),
      ...(requestsPerMinute === undefined ? {} : { requestsPerMinute }),
      ...(tokensPerMinute === undefined ? {} : { tokensPerMinute }),
      ...(concurrency === undefined ? {} : { concurrency }),
    },
    ...(credit === undefined ? {} : { credit }),
    ...(options.latency === undefined ? {} : { latencyMs: options.latency }),
  })
  const interruption = onInterrupt(() => remark('\nStopping.'))
  try {
    say(`${bold('Simulator')} serves on ${simulator.url}  ${dim('(any key is good; one that begins with bad is not)')}`)
    say()
    say(table(['provider', 'base URL'], Object.entries(simulator.baseUrls)))
    say()
    say('Point all six providers at it:')
    say(`export MILLRACE_SIMULATOR_URL=${simulator.url}`)
    say(dim(`What it has seen: ${simulator.url}/_simulator/stats.  Ctrl-C stops.`))
    await new Promise((resolve) => interruption.signal.addEventListener('abort', resolve, { once: true }))
    return 0
  } finally {
    await simulator.close()
    interruption.stop()
  }
}

async function start(port: number, options: Parameters<typeof startSimulator>[0]): Promise<Simulator> {
  try {
    return await startSimulator({ ...options, port })
  } catch (error) {
    if (!(error instanceof Error && 'code' in error && error.code === 'EADDRINUSE')) throw error
    throw new Refusal('PORT_TAKEN', `Port ${port} is taken.`, {
      remedy: 'Take another one with --port, or 0 for a free one.',
    })
  }
}

function ratesOf(given: readonly string[]): FaultRates {
  const problems: string[] = []
  const rates: Record<string, number> = {}
  for (const text of given) {
    const [name = '', value = ''] = text.split('=', 2)
    const rate = Number(value)
    if (!isFault(name)) problems.push(`There is no fault ${JSON.stringify(name.slice(0, 40))}.`)
    else if (value === '' || !(rate >= 0 && rate <= 1)) problems.push(`The rate of ${name} must be from 0 to 1.`)
    else rates[name] = rate
  }
  if (problems.length === 0) return rates
  throw new Refusal('INVALID_FAULT', 'The faults cannot be read.', {
    causes: problems,
    remedy: `Write --fault name=rate, for example --fault rate-limit=0.05. There are ${Object.keys(FAULTS).join(', ')}.`,
  })
}

function creditOf(text: string): Credit {
  const [, amount = '', unit = ''] = /^(\d+(?:\.\d+)?)(usd|calls)$/i.exec(text) ?? []
  if (unit === '')
    throw new Refusal('INVALID_CREDIT', 'The credit cannot be read.', { remedy: 'Write 5usd, 0.02usd or 100calls.' })
  return unit.toLowerCase() === 'usd' ? { usd: Number(amount) } : { calls: Number(amount) }
}
