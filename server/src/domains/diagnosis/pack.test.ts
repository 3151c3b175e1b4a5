/** What of a patient's own words reaches a model: not who he is, however he wrote it. */
import { expect, test } from 'vitest'
import { buildPack, type Material } from './pack.ts'

const ID = '00000000-0000-4000-8000-000000000001'
const AT = '2026-10-01T08:00:00Z'

function sent(text: string, identity: Readonly<Record<string, string>>): unknown {
  const material: Material = {
    round: 1,
    assessment: { id: ID, status: 'completed', created_at: AT },
    funnel: { funnel: 'stress', funnel_id: ID, version: 1 },
    answers: [{ question_id: 'q', label: 'Q', type: 'text', options: null, value: text }],
    patient: { id: ID, created_at: AT, sex: null, age: null },
    identity,
    scores: [],
    notes: [],
    earlier: [],
  }
  return buildPack(material).assessment_data.answers[0]?.value
}

const JOHANNA = {
  name: 'Jürga-Lene Müller-Lüdenscheidt',
  email: 'jurga@kanarie.invalid',
  phone: '+49 171 5550199',
  birth_date: '1971-02-28',
  address: 'Kanariengasse 9, 10115 Berlin',
}
test.each([
  ['as it is', 'I am Jürga-Lene Müller-Lüdenscheidt.', 'I am [removed].'],
  ['a part of it', 'Lene says Ms. Müller called.', '[removed] says Ms. [removed] called.'],
  ['in other letters for the same', 'I am JU\u0308RGA, Mu\u0308ller.', 'I am [removed], [removed].'],
  ['in the genitive', "Lenes sleep, Jürga's work, Müller’s dog", '[removed] sleep, [removed] work, [removed] dog'],
  ['broken over lines', 'in Kanariengasse  9,\n10115 Berlin since', 'in [removed] since'],
  ['no word that only begins like it', 'Lenesia stays, mullers too', 'Lenesia stays, mullers too'],
  ['numbers', 'call 0171/555 01 99 or 28.02.1971', 'call [removed] or [removed]'],
])('%s: a name or an address of the patient is taken out', (_, text, wanted) => {
  expect(sent(text, JOHANNA)).toBe(wanted)
})

test('a name of two letters is taken out where it is written as one', () => {
  expect(sent('Wu and Li say: wu is a word.', { name: 'Li Wu' })).toBe('[removed] and [removed] say: wu is a word.')
})
