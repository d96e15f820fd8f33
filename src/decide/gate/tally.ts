// Observations to one tally a case: what was measured, what was not, and one answer to show.
import type { CaseTally } from '../../schema/baseline.ts'
import type { CaseInfo, Completion, Observation } from '../../schema/run.ts'
import { lateProperty } from '../../schema/late-property.ts'
import { distinctTrials } from './repeats.ts'

/** Answers are kept for reports; a baseline is committed, so that a runaway answer is cut. */
const LONGEST_ANSWER = 2000

/** true when the trial was measured: an answer came and could be graded. */
export const isMeasured = (observation: Observation): boolean =>
  observation.passed !== null && observation.grader_error === undefined

/** Those that were measured: the list itself where all were. */
const measuredOf = (all: readonly Observation[]): readonly Observation[] =>
  all.every(isMeasured) ? all : all.filter(isMeasured)

/** The answer as text; tool calls as JSON when the model said nothing. Long answers are cut. */
export function answerText(completion: Completion): string {
  const calls = completion.tool_calls.map(({ name, arguments: written }) => ({ name, arguments: written }))
  const text = completion.text === '' && calls.length > 0 ? JSON.stringify(calls) : completion.text
  if (text.length <= LONGEST_ANSWER) return text
  const cut = text.slice(0, LONGEST_ANSWER)
  // Half a surrogate pair would be no text any more. Joined, it is a text of its own, and the whole one need not stay in memory.
  return [/[\uD800-\uDBFF]$/.test(cut) ? cut.slice(0, -1) : cut, '…'].join('')
}

/** Observations of whole passes by case, in the order of their trials. */
export function byCase(observations: readonly Observation[]): Map<string, Observation[]> {
  const found = new Map<string, Observation[]>()
  for (const observation of observations) {
    if (observation.purpose !== 'pass') continue
    const list = found.get(observation.case)
    if (list) addTrial(list, observation)
    else found.set(observation.case, [observation])
  }
  return found
}

/** Puts an observation where it belongs among those of its case, which stand in the order of their trials. */
export function addTrial(list: Observation[], observation: Observation): void {
  let at = list.length
  while (at > 0 && (list[at - 1]?.trial ?? 0) > observation.trial) at -= 1
  if (at === list.length) list.push(observation)
  else list.splice(at, 0, observation)
}

/**
 * Counts what each case did in the whole passes. Trials without an answer or a grade enter no rate: they are `errors`.
 * @returns one tally a case, in the order of `cases`; a case that was never asked has 0 trials and 0 errors
 */
export function tally(observations: Observation[], cases: CaseInfo[]): CaseTally[] {
  const found = byCase(observations)
  return cases.map((info) => tallyCase(info, found.get(info.id) ?? []))
}

const withAnswer = lateProperty('answer', answerText)

/** The tally of one case from its observations, which come in the order of their trials. Its answer is read when it is asked for. */
export function tallyCase(info: CaseInfo, all: readonly Observation[]): CaseTally {
  const { tally, shown } = countCase(info, all)
  return shown ? withAnswer(tally, shown) : tally
}

/** A tally without an answer, and what else is known of the trials of a case. */
export type CaseCount = {
  tally: CaseTally
  /** Has the answer. */
  shown: Completion | undefined
  measured: readonly Observation[]
  /** Trials 1, 2, ... that are there without a gap, and the number of the last one. */
  finished: number
  latest: number
}

