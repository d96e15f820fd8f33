// Trials of a foreign file to a run of ours: cases by content, repeats numbered, only whole passes kept.
import { defaultPolicy } from '../../schema/gate.ts'
import type { CaseInfo, Completion, Observation, Run } from '../../schema/run.ts'
import { canonicalJson, sha256 } from '../content-hash.ts'
import { newRunId } from '../run-journal.ts'
import { badResults, type ForeignResults, type ForeignTrial } from './foreign.ts'

/** A run made elsewhere, and what people must know about how it was read. */
export type ForeignRun = Run & { notes: string[] }

type Group = { info: CaseInfo; trials: ForeignTrial[] }

/**
 * The run. Each case is found by its id and content, so that the order of the file never matters; its trials are numbered
 * by the repeat where the format tells one, otherwise as they stand. Trials beyond the smallest number that every case has
 * are left out, and a note says so: tools that repeat only what failed would otherwise bend the rates.
 * @param context where it came from; `suite` is the name that the run gets, `format` enters what identifies the target
 * @throws AigateError bad_file when there is no trial, or when one repeat of a case stands twice
 */
export function assemble(
  results: ForeignResults,
  context: { file: string; suite: string; format: string; modified: string },
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
  const counts = groups.map(({ trials }) => trials.length)
  const passes = Math.min(...counts)
  const uneven = counts.filter((count) => count > passes).length
  const started_at = results.started_at ?? context.modified
  const observations = groups.flatMap(({ info, trials }) =>
    trials.slice(0, passes).map((trial, at) => observation(info.id, at + 1, trial)),
  )
  const cases = groups.map(({ info }) => info)
  const target = sha256(canonicalJson([context.format, results.target]))
  const notes = [...results.notes, ...(uneven > 0 ? [unevenNote(uneven, groups, passes)] : [])]
  return {
    header: {
      aigate: 'run',
      version: 1,
      id: newRunId(new Date(started_at), sha256(canonicalJson([target, cases, observations]))),
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
    attempts: replayed ? 0 : 1,
    ...(usage && { usage }),
    ...(cost_usd !== undefined && { cost_usd }),
    ...(response_model !== undefined && { response_model }),
    ...(replayed && { replayed }),
  }
}
