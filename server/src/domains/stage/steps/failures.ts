/** What can go wrong with a step besides the asking; names of fields, inputs and documents, and never what stands in them. */
import { TaskFailed, type Failure } from '@millrace/engine'

const MESSAGES = {
  NO_SUCH_STEP: 'The run has no such step.',
  SKILL_GONE: 'The version of the skill that this step stands on is not there.',
  MISSING_INPUT: 'The skill needs inputs that are not there.',
  INVALID_INPUT: 'Inputs of the step are not what the skill takes.',
  INVALID_TEMPLATE: 'A template of the skill cannot be filled.',
  INVALID_OUTPUT: 'The answer is not what the skill gives.',
  INVALID_PANEL: 'The panel of the skill is not one that can vote.',
  INVALID_RECORDS: 'The answer does not hold the records that the skill keeps.',
  TRUNCATED: 'The answer was cut before its end.',
  STEP_TIMEOUT: 'The step took longer than its recipe allows.',
  DOCUMENT_TOO_LARGE: 'A document of this step is larger than 1 MiB.',
  INVALID_LINK: 'The address of an artifact is not http or https.',
  INVALID_METRIC: 'A metric of this step is no number.',
} as const
export type StepFailure = keyof typeof MESSAGES

/** Another try may end otherwise: a model answers anew. */
const RETRYABLE = new Set<StepFailure>(['STEP_TIMEOUT', 'TRUNCATED', 'INVALID_OUTPUT'])

const MOST_NAMES = 10

export function stepFailed(code: StepFailure, names: readonly string[] = []): TaskFailed {
  const failure: Failure = {
    code,
    message: MESSAGES[code],
    retryable: RETRYABLE.has(code),
    origin: code === 'STEP_TIMEOUT' ? 'worker' : 'task',
    ...(names.length === 0 ? {} : { details: { names: [...new Set(names)].slice(0, MOST_NAMES).join(', ') } }),
  }
  return new TaskFailed(failure)
}
