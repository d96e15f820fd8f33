// Plans for the baseline file: a run accepted as baseline, a further run of the same configuration added to it.
import { AigateError } from '../../errors.ts'
import type { Baseline, CaseTally } from '../../schema/baseline.ts'
import type { Run } from '../../schema/run.ts'
import { changedComponents } from '../change/causes.ts'
import { extendedHistory } from './history.ts'
import { fingerprintsOf } from '../change/silent-swap.ts'
import { responseModels } from '../change/silent-swap.ts'
import { judgeModels, strangers } from '../judge/answered-by.ts'
import { byCase, finishedPasses, isMeasured, joinedExtras, tallyCase } from '../gate/tally.ts'
import { byText, counted, names, percent } from '../words.ts'

/** More trials of a case than this make files grow and comparisons no sharper. */
export const MOST_TRIALS = 20
/** A baseline must know at least this share of its cases. */
const MEASURED_SHARE = 0.95

/**
 * The baseline that a finished run makes. It holds every case of the run, sorted by id.
 * @param accepted when (ISO 8601), by whom, and why
 * @param before the baseline that it replaces: its history of trials goes on for every case whose content is unchanged
 * @throws AigateError baseline_refused for a partial run; baseline_not_measured for a run that was stopped or interrupted,
 * or that could not measure more than 5 % of its cases
 */
export function baselineFrom(input: { run: Run; accepted: Baseline['accepted']; before?: Baseline | null }): Baseline {
  const { run, accepted, before = null } = input
  requireWhole(run)
  const { suite, suite_version, target } = run.header
  return {
    aigate: 'baseline',
    version: 1,
    suite,
    suite_version,
    target,
    response_models: responseModels(run.observations),
    ...judgeModelsIn(run),
    ...fingerprintsIn(run, []),
    accepted,
    runs: [runEntry(run)],
    cases: remembering(
      before,
      run,
      talliesOf(run, () => MOST_TRIALS),
    ),
  }
}

/** What a side that is asked in the same run has shown so far, as a baseline. Nothing is required of it. */
export function observedBaseline(run: Run, accepted: Baseline['accepted']): Baseline {
  const { suite, suite_version, target } = run.header
  return {
    aigate: 'baseline',
    version: 1,
    suite,
    suite_version,
    target,
    response_models: responseModels(run.observations),
    ...judgeModelsIn(run),
    accepted,
    runs: [runEntry(run)],
    cases: talliesOf(run, () => Infinity),
  }
}

/**
 * The baseline with one more run of the same configuration. A case keeps at most 20 trials: those that it has stay, and the
 * first ones of the run (in the order in which they were asked, never by how they ended) fill it up.
 * @param accepted when, by whom and why the run was added; without it the baseline keeps what it says
 * @throws AigateError baseline_refused when the run is partial, already in it, or of another suite, target or content, when
 * another model answered, or when every case is full; baseline_not_measured as `baselineFrom`
 */
export function addToBaseline(
  baseline: Baseline,
  run: Run,
  accepted: Baseline['accepted'] = baseline.accepted,
): Baseline {
  requireWhole(run)
  requireSame(baseline, run)
  const before = new Map(baseline.cases.map((tally) => [tally.id, tally]))
  const room = (id: string) => Math.max(0, MOST_TRIALS - (before.get(id)?.trials ?? 0))
  if (!baseline.cases.some(({ id }) => room(id) > 0)) {
    refuse(
      `Every case of the baseline already holds ${MOST_TRIALS} trials.`,
      'Nothing needs to be added. To start afresh, accept the run without --add.',
    )
  }
  const added = talliesOf(run, room)
  return {
    ...baseline,
    accepted,
    response_models: [...new Set([...baseline.response_models, ...responseModels(run.observations)])].sort(byText),
    ...judgeModelsIn(run, baseline.judge_models),
    ...fingerprintsIn(run, baseline.fingerprints ?? []),
    runs: [...baseline.runs, runEntry(run)],
    cases: remembering(
      baseline,
      run,
      added.map((tally) => joined(before.get(tally.id), tally)),
    ),
  }
}

/** By judge the models that graded, and those known before; no key where there are none. */
function judgeModelsIn(run: Run, known: Baseline['judge_models'] = {}): Pick<Baseline, 'judge_models'> {
  const all = { ...known, ...judgeModels(run.observations) }
  return Object.keys(all).length > 0 ? { judge_models: all } : {}
}

/** The fingerprints of a run and those known before; no key where there are none. */
function fingerprintsIn(run: Run, known: readonly string[]): Pick<Baseline, 'fingerprints'> {
  const all = [...new Set([...known, ...fingerprintsOf(run.observations)])].sort(byText)
  return all.length > 0 ? { fingerprints: all } : {}
}

