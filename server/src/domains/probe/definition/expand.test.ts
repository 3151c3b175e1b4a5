/** The same definition and seed give the same scenarios everywhere; the golden values below were computed once and stay. */

import { createHash } from 'node:crypto'
import { Refusal } from '@millrace/engine'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseDefinition } from './definition.ts'
import type { Definition } from './definition.ts'
import { countScenarios, expandScenarios, openExpansion } from './expand.ts'

const dilemma = parseDefinition({
  name: 'Dilemma',
  template: 'Risk [stakes], owing [DUTY]; again: [Stakes].\n',
  dimensions: [
    {
      name: 'Stakes',
      levels: [
        { score: 1, label: 'low', options: ['a scratch', 'a bruise', 'a fright'] },
        { score: 3, label: 'high', options: ['a limb', 'a life'] },
      ],
    },
    {
      name: 'Duty',
      levels: [
        { score: 1, label: 'none' },
        { score: 2, label: 'a word', options: ['a word', 'a nod', 'a hint', 'a smile'] },
        { score: 5, label: 'an oath', options: ['an oath', 'a contract'] },
      ],
    },
  ],
})

const prompts = (definition: Definition, seed: number | bigint): string[] =>
  [...expandScenarios(definition, { seed })].map(({ prompt }) => prompt)

function wide(dimensions: number, levels: number): Definition {
  const values = Array.from({ length: levels }, (_, i) => `v${i}`)
  return parseDefinition({
    name: 'wide',
    template: 'x',
    dimensions: Array.from({ length: dimensions }, (_, i) => ({ name: `d${i}`, values })),
  })
}

