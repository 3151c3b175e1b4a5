import { decide } from './decide.ts'
import { tokensOf } from './answer-tokens.ts'
const million=1<<20
const sc={labels:[1,2,3,4,5].map(c=>({code:String(c),label:['Strongly disagree','Disagree','Neutral','Agree','Strongly agree'][c-1]!}))}
for (const [n,a] of [['spaces', ' '.repeat(million)],
    ['line ends', '\n'.repeat(million)],
    ['numbers', '4 '.repeat(million / 2)],['linenum', '4\n'.repeat(million / 2)],
    ['markers', 'Rating: '.repeat(million / 8)],
    ['markers with brackets', 'Rating ('.repeat(million / 8)],['mm','Rating on '.repeat(million/10)],
    ['quotes', '"'.repeat(million)],['labels', 'strongly '.repeat(million / 9)],['iii','I '.repeat(million/2)],
    ['verbs', 'I choose '.repeat(million / 9)],['choose', 'choose '.repeat(million / 7)],['ai', 'as ai '.repeat(million / 7)],["can't","i can't ".repeat(million/8)],
    ['combining marks', `a${'\u0301\u0323'.repeat(million / 2)}`],['surr','\ud83e'.repeat(million)],['emoji', '🤔'.repeat(million / 2)],['ar', '٤'.repeat(million)],['han','评分'.repeat(million/2)],['han2','评分 '.repeat(million/3)],['words','a b '.repeat(million/4)],['ligature','ﷺ'.repeat(million)]] as const){ decide(a,sc); const t=performance.now(); const tk=tokensOf(a,false); const u=performance.now(); decide(a,sc); const d=performance.now()-u; console.log(n,tk.length,(u-t).toFixed(1),d.toFixed(1)) }
