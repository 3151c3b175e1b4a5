/**
 * Where a tool stands in one worker.  How a call ended is no state: it is kept beside,
 * as are the calls under way.
 */

export const STATES = ['LOADED', 'INITIALIZED', 'RUNNING', 'FAILED', 'UNAVAILABLE'] as const
export type ToolState = (typeof STATES)[number]

/** What may follow what. */
export const TRANSITIONS: Readonly<Record<ToolState, readonly ToolState[]>> = {
  LOADED: ['INITIALIZED', 'FAILED', 'UNAVAILABLE'],
  INITIALIZED: ['RUNNING', 'FAILED', 'UNAVAILABLE'],
  RUNNING: ['INITIALIZED', 'FAILED', 'UNAVAILABLE'],
  // By a probe: one call that is let through, or one more try to load it.
  FAILED: ['INITIALIZED', 'UNAVAILABLE'],
  UNAVAILABLE: ['INITIALIZED', 'FAILED'],
}

/** How a call ended: well, by a fault of the tool or of what carries it, or by the caller. */
export type Outcome = 'success' | 'error' | 'caller_error'

/** Why a tool is UNAVAILABLE, by the `why` of the failure that said so. */
export const MISSING = {
  AWAY: 'Its server cannot be reached.',
  REFUSED: 'Its server refuses us: the token is missing, or not a good one.',
  SIGN_IN: 'Its server wants somebody to sign in: `millrace tools login`.',
  CHANGED: 'Its server describes it otherwise than it was accepted: `millrace tools accept` takes it as it is now.',
  GONE: 'Its server has it no more.',
  NEW: 'Its server has it since the others were accepted: `millrace tools accept` takes it too.',
  OTHER: 'What it needs is missing.',
} as const
export type MissingWhy = keyof typeof MISSING

/** What is known of a tool in a worker. */
export interface Standing {
  readonly state: ToolState
  readonly inFlight: number
  readonly lastOutcome: Outcome | null
  /** Why it is FAILED or UNAVAILABLE: a sentence of ours. */
  readonly reason: string | null
}

export interface Life {
  readonly standing: Standing
  /** Refused if the table does not have it. @throws Error */
  move(to: ToolState, reason?: string): void
  /** May somebody ask it now?  Where it is out of service, one at a time and now and then: the probe. */
  admits(now: number): boolean
  begin(now: number): void
  /** `gone`: what it needs is missing, and why. */
  end(outcome: Outcome, now: number, gone?: MissingWhy): void
}

/** @param faults in a row after which it is FAILED @param pause milliseconds before it is probed */
export function openLife(faults: number, pause: number): Life {
  let state: ToolState = 'LOADED'
  let inFlight = 0
  let inARow = 0
  let lastOutcome: Outcome | null = null
  let reason: string | null = null
  let probeAt = 0
  let probing = false

  function move(to: ToolState, why?: string) {
    if (!TRANSITIONS[state].includes(to)) throw new Error(`a tool that is ${state} does not become ${to}`)
    state = to
    reason = why ?? null
  }
  const isOut = () => state === 'FAILED' || state === 'UNAVAILABLE'

  return {
    get standing() {
      return { state, inFlight, lastOutcome, reason }
    },
    move,
    admits: (now) => !isOut() || (!probing && now >= probeAt),
    begin(now) {
      inFlight += 1
      if (state === 'INITIALIZED') move('RUNNING')
      if (isOut()) {
        probing = true
        probeAt = now + pause
      }
    },
    end(outcome, now, gone) {
      inFlight -= 1
      lastOutcome = outcome
      // A caller's mistake says nothing about the tool.
      if (outcome !== 'caller_error') inARow = outcome === 'success' ? 0 : inARow + 1
      if (gone !== undefined && state !== 'UNAVAILABLE') move('UNAVAILABLE', MISSING[gone])
      else if (gone !== undefined) reason = MISSING[gone]
      else if (inARow >= faults && state !== 'FAILED') {
        move('FAILED', `It failed ${inARow} times in a row.`)
      } else if (isOut() && outcome === 'success') move('INITIALIZED')
      else if (state === 'RUNNING' && inFlight === 0) move('INITIALIZED')
      if (isOut()) probeAt = now + pause
      probing = false
    },
  }
}
