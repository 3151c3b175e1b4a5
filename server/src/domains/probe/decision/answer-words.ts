/** The words by which answers tell a decision, in the languages that models answer in. */

const words = (text: string): ReadonlySet<string> => new Set(text.split(/\s+/).filter((word) => word !== ''))
const stems = (text: string): readonly string[] => text.split(/\s+/).filter((word) => word !== '')

/** Name the decision, before a colon: `Rating: 4`. */
export const markerWords = words(`
  rating ratings overall score scored decision answer choice verdict judgment judgement grade vote selection response conclusion boxed
  bewertung entscheidung antwort wahl wertung note urteil punktzahl
  évaluation décision réponse choix
  calificación puntuación decisión respuesta valoración elección
  valutazione punteggio decisione risposta scelta voto
  avaliação pontuação nota decisão resposta escolha classificação
  beoordeling beslissing antwoord keuze oordeel
  betyg beslut svar val vurdering beslutning bedømmelse arvio päätös vastaus
  оценка решение ответ рейтинг выбор оцінка рішення відповідь вибір
  ocena decyzja odpowiedź wybór hodnocení rozhodnutí odpověď értékelés döntés válasz
  puan karar cevap yanıt değerlendirme
  التقييم تقييم الإجابة إجابة القرار قرار الاختيار اختيار درجة الدرجة
  דירוג תשובה החלטה בחירה
  रेटिंग उत्तर निर्णय मूल्यांकन अंक जवाब
  βαθμολογία απάντηση απόφαση penilaian jawaban keputusan pilihan
`)

/** The same where words run together: the token ends in one of these before a colon, or holds one before 是, は, 는. */
export const runMarkers = stems(`
  评分 评级 答案 决定 选择 评价 打分 回答 評分 評級 決定 選擇 評價 評価 選択 答え 評点 スコア 結論 结论
  평가 점수 답변 답 결정 선택 평점 등급 คะแนน คำตอบ
`)

/** Make the marked decision the one that counts. */
export const finalWords = words(`
  final overall definitive ultimate endgültige finale finalmente définitive définitif definitiva definitivo
  итоговая итоговый окончательное окончательный ostateczna nihai النهائي النهائية अंतिम
`)
export const runFinals = stems('最终 最終 总体 總體 최종')

/** Before a marker they make it somebody or something else's: `Maximum score: 5`, `confidence rating: 4`. */
export const foreignWords = words(`
  highest lowest maximum minimum max min top bottom best worst perfect average mean typical possible
  confidence certainty difficulty example format form like similarly hypothetical previous initial opposite expected
  maximale maximal höchste máxima máximo massimo
`)

/** Between a marker and its connector. */
export const markerTails = words('code value number level letter choice option rating score answer is')

/** Between `my rating` and the value. */
export const copulas = words(`
  is be would remains stays will was
  ist wäre lautet bleibt est serait es sería è sarebbe é seria zijn blijft är er
  равна составляет jest
`)

/** First-person subjects, needed before `choiceVerbs`. */
export const subjects = words(`i i'd i'll i'm i've we we'd we'll my personally`)

export const choiceVerbs = words(`
  choose chose choosing pick picked picking select selected selecting rate rated give assign score answer say vote opt go
  going settle settled decide decided respond land landed place put mark grade favor favour
`)

/** With `if` they make a decision that counts: `if I had to choose, I'd choose 4`. */
export const forcedWords = words('had have forced must pressed need required asked compelled')

/** These say `I` themselves, or are only used with it. */
export const ownVerbs = words(`
  wähle entscheide vergebe gebe bewerte würde nehme stimme
  choisis donne mets attribue choisirais donnerais opte
  elijo elegiría doy escojo selecciono asigno califico daría
  escolho escolheria dou seleciono atribuo daria
  scelgo sceglierei assegno seleziono darei
  kies geef väljer ger vælger giver velger gir valitsen annan
  выбираю выбрал выбрала ставлю оцениваю оценил оценила обираю wybieram wybrałbym daję oceniam volím vybírám
  seçiyorum veriyorum
  أختار اختار سأختار أعطي
  memilih chọn בוחר בוחרת επιλέγω
`)

