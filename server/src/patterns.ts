/**
 * Values looked at with a JSON Schema that a stranger wrote: a skill's, a tool's of
 * another server, a caller's.  A `pattern` of theirs may search for longer than the sun
 * shines, and everything else in the process would wait for it: it is stopped.
 */
import { Script, createContext } from 'node:vm'
import { z } from 'zod'

/** Milliseconds for one value; a pattern that is meant well needs none of them. */
const LONGEST = 250

export interface Checker {
  safeParse(value: unknown): z.ZodSafeParseResult<unknown>
}

/** @throws Error for what it does not understand: better than to check less than is written */
export function checkerOf(schema: Readonly<Record<string, unknown>>): Checker {
  const type = z.fromJSONSchema(schema)
  if (!JSON.stringify(schema).includes('"pattern')) return type
  return { safeParse: (value) => stopped(() => type.safeParse(value)) ?? TOO_LONG }
}

const TOO_LONG: z.ZodSafeParseResult<unknown> = {
  success: false,
  error: new z.ZodError([
    { code: 'custom', path: [], message: 'a pattern of the schema takes too long on this', input: undefined },
  ]),
}

const script = new Script('work()')
const around = createContext({ work: undefined as unknown })

/** Undefined where it was stopped.  V8 stops all that runs inside, whoever wrote it. */
function stopped<T>(work: () => T): T | undefined {
  let result: T | undefined
  around['work'] = () => {
    result = work()
  }
  try {
    script.runInContext(around, { timeout: LONGEST })
  } catch (error) {
    if ((error as { code?: unknown }).code === 'ERR_SCRIPT_EXECUTION_TIMEOUT') return undefined
    throw error
  }
  return result
}
