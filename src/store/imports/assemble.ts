// Trials of a foreign file to a run of ours: cases by content, repeats numbered, only whole passes kept.
import { defaultPolicy } from '../../schema/gate.ts'
import type { CaseInfo, Completion, Observation, Run } from '../../schema/run.ts'
import { canonicalJson, sha256 } from '../../content-hash.ts'
import { newRunId } from '../run-journal.ts'
import { badResults, type ForeignResults, type ForeignTrial, notRun } from './foreign.ts'

/** A run made elsewhere, and what people must know about how it was read. */
export type ForeignRun = Run & { notes: string[] }

/** The moment of a file that tells none: the same file is the same run, whenever it was written. */
export const UNDATED = '1970-01-01T00:00:00.000Z'

type Group = { info: CaseInfo; trials: ForeignTrial[] }

/**
 * The run. Each case is found by its id and content, so that the order of the file never matters; its trials are numbered
 * by the repeat where the format tells one, otherwise as they stand. Trials beyond the smallest number that every measured
 * case has are left out, and a note says so: tools that repeat only what failed would otherwise bend the rates. Cases of
 * which nothing was measured count as not measured that often. Answers that a cache gave again share one request id.
 * @param context where it came from; `suite` is the name that the run gets, `format` enters what identifies the target
 * @throws AigateError bad_file when there is no trial, or when one repeat of a case stands twice
 */
export function assemble(
  results: ForeignResults,
  context: { file: string; suite: string; format: string },
): ForeignRun {
  const { file } = context
  if (results.trials.length === 0) {
    throw badResults(
      file,
      'There is no result in this file.',
      'Make the results again; a run without cases judges nothing.',
    )
  }
  const groups = groupsOf(results.trials, file)
  const measured = groups.filter(({ trials }) => trials.some(isMeasured))
  const counts = (measured.length > 0 ? measured : groups).map(({ trials }) => trials.length)
  const passes = counts.reduce((least, count) => Math.min(least, count))
  const uneven = groups.filter(({ trials }) => trials.length > passes).length
  const started_at = results.started_at ?? UNDATED
  const kept = groups.map(({ info, trials }) => ({ info, trials: padded(trials, passes) }))
  const observations = kept.flatMap(({ info, trials }) =>
    withRequestIds(
      info.hash,
      trials.map((trial, at) => observation(info.id, at + 1, trial)),
    ),
  )
  const cases = groups.map(({ info }) => info)
  const target = sha256(canonicalJson([context.format, results.target]))
  const notes = [
    ...results.notes,
    ...(uneven > 0 ? [unevenNote(uneven, groups, passes)] : []),
    ...cacheNotes(observations),
  ]
  return {
    header: {
      aigate: 'run',
      version: 1,
      id: newRunId(new Date(started_at), sha256(canonicalJson([target, cases.map(({ hash }) => hash), observations]))),
      suite: context.suite,
      suite_version: '0.0.0',
      target: { kind: 'results', label: results.label, hash: target },
      policy: defaultPolicy,
      trials: { min: passes, max: passes },
      seed: 0,
      partial: false,
      cases,
      git: results.git ?? null,
      tool_version: results.tool,
      node: process.versions.node,
      started_at,
    },
    observations,
    complete: results.stopped === undefined,
    ...(results.stopped !== undefined && { stopped: results.stopped }),
    notes,
  }
}

function unevenNote(uneven: number, groups: readonly Group[], passes: number): string {
  const trials = passes === 1 ? '1 trial' : `${passes} trials`
  return `${uneven} of ${groups.length} cases have more than ${trials}; only the first ${passes} of each count, so that no case is asked more often than others.`
}

const isMeasured = ({ passed, error, timeout }: ForeignTrial): boolean =>
  passed !== null && error === undefined && timeout !== true

/** As many trials as every case has; what a case lacks was not measured. */
function padded(trials: readonly ForeignTrial[], passes: number): ForeignTrial[] {
  const [first] = trials
  const short = first === undefined ? 0 : Math.max(0, passes - trials.length)
  const lacking = Array.from({ length: short }, () => ({
    id: first?.id ?? '',
    content: first?.content,
    ...notRun('the file holds no such trial'),
  }))
  return [...trials.slice(0, passes), ...lacking]
}

