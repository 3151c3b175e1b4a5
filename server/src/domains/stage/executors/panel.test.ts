import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { countVotes, holdPanel, readPanel, readVoteSchema, type Ballot, type Panel } from './panel.ts'
import { readRecords, recordsOf } from './records.ts'

const about = { role: 'r', disposition: 'd', cares_about: 'c', fears: 'f' }
const panel = (weights: Record<string, number>, votes = 2): Panel => ({
  votes,
  pass: 70,
  fail: 50,
  vote: 'vote.json',
  personas: Object.entries(weights).map(([name, weight]) => ({ name, weight, ...about })),
})
const ballots = (said: Record<string, Ballot['stance'][]>, more: Partial<Ballot> = {}): Ballot[] =>
  Object.entries(said).flatMap(([persona, stances]) =>
    stances.map((stance, i) => ({
      persona,
      vote: i + 1,
      stance,
      reason: 'So.',
      concern: 'None.',
      blocking: false,
      suggestion: '',
      ...more,
    })),
  )

describe('the votes of a panel', () => {
  test('count by the weight of the persona, however many there are', () => {
    const { score, personas, votes, jurors } = countVotes(
      panel({ a: 3, b: 1 }),
      ballots({ a: ['approve', 'conditional'], b: ['reject', 'reject'] }),
    )
    // Three quarters of 75, and nothing of the rest.
    expect({ score, votes, jurors }).toEqual({ score: 56.3, votes: 4, jurors: 2 })
    expect(personas).toEqual([
      { name: 'a', weight: 0.75, score: 75, approve: 1, conditional: 1, reject: 0 },
      { name: 'b', weight: 0.25, score: 0, approve: 0, conditional: 0, reject: 2 },
    ])
  })

  test('have Wilson’s interval, which is that of the tables for equal weights and never of no width', () => {
    // 8 of 10: 0.490 to 0.943.
    const ten = ballots({ a: [...Array(8).fill('approve'), 'reject', 'reject'] as Ballot['stance'][] })
    expect(countVotes(panel({ a: 1 }, 10), ten)).toMatchObject({ score: 80, low: 49, high: 94.3 })
    const all = countVotes(panel({ a: 1, b: 1 }), ballots({ a: ['approve', 'approve'], b: ['approve', 'approve'] }))
    expect(all).toMatchObject({ score: 100, high: 100 })
    expect(all.low).toBeLessThan(60)
    const lopsided = countVotes(
      panel({ a: 99, b: 1 }),
      ballots({ a: ['approve', 'approve'], b: ['approve', 'approve'] }),
    )
    expect(lopsided.low).toBeLessThan(all.low)
  })

  test.each<[string, Record<string, Ballot['stance'][]>, Partial<Ballot>, string]>([
    [
      'pass from the score on that the panel names',
      { a: ['approve', 'approve'], b: ['approve', 'conditional'] },
      {},
      'pass',
    ],
    ['fail below the other', { a: ['reject', 'conditional'], b: ['conditional', 'conditional'] }, {}, 'fail'],
    [
      'are conditional between',
      { a: ['approve', 'conditional'], b: ['conditional', 'conditional'] },
      {},
      'conditional',
    ],
    [
      'are conditional where most say that something blocks',
      { a: ['approve', 'approve'], b: ['approve', 'approve'] },
      { blocking: true },
      'conditional',
    ],
  ])('%s', (_, said, more, verdict) => {
    expect(countVotes(panel({ a: 1, b: 1 }), ballots(said, more)).verdict).toBe(verdict)
  })

  test('are no pass while a persona rejects with most of its votes, whatever it weighs', () => {
    const said = { a: ['approve', 'approve'], b: ['reject', 'reject'] } as Record<string, Ballot['stance'][]>
    expect(countVotes(panel({ a: 9, b: 1 }), ballots(said))).toMatchObject({ score: 90, verdict: 'conditional' })
  })

  test('that raise the same in other letters raise one thing, and the heaviest stands first', () => {
    const said = [
      ...ballots({ a: ['approve'] }, { concern: 'Too slow!' }),
      ...ballots({ b: ['approve'] }, { concern: 'too  slow', blocking: true }),
      ...ballots({ c: ['approve'] }, { concern: 'Price', suggestion: 'Halve it.' }),
    ]
    const { concerns, suggestions } = countVotes(panel({ a: 1, b: 1, c: 2.5 }, 1), said)
    expect(concerns).toEqual([
      { concern: 'Price', raised_by: 'c', blocking: false, weight: 0.556 },
      { concern: 'Too slow!', raised_by: 'a, b', blocking: true, weight: 0.444 },
    ])
    expect(suggestions).toEqual([{ suggestion: 'Halve it.', raised_by: 'c' }])
  })
})

