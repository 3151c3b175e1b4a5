/** Counts of a text: letters, words, sentences, what is said most, and how easily it reads. */
import { z } from 'zod'
import { defineTool } from '../runner.ts'

const MOST = 1_000_000

export default defineTool({
  name: 'text_statistics',
  version: '1.0.0',
  description:
    'Counts letters, words, sentences and lines of a text, its commonest words, and how long it takes to read.',
  input: z.strictObject({
    text: z.string().max(MOST),
    locale: z
      .string()
      .regex(/^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}$/)
      .default('en')
      .describe('BCP 47, for where words end.'),
    top: z.int().min(0).max(100).default(10).describe('How many of the commonest words.'),
  }),
  output: z.object({
    characters: z.int().describe('As a reader counts them: an emoji is one.'),
    words: z.int(),
    distinctWords: z.int(),
    sentences: z.int(),
    lines: z.int(),
    paragraphs: z.int(),
    bytes: z.int().describe('As UTF-8.'),
    averageWordLength: z.number().nullable(),
    averageSentenceWords: z.number().nullable(),
    readingSeconds: z.int().describe('At 238 words a minute.'),
    commonest: z.array(z.object({ word: z.string(), count: z.int() })),
  }),
  run({ text, locale, top }) {
    const parts = (granularity: 'grapheme' | 'word' | 'sentence') =>
      new Intl.Segmenter(locale, { granularity }).segment(text)
    let characters = 0
    for (const _ of parts('grapheme')) characters += 1
    const counts = new Map<string, number>()
    let words = 0
    let letters = 0
    for (const { segment, isWordLike } of parts('word')) {
      if (isWordLike !== true) continue
      const word = segment.toLocaleLowerCase(locale)
      words += 1
      letters += Array.from(segment).length
      counts.set(word, (counts.get(word) ?? 0) + 1)
    }
    let sentences = 0
    for (const { segment } of parts('sentence')) if (/\p{L}|\p{N}/u.test(segment)) sentences += 1
    const commonest = [...counts]
      .map(([word, count]) => ({ word, count }))
      .toSorted((a, b) => b.count - a.count || (a.word < b.word ? -1 : 1))
      .slice(0, top)
    return {
      characters,
      words,
      distinctWords: counts.size,
      sentences,
      lines: text === '' ? 0 : text.split(/\r\n|\r|\n/).length,
      paragraphs: text.split(/(?:\r?\n[ \t]*){2,}/).filter((part) => part.trim() !== '').length,
      bytes: Buffer.byteLength(text),
      averageWordLength: words === 0 ? null : rounded(letters / words),
      averageSentenceWords: sentences === 0 ? null : rounded(words / sentences),
      readingSeconds: Math.round((words / 238) * 60),
      commonest,
    }
  },
})

const rounded = (value: number) => Math.round(value * 100) / 100
