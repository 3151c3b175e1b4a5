/**
 * What the fake says about material: prompts that put what people wrote between `<data>`
 * and `</data>` ask for work on it.  Quotes are sentences of that material; the rest are
 * plain sentences that mention it, chosen by the name of the field that wants one.  It
 * reads like a first draft, so that a whole board can be tried without a key.
 */
import { fraction, type Temper } from './fake-answers.ts'

export interface Material {
  /** A text for a field; `index` is its place in the list around it, from 0. */
  text(field: string, place: string, index: number): string
  /** One of the words that a field may have; undefined: any of them. */
  choice(words: readonly unknown[], place: string): unknown
  flag(field: string, place: string): boolean
}

const BLOCK = /<data name="([^"\n]{1,100})">\n([^]*?)\n<\/data>/g

/** Undefined where the prompt has no such material. */
export function materialIn(prompt: string, temper: Temper, digest: string): Material | undefined {
  const blocks = Array.from(prompt.matchAll(BLOCK), ([, name = '', text = '']) => ({ name, text }))
  if (blocks.length === 0) return undefined
  const title = blocks.find(({ name }) => /title/.test(name))?.text.trim() ?? ''
  const said = sentencesOf(
    blocks
      .filter(({ name }) => !/title/.test(name))
      .map(({ text }) => text)
      .join('\n'),
  )
  const topic = lowered(title.replace(/[.!?]+$/, '').slice(0, 80)) || 'this idea'
  const words = wordsOf(title, said.join(' '))
  const nth = (from: readonly string[], place: string, index: number) =>
    from[(Math.floor(fraction(digest, place) * from.length) + index) % from.length] ?? ''

  return {
    text(field, place, index) {
      if (/quote|evidence/.test(field))
        return said.length === 0 ? topic : nth(said, place.replace(/\.\d+.*$/, ''), index)
      const templates = SAID.find(([wanted]) => wanted.test(field))?.[1] ?? ANYTHING
      const [first, second] = [nth(words, `${place}!`, index), nth(words, `${place}?`, index + 1)]
      return nth(templates, field, index)
        .replaceAll('{topic}', topic)
        .replaceAll('{a}', first)
        .replaceAll('{A}', raised(first))
        .replaceAll('{b}', second === first ? 'the rest of it' : second)
    },
    choice(given, place) {
      if (!given.includes('approve') || !given.includes('reject')) return undefined
      const at = fraction(digest, `${place}~`)
      const [approve, conditional] = STANCES[temper]
      return at < approve
        ? 'approve'
        : at < approve + conditional && given.includes('conditional')
          ? 'conditional'
          : 'reject'
    },
    flag: (field, place) => fraction(digest, place) < (field === 'blocking' ? 0.08 : 0.5),
  }
}

/** Parts of the votes that approve, and that do so under a condition. */
const STANCES: Readonly<Record<Temper, readonly [number, number]>> = {
  warm: [0.68, 0.26],
  wary: [0.3, 0.4],
  bold: [0.6, 0.05],
  refusing: [0.1, 0.2],
  long: [0.5, 0.3],
  odd: [0.34, 0.33],
  empty: [0.34, 0.33],
}

