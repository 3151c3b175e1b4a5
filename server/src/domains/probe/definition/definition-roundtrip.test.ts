/** A definition that is written and read again is the same, whatever texts it is made of. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { definitionHash, readDefinition, writeDefinition } from './definition.ts'
import type { Definition } from './definition.ts'

const small = `
name: Promise
template: |
  A friend asks for [Stakes].
dimensions:
  - name: Stakes
    levels:
      - {score: 1, label: little, options: [a coffee, a pen]}
      - {score: 2, label: much}
`

const text = fc
  .oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 40 }),
    fc.string({ unit: 'binary', minLength: 1, maxLength: 20 }),
    fc
      .array(
        fc.constantFrom(
          'a',
          ' ',
          '\n',
          '\r',
          '\t',
          '---',
          ': ',
          '# ',
          '"',
          "'",
          '|',
          '\u0085',
          '\u2028',
          '\uFEFF',
          '&',
          '*',
          '- ',
          'é',
          '🦊',
        ),
        { minLength: 1, maxLength: 12 },
      )
      .map((found) => found.join('')),
  )
  .map((found) => found.replaceAll('\0', '').replaceAll('[', '(').toWellFormed())
  .filter((found) => found.trim() !== '')
const word = fc
  .oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 12 }),
    fc.constantFrom(
      'null',
      'true',
      '1',
      '~',
      '1e3',
      '- a',
      'a: b',
      '#x',
      '2024-01-01',
      '0x10',
      'yes',
      '<<',
      '=',
      '.inf',
    ),
  )
  .map((found) => found.replace(/[[\]\\,\p{Cc}\p{Zl}\p{Zp}]/gu, '').trim())
  .filter(
    (found) =>
      found !== '' &&
      found.isWellFormed() &&
      !['__proto__', 'refusal', 'other', 'unparsed'].includes(found.toLowerCase()),
  )
const key = (found: string): string => found.normalize('NFC').toLowerCase().replace(/\s+/gu, ' ').trim()
const level = fc.record({
  score: fc.double({ noNaN: true, noDefaultInfinity: true }).map((n) => n + 0),
  label: word,
  options: fc.array(text, { minLength: 1, maxLength: 3 }),
})
const dimension = fc.record({
  name: word,
  levels: fc
    .uniqueArray(level, { minLength: 1, maxLength: 4, selector: ({ label }) => key(label) })
    .map((levels) =>
      levels.map((level, i) =>
        i % 2 === 0 ? { ...level, score: i + 1 } : { score: i + 1, label: level.label, options: [level.label] },
      ),
    ),
})
const scale = fc.record(
  {
    instruction: text,
    labels: fc
      .uniqueArray(fc.tuple(word, word), { minLength: 2, maxLength: 5, selector: ([code]) => key(code) })
      .filter((pairs) => new Set(pairs.map(([, label]) => key(label))).size === pairs.length)
      .map((pairs) => pairs.map(([code, label]) => ({ code, label }))),
  },
  { requiredKeys: ['labels'] },
)
const definitions: fc.Arbitrary<Definition> = fc
  .record(
    {
      schemaVersion: fc.constant(1 as const),
      name: word,
      preamble: text,
      preambleAs: fc.constantFrom('system' as const, 'user' as const),
      template: text,
      dimensions: fc.uniqueArray(dimension, { maxLength: 3, selector: ({ name }) => key(name) }),
      followups: fc.uniqueArray(fc.record({ label: word, prompt: text }), {
        maxLength: 3,
        selector: ({ label }) => key(label),
      }),
      decision: scale,
      tags: fc.uniqueArray(word, { maxLength: 3, selector: key }),
    },
    { requiredKeys: ['schemaVersion', 'name', 'preambleAs', 'template', 'dimensions', 'followups', 'tags'] },
  )
  .map((definition) => ({
    ...definition,
    template: definition.template + definition.dimensions.map(({ name }) => ` [${name}]`).join(''),
  }))

describe('import, export, import is the identity', () => {
  test.each(['yaml', 'markdown'] as const)('in %s, for every definition there can be', (format) => {
    fc.assert(
      fc.property(definitions, (definition) => {
        const again = readDefinition(writeDefinition(definition, format), { file: 'd', format })
        expect(again).toEqual(definition)
        expect(definitionHash(again)).toBe(definitionHash(definition))
      }),
      { numRuns: 500 },
    )
  })

  test('and the written file is one that a person would write', () => {
    const definition = readDefinition(
      `${small}preamble: |\n  You advise.\n  Briefly.\ndecision:\n  labels: [{code: 1, label: No}, {code: 2, label: Yes}]\n`,
      { file: 'd.yaml' },
    )
    expect(writeDefinition(definition, 'markdown')).toBe(`---
schemaVersion: 1
name: Promise
preamble: |
  You advise.
  Briefly.
dimensions:
  - name: Stakes
    levels:
      - score: 1
        label: little
        options:
          - a coffee
          - a pen
      - score: 2
        label: much
decision:
  labels:
    - code: 1
      label: "No"
    - code: 2
      label: "Yes"
---

A friend asks for [Stakes].

`)
  })
})
