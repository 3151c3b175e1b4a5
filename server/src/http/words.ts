/**
 * The words at the doors.  The engine has five states and two reasons to hold; an
 * outside contract may call them otherwise.  Nothing else translates.
 */
import type { Progress, RunState } from '@millrace/engine'

export type Status = RunState | 'paused' | 'awaiting_approval'
export const STATUSES = [
  'queued',
  'running',
  'paused',
  'awaiting_approval',
  'succeeded',
  'failed',
  'cancelled',
] as const satisfies readonly Status[]

export const DOORS = {
  /** REST, stages, the console. */
  rest: {
    queued: 'queued',
    paused: 'paused',
    awaiting_approval: 'awaiting_approval',
    running: 'running',
    succeeded: 'succeeded',
    failed: 'failed',
    cancelled: 'cancelled',
  },
  /** GraphQL, and the probe as its contract says it. */
  probe: {
    queued: 'PENDING',
    paused: 'PAUSED',
    awaiting_approval: 'PAUSED',
    running: 'RUNNING',
    succeeded: 'COMPLETED',
    failed: 'FAILED',
    cancelled: 'CANCELLED',
  },
  diagnosis: {
    queued: 'queued',
    paused: 'queued',
    awaiting_approval: 'queued',
    running: 'in_progress',
    succeeded: 'completed',
    failed: 'failed',
    cancelled: 'failed',
  },
  tool: {
    queued: 'PENDING',
    paused: 'PENDING',
    awaiting_approval: 'PENDING',
    running: 'RUNNING',
    succeeded: 'SUCCESS',
    failed: 'FAILED',
    cancelled: 'FAILED',
  },
  mcp: {
    queued: 'working',
    paused: 'working',
    awaiting_approval: 'input_required',
    running: 'working',
    succeeded: 'completed',
    failed: 'failed',
    cancelled: 'cancelled',
  },
} as const satisfies Record<string, Record<Status, string>>

export function statusAt<D extends keyof typeof DOORS>(door: D, status: Status): (typeof DOORS)[D][Status] {
  return DOORS[door][status] as (typeof DOORS)[D][Status]
}

/** The statuses that a door has one word for; none: it has no such word. */
export function statusesOf(door: keyof typeof DOORS, word: string): readonly Status[] {
  return STATUSES.filter((status) => DOORS[door][status] === word)
}

/** `succeeded` in counters is `completed` at the doors, and percent says of what. */
export function progressAt({ total, succeeded, failed, cancelled, open, percent }: Progress) {
  return { total, completed: succeeded, failed, cancelled, open, percentComplete: percent }
}