/** The cases with their history: every measured trial of the run counts there, also where the tally has no room left. */
function remembering(before: Baseline | null, run: Run, cases: readonly CaseTally[]): CaseTally[] {
  const everything = talliesOf(run, () => Infinity)
  const answers = byCase(run.observations.filter(isMeasured))
  const known = before?.target.hash === run.header.target.hash
  const replayed = (id: string) => known && (answers.get(id) ?? []).every(({ completion }) => completion.replayed)
  const histories = extendedHistory(before, everything, runEntry(run), replayed)
  return cases.map((tally) => {
    const history = histories.get(tally.id) ?? []
    return history.length > 0 ? { ...tally, history } : tally
  })
}

function runEntry(run: Run): Baseline['runs'][number] {
  const { id, started_at, git, tool_version, cases } = run.header
  return { id, at: started_at, trials: finishedPasses(run.observations, cases), git, tool_version }
}

/** Tallies by id; of each case the first `room` measured trials, and the errors among them. */
function talliesOf({ header, observations }: Run, room: (id: string) => number): CaseTally[] {
  const found = byCase(observations)
  const sorted = [...header.cases].sort((a, b) => byText(a.id, b.id))
  return sorted.map((info) => {
    let left = room(info.id)
    const kept = (found.get(info.id) ?? []).filter((one) => left > 0 && (!isMeasured(one) || left-- > 0))
    return tallyCase(info, kept)
  })
}

function joined(old: CaseTally | undefined, added: CaseTally): CaseTally {
  if (!old) return added
  const answer = old.answer ?? added.answer
  return {
    ...old,
    passes: old.passes + added.passes,
    trials: old.trials + added.trials,
    errors: old.errors + added.errors,
    scores: [...old.scores, ...added.scores],
    latencies_ms: [...old.latencies_ms, ...added.latencies_ms],
    costs_usd: [...old.costs_usd, ...added.costs_usd],
    ...joinedExtras(old, added),
    ...(answer !== undefined && { answer }),
  }
}

function refuse(problem: string, mend: string): never {
  throw new AigateError('baseline_refused', { problem, mend })
}

function requireWhole({ header, observations, complete, stopped }: Run): void {
  if (header.partial) {
    refuse(
      `Run ${header.id} asked only some of the cases of ${header.suite}.`,
      'Run the whole suite, without --tag and --case.',
    )
  }
  const problem = (text: string) => new AigateError('baseline_not_measured', { problem: text })
  if (stopped !== undefined) throw problem(`Run ${header.id} was stopped: ${stopped}`)
  if (!complete || finishedPasses(observations, header.cases) < header.trials.min) {
    throw problem(`Run ${header.id} was interrupted before it was finished.`)
  }
  const found = byCase(observations)
  const quarantined = new Set(header.quarantined)
  const missing = header.cases
    .filter(({ id }) => !quarantined.has(id) && !found.get(id)?.some(isMeasured))
    .map(({ id }) => id)
    .sort(byText)
  if (missing.length <= (1 - MEASURED_SHARE) * header.cases.length) return
  const share = percent(missing.length / header.cases.length)
  throw problem(`Run ${header.id} could not measure ${counted(missing.length, 'case')} (${share}): ${names(missing)}.`)
}

const RECORD = 'Record it anew: `aigate baseline record`, or accept the run without --add.'

function requireSame(baseline: Baseline, { header, observations }: Run): void {
  if (baseline.suite !== header.suite) {
    refuse(
      `Run ${header.id} is of suite ${header.suite}, the baseline of ${baseline.suite}.`,
      'Name the run of the same suite.',
    )
  }
  if (baseline.runs.some(({ id }) => id === header.id)) {
    refuse(
      `Run ${header.id} is already part of the baseline.`,
      'Make a new run; counting one twice would feign certainty.',
    )
  }
  if (baseline.target.hash !== header.target.hash) {
    refuse(
      `Run ${header.id} asked ${header.target.label} as it is now; the baseline knows another prompt, model or parameters.`,
      RECORD,
    )
  }
  const changed = changedComponents(baseline.target, header.target)
  if (changed.length > 0) refuse(`Run ${header.id} was asked with another ${names(changed)}.`, RECORD)
  const hashes = new Map(baseline.cases.map(({ id, hash }) => [id, hash]))
  const others = header.cases.filter(({ id, hash }) => hashes.get(id) !== hash).map(({ id }) => id)
  const present = new Set(header.cases.map(({ id }) => id))
  others.push(...baseline.cases.flatMap(({ id }) => (present.has(id) ? [] : [id])))
  if (others.length > 0) {
    const differ = others.length === 1 ? 'differs' : 'differ'
    refuse(`${counted(others.length, 'case')} ${differ} from the baseline: ${names(others)}.`, RECORD)
  }
  for (const [judge, models] of Object.entries(judgeModels(observations))) {
    const others = strangers(models, baseline.judge_models?.[judge])
    if (others.length > 0) refuse(`As the judge ${judge} now ${names(others)} answers, another than graded it.`, RECORD)
  }
  const answering = strangers(responseModels(observations), baseline.response_models)
  if (answering.length > 0) {
    refuse(
      `The provider now answers with ${names(answering)}; the baseline knows ${names(baseline.response_models)}.`,
      RECORD,
    )
  }
}

export { baselineDiffText, baselineText, diffBaselines } from './diff-baselines.ts'