describe('expansion', () => {
  test('is the product of the levels, the first dimension slowest', () => {
    const scenarios = [...expandScenarios(dilemma, { seed: 1 })]
    expect(scenarios.map(({ key }) => key)).toEqual([
      'stakes=1_duty=1',
      'stakes=1_duty=2',
      'stakes=1_duty=5',
      'stakes=3_duty=1',
      'stakes=3_duty=2',
      'stakes=3_duty=5',
    ])
    expect(scenarios.map(({ index }) => index)).toEqual([0, 1, 2, 3, 4, 5])
  })

  test('gives these scenarios for these seeds, on every machine', () => {
    expect([...expandScenarios(dilemma, { seed: 42 })]).toMatchInlineSnapshot(`
      [
        {
          "dimensions": {
            "Duty": {
              "label": "none",
              "option": "none",
              "score": 1,
            },
            "Stakes": {
              "label": "low",
              "option": "a scratch",
              "score": 1,
            },
          },
          "index": 0,
          "key": "stakes=1_duty=1",
          "prompt": "Risk a scratch, owing none; again: a scratch.",
        },
        {
          "dimensions": {
            "Duty": {
              "label": "a word",
              "option": "a nod",
              "score": 2,
            },
            "Stakes": {
              "label": "low",
              "option": "a scratch",
              "score": 1,
            },
          },
          "index": 1,
          "key": "stakes=1_duty=2",
          "prompt": "Risk a scratch, owing a nod; again: a scratch.",
        },
        {
          "dimensions": {
            "Duty": {
              "label": "an oath",
              "option": "an oath",
              "score": 5,
            },
            "Stakes": {
              "label": "low",
              "option": "a bruise",
              "score": 1,
            },
          },
          "index": 2,
          "key": "stakes=1_duty=5",
          "prompt": "Risk a bruise, owing an oath; again: a bruise.",
        },
        {
          "dimensions": {
            "Duty": {
              "label": "none",
              "option": "none",
              "score": 1,
            },
            "Stakes": {
              "label": "high",
              "option": "a limb",
              "score": 3,
            },
          },
          "index": 3,
          "key": "stakes=3_duty=1",
          "prompt": "Risk a limb, owing none; again: a limb.",
        },
        {
          "dimensions": {
            "Duty": {
              "label": "a word",
              "option": "a hint",
              "score": 2,
            },
            "Stakes": {
              "label": "high",
              "option": "a life",
              "score": 3,
            },
          },
          "index": 4,
          "key": "stakes=3_duty=2",
          "prompt": "Risk a life, owing a hint; again: a life.",
        },
        {
          "dimensions": {
            "Duty": {
              "label": "an oath",
              "option": "a contract",
              "score": 5,
            },
            "Stakes": {
              "label": "high",
              "option": "a life",
              "score": 3,
            },
          },
          "index": 5,
          "key": "stakes=3_duty=5",
          "prompt": "Risk a life, owing a contract; again: a life.",
        },
      ]
    `)
    expect([0, -7, 2 ** 40, 123456789012345678901234567890n].map((seed) => prompts(dilemma, seed)))
      .toMatchInlineSnapshot(`
      [
        [
          "Risk a fright, owing none; again: a fright.",
          "Risk a fright, owing a smile; again: a fright.",
          "Risk a fright, owing a contract; again: a fright.",
          "Risk a limb, owing none; again: a limb.",
          "Risk a limb, owing a word; again: a limb.",
          "Risk a life, owing a contract; again: a life.",
        ],
        [
          "Risk a scratch, owing none; again: a scratch.",
          "Risk a bruise, owing a nod; again: a bruise.",
          "Risk a scratch, owing an oath; again: a scratch.",
          "Risk a life, owing none; again: a life.",
          "Risk a limb, owing a hint; again: a limb.",
          "Risk a limb, owing a contract; again: a limb.",
        ],
        [
          "Risk a scratch, owing none; again: a scratch.",
          "Risk a fright, owing a hint; again: a fright.",
          "Risk a fright, owing a contract; again: a fright.",
          "Risk a life, owing none; again: a life.",
          "Risk a limb, owing a nod; again: a limb.",
          "Risk a life, owing an oath; again: a life.",
        ],
        [
          "Risk a bruise, owing none; again: a bruise.",
          "Risk a scratch, owing a hint; again: a scratch.",
          "Risk a bruise, owing a contract; again: a bruise.",
          "Risk a life, owing none; again: a life.",
          "Risk a limb, owing a word; again: a limb.",
          "Risk a life, owing an oath; again: a life.",
        ],
      ]
    `)
  })

  test('can be computed by anybody from the rule in the file head', () => {
    const digest = createHash('sha256').update('options:42:stakes=3_duty=2#0').digest()
    const choose = (wordings: string[], place: number) =>
      wordings[Math.floor((digest.readUInt32BE(4 * place) * wordings.length) / 2 ** 32)]
    expect(openExpansion(dilemma, { seed: 42 }).at(4).dimensions).toEqual({
      Stakes: { score: 3, label: 'high', option: choose(['a limb', 'a life'], 0) },
      Duty: { score: 2, label: 'a word', option: choose(['a word', 'a nod', 'a hint', 'a smile'], 1) },
    })
  })

  test('is the same for a seed as number and as bigint', () => {
    expect(prompts(dilemma, -3n)).toEqual(prompts(dilemma, -3))
    expect(prompts(dilemma, -0)).toEqual(prompts(dilemma, 0n))
  })

  test('uses every wording about equally often', () => {
    const uses = new Map<string, number>()
    for (let seed = 0; seed < 3000; seed++) {
      const option = openExpansion(dilemma, { seed }).at(1).dimensions['Stakes']?.option ?? ''
      uses.set(option, (uses.get(option) ?? 0) + 1)
    }
    expect([...uses.keys()].sort()).toEqual(['a bruise', 'a fright', 'a scratch'])
    for (const count of uses.values()) expect(Math.abs(count - 1000)).toBeLessThan(120)
  })

  test('keeps every other scenario when a level is added', () => {
    const [first, second] = dilemma.dimensions
    if (first === undefined || second === undefined) throw new Error('two dimensions')
    const longer = {
      ...dilemma,
      dimensions: [
        { ...first, levels: [{ score: 0, label: 'nothing', options: ['nothing'] }, ...first.levels] },
        second,
      ],
    }
    const after = new Map([...expandScenarios(longer, { seed: 9 })].map(({ key, prompt }) => [key, prompt]))
    for (const { key, prompt } of expandScenarios(dilemma, { seed: 9 })) expect(after.get(key)).toBe(prompt)
  })

  test('of no dimensions is one scenario', () => {
    const plain = parseDefinition({ name: 'a', template: 'Hello \\[you]' })
    expect([...expandScenarios(plain, { seed: 1 })]).toEqual([
      { index: 0, key: 'only', dimensions: {}, prompt: 'Hello [you]' },
    ])
  })

  test('does not replace again what stands in a wording', () => {
    const nested = parseDefinition({
      name: 'a',
      template: '[A][B]',
      dimensions: [
        { name: 'A', values: ['[B] $1 $& \\['] },
        { name: 'B', values: ['b'] },
      ],
    })
    expect(prompts(nested, 1)).toEqual(['[B] $1 $& \\[b'])
  })

  test('adds the instruction of the scale as a last paragraph', () => {
    const asked = parseDefinition({
      name: 'a',
      template: 'Should she?\n',
      decision: {
        instruction: 'Answer "Rating: N".\n',
        labels: [
          { code: 1, label: 'no' },
          { code: 2, label: 'yes' },
        ],
      },
    })
    expect(prompts(asked, 1)).toEqual(['Should she?\n\nAnswer "Rating: N".'])
  })

  test('has a different key for every scenario, whatever the names and scores', () => {
    const name = fc
      .string({ unit: 'grapheme', minLength: 1, maxLength: 50 })
      .map((found) => found.replace(/[[\]\\\p{Cc}\p{Zl}\p{Zp}]/gu, '').trim())
    const levels = fc
      .uniqueArray(fc.oneof(fc.integer(), fc.double({ noNaN: true, noDefaultInfinity: true })), {
        minLength: 1,
        maxLength: 4,
        selector: (n) => String(n + 0),
      })
      .map((scores) => scores.map((score, i) => ({ score: score + 0, label: `l${i}`, options: ['x'] })))
    fc.assert(
      fc.property(
        fc.array(fc.record({ name: name.filter((found) => found !== ''), levels }), { maxLength: 4 }),
        (dimensions) => {
          const definition = { ...dilemma, template: 'x', dimensions }
          const keys = [...expandScenarios(definition, { seed: 1 })].map(({ key }) => key)
          expect(new Set(keys).size).toBe(keys.length)
          for (const key of keys) expect(key).not.toMatch(/[\s",\p{Cc}]|^[=+@-]/u)
        },
      ),
    )
  })

  test('makes only what is asked for', () => {
    // Nobody would see the end of making them all.
    const expansion = openExpansion(wide(12, 10), { seed: 1, cap: 10 ** 12 })
    for (const { index } of expansion) if (index === 3) break
    const last = Array.from({ length: 12 }, (_, d) => `d${d}=10`).join('_')
    expect(expansion.at(10 ** 12 - 1).key).toBe(last)
    expect(() => expansion.at(10 ** 12)).toThrow(RangeError)
    expect(() => expansion.at(0.5)).toThrow(RangeError)
  })

  test('counts beyond what numbers can hold', () => {
    expect(countScenarios(wide(50, 1000))).toBe(10n ** 150n)
  })

  test('warns above a thousand scenarios', () => {
    expect(openExpansion(wide(3, 10), { seed: 1 }).warnings).toEqual([])
    expect(openExpansion(wide(4, 10), { seed: 1 }).warnings).toEqual([
      'The definition has 10,000 scenarios; each is asked of every model. A sample asks fewer.',
    ])
  })

  test('above the cap is refused before the first scenario', () => {
    expect(() => expandScenarios(wide(6, 10), { seed: 1 })).toThrow(
      'The definition has 1,000,000 scenarios; at most 100,000 are allowed.',
    )
    expect(() => openExpansion(wide(3, 10), { seed: 1, cap: 999 })).toThrow(Refusal)
    expect(openExpansion(wide(3, 10), { seed: 1, cap: 1000 }).count).toBe(1000)
    expect(() => openExpansion(wide(50, 1000), { seed: 1 })).toThrow('far too many')
  })

  test('of a placeholder that nothing fills is refused and names it', () => {
    expect(() => openExpansion({ ...dilemma, template: '[Gone]' }, { seed: 1 })).toThrow('[Gone]')
  })

  test('wants a whole number as seed', () => {
    for (const seed of [0.5, Number.NaN, Infinity])
      expect(() => openExpansion(dilemma, { seed })).toThrow(expect.objectContaining({ code: 'INVALID_SEED' }))
  })
})
