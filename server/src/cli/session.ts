/** One command's time with the installation: opened, used, left again whatever happens. */
import { openApp, ownProviders, productKinds, servedKinds, type App, type Served } from '../app.ts'
import { readConfig, type Config } from '../config.ts'
import { remark } from './screen.ts'

/** `own`: with the kinds of the person's own folder, for commands that perform tasks. */
export async function withApp<T>(
  work: (app: App, config: Config) => Promise<T>,
  { own = false }: { own?: boolean } = {},
): Promise<T> {
  const config = readConfig()
  const app = await openApp(config, remark, await (own ? servedKinds(config) : productOf(config)))
  try {
    return await work(app, config)
  } finally {
    await app.close()
  }
}

async function productOf(config: Config): Promise<Served> {
  return productKinds(config, await ownProviders(config))
}

export interface Interruption {
  /** Aborted by the first Ctrl-C or SIGTERM. */
  readonly signal: AbortSignal
  /** The program comes to its end by itself, as if it were asked to, and has failed. */
  fail(): void
  /** 0, or 1 if it has failed. */
  readonly code: number
  /** The second one ends the program at once. */
  stop(): void
}

/** Milliseconds in which a second signal is the same one: npm passes on what the terminal has sent already. */
const SAME = 500

/** The first signal asks to come to an end; the second does not ask. */
export function onInterrupt(tell: () => void): Interruption {
  const abort = new AbortController()
  let heardAt = 0
  let code = 0
  const hear = (name: NodeJS.Signals) => {
    if (abort.signal.aborted) {
      if (Date.now() - heardAt > SAME) process.exit(name === 'SIGINT' ? 130 : 143)
      return
    }
    heardAt = Date.now()
    tell()
    abort.abort()
  }
  process.on('SIGINT', hear)
  process.on('SIGTERM', hear)
  return {
    signal: abort.signal,
    get code() {
      return code
    },
    fail() {
      code = 1
      abort.abort()
    },
    stop() {
      process.off('SIGINT', hear)
      process.off('SIGTERM', hear)
    },
  }
}
