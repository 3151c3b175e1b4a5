/** The run kind `stage` with all that its steps and gates need. */
import type { Catalogue } from '../../providers/catalogue.ts'
import type { Prices } from '../../prices/prices.ts'
import type { Tools } from '../../tools/tools.ts'
import { gatesTask } from './gates-task.ts'
import { stageRun } from './run.ts'
import { stepTasks } from './step.ts'
import { openUses } from './steps/uses.ts'

export function stageKind(given: {
  readonly catalogue: Catalogue
  readonly prices: Prices
  readonly tools: Pick<Tools, 'load' | 'runner'>
}) {
  return stageRun({ steps: stepTasks(given), gates: [gatesTask(given.tools)], uses: openUses(given) })
}
