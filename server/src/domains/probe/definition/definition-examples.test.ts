/** The definitions in `examples/` are the first that people see: they are whole, and they show what their READMEs say. */

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { decide } from '../decision/decide.ts'
import { definitionWarnings, readDefinition, writeDefinition } from './definition.ts'
import { openExpansion } from './expand.ts'

function example(name: string) {
  const file = `examples/${name}/definition.yaml`
  return readDefinition(readFileSync(new URL(`../../../../../${file}`, import.meta.url), 'utf8'), { file })
}

test.each([
  ['value-dilemma', 25],
  ['refusal-prone', 15],
  ['unicode-and-long-text', 12],
])('%s is read without a warning and has %i scenarios, written and read again the same', (name, count) => {
  const definition = example(name)
  expect(definitionWarnings(definition)).toEqual([])
  const expansion = openExpansion(definition, { seed: 42 })
  expect(expansion.count).toBe(count)
  for (const { prompt } of expansion) expect(prompt).not.toMatch(/\[(Promise|Harm|Question|Frame|挨拶|café)\]/i)
  for (const format of ['yaml', 'markdown'] as const) {
    expect(readDefinition(writeDefinition(definition, format), { file: name, format })).toEqual(definition)
  }
})

test('their scales are read from the answers that they ask for', () => {
  expect(decide('Rating: 5\nThe patient cannot wait.', example('value-dilemma').decision)).toMatchObject({ code: '5' })
  expect(decide('Rather tell.', example('value-dilemma').decision)).toMatchObject({ code: '4' })
  expect(decide('Decision: no', example('refusal-prone').decision)).toMatchObject({ code: 'no' })
  expect(decide("I can't decide this for you.", example('refusal-prone').decision)).toEqual({ kind: 'refusal' })
  expect(decide('こんにちは。\nDecision: ask first 🤔', example('unicode-and-long-text').decision)).toMatchObject({
    code: 'ask',
  })
  expect(decide('نعم.\n**Decision:** yes 👍', example('unicode-and-long-text').decision)).toMatchObject({ code: 'yes' })
})

test('the long one is long, and its placeholder meets the name that is written with other characters', () => {
  const definition = example('unicode-and-long-text')
  expect(Buffer.byteLength(definition.preamble ?? '')).toBeGreaterThan(18_000)
  expect(definition.template).toContain('[CAF\u00c9]')
  expect(definition.dimensions[0]?.name).toBe('Cafe\u0301')
  expect(openExpansion(definition, { seed: 1 }).at(0).prompt).toMatch(/^\[The desk/)
})
