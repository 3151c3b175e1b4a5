/** What is told of Python when a program starts that performs tasks, and by the doctor. */
import { Refusal } from '@millrace/engine'
import { productKinds } from '../app.ts'
import type { Config } from '../config.ts'
import { PYTHON_REMEDY, sayHealth, type Python } from '../tools/python/python.ts'
import type { Finding } from './doctor.ts'

/**
 * One line, when it is known; nobody waits for it, except where the start is strict.
 * @throws Refusal PYTHON_MISSING
 */
export async function tellPython(python: Python, strict: boolean, tell: (line: string) => void): Promise<void> {
  const looked = python.health().then((health) => {
    if (strict && !health.healthy) {
      throw new Refusal('PYTHON_MISSING', sayHealth(health), {
        remedy: `${PYTHON_REMEDY} Without MILLRACE_PYTHON_STRICT everything else starts all the same.`,
      })
    }
    tell(sayHealth(health))
  })
  if (strict) await looked
}

export async function lookAtPython(config: Config): Promise<Finding[]> {
  const served = productKinds(config)
  try {
    const health = await served.python.health()
    if (health.healthy) return [{ what: 'python', state: 'well', says: `${health.version}, ${health.executable}` }]
    const state = config.pythonStrict ? 'wrong' : 'note'
    return [{ what: 'python', state, says: sayHealth(health), remedy: PYTHON_REMEDY }]
  } finally {
    await served.leave()
  }
}
