/** What a definition's file may hold, and what is told when it holds something else. */

import { Refusal } from '@millrace/engine'
import { describe, expect, test } from 'vitest'
import { definitionHash, definitionSchema, definitionWarnings, parseDefinition, readDefinition } from './definition.ts'

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

/** The causes that are told when `text` is read as `d.yaml`. */
function causes(text: string, file = 'd.yaml'): readonly string[] {
  try {
    readDefinition(text, { file })
  } catch (error) {
    if (error instanceof Refusal && error.code === 'INVALID_DEFINITION') return error.causes
    throw error
  }
  return []
}

describe('a definition is read', () => {
  test('with every field in its normal form', () => {
    expect(readDefinition(small, { file: 'd.yaml' })).toEqual({
      schemaVersion: 1,
      name: 'Promise',
      preambleAs: 'system',
      template: 'A friend asks for [Stakes].\n',
      dimensions: [
        {
          name: 'Stakes',
          levels: [
            { score: 1, label: 'little', options: ['a coffee', 'a pen'] },
            { score: 2, label: 'much', options: ['much'] },
          ],
        },
      ],
      followups: [],
      tags: [],
    })
  })

  test('with the short form of a dimension, scored by place', () => {
    const { dimensions } = readDefinition('name: a\ntemplate: "[d]"\ndimensions: [{name: D, values: [low, high]}]', {
      file: 'd.yaml',
    })
    expect(dimensions).toEqual([
      {
        name: 'D',
        levels: [
          { score: 1, label: 'low', options: ['low'] },
          { score: 2, label: 'high', options: ['high'] },
        ],
      },
    ])
  })

  test('with codes as text, whether they were written as numbers or as words', () => {
    const text = 'name: a\ntemplate: b\ndecision:\n  labels: [{code: 1, label: no}, {code: yes, label: "yes"}]'
    expect(readDefinition(text, { file: 'd.yaml' }).decision?.labels.map(({ code }) => code)).toEqual(['1', 'yes'])
  })

  test('from Markdown, whose body is the template', () => {
    const text = '---\nname: a\ndimensions: [{name: D, values: [x]}]\n---\n\nFirst [d].\n\n---\n\nLast.\n'
    expect(readDefinition(text, { file: 'd.md' }).template).toBe('First [d].\n\n---\n\nLast.')
    expect(readDefinition(text.replaceAll('\n', '\r\n'), { file: 'D.MARKDOWN' }).template).toBe(
      'First [d].\n\n---\n\nLast.',
    )
  })

  test('after a byte order mark', () => {
    expect(readDefinition(`\uFEFF${small}`, { file: 'd.yaml' }).name).toBe('Promise')
  })

  test('with anchors that save some typing', () => {
    const text =
      'name: a\ntemplate: "[x] [y]"\ndimensions:\n  - {name: x, values: &v [a, b]}\n  - {name: y, values: *v}'
    expect(readDefinition(text, { file: 'd.yaml' }).dimensions[1]?.levels).toHaveLength(2)
  })

  test('with placeholders in any case, and brackets that are text', () => {
    const text = 'name: a\ntemplate: "[own  NAME] \\\\[x] [] [ ] a[0\\n]"\ndimensions: [{name: Own name, values: [x]}]'
    expect(causes(text)).toEqual([])
  })
})