/** After the value: `Ich würde 4 wählen`, `मैं 4 चुनता हूँ`. */
export const verbsAfter = words(`wählen geben vergeben nehmen seçiyorum veriyorum kiezen geven`)
export const stemsAfter = stems('चुन देत दूं')

/** End of a run before a number: 我选4. */
export const runVerbs = stems('选择 選擇 选 選 我给 我給 打 评为 評為 我会选 เลือก')
/** In the run after a number: 4を選びます, 4를 선택합니다. */
export const runVerbsAfter = stems('選 选 を選 선택 고르 골랐')
/** After a number that is a line: 4点です. */
export const runUnits = words('点 点です 分 점 점입니다 です 입니다 점이다 号 番')
export const runCopulas = stems('是 为 為 は 는 은 คือ')
/** Counted things after a number: 3人 is not a rating. */
export const runCounters = stems('人 个 個 名 年 月 日 时 時 岁 歳 次 回 つ 명 개 년 월 일 시 번째 人の')
export const runNegations = stems('不 没 沒 ません ない なかった 않 안 못')

export const negations = words(`
  not never don't wouldn't won't cannot can't couldn't didn't doesn't isn't wasn't neither hardly
  nicht kein keine pas jamais ne não nunca non niet geen inte ikke не нет nie değil لا ليس नहीं
`)
/** After a negation, the true value: `not 5, but 4`. */
export const corrections = words('but rather instead sondern mais sino mas ma maar utan men а но ale')
/** Before a number they make it the rejected one: `4 rather than 5`. */
export const comparisons = words('than instead over above below under vs versus als que')
export const conditions = words(
  'if unless suppose when were someone others critics people they some many wenn si se если jeśli',
)

/** May stand between a verb or connector and the value. */
export const fillers = words(`
  a an the it this that these at as with for on to of be is i i'd would my our option number level rating score answer choice
  action statement scenario response case decision dilemma situation strong solid firm clear definitely clearly therefore
  confidently choose say give go going select pick rate code value one's out down in favor favour which ultimately still
  die der das den eine einen ein eher mit für mich auf ich option antwort nummer note bewertung
  le la les une un pour je l'option réponse el los una por la opción número opción o os as uma um para opção il lo gli per opzione
  de het een voor optie вариант оценку на цифру ставлю opcję ocenę الخيار رقم الرقم
`)

/** May follow a number that is a decision; any other word makes it a count: `4 people`. */
export const followers = words(`
  out of on from because since as for and but or with which meaning in i the this that here based given due reason reasons
  explanation rationale justification stars star points point is overall since to though although while where rather not instead
  personally so it over
  von weil da denn auf punkte punkten sterne für und aber sur parce car étoiles points pour et mais
  porque puntos estrellas pues para y pero de sobre perché punti stelle su per e ma porém pontos estrelas pois mas
  omdat punten sterren van want en maar av poäng eftersom och потому из балла баллов так и но bo ponieważ punkty na z i
  wählen geben vergeben nehmen seçiyorum kiezen
`)

/** `4 out of 5`, `4 von 5`, `4 из 5`. */
export const ratioWords = words('of von sur de su van av из na z sobre out')
/** Between two numbers they make a range or an alternative. */
export const rangeWords = words(
  'to or and through bis oder und ou et à y o a e или и до lub do of of en till eller och or 到 至 或 和 から 에서 または か',
)
export const maybes = words('maybe perhaps possibly even a vielleicht peut-être quizás talvez forse')
export const percents = words('percent per pct prozent pourcent процент процентов por cento')

/** After a label that stands first or after `I`; any other word may bend its meaning. */
export const labelFollowers = words(
  'with that on because since as here overall given about for weil porque parce perché omdat потому',
)
/** After a label they change its degree: `agree strongly`. */
export const degrees = words('strongly completely somewhat slightly partially totally partly mostly fully only very')

/** Names of answers that are on no scale: after a marker or as the whole answer. */
export const outsiders = stems(
  'none neither both abstain abstention pass skip maybe undecided unsure inconclusive other n/a na weder keine ninguna ninguno aucune nessuna nenhuma nenhum',
)
export const outsidePhrases: readonly string[] = [
  'it depends',
  'none of the above',
  'neither of',
  'both of',
  'no answer',
  'not applicable',
  'not sure',
]
