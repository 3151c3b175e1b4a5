/**
 * The scenarios that the public harness for queues on PostgreSQL
 * (hardbyte/postgresql-job-queue-benchmarking) puts to each of them, in our words:
 * faults one after another while people go on starting runs.
 */
import type { Fault } from './storm-faults.ts'

const times = (amount: number, fault: Fault): Fault[] => Array.from({ length: amount }, () => fault)

export const SCENARIOS: Readonly<Record<string, readonly Fault[]>> = {
  'postgres-restart': [...times(2, 'restart'), 'crash'],
  'backend-kills': [...times(6, 'terminate'), 'kill backend'],
  'pool-exhaustion': times(2, 'exhaustion'),
  crash: ['kill', 'kill in save', 'kill at commit'],
  'repeated-kills': times(8, 'kill'),
  'idle-in-transaction': times(3, 'idle in transaction'),
  'sustained-load': times(2, 'sustained load'),
  'active-readers': ['old snapshot', ...times(2, 'active readers')],
  burst: times(3, 'burst'),
}
