/** Gates: what passes, what does not, and the evidence for both. */
import { expect, test } from 'vitest'
import { blocks, evaluateGates, type Facts } from './gates.ts'

const PRD = `# PRD

## Goal
Fewer lost carts.

## **Success metrics**:
\`\`\`
## Risks
\`\`\`

Open questions
--------------
`
const facts: Facts = {
  documents: [
    { path: 'prd.md', version: 3, content: PRD },
    { path: 'hypotheses/1.md', version: 1, content: 'We believe.' },
    { path: 'notes.md', version: 1, content: ' \n' },
  ],
  artifacts: [{ type: 'url', label: 'Preview', uri: 'https://example.org/a' }],
  metrics: [{ name: 'jury_score', value: 70, unit: 'score' }],
}
const one = (type: string, config: object, more: object = {}) =>
  evaluateGates([{ id: 'g', type, config, required: true, ...more }], facts)[0]

test.each([
  ['file_exists', { pattern: 'prd.md' }, { found: [{ path: 'prd.md', version: 3 }] }],
  ['file_exists', { pattern: 'hypotheses/*.md' }, { found: [{ path: 'hypotheses/1.md', version: 1 }] }],
  ['content_check', { file: 'prd.md', requiredSections: ['goal', 'Success Metrics'] }, { version: 3, missing: [] }],
  ['artifact_exists', { artifactType: 'url', label: 'Preview' }, { found: [{ label: 'Preview' }] }],
  ['metric_threshold', { metric: 'jury_score', threshold: 70 }, { value: 70, operator: '>=', unit: 'score' }],
  ['metric_threshold', { metric: 'jury_score', threshold: 71, operator: '<' }, { value: 70 }],
])('a gate of the type %s passes on %j and says what it saw', (type, config, evidence) => {
  expect(one(type, config)).toMatchObject({ passed: true, message: null, evidence })
})

test.each([
  ['file_exists', { pattern: 'gtm.md' }, /no document gtm.md/, { found: [] }],
  ['file_exists', { pattern: 'notes.md' }, /is there and empty/, { empty: ['notes.md'] }],
  ['file_exists', { pattern: '*.txt' }, /no document/, { found: [] }],
  ['content_check', { file: 'gtm.md', requiredSections: ['Goal'] }, /no document gtm.md/, { file: 'gtm.md' }],
  ['content_check', { file: 'prd.md', requiredSections: ['Risks'] }, /no section Risks/, { missing: ['Risks'] }],
  [
    'content_check',
    { file: 'prd.md', requiredSections: ['Open questions'] },
    /nothing stands under/,
    { empty: ['Open questions'] },
  ],
  ['artifact_exists', { artifactType: 'pr' }, /no artifact of the type pr/, { found: [] }],
  ['artifact_exists', { artifactType: 'url', label: 'Chromatic' }, /labelled Chromatic/, { found: [] }],
  ['metric_threshold', { metric: 'jury_score', threshold: 70.5 }, /is 70 score; it must be >= 70.5/, { value: 70 }],
  ['metric_threshold', { metric: 'users', threshold: 1, unit: 'people' }, /no metric users/, { threshold: 1 }],
])('a gate of the type %s does not pass on %j, and says why', (type, config, message, evidence) => {
  const result = one(type, config)
  expect(result).toMatchObject({ passed: false, evidence })
  expect(result?.message).toMatch(message)
})

test('a value in another unit than the gate declares has not passed, however large it is', () => {
  const percent = { ...facts, metrics: [{ name: 'errors', value: 0.5, unit: 'ratio' }] }
  const gate = {
    id: 'g',
    type: 'metric_threshold',
    config: { metric: 'errors', threshold: 5, operator: '<', unit: 'percent' },
  }
  expect(evaluateGates([gate], percent)[0]).toMatchObject({ passed: false, evidence: { measuredIn: 'ratio' } })
})

test('what is no gate fails closed, whatever it says of itself', () => {
  const results = evaluateGates([{ id: 'x', type: 'vibes', required: false }, null, { type: 'file_exists' }], facts)
  expect(results.map(({ id, passed, required }) => [id, passed, required])).toEqual([
    ['x', false, true],
    ['gate 2', false, true],
    ['gate 3', false, true],
  ])
  expect(blocks(results)).toBe(true)
})

test('a gate that a tool answers is open until it was asked, and passes by the tool’s word alone', () => {
  const gate = { id: 'lint', type: 'custom', config: { tool: 'lint_document' } }
  expect(evaluateGates([gate], facts)[0]).toMatchObject({ passed: null })
  expect(blocks(evaluateGates([gate], facts))).toBe(true)
  const asked = new Map([['lint', { passed: true, evidence: { lines: 3 } }]])
  expect(evaluateGates([gate], { ...facts, asked })[0]).toMatchObject({
    passed: true,
    evidence: { said: { lines: 3 } },
  })
})

test('a gate that is not required warns and blocks nothing; its own message is the one that is told', () => {
  const result = one('file_exists', { pattern: 'gtm.md' }, { required: false, message: 'Write the GTM brief.' })
  expect(result).toMatchObject({ passed: false, message: 'Write the GTM brief.' })
  expect(blocks([result!])).toBe(false)
})
