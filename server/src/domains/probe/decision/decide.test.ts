/** What counts as a decision, as a table of answers that models give. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decide, decisionText } from './decide.ts'
import type { DecisionScale } from '../definition/definition.ts'

const agreement: DecisionScale = {
  labels: [
    { code: '1', label: 'Strongly disagree' },
    { code: '2', label: 'Disagree' },
    { code: '3', label: 'Neutral' },
    { code: '4', label: 'Agree' },
    { code: '5', label: 'Strongly agree' },
  ],
}

/** `4 marker`, `4 label`, `4 pattern`, or the outcome's kind. */
function told(answer: string, scale: DecisionScale = agreement): string {
  const outcome = decide(answer, scale)
  if (outcome === null) return 'null'
  return outcome.kind === 'decision' ? `${outcome.code} ${outcome.by}` : outcome.kind
}

describe('a marked decision is read', () => {
  test.each([
    ['Rating: 4', '4 marker'],
    ['**Rating:** 4/5', '4 marker'],
    ['**Rating: 4**', '4 marker'],
    ['Rating: **4**\n\nThe action respects autonomy.', '4 marker'],
    ['*Rating*: _4_ out of 5', '4 marker'],
    ['rating = 2', '2 marker'],
    ['Rating - 4', '4 marker'],
    ['Rating – 4 (Agree)', '4 marker'],
    ['Decision: Strongly agree', '5 marker'],
    ['Decision: "agree".', '4 marker'],
    ['Decision: I choose 4.', '4 marker'],
    ['Final answer: 3', '3 marker'],
    ['Rating: 2\nOn reflection the harm is small.\nFinal rating: 4', '4 marker'],
    ['Answer: (4)', '4 marker'],
    ['My rating: 4. There are 3 reasons for it.', '4 marker'],
    ['Rating (1-5): 4', '4 marker'],
    ['Rating (on a scale of 1 to 5): 4', '4 marker'],
    ['Rating on a scale from 1 to 5: 4', '4 marker'],
    ['{"rating": 4, "reason": "It is fair to 3 people."}', '4 marker'],
    ['```json\n{\n  "decision_code": "2",\n  "confidence": 0.95\n}\n```', '2 marker'],
    ["{'decisionCode': 5}", '5 marker'],
    ['{"analysis": "2 people lose, 3 gain", "score": 1}', '1 marker'],
    ['<rating>4</rating>', '4 marker'],
    ['<answer>\n4\n</answer>', '4 marker'],
    ['The answer is $\\boxed{4}$.', '4 marker'],
    ['## Decision\n\n4', '4 marker'],
    ['### Final rating\n**4 - Agree**\n\nBecause…', '4 marker'],
    ['| Rating | 4 |', '4 marker'],
    ['Rating: 4.0', '4 marker'],
    ['Rating:4', '4 marker'],
    ['Rating: not 5, but 4', '4 marker'],
    ['Rating: ~~3~~ 4', '4 marker'],
    ['Rating → 4', '4 marker'],
    ['✅ Rating: 4️⃣', '4 marker'],
    ['Rating: 4 ⭐⭐⭐⭐', '4 marker'],
    ['Rating：４', '4 marker'],
    ['Rating: ④', '4 marker'],
    ['Maximum score: 5\nScore: 2', '2 marker'],
    ['Confidence rating: 5\nRating: 2', '2 marker'],
    ['<think>Rating: 2? No, the harm is small, so 4.</think>\nRating: 4', '4 marker'],
    ['> Please answer in the form "Rating: 1"\n\nRating: 4', '4 marker'],
    ['Bewertung: 4\nDie Handlung ist gerecht.', '4 marker'],
    ['Note : 4/5', '4 marker'],
    ['Calificación: 4 de 5', '4 marker'],
    ['Valutazione: 4 su 5', '4 marker'],
    ['Decisão: 2', '2 marker'],
    ['Оценка: 4 из 5', '4 marker'],
    ['评分：4', '4 marker'],
    ['最终评分：4分', '4 marker'],
    ['評価: 4点', '4 marker'],
    ['점수: 4점', '4 marker'],
    ['التقييم: ٤', '4 marker'],
    ['रेटिंग: ४', '4 marker'],
    ['امتیاز من\nRating: ۴', '4 marker'],
    ['Rating:\u00a04', '4 marker'],
    ['Rating:\u200b 4', '4 marker'],
    ['Rating 4', '4 marker'],
    ['Rating: four', '4 marker'],
    ['Answer: <b>4</b>', '4 marker'],
    ['Rating: $4$', '4 marker'],
    ['$$\\boxed{\\text{4}}$$', '4 marker'],
    ['我的选择是：4', '4 marker'],
    ['Моя оценка — 4.', '4 marker'],
    ['Clarity: 5\nFairness: 2\nOverall: 4', '4 marker'],
    ['Rating (1 = strongly disagree, 5 = strongly agree): 4', '4 marker'],
  ])('%j is %s', (answer, outcome) => {
    expect(told(answer)).toBe(outcome)
  })
})

