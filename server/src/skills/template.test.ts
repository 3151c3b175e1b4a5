/** Templates: what they say, what they refuse, and that nothing in them runs. */
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { literally, readTemplate, renderPrompt } from './template.ts'

const causesOf = (work: () => unknown): readonly string[] => {
  try {
    work()
  } catch (error) {
    return (error as { causes: string[] }).causes
  }
  return ['nothing was refused']
}

describe('a template', () => {
  test('says values as they are, without making them fit for HTML', () => {
    const variables = { name: '<b>&"Åsa"', n: 3, ok: true, list: ['a'], o: { x: 1 } }
    expect(renderPrompt('{{name}} {{{name}}} {{&name}} {{ n }} {{ok}} {{o.x}}', variables)).toBe(
      '<b>&"Åsa" <b>&"Åsa" <b>&"Åsa" 3 true 1',
    )
    expect(renderPrompt('{{list}}', variables)).toBe('[\n  "a"\n]')
  })

  test('has sections, for each of a list or for something that is there', () => {
    const template = 'For:\n{{#people}}\n- {{name}} of {{place}}\n{{/people}}\n{{^people}}\nnobody\n{{/people}}\n'
    const people = [{ name: 'A' }, { name: 'B', place: 'here' }]
    expect(renderPrompt(template, { people, place: 'there' })).toBe('For:\n- A of there\n- B of here\n')
    expect(renderPrompt(template, { people: [] })).toBe('For:\nnobody\n')
    expect(renderPrompt('{{#tags}}<{{.}}>{{/tags}}', { tags: ['x', 'y'] })).toBe('<x><y>')
  })

  test('whose variable is missing is refused, and all that are missing are named', () => {
    expect(causesOf(() => renderPrompt('{{a}} {{b.c}} {{d}}', { d: null, b: {} }))).toEqual(['a', 'b.c', 'd'])
  })

  test('never says what an object inherits, and calls nothing', () => {
    for (const name of ['constructor', 'toString', '__proto__', 'a.constructor', 'a.length', 'hasOwnProperty']) {
      expect(causesOf(() => renderPrompt(`{{${name}}}`, { a: 'x' }))).toEqual([name])
    }
    expect(() => renderPrompt('{{#f}}x{{/f}}', { f: () => 'called' })).not.toThrow()
    expect(renderPrompt('{{#f}}x{{/f}}', { f: () => 'called' })).toBe('x')
  })

  test('never reads a value as a template', () => {
    expect(renderPrompt('{{a}}', { a: '{{b}} {{>c}}', b: 'secret' })).toBe('{{b}} {{>c}}')
  })

  test('takes no partials, no other delimiters and no expressions, and says at which line', () => {
    const { faults } = readTemplate('fine\n{{>file}}\n{{=<% %>=}}\n{{a + b}}\n{{#open}}')
    expect(faults.map((one) => one.line)).toEqual([2, 3, 4, 5])
    expect(readTemplate('a\n{{b').faults).toEqual([{ line: 2, message: expect.stringContaining('not closed') }])
    expect(readTemplate('{{/a}}').faults).toHaveLength(1)
    expect(readTemplate('{{#a}}{{#b}}{{/a}}{{/b}}').faults).toHaveLength(1)
    expect(() => renderPrompt('{{>/etc/passwd}}', {})).toThrow('cannot be used')
  })

  test('may hold braces that mean nothing', () => {
    expect(renderPrompt('\\{{ github.token }} {"a": {{x}}}', { x: 1 })).toBe('{{ github.token }} {"a": 1}')
    expect(renderPrompt('{{{x}}}}', { x: 1 })).toBe('1}')
  })

  test('does not grow without end', () => {
    const many = Array.from({ length: 2_000 }, () => 'x'.repeat(20))
    expect(() => renderPrompt('{{#a}}{{#a}}{{#a}}{{.}}{{/a}}{{/a}}{{/a}}', { a: many })).toThrow('characters')
    expect(() => renderPrompt('{{#a}}{{#a}}{{#a}}{{/a}}{{/a}}{{/a}}', { a: many })).toThrow('repeat')
  })

  test('that is hostile is read at once', () => {
    expect(readTemplate(`{{${' '.repeat(250_000)}`).faults).toHaveLength(1)
    expect(renderPrompt(' '.repeat(250_000), {})).toHaveLength(250_000)
    readTemplate('{{a}}'.repeat(50_000))
    readTemplate('{{#a}}'.repeat(40_000))
  })

  test('of any text made literal gives that text again', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('{', '{{', '}}', '}', '\\', 'a', '\n', '#', '{{x}}', ' '), { maxLength: 30 }),
        (parts) => {
          const text = parts.join('')
          expect(renderPrompt(literally(text), {})).toBe(text)
        },
      ),
    )
  })

  test('never fails otherwise than with a refusal, whatever stands in it', () => {
    fc.assert(
      fc.property(
        fc.array(fc.oneof(fc.string(), fc.constantFrom('{{', '}}', '{{{', '}}}', '#', '/', '^', '!', '=', 'a')), {
          maxLength: 40,
        }),
        (parts) => {
          const text = parts.join('')
          const { faults } = readTemplate(text)
          try {
            renderPrompt(text, { a: [1, 'x'] })
          } catch (error) {
            expect((error as { code?: string }).code).toMatch(/^(INVALID_TEMPLATE|MISSING_VARIABLE)$/)
          }
          if (faults.length > 0) expect(() => renderPrompt(text, {})).toThrow('cannot be used')
        },
      ),
    )
  })
})
