/** What can go wrong with a model, and what the console says to do about it. */
import { expect, test } from 'vitest'
import { FAILURES } from '../../server/src/providers/failure-table.ts'
import { remedies } from '../src/words/runs.ts'

test('for every failure of a provider the console says what to do', () => {
  expect(Object.keys(FAILURES).filter((code) => remedies[code] === undefined)).toEqual([])
})