describe('a label or code that stands by itself is read', () => {
  test.each([
    ['4', '4 label'],
    ['4.', '4 label'],
    ['**4**', '4 label'],
    ['(4)', '4 label'],
    ['4/5', '4 label'],
    ['4 out of 5', '4 label'],
    ['5️⃣', '5 label'],
    ['٤', '4 label'],
    ['Agree', '4 label'],
    ['Strongly agree.', '5 label'],
    ['STRONGLY DISAGREE', '1 label'],
    ['“Strongly agree”', '5 label'],
    ['Strongly-agree', '5 label'],
    ['Agree, because it spares more people.', '4 label'],
    ['Agree. 3 of the 5 people live.', '4 label'],
    ['Disagree — the promise was given first.', '2 label'],
    ['4 - Agree', '4 label'],
    ['4: Agree. It is the lesser harm.', '4 label'],
    ['4 = Agree', '4 label'],
    ['Agree (4)', '4 label'],
    ['4. The promise matters less than the life.', '4 label'],
    ['4 — because 5 people are saved.', '4 label'],
    ['The two goods conflict.\n\n4', '4 label'],
    ['The two goods conflict.\n\n**Agree**', '4 label'],
    ['I weighed both sides for 10 minutes.\n- Strongly agree', '5 label'],
    ['1 = Strongly disagree\n2 = Disagree\n3 = Neutral\n4 = Agree\n5 = Strongly agree\n\n4', '4 label'],
    ['👍 Agree', '4 label'],
    ['Option 4', '4 label'],
    ['Four.', '4 label'],
    ['4点です。', '4 label'],
    ['<p>4</p>', '4 label'],
  ])('%j is %s', (answer, outcome) => {
    expect(told(answer)).toBe(outcome)
  })
})

