/** Who asks over MCP, and what his requests stand on; the same for HTTP and for a program at this machine. */
import type { SignedIn } from '../access/signed-in.ts'
import type { House } from '../http/house.ts'

export interface Asking {
  readonly house: House
  readonly who: SignedIn
  /** Where new things go. @throws Refusal INVALID_WORKSPACE */
  readonly workspace: () => number
  /** Where a person finds this installation with a browser: `https://millrace.example`. */
  readonly origin: string
  /** The id of the request, a UUID or what a proxy gave. */
  readonly correlationId: () => string
}

/** While a tool works. */
export interface CallHand {
  /** Aborted when the client cancels or leaves. */
  readonly signal: AbortSignal
  /** Does nothing where the client asked for no progress. */
  readonly progress: (done: number, total?: number) => void
  /** A line of the run's log; comes to who asked for a level at or below `info`. */
  readonly log: (data: Readonly<Record<string, unknown>>) => void
}

/** Where a person looks at a run, and decides about one that awaits approval. */
export const pageOfRun = ({ origin }: Asking, run: number): string => `${origin}/runs/${run}`
