import { Ajv2020 } from 'ajv/dist/2020.js'
import * as f from 'ajv-formats'
console.log(Object.keys(f), typeof f.default, typeof f.default.default)
const t=(n,fn)=>{const a=performance.now();const r=fn();console.log(n,r,(performance.now()-a).toFixed(0)+'ms')}
const big='naïve wörd '.repeat(1e5)
const seg=new Intl.Segmenter('en',{granularity:'grapheme'})
t('graph',()=>{let n=0;for(const _ of seg.segment(big))n++;return n})
t('sent',()=>{let n=0;for(const _ of new Intl.Segmenter('en',{granularity:'sentence'}).segment('Hello there. '.repeat(8e4)))n++;return n})
t('sent1',()=>{let n=0;for(const _ of new Intl.Segmenter('en',{granularity:'sentence'}).segment('a'.repeat(1e6)))n++;return n})
t('han',()=>{let n=0;for(const s of new Intl.Segmenter('en',{granularity:'word'}).segment('我喜欢大语言模型'.repeat(1.25e5)))n+=s.isWordLike;return n})
t('parse',()=>{try{return JSON.stringify(JSON.parse('['.repeat(1e6)+']'.repeat(1e6))).length}catch(e){return e.message}})
