/** npm run bench [-- R1 R5 … ablation] [--quick] */
import { access } from 'node:fs/promises'
import type { Measured } from './results.ts'
import type { Stage } from './stage.ts'

const GATES: Readonly<Record<string, () => Promise<(stage: Stage) => Promise<Measured[]>>>> = {
  R1: async () => (await import('./gates/r1.ts')).r1,
  R2: async () => (await import('./gates/r2.ts')).r2,
  R3: async () => (await import('./gates/r3.ts')).r3,
  R4: async () => (await import('./gates/r4.ts')).r4,
  R5: async () => (await import('./gates/r5.ts')).r5,
  R6: async () => (await import('./gates/r6.ts')).r6,
  R7: async () => (await import('./gates/r7.ts')).r7,
  R8: async () => (await import('./gates/r8.ts')).r8,
  R9: async () => (await import('./gates/r9.ts')).r9,
  R10: async () => (await import('./gates/r10.ts')).r10,
  R11: async () => (await import('./gates/r11.ts')).r11,
  R12: async () => (await import('./gates/r12.ts')).r12,
  R13: async () => (await import('./gates/r13.ts')).r13,
  R14: async () => (await import('./gates/r14.ts')).r14,
  R15: async () => (await import('./gates/r15.ts')).r15,
  R16: async () => (await import('./gates/r16.ts')).r16,
  R17: async () => (await import('./gates/r17.ts')).r17,
  R18: async () => (await import('./gates/r18.ts')).r18,
  R19: async () => (await import('./gates/r19.ts')).r19,
  R21: async () => (await import('./gates/r21.ts')).r21,
  R22: async () => (await import('./gates/r22.ts')).r22,
  R23: async () => (await import('./gates/r23.ts')).r23,
}

const words = process.argv.slice(2)
const quick = words.includes('--quick')
const named = words.filter((word) => word !== '--quick')
const ABLATION = 'ablation'
const unknown = named.filter((name) => GATES[name] === undefined && name !== ABLATION)
const all = [...Object.keys(GATES), ABLATION].join(', ')

if (unknown.length > 0) refuse(`There is no gate ${unknown.join(', ')}; there are ${all}.`)
else if (!(await installed())) refuse('The peers are not installed: npm ci --prefix bench')
// What a measured program has left open ends with it.
else process.exit(await main())

async function installed(): Promise<boolean> {
  const there = ['pg', 'pg-boss', 'graphile-worker', 'bullmq'].map((name) =>
    access(new URL(`../node_modules/${name}`, import.meta.url)),
  )
  return (await Promise.allSettled(there)).every(({ status }) => status === 'fulfilled')
}

function refuse(line: string): void {
  console.error(line)
  process.exitCode = 2
}

async function main(): Promise<number> {
  const { openStage } = await import('./stage.ts')
  const stage = await openStage(quick)
  process.once('SIGINT', () => void stage.close().finally(() => process.exit(130)))
  const small = quick ? ', a hundredth of the size: no verdict' : ''
  stage.tell(`PostgreSQL ${stage.version}, Node ${process.versions.node}${small}`)
  let failed = false
  try {
    for (const name of named.length > 0 ? named : Object.keys(GATES)) {
      stage.tell(name)
      try {
        if (name === ABLATION) await (await import('./ablation/index.ts')).ablate(stage)
        else failed = !(await passGate(stage, name)) || failed
      } catch (error) {
        // The other gates are measured all the same.
        console.error(error)
        failed = true
      }
    }
  } finally {
    await stage.close()
  }
  return failed ? 1 : 0
}

async function passGate(stage: Stage, name: string): Promise<boolean> {
  const { inWords, judge, record } = await import('./results.ts')
  const gate = await GATES[name]?.()
  let passed = true
  for (const measured of (await gate?.(stage)) ?? []) {
    const { id, value, bound } = measured
    if (quick) {
      stage.tell(`  ${id}: ${value} (gate ${inWords(bound)}, no verdict)`)
      continue
    }
    const verdict = judge(measured)
    await record([verdict])
    if (verdict.pass === false) passed = false
    const word = verdict.pass === null ? `no verdict: ${verdict.reason}` : verdict.pass ? 'passed' : 'MISSED'
    stage.tell(`  ${id}: ${value} (gate ${verdict.gate}, foreign load ${verdict.foreignLoad}): ${word}`)
  }
  return passed
}
