/** The task `stage.gates`: looks at everything that is there when the steps have ended, and keeps what each gate found. */
import { z } from 'zod'
import { defineTask, toJson, type Finished, type Hand, type Tx } from '@millrace/engine'
import type { Tools } from '../../tools/tools.ts'
import { customGates, factsOf, toolInputOf } from './facts.ts'
import { blocks, evaluateGates, type GateResult, type ToolSaid } from './gates.ts'
import { GATES, gatesTaskInput } from './run.ts'
import { workSnapshot } from './steps/snapshot.ts'

type GatesInput = z.output<typeof gatesTaskInput>
const gatesOutput = z.object({ results: z.custom<readonly GateResult[]>(), blocked: z.boolean() })
type GatesOutput = z.output<typeof gatesOutput>

/** Seconds: a tool may take nearly ten minutes, and there may be several. */
const TIMEOUT = 1_800
const TRIES = 3

export function gatesTask(tools: Pick<Tools, 'load' | 'runner'>) {
  return defineTask<GatesInput, GatesOutput>({
    name: GATES,
    input: gatesTaskInput,
    output: gatesOutput,
    timeout: TIMEOUT,
    async perform(hand) {
      const { card, gates } = workSnapshot.parse(await hand.runInput())
      const facts = await factsOf(hand.read, card.id)
      const asked = new Map<string, ToolSaid>()
      for (const gate of customGates(gates)) {
        await tools.load()
        asked.set(gate.id, await ask(tools, gate.config.tool, toolInputOf(gate, card, facts), hand))
      }
      const results = evaluateGates(gates, { ...facts, asked })
      for (const { id, passed, required } of results) hand.log('gate', { gate: id, passed: passed === true, required })
      return { results, blocked: blocks(results) }
    },
    save: saveGates,
    keep: ({ results, blocked }) => ({
      results: results.map(({ id, required, passed }) => ({ id, required, passed: passed === true })),
      blocked,
    }),
  })
}

const verdict = z.looseObject({ passed: z.boolean(), evidence: z.unknown().optional() })

/** A tool that cannot say it has not passed it; what may go better is asked again. */
async function ask(
  { runner }: Pick<Tools, 'runner'>,
  tool: string,
  input: unknown,
  { signal, run }: Hand<GatesInput>,
): Promise<ToolSaid> {
  for (let left = TRIES; ; left -= 1) {
    const called = await runner.run(tool, input, { signal, run })
    signal.throwIfAborted()
    if (!called.ok) {
      if (called.error.retryable && left > 1) continue
      return { passed: false, evidence: { error: called.error.code, correlationId: called.error.correlationId } }
    }
    const said = verdict.safeParse(called.output)
    if (!said.success) return { passed: false, evidence: { error: 'NO_VERDICT' } }
    return { passed: said.data.passed, evidence: said.data.evidence ?? null }
  }
}

async function saveGates(tx: Tx, finished: readonly Finished<GatesInput, GatesOutput>[]): Promise<void> {
  for (const { run, task, output } of finished) {
    await tx.query('select stage.keep_gates($1, $2, $3)', [run, task, toJson(output.results)])
  }
}
