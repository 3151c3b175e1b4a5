/** The run kind `stage` with steps and gates that do what a test says. */
import { defineTask } from '@millrace/engine'
import { z } from 'zod'
import { GATES, gatesTaskInput, gatesTaskOutput, stageRun, stepKind, stepTaskInput } from '../src/domains/stage/run.ts'

export function kindsOf(
  perform: (run: number, step: number, signal: AbortSignal) => Promise<void>,
  passes: (gate: string, run: number) => boolean,
) {
  const step = defineTask({
    name: stepKind('fake'),
    input: stepTaskInput,
    output: z.object({ step: z.int() }),
    async perform({ run, input, signal }) {
      await perform(run, input.step, signal)
      return { step: input.step }
    },
  })
  const gates = defineTask({
    name: GATES,
    input: gatesTaskInput,
    output: gatesTaskOutput,
    async perform(hand) {
      const { gates: asked } = kind.input.parse(await hand.runInput())
      const results = asked.map(({ id, required }) => ({ id, required, passed: passes(id, hand.run) }))
      return { results, blocked: results.some((gate) => gate.required && !gate.passed) }
    },
  })
  const kind = stageRun({
    steps: [step],
    gates: [gates],
    uses: async () => ({ requests: 1, tokens: 0, micros: 0 }),
  })
  return kind
}
