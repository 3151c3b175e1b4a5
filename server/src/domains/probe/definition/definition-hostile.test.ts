/** Files that are broken, or made to break the reader: each is one clear cause, told soon. */

import { Refusal } from '@millrace/engine'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { parseDefinition, readDefinition } from './definition.ts'

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

describe('hostile and broken files are refused with one clear cause', () => {
  const mebibyte = 1024 * 1024
  const bomb = ['a: &a [x,x,x,x,x,x,x,x,x]']
  for (const [i, key] of 'bcdefghi'.split('').entries())
    bomb.push(`${key}: &${key} [${Array(9).fill(`*${'abcdefghi'[i]}`).join(',')}]`)

  test.each([
    ['an empty file', '', 'd.yaml:1:1: the file is empty; a definition needs at least a name and a template'],
    ['only comments', '# soon\n', 'd.yaml:1:1: the file is empty; a definition needs at least a name and a template'],
    [
      'ten megabytes',
      'x'.repeat(10 * mebibyte),
      'd.yaml:1:1: the file is larger than 1 MiB; a definition is text, not data',
    ],
    [
      'a megabyte of two-byte letters',
      'ä'.repeat(mebibyte * 0.6),
      'd.yaml:1:1: the file is larger than 1 MiB; a definition is text, not data',
    ],
    ['a list', '- a\n- b', 'd.yaml:1:1: the file must hold keys and values (name:, template:, …), but is a list'],
    ['a word', 'hello', 'd.yaml:1:1: the file must hold keys and values (name:, template:, …), but is a single value'],
    ['NUL', 'name: a\0b', 'd.yaml:1:8: the file holds a NUL character; save it as UTF-8 text'],
    [
      'a tab as indentation',
      'name: a\ndimensions:\n\t- b',
      'd.yaml:3:1: the file has a tab in the indentation; YAML is indented with spaces',
    ],
    ['two documents', 'name: a\n---\nname: b\n', 'd.yaml:2:1: the file holds several documents; keep one in a file'],
    ['a repeated key', 'name: a\ntemplate: b\nname: c', 'd.yaml:3:1: the file gives the key "name" twice; keep one'],
    [
      'a repeated inner key',
      'name: a\ntemplate: b\nfollowups:\n  - {label: x, prompt: y, label: z}',
      'd.yaml:4:27: the file gives the key "label" twice; keep one',
    ],
    ['a key that is a list', '? [a, b]\n: 1', 'd.yaml:1:3: the file has a key that is not a word; write key: value'],
    [
      'a tag',
      'name: !!js/function x\ntemplate: b',
      'd.yaml:1:7: the file has a tag (!name) that means nothing here; remove it',
    ],
    [
      'an anchor bomb',
      bomb.join('\n'),
      'd.yaml:2:8: the file repeats itself through too many aliases (*name); write the text out',
    ],
    ['deep brackets', '['.repeat(mebibyte), 'd.yaml:1:65: the file is nested too deeply; a definition is flat'],
    ['deep dashes', '- '.repeat(mebibyte / 2), 'd.yaml:1:128: the file is nested too deeply; a definition is flat'],
    [
      'deep indentation',
      Array.from({ length: 1000 }, (_, i) => `${' '.repeat(i)}a:`).join('\n'),
      'd.yaml:64:65: the file is nested too deeply; a definition is flat',
    ],
    [
      'a million commas',
      `a: [${','.repeat(mebibyte - 9)}`,
      'd.yaml:1:100000: the file has more than 100000 parts; a definition is far smaller',
    ],
    [
      'a million line ends',
      `a: |\n${'\n'.repeat(mebibyte - 9)}`,
      'd.yaml:100001:1: the file has more than 100000 lines; a definition is far shorter',
    ],
    [
      'an unknown version',
      'schemaVersion: 2\nname: a\ntemplate: b',
      'd.yaml:1:16: schemaVersion is a version that this Millrace does not know; it reads version 1',
    ],
    [
      'NUL by escape',
      'name: a\ntemplate: "a\\0b"',
      'd.yaml:2:11: template holds a NUL character, which cannot be stored; remove it',
    ],
    [
      'half a character by escape',
      'name: a\ntemplate: "\\ud83e"',
      'd.yaml:2:11: template holds half of a character (a lone surrogate); remove it',
    ],
    ['a merge key', 'name: a\ntemplate: b\n<<: {tags: [x]}', /^d\.yaml:3:1: the definition has an unknown key "<<"/],
    [
      '__proto__',
      'name: a\ntemplate: b\n__proto__: {tags: [x]}',
      /^d\.yaml:3:1: the definition has an unknown key "__proto__"/,
    ],
    [
      '__proto__ as a dimension',
      'name: a\ntemplate: b\ndimensions: [{name: __proto__, values: [x]}]',
      'd.yaml:3:21: dimensions[0].name is a word that programs trip over; choose another name',
    ],
    [
      'both forms of a dimension',
      'name: a\ntemplate: b\ndimensions: [{name: x, values: [x], levels: [{score: 1, label: b}]}]',
      'd.yaml:3:24: dimensions[0] has both levels and values; keep one of them',
    ],
    ['an empty template', 'name: a\ntemplate: " "', 'd.yaml:2:11: template is empty; write a text or leave it out'],
    [
      'a level without wordings',
      'name: a\ntemplate: b\ndimensions: [{name: x, levels: [{score: 1, label: b, options: []}]}]',
      /options is empty/,
    ],
    [
      'a repeated score',
      'name: a\ntemplate: b\ndimensions: [{name: x, levels: [{score: 1, label: b}, {score: 1.0, label: c}]}]',
      /score repeats the score "1"/,
    ],
    [
      'a scale of one',
      'name: a\ntemplate: b\ndecision: {labels: [{code: 1, label: x}]}',
      'd.yaml:3:20: decision.labels needs at least two labels to decide between',
    ],
    [
      'a code that is no code',
      'name: a\ntemplate: b\ndecision: {labels: [{code: 1.5, label: x}, {code: 2, label: y}]}',
      'd.yaml:3:28: decision.labels[0].code must be a text or a whole number',
    ],
    [
      'a repeated code',
      'name: a\ntemplate: b\ndecision: {labels: [{code: 1, label: x}, {code: "1", label: y}]}',
      /code repeats the code "1"/,
    ],
    ['not YAML', 'name: "a', /^d\.yaml:1:9: the file is not readable YAML: Missing closing "quote/],
  ] as const)('%s', (_, text, cause) => {
    const start = performance.now()
    const told = causes(text)
    expect(performance.now() - start).toBeLessThan(2000)
    expect(told).toHaveLength(1)
    if (typeof cause === 'string') expect(told[0]).toBe(cause)
    else expect(told[0]).toMatch(cause)
  })

  test('ten thousand dimensions are one cause', () => {
    const dimensions = Array.from({ length: 10_000 }, (_, i) => ({ name: `d${i}`, values: ['x'] }))
    expect(() => parseDefinition({ name: 'a', template: 'b', dimensions })).toThrow(
      expect.objectContaining({ causes: ['dimensions holds more than 50 dimensions'] }),
    )
  })

  test('Markdown without front matter, or with two templates', () => {
    expect(causes('# Title\n', 'd.md')).toEqual([
      'd.md:1:1: the file must start with front matter between two lines of ---',
    ])
    expect(causes('---\nname: a\ntemplate: b\n---\nc\n', 'd.md')).toEqual([
      'd.md:3:1: template stands in the front matter and in the body; keep one of them',
    ])
  })

  test('arbitrary text is a definition or a refusal, never a crash', () => {
    const pieces = fc.constantFrom(
      'name',
      ':',
      ' ',
      '\n',
      '- ',
      '[',
      ']',
      '{',
      '}',
      '&a',
      '*a',
      '|',
      '>',
      '"',
      "'",
      '---',
      '!',
      '#',
      '?',
      '%',
      '\t',
      'x',
      ',',
      '<<',
    )
    const texts = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.array(pieces, { maxLength: 40 }).map((found) => found.join('')),
    )
    fc.assert(
      fc.property(texts, fc.constantFrom('d.yaml', 'd.md'), (text, file) => {
        causes(text, file)
      }),
      { numRuns: 1000 },
    )
  })
})
