// Prints how soon the whole loop ends a bad candidate, and what happens when the monitor is killed; real time, about two minutes.
import { dirname, join } from 'node:path'
import process from 'node:process'
import { badCandidate, deadMonitor } from '../src/commands/rollout/loop-testing.ts'

/** Exit 1 where a figure is beyond its limit: 30 s to the decision, 10 s to the last request, nothing after the lease. */
export async function main(flags: string[]): Promise<number> {
  if (flags.length > 0) {
    console.error('usage: node bench/run.mjs canary-loop (after npm run build)')
    return 2
  }
  const root = join(dirname(process.argv[1] ?? ''), '..')
  const back = await badCandidate(root)
  console.log('candidate at 25 % with 5 times the errors, 50 requests a second, a look every 2 s')
  console.log(`  start to decision                  ${back.start_to_decision} s (limit 30)`)
  console.log(`  decision to share 0, read back     ${back.decision_to_read_back} s`)
  console.log(`  decision to the last request of it ${back.decision_to_last_candidate} s (limit 10)`)
  console.log(`  requests                           ${back.requests}, ${back.candidate} of them by the candidate`)
  const dead = await deadMonitor(root)
  console.log('monitor killed (kill -9)')
  console.log(`  lease left                         ${dead.kill_to_lease_end} s`)
  console.log(`  requests of the candidate in it    ${dead.candidate_between}`)
  console.log(`  after the lease                    ${dead.candidate_after} of ${dead.requests_after} (limit 0)`)
  console.log(`  flag file written                  ${dead.flag_file_written ? 'yes' : 'no'}`)
  const within = back.start_to_decision <= 30 && back.decision_to_last_candidate <= 10
  return within && dead.candidate_after === 0 && !dead.flag_file_written ? 0 : 1
}