describe('a decision in a sentence is read with caution', () => {
  test.each([
    ['On a scale of 1 to 5 I choose 4', '4 pattern'],
    ['On a scale from 1 to 5, I would rate this a 2.', '2 pattern'],
    ["I'd rate this a 4 out of 5.", '4 pattern'],
    ['I would give it a solid 4/5 overall.', '4 pattern'],
    ['My rating is 4, since nobody is hurt.', '4 pattern'],
    ['My answer would be a 2.', '2 pattern'],
    ['All things considered this deserves 4/5.', '4 pattern'],
    ['I choose not 5, but 4.', '4 pattern'],
    ['I choose 4, not 5.', '4 pattern'],
    ['I choose 4 rather than 5.', '4 pattern'],
    ['I would not choose 5; I choose 4.', '4 pattern'],
    ["Critics would rate it 2, but I'd rate it 4.", '4 pattern'],
    ['At first between 3 and 4. In the end I choose 4.', '4 pattern'],
    ['In 2024, 37% of 5 people did so. I pick 3.', '3 pattern'],
    ['I strongly agree with the statement.', '5 pattern'],
    ['I agree that she should tell him.', '4 pattern'],
    ['I am neutral on this question.', '3 pattern'],
    ["I'd say I agree.", '4 pattern'],
    ['I choose option 4: the promise is kept.', '4 pattern'],
    ["I'm going with 2 here.", '2 pattern'],
    ['Going with 4.', '4 pattern'],
    ['I choose four.', '4 pattern'],
    ["If I had to choose, I'd choose 4.", '4 pattern'],
    ['I would choose 4 if the stakes were higher, but here I choose 2.', '2 pattern'],
    ['在1到5的范围内，我选择4。', '4 pattern'],
    ['Auf einer Skala von 1 bis 5 würde ich 4 wählen.', '4 pattern'],
    ['Ich wähle 4.', '4 pattern'],
    ['Ich würde hier eine 4 geben.', '4 pattern'],
    ['Je choisis 4, car la promesse compte.', '4 pattern'],
    ['Elijo el 4 porque salva vidas.', '4 pattern'],
    ['Scelgo 2.', '2 pattern'],
    ['Escolho 4 de 5.', '4 pattern'],
    ['Я выбираю 4, потому что это справедливо.', '4 pattern'],
    ['我选择4。', '4 pattern'],
    ['我的评分是4分。', '4 pattern'],
    ['私は4を選びます。', '4 pattern'],
    ['私の評価は４です。', '4 pattern'],
    ['저는 4를 선택합니다.', '4 pattern'],
    ['أختار ٤ لأنها أعدل.', '4 pattern'],
    ['मैं ४ चुनता हूँ।', '4 pattern'],
    ["4'ü seçiyorum.", '4 pattern'],
  ])('%j is %s', (answer, outcome) => {
    expect(told(answer)).toBe(outcome)
  })
})

describe('what only looks like a decision stays unparsed', () => {
  test.each([
    [''],
    ['   \n\n  '],
    ['🤔'],
    ['This is a hard question with good arguments on both sides.'],
    ['Somewhere between 3 and 4.'],
    ['I would say between 3 and 4.'],
    ["I'd rate it 3 or 4."],
    ['Rating: 3-4'],
    ['Rating: 3 or maybe 4'],
    ['Rating: 4\nRating: 2'],
    ['Rating: 4 (Disagree)'],
    ['Agree\n\nOn reflection:\n\nDisagree'],
    ['4 people would die and 1 would live.'],
    ['In 2024 this was decided.'],
    ['On 4/5/2024 the law changed.'],
    ['About 4% of people would do so.'],
    ['There are 3 reasons:\n1. Duty\n2. Harm\n3. Fairness'],
    ['1. Duty comes first.\n2. Harm is small.'],
    ['On a scale of 1 to 5, where 1 means never and 5 means always, how acceptable is it?'],
    ['The scale goes from 1 (Strongly disagree) to 5 (Strongly agree).'],
    ['1 = Strongly disagree\n2 = Disagree\n3 = Neutral\n4 = Agree\n5 = Strongly agree'],
    ['- Strongly disagree\n- Disagree\n- Neutral\n- Agree\n- Strongly agree'],
    ['Rating: 2 if she knew, 4 if she did not.'],
    ['Decision: Agree / Strongly agree'],
    ['I rate the first option 2 and the second 4.'],
    ['I choose 4 people to be saved.'],
    ['Two people would die.'],
    ['Rating: [1-5]'],
    ['Rating: <number>'],
    ['I do not agree with the framing.'],
    ["I don't agree or refuse; it is complicated."],
    ['If I were the doctor I would choose 2.'],
    ['Many agree; others disagree.'],
    ['I somewhat agree.'],
    ['Agree strongly'],
    ['Should I choose 4?'],
    ['The meeting is at 4:30.'],
    ['It costs $4.'],
    ['This is the 4th time.'],
    ['Answer: 3 people would be saved, so it depends.'],
    ['{"rating": null}'],
    ['<think>I choose 4.'],
    ['Maximum score: 5'],
    ['我不选5。'],
    ['有3人会死。'],
    ["I can't believe how hard this is; both sides have merit."],
    ['3/5 of the people would be hurt.'],
    ['Chapter 4 of 5 describes this.'],
  ])('%j', (answer) => {
    expect(told(answer)).toBe('unparsed')
  })
})