/** By the first pattern that the name of a field matches. */
const SAID: readonly (readonly [RegExp, readonly string[]])[] = [
  [/^concern$/, ['Nobody can undo it', 'It is one more place to look', 'The benefit is not shown in numbers', 'None']],
  [
    /suggestion/,
    [
      'Show what changed before it is sent.',
      'Begin with one team and measure for two weeks.',
      'Say plainly who sees what.',
    ],
  ],
  [
    /^finding$/,
    [
      'Nothing says what happens to {a} when {b} is gone.',
      'Whoever cannot see colour cannot tell whether {a} is done.',
      'There is no way back after {a}.',
    ],
  ],
  [
    /recommendation/,
    [
      'Say it next to {a}, and keep what was there.',
      'Offer to undo it, for as long as the page is open.',
      'Give {a} a word of its own beside the colour.',
    ],
  ],
  [/^need$/, ['To know how {a} stands without asking anybody', 'To change {a} and be sure that others see it']],
  [/^today$/, ['They ask around, and keep {a} in their heads.', 'They write {a} down twice, and compare by hand.']],
  [
    /^(takes|gives)$/,
    ['{A}, and who asks', 'The number of the {a}, and when it was changed last', 'The {a} as it is now'],
  ],
  [
    /^(note|rules|depends_on)$/,
    ['{A} and {b} belong together.', 'Each {a} has one owner.', 'It is said for {a}, not for {b}.'],
  ],
  [
    /reason/,
    [
      'What is said about {a} is strong; about {b} it is thin.',
      'It helps with {a}, and leaves {b} as it is.',
      'Nothing that is said about {a} asks for more yet.',
    ],
  ],
  [
    /^audience$/,
    [
      'people who deal with {a} every day',
      'whoever is responsible for {b}',
      'somebody who meets {topic} for the first time',
    ],
  ],
  [
    /^(who|starts|segment)$/,
    [
      'People who deal with {a} every day',
      'Whoever is responsible for {b}',
      'Somebody who meets {topic} for the first time',
    ],
  ],
  [
    /persona|^name$|^entity$|^place$/,
    ['{A} view', 'Everyday user', '{A} overview', 'Team lead', '{A} history', 'Newcomer'],
  ],
  [
    /^(title|item|pattern|principle|state|properties)$/,
    ['{A} in one place', 'Changes to {a} are seen at once', 'A clear end for {a}', 'Undo for {a}', '{A} without {b}'],
  ],
  [
    /instead_of/,
    ['everything about {a} on one page', 'a setting for each way to do {b}', 'speed for those who know it already'],
  ],
  [
    /^(metric|measures|measured_by)$/,
    [
      'Share of people who finish {a} without help',
      'Minutes from {a} to {b}',
      'Questions about {a} in support, a week',
    ],
  ],
  [/baseline/, ['unknown: measure first', 'not counted today', 'known from {a} only']],
  [/target/, ['8 of 10', 'half of today', 'under two minutes']],
  [
    /question/,
    [
      'Who decides about {a} when two people disagree?',
      'What happens to {b} that exists already?',
      'How often does {a} come up in a week?',
    ],
  ],
  [
    /belief/,
    ['people keep up with {a} if they see changes at once', 'one shared place for {a} saves them a round of messages'],
  ],
  [/because/, ['they said so of {a} without being asked', 'they work around {b} today, at a cost']],
  [
    /against|risk|fears|objection/,
    [
      'So far only a few people have spoken about {a}.',
      'It may move the work to {b} instead of ending it.',
      'Nobody has shown that {a} is why people leave.',
    ],
  ],
  [
    /mitigation|^stop$|reason|^then$/,
    [
      'Watch {a} for two weeks and go back if it gets worse.',
      'The last good state of {a} stays, and the person is told.',
      'It is left for later: {b} works without it.',
    ],
  ],
  [
    /^when$/,
    [
      'The connection is gone while {a} is being saved',
      'Two people change {a} at the same time',
      '{A} is far larger than usual',
    ],
  ],
  [
    /acceptance|^go_on$|^done$|shows/,
    [
      'Given {a}, when somebody changes it, then everybody sees the change.',
      'Given no {a} yet, it says what to do first.',
      'When saving {b} fails, nothing that was typed is lost.',
    ],
  ],
  [/empty/, ['It says that there is no {a} yet, and offers to make the first.']],
  [/loading/, ['The last known {a} stays on the page, marked as not up to date.']],
  [
    /failed|refuses/,
    [
      'It says that {a} was not saved, keeps what was typed, and offers to try again.',
      'Whoever may not change {a} is told so, and by whom it can be changed.',
    ],
  ],
  [
    /accessib/,
    [
      '{A} can be reached and changed with the keyboard alone.',
      'Changes to {a} are announced, and no meaning hangs on colour.',
    ],
  ],
  [/security/, ['Only those who were invited see {a}.', 'No text about {b} gets into logs.']],
  [
    /test/,
    [
      'Five people try to finish {a} without help; three who cannot would mean no.',
      'What was saved of {a} is there after a restart.',
    ],
  ],
  [
    /next_step|enablement|step|delivers/,
    [
      'Ask three people who do {a} today to show how.',
      'Open {topic} and pick {a}.',
      'Change {a} and see that {b} follows.',
    ],
  ],
  [
    /positioning|message/,
    [
      '{topic}: for people who lose time over {a}, instead of another round of messages.',
      'See {a} change as it happens.',
    ],
  ],
  [
    /summary|overview|goal|problem_statement|alignment/,
    [
      'What people say about {topic} comes back to {a}: they notice changes late and repair {b} by hand. It costs them time every week, and they have found ways around it.',
    ],
  ],
  [
    /description|insight|idea|purpose|responsibility|holds|experience/,
    [
      'People notice late that {a} has changed, and then repair {b} by hand.',
      'It keeps {a} together with {b}, so that nobody has to ask.',
      'It shows {a} as it is now and says who changed it last.',
    ],
  ],
]
const ANYTHING = [
  'It follows from what is said about {a}.',
  'Begin with {a}; {b} can wait.',
  'This concerns {topic} as a whole, {a} above all.',
]

/** Sentences that somebody could quote: no headings, tables, labels or fragments. */
function sentencesOf(text: string): string[] {
  const found = text
    .split('\n')
    .filter((line) => !/^\s*(#|\||<!--|```|Type:|Who:|Source:)/.test(line))
    .flatMap((line) => line.replace(/^\s*([-*>]|\d+[.)])+\s*(\[.\]\s*)?/, '').match(/[^.!?]{20,240}[.!?]?/g) ?? [])
    .map((line) =>
      line
        .replaceAll(/[*_`"“”]/g, '')
        .replace(/^["“]|["”]$/g, '')
        .trim(),
    )
    .filter((line) => /\p{L}{3}.*\s.*\p{L}{3}/u.test(line))
  return [...new Set(found)].slice(0, 40)
}

const DULL = new Set(
  'about after again another because before better could every first from good have into just last like more most much need next only other people same second should some that their them then there these they thing third this those through today under very want well were what when where which while will with without would year your month week time times person somebody part whole rest heads changes change still'.split(
    ' ',
  ),
)

/** What the title names, and what stands after an article: mostly things that people talk about. */
function wordsOf(title: string, text: string): string[] {
  const counts = new Map<string, number>()
  const count = (word: string, weight: number) => {
    if (!DULL.has(word)) counts.set(word, (counts.get(word) ?? 0) + weight)
  }
  for (const [word] of title.toLowerCase().matchAll(/\p{Ll}{4,16}/gu)) count(word, 3)
  for (const [, word = ''] of text.slice(0, 20_000).matchAll(ARTICLE)) count(word, 1)
  const sorted = [...counts].toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1))
  return sorted.length === 0 ? ['the matter'] : sorted.slice(0, 10).map(([word]) => word)
}

const ARTICLE = /(?<![\p{L}])(?:the|a|an|our|their|every|each) (\p{Ll}{4,16})(?![\p{L}-])/giu

const raised = (word: string) => word.charAt(0).toUpperCase() + word.slice(1)
const lowered = (title: string) =>
  /^\p{Lu}\p{Ll}/u.test(title) ? title.charAt(0).toLowerCase() + title.slice(1) : title
