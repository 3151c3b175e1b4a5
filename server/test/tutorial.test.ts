/** The tutorial and the guide of probes cannot rot: their commands give what they say. */
import { describe, expect, test } from 'vitest'
import { blocksOf, openGuideStage } from '../testing/guide.ts'

describe.each([
  // `npm start` has run the example before a reader comes to the second step.
  [
    'docs/tutorial.md',
    ['npx millrace probe examples/value-dilemma/definition.yaml --models fake:a,fake:b --out x.csv'],
    4,
  ],
  ['docs/guides/probe.md', [], 8],
])('%s', (page, before, commands) => {
  test('gives what it says that it gives', { timeout: 120_000 }, async () => {
    const blocks = blocksOf(page)
    const stage = await openGuideStage(blocks)
    try {
      for (const line of before) await stage.run(line)
      expect(await stage.follow(blocks)).toBe(commands)
    } finally {
      await stage.close()
    }
  })
})
