/** Each rule of the tools' door holds, and every way around it that is planted is found. */
import { describe, expect, test } from 'vitest'
import { verify } from './rule-book.ts'
import { house, TOOL_CHECKS, TOOL_RULES, type Sources } from './tool-rules.ts'

test('all of them hold, and each says so in a line', async () => {
  const lines: string[] = []
  expect([await verify(TOOL_RULES, TOOL_CHECKS, house, (line) => lines.push(line)), lines]).toEqual([
    true,
    TOOL_RULES.map(({ id, says }) => `✅ ${id}: ${says}`),
  ])
})

describe.each(TOOL_CHECKS)('$rule', ({ rule, look, breaks }) => {
  test.each(breaks)('is seen to be broken: $how', async ({ path, text }) => {
    const now = house.text(path)
    const broken: Sources = { ...house, text: (one) => (one === path ? text(now) : house.text(one)) }
    expect(broken.text(path)).not.toBe(now)
    const lines: string[] = []
    const rules = TOOL_RULES.filter(({ id }) => id === rule)
    expect(await verify(rules, [{ rule, look }], broken, (line) => lines.push(line))).toBe(false)
    expect(lines.length).toBeGreaterThan(0)
    for (const line of lines) {
      expect(line).toMatch(new RegExp(`^❌ violates ${rule}: `))
      expect(line).toContain(path)
      expect(line).not.toContain('could not be checked')
    }
  })
})
