/** No answer, however long or malicious, holds up the worker that reads it. */

import { describe, expect, test } from 'vitest'
import { decide } from './decide.ts'
import type { DecisionScale } from '../definition/definition.ts'

const agreement: DecisionScale = {
  labels: [
    { code: '1', label: 'Strongly disagree' },
    { code: '2', label: 'Disagree' },
    { code: '3', label: 'Neutral' },
    { code: '4', label: 'Agree' },
    { code: '5', label: 'Strongly agree' },
  ],
}

describe('a million characters come to an end', () => {
  const million = 1024 * 1024
  test.each([
    ['spaces', ' '.repeat(million)],
    ['line ends', '\n'.repeat(million)],
    ['digits', '4'.repeat(million)],
    ['numbers', '4 '.repeat(million / 2)],
    ['ratios', '4/'.repeat(million / 2)],
    ['markers', 'Rating: '.repeat(million / 8)],
    ['markers with brackets', 'Rating ('.repeat(million / 8)],
    ['markers in lines', 'Rating\n'.repeat(million / 7)],
    ['quotes', '"'.repeat(million)],
    ['negations', 'I would not '.repeat(million / 12)],
    ['verbs', 'I choose '.repeat(million / 9)],
    ['labels', 'strongly '.repeat(million / 9)],
    ['combining marks', `a${'\u0301\u0323'.repeat(million / 2)}`],
    ['strikes', '~'.repeat(million)],
    ['decimals', '4.'.repeat(million / 2)],
    ['apostrophes', "a'".repeat(million / 2)],
    ['thoughts', '<think>'.repeat(million / 7)],
    ['scales', 'scale of 1 to 5 '.repeat(million / 16)],
    ['camels', 'aB'.repeat(million / 2)],
    ['Arabic digits', '٤'.repeat(million)],
    ['emoji', '🤔'.repeat(million / 2)],
    ['characters that normalise to eighteen', 'ﷺ'.repeat(million)],
    ['lone surrogates', '\ud83e'.repeat(million)],
  ])('%s', (_, answer) => {
    // A pattern that backtracks would need hours here; the runner's own limit would end it.
    expect(decide(answer, agreement)).not.toBeNull()
  })

  test('and its first and last lines are still understood', () => {
    const long = 'The two goods conflict, as they did for 3 people in 1987.\n'.repeat(20_000)
    expect(decide(`Rating: 4\n${long}`, agreement)).toMatchObject({ code: '4' })
    expect(decide(`${long}Rating: 4`, agreement)).toMatchObject({ code: '4' })
  })
})