/** As `tallyCase`, without the answer. */
export function countCase({ id, hash, category }: CaseInfo, all: readonly Observation[]): CaseCount {
  const answers = measuredOf(all)
  // An answer that came twice is one draw.
  const measured = distinctTrials(answers)
  let passes = 0
  for (const { passed } of measured) if (passed) passes += 1
  const majority = 2 * passes >= measured.length
  const shown = measured.find(({ passed }) => passed === majority)
  const trials = measured.length
  const errors = all.length - answers.length
  const scores = told(measured, scoreOf)
  const latencies_ms = told(measured, latencyOf)
  const costs_usd = told(measured, costOf)
  // Runs have a hundred thousand of them, and spreading would cost more than all else here.
  const tally: CaseTally =
    category === undefined
      ? { id, hash, passes, trials, errors, scores, latencies_ms, costs_usd }
      : { id, hash, category, passes, trials, errors, scores, latencies_ms, costs_usd }
  const firsts = told(measured, firstTokenOf)
  if (firsts.length > 0) tally.first_tokens_ms = firsts
  if (measured.some(({ output }) => output)) Object.assign(tally, formsOf(measured))
  if (measured.some(isAdvised)) Object.assign(tally, advisedOf(measured))
  return {
    tally,
    shown: shown?.completion,
    measured: answers,
    finished: finishedTrials(all),
    latest: all.at(-1)?.trial ?? 0,
  }
}

type Told = number | null | undefined
const scoreOf = ({ score }: Observation): Told => score
const latencyOf = ({ completion }: Observation): Told => completion.latency_ms
const costOf = ({ completion }: Observation): Told => completion.cost_usd
const firstTokenOf = ({ completion }: Observation): Told => completion.first_token_ms

/** What is known of the trials, in an array that takes no more room than it needs. */
function told(measured: readonly Observation[], of: (one: Observation) => Told): number[] {
  const found: number[] = []
  for (const one of measured) {
    const value = of(one)
    if (value !== null && value !== undefined) found.push(value)
  }
  // What grew one by one takes the room of 17.
  return found.slice()
}

const weak = (one: Observation['scores'][number]) => one.judged?.advisory !== undefined
const isAdvised = ({ scores }: Observation): boolean => scores.some(weak)

/**
 * Whether a judge that may not block graded the case: what it says decides nothing, so that a case which nobody else grades
 * passes without having been decided.
 */
function advisedOf(measured: readonly Observation[]): Pick<CaseTally, 'advised'> {
  const grades = measured.map(({ scores }) => scores.filter(({ weight }) => weight > 0))
  if (!grades.some((scores) => scores.some(weak))) return {}
  return { advised: grades.every((scores) => scores.length > 0 && scores.every(weak)) ? 'all' : 'part' }
}

/** false: nothing decides the case. */
export const isDecided = ({ advised }: CaseTally): boolean => advised !== 'all'

/** What two tallies of one case know only where answers were streamed, have a form, or were graded by a weak judge: of both. */
export function joinedExtras(a: CaseTally, b: CaseTally): Pick<CaseTally, 'first_tokens_ms' | 'forms' | 'advised'> {
  const firsts = [...(a.first_tokens_ms ?? []), ...(b.first_tokens_ms ?? [])]
  const sum = (key: 'valid' | 'of') => (a.forms?.[key] ?? 0) + (b.forms?.[key] ?? 0)
  return {
    ...(firsts.length > 0 && { first_tokens_ms: firsts }),
    ...((a.advised ?? b.advised) && { advised: a.advised === b.advised ? a.advised : ('mixed' as const) }),
    ...((a.forms ?? b.forms) && { forms: { valid: sum('valid'), of: sum('of') } }),
  }
}

/** How many answers have the form that was asked for; nothing where none was. */
export function formsOf(observations: readonly Observation[]): Pick<CaseTally, 'forms'> {
  if (!observations.some(({ output }) => output)) return {}
  const outputs = observations.flatMap(({ output }) => output ?? [])
  return { forms: { valid: outputs.filter(({ valid }) => valid).length, of: outputs.length } }
}

/** Passes of the ladder that are finished: every case has been asked in each of the trials 1 to r. */
export function finishedPasses(observations: readonly Observation[], cases: readonly CaseInfo[]): number {
  if (cases.length === 0) return 0
  const found = byCase(observations)
  return cases.reduce((least, { id }) => Math.min(least, finishedTrials(found.get(id) ?? [])), Infinity)
}

/** As `finishedPasses`, of the observations of one case in the order of their trials. */
function finishedTrials(all: readonly Observation[]): number {
  let finished = 0
  for (const { trial } of all) if (trial === finished + 1) finished += 1
  return finished
}
