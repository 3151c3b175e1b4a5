/** Each rule of diagnosis runs holds, and is seen to be broken when it is. */
import { afterAll, beforeAll, expect, test } from 'vitest'
import { DIAGNOSIS_CHECKS, DIAGNOSIS_RULES, openDiagnosisWorld, type DiagnosisWorld } from './diagnosis-rules.ts'
import { HOUSE_CHECKS, HOUSE_RULES, verify } from './rule-book.ts'

let world: DiagnosisWorld
let close: () => Promise<void>
beforeAll(async () => {
  ;({ world, close } = await openDiagnosisWorld())
}, 120_000)
afterAll(async () => {
  await close?.()
})

test('all of them hold, and are said in the words that were promised', async () => {
  const lines: string[] = []
  expect(await verify(DIAGNOSIS_RULES, DIAGNOSIS_CHECKS, world, (line) => lines.push(line))).toBe(true)
  expect(lines).toEqual([
    '✅ R-E76-001: diagnosis_runs table schema verified',
    '✅ R-E76-002: RLS policies verified',
    '✅ R-E76-003: Unique constraint verified',
    '✅ R-E76-004: Status index verified',
    '✅ R-E76-005: Literal callsites verified',
    '✅ R-E76-006: Error codes verified',
  ])
}, 120_000)

test.each(DIAGNOSIS_CHECKS.map((check) => [check.rule, check] as const))(
  '%s is seen to be broken, by its own line and no other',
  async (rule, check) => {
    const broken = await check.breaks(world)
    const lines: string[] = []
    try {
      const rules = DIAGNOSIS_RULES.filter(({ id }) => id === rule)
      expect(await verify(rules, [check], broken.world, (line) => lines.push(line))).toBe(false)
      expect(lines.length).toBeGreaterThan(0)
      for (const line of lines) expect(line).toMatch(new RegExp(`^❌ violates ${rule}: `))
    } finally {
      await broken.mend()
    }
    expect(await check.look(world)).toEqual([])
  },
  120_000,
)

test('a rule that nothing checks, a check of no rule and a check that cannot be made are violations', async () => {
  const rule = { id: 'R-X-001', says: 'x verified', scope: 'house' as const }
  const said: string[] = []
  const of = (checks: Parameters<typeof verify>[1], rules = [rule]) =>
    verify(rules, checks, undefined, (line) => said.push(line))
  expect(await of([])).toBe(false)
  expect(
    await of([
      { rule: 'R-X-001', look: () => [] },
      { rule: 'R-X-002', look: () => [] },
    ]),
  ).toBe(false)
  expect(await of([{ rule: 'R-X-001', look: () => Promise.reject(new Error('no database')) }])).toBe(false)
  expect(said).toEqual([
    '❌ violates R-X-001: nothing checks it',
    '❌ violates R-X-002: it is checked, and no rule',
    '✅ R-X-001: x verified',
    '❌ violates R-X-001: it could not be checked (no database)',
  ])
})

test('the rules of the house stand in the same book, and hold', async () => {
  const said: string[] = []
  expect(await verify(HOUSE_RULES, HOUSE_CHECKS, undefined, (line) => said.push(line))).toBe(true)
  expect(said).toHaveLength(HOUSE_RULES.length)
})
