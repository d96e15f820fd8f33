// Before a run asks: one line when its budget would not suffice, from the estimate that `aigate plan` makes.
import { foretold } from '../../../decide/plan/over-budget.ts'
import { planRun, type SuiteFacts } from '../../../decide/plan/run-plan.ts'
import type { PartFacts } from '../../../decide/plan/spending.ts'
import type { BudgetState } from '../../../run/budget.ts'
import type { Budget } from '../../../schema/config.ts'
import { recentRuns } from '../../../store/run-journal.ts'
import type { Session } from '../evaluate.ts'
import { factsOf } from './facts.ts'
import type { Planned } from './sides.ts'

/** So many invocations are looked through for tokens, prices and latencies. */
const LOOKED_AT = 10

/**
 * Says on stderr, in one line, by what a run would exceed its budget and what would be left unasked. It stops nothing: an
 * estimate is no measurement, and the run stops by itself where the budget ends.
 */
export async function foretell(session: Session, all: readonly Planned[], budget: Budget): Promise<void> {
  if (Object.values(budget).every((limit) => limit === undefined)) return
  const { context, project } = session
  const runs = needsRuns(budget, all) ? (await recentRuns(project.root, LOOKED_AT)).runs : []
  const facts: SuiteFacts[] = []
  for (const planned of all) facts.push(await factsOf(session, planned, runs))
  const [first, ...rest] = facts
  if (!first) return
  const spent = spentPart(session.budget)
  const known = spent === null ? facts : [{ ...first, parts: [...first.parts, spent] }, ...rest]
  const line = foretold(planRun(known, { budget, toolVersion: context.toolVersion }))
  if (line !== null) context.stderr.write(`budget: ${line}\n`)
}

/** Calls are counted without looking back, but those of conversations. */
const needsRuns = ({ max_calls: _calls, ...others }: Budget, all: readonly Planned[]): boolean =>
  Object.values(others).some((limit) => limit !== undefined) ||
  all.some(({ suite }) => suite.cases.some(({ case: { turns, user, tools } }) => turns ?? user ?? tools))

/** What was spent already, on judges that were asked whether they moved. */
function spentPart({ calls, costUsd, tokens }: BudgetState): PartFacts | null {
  if (calls === 0) return null
  const all = { input: tokens, output: 0 }
  const made = { least: calls, most: calls }
  const cases: PartFacts['cases'] = [{ id: '', least: 1, most: 1, calls: made, estimate: { least: all, most: all } }]
  const price = () => costUsd
  const frame = { measured: new Map(), latency: null, paid: null, beside: true, limits: { concurrency: 1 } }
  return { what: 'spent', provider: '', model: null, cases, price, ...frame }
}
