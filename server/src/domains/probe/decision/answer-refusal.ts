/** Does an answer decline? Asked only when no decision was found in it. */

import type { Token } from './answer-tokens.ts'

const unable = new Set([
  "can't",
  'cannot',
  "won't",
  "couldn't",
  "wouldn't",
  'unable',
  'decline',
  'declined',
  'declining',
  'refuse',
  'refused',
  'refusing',
  'refusal',
])
const tasks = new Set(
  `choose pick select rate answer provide give assign score help assist make decide say take recommend offer comply fulfill fulfil
   participate engage respond tell support share express judge evaluate complete generate determine rank
   continue discuss endorse advise comment`.split(/\s+/),
)
const modelWords = new Set(['ai', 'ki', 'ia', 'ии', 'llm', 'chatbot', 'model', 'assistant', 'artificial', 'yapay'])
const negative = new Set(
  `not don't can't cannot unable without lack doesn't won't isn't never no
   nicht keine kein pas ne no não nao non niet geen не нет nie inte`.split(/\s+/),
)

/** Sentences that decline by themselves, as tokens joined by one space. */
const phrases: readonly string[] = [
  'i decline',
  'i must decline',
  'i respectfully decline',
  'i refuse',
  'i will not',
  'i would rather not',
  "i'd rather not",
  'i prefer not to',
  'i would prefer not',
  "i'd prefer not",
  "i'm not able to",
  'i am not able to',
  'not comfortable',
  "don't feel comfortable",
  'do not feel comfortable',
  "wouldn't feel comfortable",
  "don't think it's appropriate",
  "don't think it is appropriate",
  'do not think it is appropriate',
  'not appropriate for me',
  'would be inappropriate',
  'against my guidelines',
  'against my principles',
  'not my place',
  "don't have personal",
  'do not have personal',
  "don't have opinions",
  'do not have opinions',
  "don't hold personal",
  'do not hold personal',
  "don't have preferences",
  'do not have preferences',
  'have no personal',
  "don't take sides",
  'kann ich nicht',
  'ich kann nicht',
  'ich kann diese',
  'ich kann dir nicht',
  'ich kann ihnen nicht',
  'kann ich keine',
  'ich kann dabei nicht',
  'ich möchte nicht',
  'lehne ich ab',
  'je ne peux pas',
  'je ne suis pas en mesure',
  'je refuse',
  'je préfère ne pas',
  'no puedo',
  'no me es posible',
  'no soy capaz',
  'prefiero no',
  'não posso',
  'não consigo',
  'prefiro não',
  'non posso',
  'non sono in grado',
  'preferisco non',
  'ik kan niet',
  'ik kan geen',
  'kan ik niet',
  'jag kan inte',
  'jeg kan ikke',
  'en voi',
  'я не могу',
  'не могу',
  'я отказываюсь',
  'я не можу',
  'nie mogę',
  'nie jestem w stanie',
  'nemohu',
  'nem tudok',
  'yapamam',
  'seçemem',
  'cevap veremem',
  'لا أستطيع',
  'لا يمكنني',
  'لا أقدر',
  'אני לא יכול',
  'נוכל לא',
  'नहीं कर सकता',
  'नहीं कर सकती',
  'नहीं चुन सकता',
  'नहीं दे सकता',
  'δεν μπορώ',
  'tidak bisa',
  'tidak dapat',
  'không thể',
  'null decision',
]
const runPhrases: readonly string[] = [
  '我无法',
  '我無法',
  '我不能',
  '无法选择',
  '無法選擇',
  '无法回答',
  '拒绝',
  '拒絕',
  '无法提供',
  '不便回答',
  'できません',
  'できかねます',
  '控えさせて',
  'お答えでき',
  '致しかね',
  '할 수 없',
  '드릴 수 없',
  '답변할 수',
  '어렵습니다',
  'ไม่สามารถ',
]

/** Refusals stand first or last: a model that cannot choose says so before or after its considerations. */
const lookedAt = 600

export function declines(tokens: readonly Token[]): boolean {
  const looked = tokens.length > 2 * lookedAt ? [...tokens.slice(0, lookedAt), ...tokens.slice(-lookedAt)] : tokens
  const text = ` ${looked.map((token) => token.text).join(' ')} `
  if (phrases.some((phrase) => text.includes(` ${phrase} `))) return true
  const run = looked.map((token) => token.text).join('')
  const spaced = looked.map((token) => (token.glued ? token.text : ` ${token.text}`)).join('')
  if (runPhrases.some((phrase) => run.includes(phrase) || spaced.includes(phrase))) return true
  return looked.some((token, i) => cannotDo(looked, token, i) || speaksAsModel(looked, token, i))
}

/** `I can't choose`, but not `I can't believe how hard this is`. */
function cannotDo(tokens: readonly Token[], token: Token, at: number): boolean {
  const two = token.text === 'not' && tokens[at - 1]?.text === 'can'
  if (!two && !unable.has(token.text)) return false
  const before = tokens.slice(Math.max(0, at - 5), at).map(({ text }) => text)
  // `Rating: unable to provide`
  if (before.at(-1) === ':') return true
  if (!before.some((text) => text === 'i' || text === "i'm" || text === 'we' || text === 'must' || text === "i'll"))
    return false
  const next = tokens[at + 1]?.text
  return next === 'do' || tokens.slice(at + 1, at + 5).some(({ text }) => tasks.has(text))
}

/** `As an AI, I don't …` in several languages: the model's name for itself, then a denial close by. */
function speaksAsModel(tokens: readonly Token[], token: Token, at: number): boolean {
  if (!modelWords.has(token.text)) return false
  const before = tokens.slice(Math.max(0, at - 4), at).map(({ text }) => text)
  if (
    !before.some((text) =>
      [
        'as',
        'als',
        'en',
        'como',
        'come',
        "qu'ia",
        'как',
        'jako',
        'som',
        "i'm",
        'am',
        'since',
        'being',
        'just',
      ].includes(text),
    )
  ) {
    return false
  }
  return tokens.slice(at + 1, at + 16).some(({ text }) => negative.has(text))
}
