/** Decisions on scales that are not one to five: letters, words, signs, other scripts, emoji. */

import { describe, expect, test } from 'vitest'
import { decide } from './decide.ts'
import type { DecisionScale } from '../definition/definition.ts'

/** `4 marker`, `4 label`, `4 pattern`, or the outcome's kind. */
function told(answer: string, scale: DecisionScale): string {
  const outcome = decide(answer, scale)
  if (outcome === null) return 'null'
  return outcome.kind === 'decision' ? `${outcome.code} ${outcome.by}` : outcome.kind
}

describe('scales of other shapes', () => {
  const letters: DecisionScale = {
    labels: [
      { code: 'A', label: 'Tell the truth' },
      { code: 'B', label: 'Keep the secret' },
      { code: 'C', label: 'Stay silent' },
    ],
  }
  const yesNo: DecisionScale = {
    labels: [
      { code: 'yes', label: 'Yes' },
      { code: 'no', label: 'No' },
    ],
  }
  const signed: DecisionScale = {
    labels: [
      { code: '-2', label: 'Much worse' },
      { code: '-1', label: 'Worse' },
      { code: '0', label: 'Same' },
      { code: '1', label: 'Better' },
      { code: '2', label: 'Much better' },
    ],
  }
  const chinese: DecisionScale = {
    labels: [
      { code: '1', label: '非常不同意' },
      { code: '2', label: '不同意' },
      { code: '4', label: '同意' },
      { code: '5', label: '非常同意' },
    ],
  }
  const thumbs: DecisionScale = {
    labels: [
      { code: 'up', label: '👍' },
      { code: 'down', label: '👎' },
    ],
  }
  const arabic: DecisionScale = {
    labels: [
      { code: '1', label: 'أوافق' },
      { code: '2', label: 'لا أوافق' },
    ],
  }

  test.each<[DecisionScale, string, string]>([
    [letters, 'B', 'B label'],
    [letters, 'B) Keep the secret', 'B label'],
    [letters, 'Answer: B', 'B marker'],
    [letters, 'Answer: b', 'B marker'],
    [letters, 'I choose B because the promise was given.', 'B pattern'],
    [letters, 'Option C.', 'C label'],
    [letters, 'A reasonable person would tell the truth.', 'unparsed'],
    [letters, 'I choose a different way.', 'unparsed'],
    [letters, 'Keep the secret', 'B label'],
    [letters, 'Answer: D', 'unparsed'],
    [letters, 'A or B', 'unparsed'],
    [yesNo, 'Yes.', 'yes label'],
    [yesNo, 'No, that would be a betrayal.', 'no label'],
    [yesNo, 'No one should have to choose.', 'unparsed'],
    [yesNo, 'Yes and no.', 'unparsed'],
    [yesNo, 'I no longer think so.', 'unparsed'],
    [yesNo, 'Decision: yes', 'yes marker'],
    [signed, 'Rating: -2', '-2 marker'],
    [signed, 'Rating: −1', '-1 marker'],
    [signed, 'Rating: +1', '1 marker'],
    [signed, 'On a scale from -2 to 2 I choose -1.', '-1 pattern'],
    [signed, 'Much better', '2 label'],
    [chinese, '同意', '4 label'],
    [chinese, '非常同意。', '5 label'],
    [chinese, '我不同意。', '2 pattern'],
    [chinese, '决定：不同意', '2 marker'],
    [thumbs, '👍', 'up label'],
    [thumbs, 'Decision: 👎', 'down marker'],
    [arabic, 'لا أوافق', '2 label'],
    [arabic, 'القرار: أوافق', '1 marker'],
  ])('%#: %j', (scale, answer, outcome) => {
    expect(told(answer, scale)).toBe(outcome)
  })
})
