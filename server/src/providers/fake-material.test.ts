import { expect, test } from 'vitest'
import { createFake } from './fake.ts'
import { generate } from './provider.ts'

const never = new AbortController().signal
const PROMPT = `Work on this.
<data name="card title">
Shared packing list
</data>
<data name="material">
Nobody can see what was packed already. We bought the same cover twice at the airport.
</data>`
const text = { type: 'string' }
const schema = {
  type: 'object',
  properties: {
    summary: text,
    problems: { type: 'array', minItems: 2, items: { type: 'object', properties: { title: text, quote: text } } },
    work: {
      type: 'array',
      minItems: 4,
      maxItems: 4,
      items: {
        type: 'object',
        properties: { depends_on: { type: 'array', items: { type: 'integer', minimum: 1, maximum: 40 } } },
      },
    },
  },
  required: ['summary', 'problems', 'work'],
}

interface Said {
  summary: string
  problems: { title: string; quote: string }[]
  work: { depends_on: number[] }[]
}

async function said(prompt: string, model = 'a', asked: object = schema): Promise<unknown> {
  const request = { model, messages: [{ role: 'user' as const, content: prompt }], schema: asked as typeof schema }
  return (await generate(createFake({ latencyMs: 0 }), request, never)).answer?.json
}

test('the fake speaks about the material of a prompt, quotes it word for word, and says the same again', async () => {
  const { summary, problems } = (await said(PROMPT)) as Said
  expect(summary).toContain('shared packing list')
  expect(problems.length).toBeGreaterThan(1)
  for (const { title, quote } of problems) {
    expect(PROMPT).toContain(quote)
    expect(title.split(' ').length).toBeGreaterThan(1)
  }
  expect(await said(PROMPT)).toEqual(await said(PROMPT))
  expect(await said(PROMPT.replace('packing', 'shopping'))).not.toEqual(await said(PROMPT))
})

test('what depends on something depends on what stands before it', async () => {
  const { work } = (await said(PROMPT)) as Said
  for (const [index, { depends_on: earlier }] of work.entries()) {
    expect(earlier.every((number) => number >= 1 && number <= index)).toBe(true)
  }
})

test('in a vote the friendly model says yes more often than the sceptical one', async () => {
  const stance = {
    type: 'object',
    properties: { stance: { enum: ['approve', 'conditional', 'reject'] } },
    required: ['stance'],
  }
  const count = async (model: string) => {
    const votes = await Promise.all(Array.from({ length: 40 }, (_, n) => said(`${PROMPT}\n${n}`, model, stance)))
    return votes.filter((vote) => (vote as { stance: string }).stance === 'approve').length
  }
  expect(await count('a')).toBeGreaterThan(await count('b'))
})

test('where a prompt has no material nothing is different from before', async () => {
  const { summary } = (await said('Rate from 1 to 5: it rains.')) as Said
  expect(summary).toMatch(/^Rating: \d$/)
})
