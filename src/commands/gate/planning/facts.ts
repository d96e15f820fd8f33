// What is known of a run before it asks: of each suite the answers still to be asked for, on every side, and what each takes.
import type { SuiteFacts } from '../../../decide/plan/run-plan.ts'
import type { AskedCase, PartFacts, Tokens } from '../../../decide/plan/spending.ts'
import type { AskRequest, LoadedSuite } from '../../../ports.ts'
import { isConversation } from '../../../run/agents/conversation.ts'
import { expander } from '../../../run/expand.ts'
import { estimateTokens } from '../../../run/pacing/tokens.ts'
import { snapshotTarget } from '../../../run/snapshot.ts'
import type { Baseline } from '../../../schema/baseline.ts'
import { MAX_STEPS } from '../../../schema/conversation.ts'
import type { Case } from '../../../schema/suite.ts'
import type { Figures } from '../../../store/run-figures.ts'
import type { Session } from '../session.ts'
import { askedWhere } from '../side-by-side.ts'
import { besideAnswers, type Graded } from './beside-answers.ts'
import { type Earlier, earlierOf } from './earlier.ts'
import { limitsOfModel, priceOf, TYPICAL_ANSWER } from './models.ts'
import { type Planned, type PlannedSide, sidesOf } from './sides.ts'

/** Tokens of what a user says. */
const TYPICAL_MESSAGE = 40

/** @param figures of earlier runs: tokens, prices and latencies */
export async function factsOf(session: Session, planned: Planned, figures: Figures): Promise<SuiteFacts> {
  const { suite, baseline } = planned
  const { target } = suite
  const passes = passesOf(session, suite)
  const sides = await sidesOf(session, suite, planned)
  const graded: Graded[] = []
  const parts: PartFacts[] = []
  const talks = new Set<string>()
  let missing = 0
  for (const side of sides) {
    const earlier = earlierOf(figures, side.suite)
    const found = await openAnswers(side, { passes, earlier })
    if (side === sides[0] && side.recorded) missing = found.cases.reduce((sum, { least }) => sum + least, 0)
    graded.push({ ...found, side, earlier })
    const cases = side.recorded ? found.cases.map((one) => ({ ...one, least: 0, most: 0 })) : found.cases
    for (const { id, most, calls } of cases) if (most > 0 && calls.least < calls.most) talks.add(id)
    parts.push(await partOf(session, side, { cases, earlier, baseline }))
  }
  parts.push(...(await besideAnswers(session, planned, graded, figures)))
  return {
    suite: suite.suite.suite,
    suite_version: suite.suite.version,
    target: snapshotTarget(target).label,
    provider: target.kind === 'prompt' ? target.provider.name : target.kind,
    model: target.kind === 'prompt' ? target.model.pin.id : null,
    trials: { min: passes.least, max: passes.most },
    group: askedWhere(suite, session.options),
    cases: sides[0]?.suite.cases.length ?? 0,
    parts,
    guessed: talks.size,
    missing,
  }
}

type Passes = { least: number; most: number }

/** A shard cannot know when the whole is decided: it asks all of its passes. */
export function passesOf({ shard }: Session, { suite: { trials } }: LoadedSuite): Passes {
  if (!shard) return { least: trials.min, most: trials.max }
  const all = Math.min(trials.max, shard.passes ?? trials.max)
  return { least: all, most: all }
}

/** The answers of a side that nobody has yet; and `toGrade`: of each case those that judges would be asked about. */
async function openAnswers(side: PlannedSide, { passes, earlier }: { passes: Passes; earlier: Earlier }) {
  const { suite } = side
  const ask = await expander(suite.target)
  const guessing = suite.target.kind === 'prompt'
  const toGrade = new Map<string, Passes>()
  const cases = suite.cases.map(({ case: one, info: { id } }): AskedCase => {
    let first: AskRequest | undefined
    const open = { least: 0, most: 0 }
    const ungraded = { least: 0, most: 0 }
    for (let trial = 1; trial <= passes.most; trial += 1) {
      const request = ask(one, trial)
      first ??= request
      const there = side.known(request)
      const surely = trial <= passes.least ? 1 : 0
      open.most += there === undefined ? 1 : 0
      open.least += there === undefined ? surely : 0
      ungraded.most += there === 'grades' ? 0 : 1
      // What was said of an answer that is kept is kept as well, unless what it is graded by has changed.
      ungraded.least += there === undefined ? surely : 0
    }
    toGrade.set(id, ungraded)
    const calls = callsOf(one, earlier.calls.get(id))
    const estimate = first && guessing ? estimateOf(first, calls) : null
    return { id, ...open, calls, estimate }
  })
  return { cases, toGrade }
}

/** Calls of one answer: as many as before, else from the fewest that there can be to the most. */
function callsOf(one: Case, before: number | undefined): AskedCase['calls'] {
  if (!isConversation(one)) return { least: 1, most: 1 }
  if (before !== undefined) return { least: before, most: before }
  const { turns, user, tools, max_steps = MAX_STEPS } = one
  const [least, most] = [turns?.length ?? 1, turns?.length ?? user?.max_turns ?? 1]
  return { least, most: most * (tools === undefined ? 1 : max_steps) }
}

/** Each call of a conversation sends everything that was said before. */
function estimateOf(request: AskRequest, calls: AskedCase['calls']): { least: Tokens; most: Tokens } {
  const { input, output } = estimateTokens(request, TYPICAL_ANSWER)
  const of = (n: number): Tokens => ({
    input: n * input + ((n * (n - 1)) / 2) * (output + TYPICAL_MESSAGE),
    output: n * output,
  })
  return { least: of(calls.least), most: of(calls.most) }
}

async function partOf(
  { options }: Session,
  { what, suite, batched }: PlannedSide,
  { cases, earlier, baseline }: { cases: readonly AskedCase[]; earlier: Earlier; baseline: Baseline | null },
): Promise<PartFacts> {
  const { target } = suite
  const batch =
    batched &&
    target.kind === 'prompt' &&
    target.provider.config.type === 'openai' &&
    (options.batch === true || target.provider.config.mode === 'batch')
  const before = mean(baseline?.cases.flatMap(({ latencies_ms }) => latencies_ms) ?? [])
  const price = target.kind === 'prompt' ? await priceOf(target.model.pin) : () => null
  return {
    what,
    provider: target.kind === 'prompt' ? target.provider.name : target.kind,
    model: target.kind === 'prompt' ? target.model.pin.id : null,
    cases,
    measured: earlier.tokens,
    latency:
      earlier.ms !== null
        ? { ms: earlier.ms, from: 'runs' }
        : before === null
          ? null
          : { ms: before, from: 'baseline' },
    price: (tokens) => {
      const live = price(tokens)
      return live !== null && batch ? live / 2 : live
    },
    paid: earlier.paid,
    limits: limitsOf(suite),
    batch,
  }
}

function limitsOf({ target }: LoadedSuite): PartFacts['limits'] {
  return target.kind === 'prompt' ? limitsOfModel({ ...target.model, provider: target.provider }) : target.target
}

const mean = (values: readonly number[]): number | null =>
  values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0) / values.length
