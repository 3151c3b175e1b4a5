/**
 * `npm run guardrails`: every rule of the house, looked at; `npm run verify:e76-4`:
 * those of diagnosis runs alone.  What needs a database gets a new one.
 */
import startCluster from '../engine/testing/cluster.ts'
import { DIAGNOSIS_CHECKS, DIAGNOSIS_RULES, openDiagnosisWorld } from './diagnosis-rules.ts'
import { HOUSE_CHECKS, HOUSE_RULES, verify } from './rule-book.ts'
import { house, TOOL_CHECKS, TOOL_RULES } from './tool-rules.ts'

const say = (line: string) => void process.stdout.write(`${line}\n`)

let holds = true
if (process.argv[2] !== 'diagnosis') {
  holds = await verify(HOUSE_RULES, HOUSE_CHECKS, undefined, say)
  holds = (await verify(TOOL_RULES, TOOL_CHECKS, house, say)) && holds
}

const stopCluster = await startCluster()
try {
  const { world, close } = await openDiagnosisWorld()
  try {
    const all = await verify(DIAGNOSIS_RULES, DIAGNOSIS_CHECKS, world, say)
    if (all) say('\n✅ All E76.4 guardrails verified')
    holds &&= all
  } finally {
    await close()
  }
} finally {
  await stopCluster()
}
process.exitCode = holds ? 0 : 1
