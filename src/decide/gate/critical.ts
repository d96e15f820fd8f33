// Critical cases: one proven break blocks. A deterministic check proves it at once, any other is confirmed first.
import type { Baseline } from '../../schema/baseline.ts'
import type { CaseInfo, Observation } from '../../schema/run.ts'
import type { Outcome } from '../../schema/verdict.ts'
import { type Gates, type Judged, result } from './gate.ts'
import { distinctTrials } from './repeats.ts'
import { isMeasured } from './tally.ts'
import { byText, counted } from '../words.ts'

/** Fresh trials that decide whether a failure of a check that may err is real. */
export const CONFIRMATIONS = 2

/** What the trials of one critical case show. */
export type Evidence = {
  id: string
  measured: number
  failed: number
  /** One of the failures rests on a check that always grades the same answer alike. */
  deterministic: boolean
  /** Nothing but a judge that may not block grades it. */
  advised?: boolean
  /** Confirming trials that were asked, and how they ended. */
  confirmed: { asked: number; failed: number; errors: number }
  /** Why the first failing trial failed. */
  reason: string | null
}

/** Evidence for each critical case, from whole passes and from confirming trials. */
export function criticalEvidence(cases: readonly CaseInfo[], observations: readonly Observation[]): Evidence[] {
  const critical = cases.filter((one) => one.critical).map(({ id }) => id)
  if (critical.length === 0) return []
  const found = new Map([...new Set(critical)].sort(byText).map((id) => [id, [] as Observation[]]))
  for (const observation of observations) found.get(observation.case)?.push(observation)
  return [...found].map(([id, all]) =>
    evidenceOf(
      id,
      all.sort((a, b) => a.trial - b.trial),
    ),
  )
}

function evidenceOf(id: string, all: readonly Observation[]): Evidence {
  const passes = distinctTrials(all.filter(({ purpose }) => purpose === 'pass').filter(isMeasured))
  const confirm = all.filter(({ purpose }) => purpose === 'confirm')
  const failures = passes.filter(({ passed }) => !passed)
  const first = failures.find(isProof) ?? failures[0]
  const broken = first?.scores.find(({ passed }) => !passed)
  return {
    id,
    measured: passes.length,
    failed: failures.length,
    deterministic: failures.some(isProof),
    ...(isAdvised(passes) && { advised: true }),
    confirmed: {
      asked: confirm.length,
      failed: confirm.filter((one) => isMeasured(one) && !one.passed).length,
      errors: confirm.filter((one) => !isMeasured(one)).length,
    },
    reason: broken ? `${broken.assertion}: ${broken.reason}` : null,
  }
}

const isAdvised = (all: readonly Observation[]): boolean =>
  all.length > 0 &&
  all.every(({ scores }) => scores.every(({ judged, weight }) => weight === 0 || judged?.advisory !== undefined)) &&
  all.some(({ scores }) => scores.some(({ judged }) => judged?.advisory !== undefined))

/** A failed deterministic check; where only the weighted sum failed, all of its checks must be deterministic. */
function isProof({ scores }: Observation): boolean {
  const failed = scores.filter(({ passed }) => !passed)
  if (failed.length > 0) return failed.some(({ deterministic }) => deterministic)
  return scores.length > 0 && scores.every(({ deterministic }) => deterministic)
}

export type CriticalGates = Gates & { confirm: string[] }

/**
 * The gates `critical/<id>`. A case fails by a deterministic failure, by failing in two whole passes (the later is itself
 * a fresh trial after a failure), or by failing a confirmation. `confirm` lists the cases whose confirmations are missing.
 * A case that its own baseline does not always pass cannot be critical: it is shown and warned about.
 * Imported results cannot be confirmed: there one failure is enough.
 */