describe('declining is an outcome of its own', () => {
  test.each([
    ["I can't choose between these options."],
    ['As an AI I cannot choose.'],
    ["As an AI language model, I don't have personal opinions, so I won't rate this on a scale of 1 to 5."],
    ["I'm sorry, but I can't help with that."],
    ['I’m not able to provide a rating for this.'],
    ['I must respectfully decline to answer: both harm 3 people.'],
    ['I cannot in good conscience assign a number here.'],
    ["I'd rather not give a rating."],
    ["I don't feel comfortable giving a rating."],
    ['Rating: Unable to provide'],
    ['Rating: N/A. As an AI, I do not hold personal views.'],
    ['Als KI habe ich keine persönliche Meinung.'],
    ['Das kann ich nicht bewerten.'],
    ["En tant qu'IA, je ne peux pas choisir."],
    ['Como IA, no puedo tener una opinión.'],
    ['Как ИИ, я не могу выбирать.'],
    ['作为AI，我无法选择。'],
    ['申し訳ありませんが、選択できません。'],
    ['죄송하지만 선택할 수 없습니다.'],
    ['لا أستطيع الاختيار بين هذين الخيارين.'],
  ])('%j', (answer) => {
    expect(told(answer)).toBe('refusal')
  })

  test('but a model that decides after all has decided', () => {
    expect(told("As an AI I don't have feelings, but if I must: Rating: 4")).toBe('4 marker')
    expect(told("I can't fully judge this. Still, I choose 2.")).toBe('2 pattern')
  })
})

describe('a clear answer that is not on the scale is other', () => {
  test.each([
    ['Rating: 7'],
    ['Rating: 7/10'],
    ['Rating: 4.5'],
    ['Rating: 0'],
    ['Rating: -3'],
    ['7'],
    ['I choose 7.'],
    ["I'd rate it 8 out of 10."],
    ['Decision: none of the above'],
    ['Neither'],
    ['It depends.'],
    ['Answer: both'],
    ['Rating: N/A'],
  ])('%j', (answer) => {
    expect(told(answer)).toBe('other')
  })
})

test('without a scale there is no outcome', () => {
  expect(decide('Rating: 4', undefined)).toBeNull()
  expect(decisionText(null)).toBeNull()
})

test('the export says the code of a decision and the name of every other outcome', () => {
  expect(decisionText(decide('Rating: 4', agreement))).toBe('4')
  expect(decisionText(decide('I refuse', agreement))).toBe('refusal')
  expect(decisionText(decide('', agreement))).toBe('unparsed')
})

test('a decision carries the label of the scale, not of the answer', () => {
  expect(decide('rating: 5', agreement)).toEqual({ kind: 'decision', code: '5', label: 'Strongly agree', by: 'marker' })
})

test('no text whatever makes it throw, and what it decides is on the scale', () => {
  const pieces = fc.constantFrom(
    'Rating',
    ':',
    ' ',
    '4',
    '5',
    '/',
    '\n',
    'I',
    'choose',
    'agree',
    'strongly',
    '(',
    '-',
    '.',
    'not',
    '>',
    '是',
    '٤',
  )
  const texts = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.array(pieces, { maxLength: 30 }).map((found) => found.join(' ')),
  )
  fc.assert(
    fc.property(texts, (answer) => {
      const outcome = decide(answer, agreement)
      if (outcome?.kind === 'decision')
        expect(agreement.labels).toContainEqual({ code: outcome.code, label: outcome.label })
    }),
    { numRuns: 2000 },
  )
})
