import { readDefinition, writeDefinition, definitionHash } from './definition.ts'
import { readFileSync } from 'node:fs'
try { console.log(readDefinition(readFileSync('/tmp/a.yaml','utf8'),{file:'a.yaml'})) } catch(e:any){ console.log(e.code,e.message,e.causes) }
const M=1<<20
const t=(n:string,src:string)=>{const a=performance.now();let r='';try{readDefinition(src,{file:'f.yaml'});r='ok'}catch(e:any){r=e.causes?e.causes.length+' '+e.causes[0]+' | '+e.causes[1]:String(e.stack)};console.log(n,r.slice(0,260),(performance.now()-a|0)+'ms')}
t('[[[','['.repeat(M)); t('{{{','{'.repeat(M)); t('- - -','- '.repeat(M/2)); t('? ? ','? '.repeat(M/2)); t('a: long keys', Array.from({length:90000},(_, i)=>'k'+i+': 1').join('\n'))
t('flowkeys', '{'+Array.from({length:24000},(_, i)=>'k'+i+': 1').join(',')+'}')
t('[[]]','['.repeat(5000)+']'.repeat(5000))
t('spaces',' '.repeat(M)); t('newlines','a: |\n'+'\n'.repeat(M-9)); t('newlines90k','a: |\n'+'\n'.repeat(90000));t('quote','"'.repeat(M)); t('unclosed','a: "'+'x\n '.repeat(M/4)); t('comments','#\n'.repeat(M/2)); t('seq','- a\n'.repeat(M/4)); t('plain multi','a: '+'b\n  '.repeat(M/4-99)); t('anchors','a: '+'&a '.repeat(M/3-9)); t('tags','a: '+'!a '.repeat(M/3-9));t('docs','---\n'.repeat(M/4));t('flow commas','a: ['+','.repeat(M-9));t('flow ok','a: ['+'1,'.repeat(M/2-9)+']');t('tabs','\t'.repeat(M));t('colon',':'.repeat(M));t('colons',': '.repeat(M/2));t('folded','a: >\n'+'  b\n'.repeat(M/4-9)); t('pct','%\n'.repeat(M/2)); t('dq esc','a: "'+'\\n'.repeat(M/2-9)+'"'); t('indent steps', Array.from({length:1400},(_, i)=>' '.repeat(i)+'a:').join('\n'))
t('bomb','a: &a [x,x,x,x,x,x,x,x,x]\n'+'bcdefghi'.split('').map((c,i)=>`${c}: &${c} [${Array(9).fill('*'+'abcdefghi'[i]).join(',')}]`).join('\n'))
t('circ','name: &a [*a]'); t('list','- a\n- b'); t('empty',''); t('scalar','hello'); t('multi','name: a\n---\nname: b\n'); t('10MB','x'.repeat(10*M)); t('nul','name: a\0b'); t('tab','name: x\ndimensions:\n\t- a'); t('comment only','# hi\n'); t('ver','schemaVersion: 2\nname: a\ntemplate: b'); t('vers','schemaVersion: "1"\nname: 3\ntemplate: ')
t('tag','name: !!js/function x\ntemplate: b'); t('10k dims','name: a\ntemplate: b\ndimensions:\n'+Array.from({length:10000},(_, i)=>'  - {name: d'+i+', values: [a]}').join('\n'))
t('alias ok','name: a\ntemplate: "[x] [y]"\ndimensions:\n  - {name: x, values: &v [a, b]}\n  - {name: y, values: *v}\n')
t('null dims','name: a\ntemplate: b\ndimensions:\nfollowups: [1]\ndecision: {}')
t('dq pos','name: a\ntemplate: "a\\n[foo] \\\\[foo] [foo]"')
t('complex key','? [a,b]\n: 1\nname: a\ntemplate: b')
t('merge','name: a\ntemplate: b\n<<: {x: 1}')
