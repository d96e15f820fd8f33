// A change that left its base branch a while ago: the gate as that branch has it by now judges as well.
import type { LoadedSuite } from '../../ports.ts'
import type { GatePolicy } from '../../schema/gate.ts'
import { strictestPolicy } from './strictest-policy.ts'

/** The base branch as it is now, where it moved on after the change left it. `holds`: what of it could not be read. */
export type GuardTip = { ref: string; suites: readonly LoadedSuite[]; holds: readonly string[] }

/** One suite of it; undefined where the branch did not move on, or lacks the suite. */
export type Moved = { ref: string; suite: LoadedSuite } | undefined

/** A change that left the base branch before the gate was raised there is judged by the raised one. */
export function withTip(policy: GatePolicy, moved: Moved): { policy: GatePolicy; notes: string[] } {
  if (!moved) return { policy, notes: [] }
  const { policy: strict, loosened } = strictestPolicy(moved.suite.policy, policy)
  const notes = loosened.map((text) => {
    const [what, values] = text.split(/: (.*)/s)
    return `${moved.ref} has another gate since this change left it, which judges: ${what}: ${(values ?? '').split(' -> ').reverse().join(' -> ')}.`
  })
  return { policy: strict, notes }
}

/** What the base permits, and still permits. */
export const permitted = (
  base: GatePolicy,
  moved: Moved,
  what: 'allow_case_changes' | 'allow_target_changes',
): boolean => base[what] === true && (!moved || moved.suite.policy[what] === true)
