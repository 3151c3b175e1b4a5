/**
 * What the types of the plug refuse.  Each refused line is red the day it is
 * allowed: an unused `@ts-expect-error` is an error of `npm run check`.
 */
import { z } from 'zod'
import { defineRun, defineTask, type AnyRunKind, type Engine, type Principal, type Tx } from '../src/index.ts'

const input = z.object({ text: z.string() })
const output = z.object({ words: z.number(), language: z.string() })
const keepRow = async (_tx: Tx, _row: unknown): Promise<void> => {}

const count = defineTask({
  name: 'count',
  input,
  output,
  retry: (failure, tries) =>
    failure.code === 'BUSY' && tries < 9 ? { outcome: 'later', delay: 1 } : { outcome: 'failed' },
  perform: async (hand) => ({ words: hand.input.text.split(' ').length, language: 'en' }),
  save: (tx, [one]) => keepRow(tx, [one?.run, one?.task, one?.output.words, one?.input.text]),
  keep: (made) => ({ words: made.words }),
})

defineTask({
  name: 'output that lacks a field',
  input,
  output,
  // @ts-expect-error: `language` is missing
  perform: async (hand) => ({ words: hand.input.text.length }),
})
defineTask({
  name: 'output with a field of another type',
  input,
  output,
  // @ts-expect-error: `words` is a number
  perform: async () => ({ words: 'three', language: 'en' }),
})
defineTask({
  name: 'nothing as output',
  input,
  output,
  // @ts-expect-error: nothing is returned
  perform: async () => {},
})
defineTask({
  name: 'a read of what the input has not',
  input,
  output,
  // @ts-expect-error: the input has no `title`
  perform: async (hand) => ({ words: hand.input.title.length, language: 'en' }),
})
defineTask({
  name: 'a save that reads what the output has not',
  input,
  output,
  perform: async () => ({ words: 1, language: 'en' }),
  // @ts-expect-error: the output has no `letters`
  save: (tx, [one]) => keepRow(tx, one?.output.letters),
})
defineTask({
  name: 'a keep that reads what the output has not',
  input,
  output,
  perform: async () => ({ words: 1, language: 'en' }),
  // @ts-expect-error: the output has no `letters`
  keep: (made) => made.letters,
})
defineTask({
  name: 'a retry that says nothing known',
  input,
  output,
  perform: async () => ({ words: 1, language: 'en' }),
  // @ts-expect-error: an outcome is failed, again or later
  retry: () => ({ outcome: 'perhaps', delay: 1 }),
})

const texts = z.object({ texts: z.array(z.string()) })
const counted = defineRun({
  name: 'counted',
  input: texts,
  tasks: [count],
  plan: (asked) => asked.texts.map((text) => ({ kind: 'count', input: { text } })),
  next: async (soFar) => {
    const outputs = await soFar.outputs('count', z.object({ words: z.number() }))
    return { succeed: { words: outputs.reduce((sum, one) => sum + one.output.words, 0) } }
  },
})

defineRun({
  name: 'a plan of what the input has not',
  input: texts,
  tasks: [count],
  // @ts-expect-error: the input has no `books`
  plan: (asked) => asked.books.map((text: string) => ({ kind: 'count', input: { text } })),
})
defineRun({
  name: 'a plan for another input',
  input: texts,
  tasks: [count],
  // @ts-expect-error: the input has `texts`, not `text`
  plan: (asked: { text: string }) => [{ kind: 'count', input: asked }],
})
defineRun({
  name: 'a plan without kinds',
  input: texts,
  tasks: [count],
  // @ts-expect-error: a task has a kind
  plan: (asked) => asked.texts.map((text) => ({ input: { text } })),
})
defineRun({
  name: 'a next that answers something else',
  input: texts,
  tasks: [count],
  plan: () => [],
  // @ts-expect-error: do, succeed or fail
  next: () => ({ done: true }),
})
defineRun({
  name: 'a next that fails with a sentence',
  input: texts,
  tasks: [count],
  plan: () => [],
  // @ts-expect-error: a failure is data
  next: () => ({ fail: 'no words at all' }),
})
defineRun({
  name: 'a next that reads outputs as what their schema has not',
  input: texts,
  tasks: [count],
  plan: () => [],
  next: async (soFar) => {
    const [first] = await soFar.outputs('count', z.object({ words: z.number() }))
    // @ts-expect-error: the schema has no `language`
    return { succeed: first?.output.language }
  },
})
// @ts-expect-error: a run kind has tasks
defineRun({ name: 'no tasks', input: texts, plan: () => [] })

/** Kinds of different types stand in one list. */
export const kinds: readonly AnyRunKind[] = [counted, defineRun({ name: 'other', input, tasks: [], plan: () => [] })]

export async function starts(engine: Engine, who: Principal): Promise<void> {
  const options = { workspace: 1 }
  await engine.start(who, counted, { texts: ['one', 'two words'] }, options)
  // @ts-expect-error: a number is no text
  await engine.start(who, counted, { texts: [1] }, options)
  // @ts-expect-error: `texts` is missing
  await engine.start(who, counted, {}, options)
  // @ts-expect-error: no such field
  await engine.start(who, counted, { texts: [], text: '' }, options)
  // @ts-expect-error: a run stands in a workspace
  await engine.start(who, counted, { texts: [] }, {})
}