/** The answers to one case that a cache gave: all alike, and the first one that was asked for, are one draw. */
function withRequestIds(hash: string, observations: Observation[]): Observation[] {
  const cached = new Set(
    observations.flatMap(({ completion }) =>
      completion.replayed && completion.outcome === 'answered' ? [completion.text] : [],
    ),
  )
  const asked = new Set<string>()
  return observations.map((one) => {
    const { text, replayed } = one.completion
    if (!cached.has(text) || (!replayed && asked.has(text))) return one
    if (!replayed) asked.add(text)
    return { ...one, completion: { ...one.completion, request_id: sha256(canonicalJson([hash, text])).slice(0, 16) } }
  })
}

function cacheNotes(observations: readonly Observation[]): string[] {
  const known = new Set<string>()
  let again = 0
  for (const { completion } of observations) {
    const id = completion.request_id
    if (id === undefined) continue
    if (known.has(id)) again += 1
    known.add(id)
  }
  if (again === 0) return []
  return [
    `${again} ${again === 1 ? 'answer is' : 'answers are'} of a cache and the same as another trial of the case: together they count once.`,
  ]
}

/** Cases in the order of their ids. Two contents under one id are two cases: each gets its hash behind the id. */
function groupsOf(trials: readonly ForeignTrial[], file: string): Group[] {
  const found = new Map<string, { hash: string; trials: ForeignTrial[] }>()
  for (const trial of trials) {
    const content = canonicalJson([trial.id, trial.content])
    const group = found.get(content) ?? { hash: sha256(content), trials: [] }
    group.trials.push(trial)
    found.set(content, group)
  }
  const ids = new Map<string, number>()
  for (const {
    trials: [first],
  } of found.values())
    if (first) ids.set(first.id, (ids.get(first.id) ?? 0) + 1)
  const groups = [...found.values()].flatMap(({ hash, trials: own }): Group[] => {
    const [first] = own
    if (first === undefined) return []
    const id = (ids.get(first.id) ?? 0) > 1 ? `${first.id}~${hash.slice(0, 8)}` : first.id
    return [{ info: infoOf(id, hash, own, file), trials: inOrder(id, own, file) }]
  })
  return groups.sort((a, b) => (a.info.id < b.info.id ? -1 : 1))
}

function infoOf(id: string, hash: string, trials: readonly ForeignTrial[], file: string): CaseInfo {
  const category = trials.find((trial) => trial.category !== undefined)?.category
  const tags = [...new Set(trials.flatMap((trial) => trial.tags ?? []))].sort()
  return { id, hash, ...(category !== undefined && { category }), tags, critical: false, file, line: 1 }
}

/** Numbered repeats by their number; where only some have one, as they stand. */
function inOrder(id: string, trials: ForeignTrial[], file: string): ForeignTrial[] {
  const numbers = trials.flatMap(({ trial }) => trial ?? [])
  if (numbers.length < trials.length) return trials
  const twice = numbers.find((number, at) => numbers.indexOf(number) < at)
  if (twice === undefined) return [...trials].sort((a, b) => (a.trial ?? 0) - (b.trial ?? 0))
  throw badResults(
    file,
    `Trial ${twice} of case ${id} stands twice.`,
    'Give each repeat of a case its own number, or leave the numbers out.',
  )
}

function observation(id: string, trial: number, from: ForeignTrial): Observation {
  const failed = from.error !== undefined || from.timeout === true
  const measured = !failed && from.passed !== null
  const ungraded = failed || measured ? undefined : (from.ungraded ?? 'the file holds no grade')
  return {
    case: id,
    trial,
    purpose: 'pass',
    completion: completionOf(from),
    scores: measured ? (from.scores ?? []) : [],
    passed: measured ? from.passed : null,
    score: measured ? (from.score ?? (from.passed ? 1 : 0)) : null,
    ...(ungraded !== undefined && { grader_error: ungraded }),
  }
}

function completionOf(from: ForeignTrial): Completion {
  const { answer, error, timeout, latency_ms, cost_usd, usage, response_model, replayed } = from
  return {
    outcome: timeout ? 'timeout' : error ? 'error' : 'answered',
    text: answer ?? '',
    tool_calls: [],
    ...(error && { error }),
    ...(latency_ms !== undefined && { latency_ms }),
    attempts: replayed || error?.kind === 'not_recorded' ? 0 : 1,
    ...(usage && { usage }),
    ...(cost_usd !== undefined && { cost_usd }),
    ...(response_model !== undefined && { response_model }),
    ...(replayed && { replayed }),
  }
}