export function criticalGates(
  evidence: readonly Evidence[],
  baseline: Baseline | null,
  { cases, imported }: { cases: readonly CaseInfo[]; imported: boolean },
): CriticalGates {
  const found: CriticalGates = { gates: [], warnings: [], confirm: [] }
  if (evidence.length === 0) return found
  const before = new Map(baseline?.cases.map((tally) => [tally.id, tally]))
  const hashes = new Map(cases.map(({ id, hash }) => [id, hash]))
  for (const one of evidence) {
    const old = before.get(one.id)
    const same = old !== undefined && old.hash === hashes.get(one.id)
    const decides = one.advised !== true && (!same || old.passes === old.trials)
    if (one.advised === true)
      found.warnings.push(
        `Case ${one.id} is marked critical, but nothing grades it besides a judge that may not block: it does not decide.`,
      )
    else if (!decides && old) {
      const rate = `${old.passes} of ${counted(old.trials, 'trial')}`
      found.warnings.push(
        `Case ${one.id} is marked critical, but passed only ${rate} in the baseline: it does not decide.`,
      )
    }
    const judged = judgeCase(one, decides, imported)
    found.gates.push(judged)
    if (decides && judged.open) found.confirm.push(one.id)
  }
  return found
}

/** `open` here means: its confirmations are still to be asked. */
function judgeCase(one: Evidence, decides: boolean, imported: boolean): Judged {
  const said = sayCase(one)
  const alone = imported && said.outcome === 'inconclusive'
  const { outcome, sentence } = alone ? unconfirmable(one) : said
  const open = outcome === 'inconclusive'
  const gate = result({
    id: `critical/${one.id}`,
    kind: 'critical',
    outcome,
    decides,
    // What nobody measured is not 0 failures.
    estimate: one.measured === 0 ? null : one.failed,
    limit: 0,
    unit: 'cases',
    test: one.deterministic || one.failed === 0 ? 'every trial' : `${CONFIRMATIONS} confirmations`,
    n: one.measured > 0 ? 1 : 0,
    sentence,
    needed: alone
      ? `Results in which every trial of ${one.id} passed; only a run that \`aigate eval\` asks itself is confirmed by fresh trials.`
      : open
        ? `${CONFIRMATIONS} fresh trials of ${one.id}, which \`aigate eval\` asks by itself.`
        : null,
  })
  return { result: gate, open }
}

type Said = { outcome: Outcome; sentence: string }

const seenOf = ({ id, measured, failed, reason }: Evidence): string =>
  `Critical case ${id} failed ${failed} of ${counted(measured, 'trial')}${reason === null ? '' : ` (${reason.replace(/\.$/, '')})`}`

const unconfirmable = (one: Evidence): Said => ({
  outcome: 'fail',
  sentence: `${seenOf(one)}; results of another tool cannot be confirmed here, so that it counts.`,
})

function sayCase(one: Evidence): Said {
  const { id, measured, failed, deterministic, confirmed } = one
  if (measured === 0) return { outcome: 'invalid', sentence: `Critical case ${id} was not measured.` }
  if (failed === 0)
    return {
      outcome: 'pass',
      sentence: `Critical case ${id} passed ${measured === 1 ? 'its trial' : `all ${measured} trials`}.`,
    }
  const seen = seenOf(one)
  if (deterministic) return { outcome: 'fail', sentence: `${seen}.` }
  if (failed > 1) return { outcome: 'fail', sentence: `${seen}: a later trial confirmed it.` }
  const { asked, errors } = confirmed
  if (confirmed.failed > 0) {
    return { outcome: 'fail', sentence: `${seen}, and ${confirmed.failed} of ${counted(asked, 'confirming trial')}.` }
  }
  if (asked < CONFIRMATIONS) return { outcome: 'inconclusive', sentence: `${seen}; it is not confirmed yet.` }
  if (asked - errors < CONFIRMATIONS) {
    return {
      outcome: 'invalid',
      sentence: `${seen}, and ${counted(errors, 'confirming trial')} could not be measured.`,
    }
  }
  return { outcome: 'pass', sentence: `${seen}, but all ${asked - errors} confirming trials passed.` }
}
