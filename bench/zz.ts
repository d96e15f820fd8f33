// temp
import { RolloutPlan } from '../src/schema/rollout.ts'
import { simulateOnce } from '../src/decide/rollout/simulate.ts'
import { randomFrom } from '../src/statistics/draws.ts'
import { independent } from './traffic.ts'
import { streamOf } from './world.ts'
import { harmEvidence, startArmShare, stepArmShare } from '../src/statistics/arm-share.ts'
export async function main() {
  const plan = RolloutPlan.parse({ rollout:'s', release:{prompt:'a@1'}, baseline:{prompt:'a@0'}, control:{type:'flagd',path:'f.json',lease:'15m',settle:'60s'}, source:{type:'jsonl',path:'x'}, alpha:0.05,
    stages:[{traffic:'5%',duration:'30h',gate:'no-harm'},{traffic:'100%'}], metrics:{error_rate:{bad:'error.type != null'}}})
  const t={per_minute:330,rates:{error_rate:0.02},means:{}}
  let t0=performance.now(); let looks=0
  const q=(a:number[])=>{const s=[...a].sort((x,y)=>x-y);return [s[Math.floor(s.length*.25)],s[Math.floor(s.length*.5)],s[Math.floor(s.length*.75)]]}
  const res:number[]=[]
  for(let i=0;i<150;i++){const r=simulateOnce(plan,t,{ratio:2,shift:0},randomFrom(5+i*7919),{hours:24,every:1}); res.push(r.minutes); looks+=r.minutes}
  console.log('sim',q(res),(performance.now()-t0)/looks*1000,'us/look')
  const bare:number[]=[]
  for(let i=0;i<300;i++){let s=startArmShare();let f=Infinity;for(const m of independent({rate:330,share:()=>.05,ratio:()=>2},streamOf(1,99,i))){s=stepArmShare(s,{share:.05,candidate:m.candidate.first,baseline:m.baseline.first,hour:m.at/60});if(harmEvidence(s)>=Math.log(20)){f=m.at+1;break}}bare.push(f)}
  console.log('bare',q(bare))
  t0=performance.now(); const r=simulateOnce(plan,{...t,per_minute:33},{ratio:1,shift:0},randomFrom(3),{hours:24,every:1}); console.log(r,(performance.now()-t0)/r.minutes*1000)
  return 0
}