describe('every problem is told at once, with its place and what to do', () => {
  test('in YAML', () => {
    const text = [
      'name: a', // 1
      'tempalte: x',
      'template: |',
      '  For [Stakes] and [Stakez],',
      '  for [Something Else].',
      'dimensions:', // 6
      '  - name: Stakes',
      '    levels:',
      '      - score: 1',
      '      - {score: "2", label: High}',
      '      - {score: 3, label: HIGH}', // 11
      '  - name: stakes',
      '    values: [a, 2]',
      '  - name: Empty',
      'tags: x',
      'decision: {labels: [{code: 1, label: A}, {code: refusal, label: B}]}', // 16
    ].join('\n')
    expect(causes(text)).toEqual([
      'd.yaml:2:1: the definition has an unknown key "tempalte"; did you mean "template"?',
      'd.yaml:4:20: template has the placeholder [Stakez], which names no dimension; did you mean [Stakes]?',
      'd.yaml:5:7: template has the placeholder [Something Else], which names no dimension; add it, or write \\[ for a bracket that is text',
      'd.yaml:9:9: dimensions[0].levels[0].label is missing; say what it is called in results',
      'd.yaml:10:17: dimensions[0].levels[1].score must be a number, but is a text',
      'd.yaml:11:27: dimensions[0].levels[2].label repeats the level "HIGH" (number 2); name each once',
      'd.yaml:12:11: dimensions[1].name repeats the dimension "stakes" (number 1); name each once',
      'd.yaml:13:17: dimensions[1].values[1] must be a text, but is the number 2; put it in quotes',
      'd.yaml:14:5: dimensions[2] has no levels; give levels, or values for the short form',
      'd.yaml:15:7: tags must be a list, but is a text',
      'd.yaml:16:49: decision.labels[1].code is the name of an outcome; choose another code',
    ])
  })

  test('in the body of Markdown', () => {
    expect(causes('---\nname: a\nnmae: b\n---\n\nOne\ntwo [d] \\[d] and [d]\n', 'd.md')).toEqual([
      'd.md:3:1: the definition has an unknown key "nmae"; did you mean "name"?',
      'd.md:7:5: template has the placeholder [d], which names no dimension; add it, or write \\[ for a bracket that is text',
      'd.md:7:18: template has the placeholder [d], which names no dimension; add it, or write \\[ for a bracket that is text',
    ])
  })

  test('but no more than a person can read', () => {
    const many = causes(`name: a\ntemplate: "${Array.from({ length: 80 }, (_, i) => `[p${i}]`).join('')}"`)
    expect(many).toHaveLength(51)
    expect(many[50]).toBe('… and 30 more')
  })

  test('in a request without a file, by path', () => {
    expect.assertions(2)
    try {
      parseDefinition({ name: 'a', template: '[x]', extra: 1 })
    } catch (error) {
      expect(error).toBeInstanceOf(Refusal)
      expect((error as Refusal).causes).toEqual([
        'the definition has an unknown key "extra"; known are schemaVersion, name, preamble, preambleAs, template, dimensions, followups, decision, tags',
        'template has the placeholder [x], which names no dimension; add it, or write \\[ for a bracket that is text',
      ])
    }
  })

  test('and by the zod schema, for routes', () => {
    const result = definitionSchema.safeParse({ name: 'a', template: '[x]' })
    expect(result.error?.issues.map(({ path }) => path)).toEqual([['template']])
  })
})

describe('what can be run but is probably a mistake is a warning', () => {
  test('a dimension that the template never uses', () => {
    const definition = parseDefinition({
      name: 'a',
      template: '[x]',
      dimensions: [
        { name: 'X', values: ['a'] },
        { name: 'Y', values: ['b', 'c'] },
      ],
    })
    expect(definitionWarnings(definition)).toEqual([
      'Dimension "Y" is not in the template: its 2 levels repeat the same prompts. Put [Y] there or remove it.',
    ])
  })

  test('a placeholder where none is replaced', () => {
    const definition = parseDefinition({
      name: 'a',
      preamble: 'About [x] and [unknown].',
      template: '[x]',
      dimensions: [{ name: 'X', values: ['a'] }],
      followups: [{ label: 'why', prompt: 'Why [X]?' }],
    })
    expect(definitionWarnings(definition)).toEqual([
      '[x] in preamble is sent as it stands: only the template has placeholders.',
      '[X] in followups[0].prompt is sent as it stands: only the template has placeholders.',
    ])
  })
})

describe('the hash', () => {
  test('is the same however the definition was written down', () => {
    const block = readDefinition(small, { file: 'd.yaml' })
    const other = readDefinition(
      'template: "A friend asks for [Stakes].\\n"\ndimensions: [{levels: [{label: little, options: [a coffee, a pen], score: 1}, {label: much, score: 2.0}], name: Stakes}]\nname: "Promise"\nschemaVersion: 1',
      { file: 'd.yaml' },
    )
    expect(definitionHash(other)).toBe(definitionHash(block))
  })

  test('is another when anything is another', () => {
    const definition = readDefinition(small, { file: 'd.yaml' })
    expect(definitionHash({ ...definition, preambleAs: 'user' })).not.toBe(definitionHash(definition))
    expect(definitionHash({ ...definition, dimensions: definition.dimensions.toReversed() })).toBe(
      definitionHash(definition),
    )
    expect(definitionHash({ ...definition, template: `${definition.template} ` })).not.toBe(definitionHash(definition))
  })

  test('is this, on every machine', () => {
    expect(definitionHash(readDefinition(small, { file: 'd.yaml' }))).toMatchInlineSnapshot(
      `"9dbd6e6b3874b37ccd2c0fadd4b8ca4fdb8951ba9f1c3608ad046561f1d37b70"`,
    )
  })
})
