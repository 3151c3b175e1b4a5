/** The analyst in Python: `workers/analyze_basic.py`, kept warm beside the other workers in Python. */
import { TaskFailed, type Failure } from '@millrace/engine'
import type { Python } from '../../../tools/python/python.ts'
import type { Facts } from './facts.ts'

/** Milliseconds for the largest run. */
const LONGEST = 120_000

/** @throws TaskFailed NO_PYTHON, and what the process came to */
export async function askAnalyst(python: Python, facts: Facts, signal: AbortSignal): Promise<unknown> {
  const { healthy } = await python.health()
  if (!healthy) throw new TaskFailed(NO_PYTHON)
  const deadline = new Date(Date.now() + LONGEST)
  const reply = await python.ask('analyze_basic.py', { input: facts }, { signal, deadline })
  return reply['analysis']
}

const NO_PYTHON: Failure = {
  code: 'NO_PYTHON',
  message: 'no Python found that will do; set MILLRACE_PYTHON to one of version 3.10 or newer',
  retryable: false,
  origin: 'worker',
}