describe('a panel', () => {
  test('asks each persona as often as it says, each with a seed of its own and the same ones again', async () => {
    const ask = async () => {
      const seen: string[] = []
      await holdPanel(panel({ a: 1, b: 1 }, 3), async ({ persona, vote, seed }) => {
        seen.push(`${persona.name}${vote}:${seed}`)
        return ballots({ a: ['approve'] })[0]
      })
      return seen
    }
    expect(await ask()).toEqual(['a1:1', 'a2:2', 'a3:3', 'b1:4', 'b2:5', 'b3:6'])
    expect(await ask()).toEqual(await ask())
    await expect(holdPanel(panel({ a: 1 }), async () => ({ stance: 'perhaps' }))).rejects.toMatchObject({
      failure: { code: 'INVALID_OUTPUT' },
    })
  })

  test('that Millrace ships can be read, and what is wrong with another is told by its name', () => {
    const folder = new URL('../../../../skills/jury-evaluation/', import.meta.url)
    const shipped = readPanel(readFileSync(new URL('panel.yaml', folder), 'utf8'))
    expect(shipped.personas.reduce((sum, { weight }) => sum + weight, 0)).toBeCloseTo(1)
    expect(readVoteSchema(readFileSync(new URL(shipped.vote, folder), 'utf8'), shipped.vote)).toHaveProperty(
      'properties',
    )
    for (const [text, names] of [
      ['votes: [', 'panel.yaml'],
      ['a: &a [x]\nb: *a', 'panel.yaml'],
      [JSON.stringify({ ...panel({ a: 0 }) }), 'personas.0.weight'],
      [JSON.stringify({ ...panel({ a: 1 }), fail: 90 }), 'fail'],
    ] as const) {
      expect(() => readPanel(text)).toThrow(
        expect.objectContaining({ failure: expect.objectContaining({ details: { names } }) }),
      )
    }
    expect(() => readVoteSchema(undefined, 'vote.json')).toThrow('INVALID_PANEL')
  })
})

describe('records', () => {
  const ticket = { title: 't', type: 'bug', description: 'd', acceptance: ['a'], points: 1, priority: 'low' }

  test('are one row of an object and as many as a list has', () => {
    expect(recordsOf({ work: [ticket, { ...ticket, depends_on: [1] }] }, readRecords('tickets: work'))).toEqual({
      tickets: [ticket, { ...ticket, depends_on: [1] }],
    })
    expect(recordsOf({}, readRecords('tickets: work'))).toEqual({})
    expect(recordsOf(ticket, readRecords('tickets: $')).tickets).toHaveLength(1)
  })

  test.each([
    ['of a kind that nobody knows', () => readRecords('dreams: all'), 'dreams'],
    ['from a place that is no field', () => readRecords('tickets: a/../b'), 'tickets'],
    [
      'that are not as they must be',
      () => recordsOf([{ ...ticket, points: 0 }], readRecords('tickets: $')),
      'tickets.0.points',
    ],
    [
      'that wait for a later one',
      () => recordsOf([{ ...ticket, depends_on: [1] }], readRecords('tickets: $')),
      'tickets.0.depends_on',
    ],
  ])('%s are refused by the name of the place', (_, read, names) => {
    expect(read).toThrow(
      expect.objectContaining({ failure: expect.objectContaining({ code: 'INVALID_RECORDS', details: { names } }) }),
    )
  })
})
