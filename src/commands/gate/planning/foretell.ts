// Before a run asks: one line when its budget would not suffice, from the estimate that `aigate plan` makes.
import { foretold } from '../../../decide/plan/over-budget.ts'
import { planRun, type SuiteFacts } from '../../../decide/plan/run-plan.ts'
import type { PartFacts } from '../../../decide/plan/spending.ts'
import { isConversation } from '../../../run/agents/conversation.ts'
import type { BudgetState } from '../../../run/budget.ts'
import { expander } from '../../../run/expand.ts'
import type { Budget } from '../../../schema/config.ts'
import { type Figures, recentFigures } from '../../../store/run-figures.ts'
import type { Session } from '../session.ts'
import { factsOf, passesOf } from './facts.ts'
import { type Planned, sidesOf } from './sides.ts'

/** So many invocations are looked through for tokens, prices and latencies. */
const LOOKED_AT = 10

/**
 * Says on stderr, in one line, by what a run would exceed its budget and what would be left unasked. It stops nothing: an
 * estimate is no measurement, and the run stops by itself where the budget ends.
 */
export async function foretell(session: Session, all: readonly Planned[], budget: Budget): Promise<void> {
  if (Object.values(budget).every((limit) => limit === undefined)) return
  if (surelyEnough(session, all, budget) || (await nothingOpen(session, all))) return
  const { context, project } = session
  const names = all.map(({ suite }) => suite.suite.suite)
  const figures = needsFigures(budget, all) ? await recentFigures(project.root, LOOKED_AT, names) : NONE
  const facts: SuiteFacts[] = []
  for (const planned of all) facts.push(await factsOf(session, planned, figures))
  const [first, ...rest] = facts
  if (!first) return
  const spent = spentPart(session.budget)
  const known = spent === null ? facts : [{ ...first, parts: [...first.parts, spent] }, ...rest]
  const line = foretold(planRun(known, { budget, toolVersion: context.toolVersion }))
  if (line !== null) context.stderr.write(`budget: ${line}\n`)
}

const NONE: Figures = { suites: [], judges: new Map() }

/** Calls are counted without looking back, but those of conversations. */
const needsFigures = (budget: Budget, all: readonly Planned[]): boolean => !callsOnly(budget) || all.some(talks)

const callsOnly = ({ max_calls: _calls, ...others }: Budget): boolean =>
  Object.values(others).every((limit) => limit === undefined)
const talks = ({ suite }: Planned): boolean => suite.cases.some(({ case: one }) => isConversation(one))
const asksMore = (planned: Planned): boolean => planned.suite.graders !== undefined || talks(planned)

/** Whether a budget of calls holds every answer of every side in every pass, which needs no look at any question. */
function surelyEnough({ budget: spent }: Session, all: readonly Planned[], budget: Budget): boolean {
  if (!callsOnly(budget) || all.some(asksMore)) return false
  const most = all.reduce((sum, { suite, other, cells, anchors }) => {
    const sides = 1 + (other ? 1 : 0) + (cells?.suites.length ?? 0)
    return sum + (sides * suite.cases.length + (anchors?.cases.length ?? 0)) * suite.suite.trials.max
  }, spent.calls)
  return most <= (budget.max_calls ?? Infinity)
}

/** Whether all that is asked in any case is known already, and nobody is asked besides. Ends with the first that is not. */
async function nothingOpen(session: Session, all: readonly Planned[]): Promise<boolean> {
  if (all.some((planned) => asksMore(planned) || planned.anchors !== null)) return false
  for (const planned of all)
    for (const side of await sidesOf(session, planned.suite, planned)) {
      const { suite, recorded } = side
      if (recorded) continue
      const ask = await expander(suite.target)
      for (let trial = 1; trial <= passesOf(session, planned.suite).least; trial += 1)
        if (suite.cases.some((each) => side.known(ask(each.case, trial)) === undefined)) return false
    }
  return true
}

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
