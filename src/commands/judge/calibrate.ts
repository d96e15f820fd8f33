// aigate calibrate: have judges judge answers that people labelled, and store how well they agree.
import { basename, isAbsolute, join, relative, sep } from 'node:path'
import { sampleName } from '../../decide/judge/corrected-rate.ts'
import { calibrate, labelsProblem } from '../../decide/judge/calibrate.ts'
import { movedAt } from '../../decide/judge/gold.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Ending, Graders, Project } from '../../ports.ts'
import { newBudget } from '../../run/budget.ts'
import { openJudges } from '../../run/judges/ask-judge.ts'
import { judgedThresholds } from '../../schema/assertion.ts'
import type { Calibration, Gold, TypeCalibration } from '../../schema/calibration.ts'
import { type JudgedType, MIN_KAPPA, promptsOfType } from '../../schema/judge.ts'
import type { Outcome } from '../../schema/verdict.ts'
import { worst } from '../../schema/verdict.ts'
import { answerOf, canonical } from '../../score/answer.ts'
import { calibrationText } from '../../report/calibration.ts'
import { readCalibration, writeCalibration } from '../../store/calibration-file.ts'
import { faultError } from '../../store/faults.ts'
import { judgesNamed, resolveGraders } from '../../store/graders.ts'
import { type ReadLabel, readLabels } from '../../store/labels.ts'
import { loadProject } from '../../store/project.ts'
import { openRecordings } from '../../store/recordings.ts'
import { openShelf } from '../../store/targets.ts'
import { closeCache, openCache, SAME_TIME_MS } from '../gate/answer-memory.ts'
import { runsOf } from '../gate/judge-run.ts'
import { budgetOf, type Limited } from '../options.ts'
import { judgeAll } from './grade-labels.ts'
import { graderMemory } from './grader-memory.ts'
import { judgeRecordings } from '../../store/recordings.ts'
import { identityOf, withJudge } from './judge-uses.ts'

type Options = Limited & {
  config?: string
  judge?: string[]
  sampleOf?: string
  check?: boolean
  record?: boolean
  offline?: boolean
  seed?: number
  json?: boolean
}

/** Labels of one judge, or jury, and one type of assertion. */
type Group = { judge: string; names: string[]; type: JudgedType; votes: number | undefined; labels: ReadLabel[] }
type CalibrationResult = {
  judge: string
  type: JudgedType
  outcome: Outcome
  min_kappa: number
  file: string | null
} & TypeCalibration

/** Most of the labels must be judged: a judge that is down is not one that disagrees. */
const LOST = 0.05

/** @returns pass: agrees enough; fail: proven not to; inconclusive: too few labels to tell; invalid: could not be measured */
export async function calibrateCommand(context: Context, file: string, options: Options): Promise<Ending> {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const path = isAbsolute(file) ? file : join(context.cwd, file)
  const shown = relative(project.root, path).split(sep).join('/')
  const { labels, hash } = await readLabels(path, relative(context.cwd, path) || path)
  const { graders, groups } = await prepare(project, labels, path, options.judge)
  const sample = options.sampleOf === undefined ? null : await sampledFrom(project, options.sampleOf, labels)
  const recordings = await openRecordings(
    join(project.root, project.config.recordings),
    judgeRecordings(basename(file).replace(/\.[^.]+$/, '')),
  )
  const { cache } = await openCache(context, project, { ...options })
  const memory = graderMemory(
    { cache, context, project },
    { about: basename(file), since: await askedSince(context, project, groups, graders) },
  )
  const judges = await openJudges(graders, {
    memory,
    env: context.env,
    clock: context,
    signal: context.signal,
    budget: newBudget(budgetOf(project, options)),
    seed: options.seed ?? 1,
    recordings,
    record: options.record === true,
    offline: options.offline === true,
  })
  const results: CalibrationResult[] = []
  try {
    for (const group of groups) {
      const measured = await measure({ context, judges, graders, seed: options.seed ?? 1 }, group)
      if (measured === null) return 'interrupted'
      const { all, ...made } = measured
      const whole: TypeCalibration = { ...made, labels: { ...made.labels, file: shown, hash }, sample_of: sample }
      const min = project.config.gate?.min_kappa ?? MIN_KAPPA
      const outcome = outcomeOf(whole, min)
      // What could not be judged may be just what is hard to judge: the rest must not speak for it.
      const stored = options.check === true || outcome === 'invalid' ? null : await store(project, group, whole, all)
      results.push({
        judge: group.judge,
        type: group.type,
        min_kappa: min,
        file: stored,
        outcome,
        ...whole,
      })
    }
  } finally {
    // What was paid for is kept, however this ends.
    if (options.record) await recordings.save()
    await closeCache(context, cache)
  }
  const shownResults = results.map(({ gold: _gold, ...one }) => one)
  if (options.json)
    context.stdout.write(`${JSON.stringify({ aigate: 'calibrated', version: 1, results: shownResults }, null, 2)}\n`)
  else context.stdout.write(results.map(calibrationText).join('\n'))
  return worst(results.map(({ outcome }) => outcome))
}

/** The judges that the labels mean, looked up, and the labels by judge and type. */
async function prepare(project: Project, labels: readonly ReadLabel[], path: string, named: string[] | undefined) {
  const chosen = labels.map((label) =>
    named ? { ...label, assertion: withJudge(label.assertion, { names: named, votes: undefined }) } : label,
  )
  const written = chosen.map((label) => ({
    one: {
      case: { id: label.id, vars: label.vars, tags: [], critical: false, assert: [] },
      file: path,
      line: label.line,
      locate: () => ({ file: path, line: label.line }),
    },
    assert: [label.assertion],
  }))
  const stranger = chosen.find(({ assertion }) => judgesNamed(assertion) === undefined)
  if (stranger)
    throw new AigateError(
      'bad_file',
      {
        problem: `${stranger.assertion.type} is graded by no judge, so there is nothing to calibrate.`,
        mend: `Label answers to ${Object.keys(judgedThresholds).join(', ')}.`,
      },
      { file: path, line: stranger.line },
    )
  const { graders, faults } = await resolveGraders(project, await openShelf(project), written)
  if (faults.length > 0) throw faultError(faults)
  const found: Graders = graders ?? { judges: {}, embeddings: {} }
  return { graders: found, groups: groupsOf(chosen, found) }
}

function groupsOf(labels: readonly ReadLabel[], graders: Graders): Group[] {
  const groups = new Map<string, Group>()
  for (const label of labels) {
    const named = judgesNamed(label.assertion)
    if (!named) continue
    const names = named.names.length > 0 ? [...new Set(named.names)] : [graders.judge ?? '']
    const judge = names.join('+')
    const key = `${judge} ${named.type}`
    const group = groups.get(key) ?? { judge, names, type: named.type, votes: named.votes, labels: [] }
    if (group.votes !== named.votes) throw mixed(label, group, 'votes')
    if (group.labels[0] && group.labels[0].assertion.threshold !== label.assertion.threshold)
      throw mixed(label, group, 'thresholds')
    group.labels.push(label)
    groups.set(key, group)
  }
  return [...groups.values()]
}

const mixed = ({ line }: ReadLabel, { type, judge }: Group, what: string) =>
  new AigateError('usage', {
    problem: `Labels of ${type} by ${judge} have different ${what} (line ${line}): their errors are not the same.`,
    mend: 'Put them into files of their own.',
  })

/** What the run asked whose answers were drawn: only for the same thing may rates be pulled towards the labels. */
async function sampledFrom(project: Project, ref: string, labels: readonly ReadLabel[]): Promise<string> {
  const runs = await runsOf(project, ref)
  const missing = runs.map(({ run: { header, observations } }) => {
    const answers = new Set(observations.map(({ completion }) => answerOf(completion)))
    const strangers = labels.filter(({ answer }) => !answers.has(canonical(answer).trim())).length
    return { strangers, sample: sampleName(header.suite, header.target.hash) }
  })
  const [nearest] = missing.sort((a, b) => a.strangers - b.strangers)
  if (nearest && nearest.strangers > 0)
    throw new AigateError('usage', {
      problem: `${nearest.strangers} of ${labels.length} labelled answers are no answers of run ${ref}: they are no sample of it.`,
      mend: 'Label answers of one suite of that run, as its record has them, or leave --sample-of out.',
    })
  if (!nearest)
    throw new AigateError('usage', {
      problem: `There is no run ${ref}.`,
      mend: 'Name a run: latest, its id, or its file.',
    })
  return nearest.sample
}

/**
 * By model: what was asked before that is asked again. Answers of a calibration that was broken off are not paid for twice; those of one
 * that was finished, and those of other days, say nothing about the judge of today.
 */
async function askedSince(context: Context, project: Project, groups: readonly Group[], graders: Graders) {
  const yesterday = new Date(context.now().getTime() - SAME_TIME_MS)
  const since = new Map<string, Date>()
  for (const { judge, names } of groups) {
    const known = await readCalibration(project, judge)
    const made = Object.values(known?.types ?? {}).map(({ at }) => new Date(at))
    for (const name of names) {
      const model = graders.judges[name]?.model.name
      if (model === undefined) continue
      since.set(
        model,
        [yesterday, ...made, since.get(model) ?? yesterday].reduce((a, b) => (a > b ? a : b)),
      )
    }
  }
  return since
}

type World = { context: Context; judges: Awaited<ReturnType<typeof openJudges>>; graders: Graders; seed: number }

/** null: interrupted. */
async function measure({ context, judges, graders, seed }: World, group: Group) {
  const { type, labels } = group
  const answers = await judgeAll(labels, { ...judges, advisory: () => null })
  if (context.signal.aborted) return null
  const judged = labels.map(({ id, written, vars, messages, answer, baseline, label }, i) => {
    const { score = null, passed = null, votes = [] } = answers[i] ?? {}
    const gold = {
      id,
      assert: written,
      vars,
      answer,
      ...(messages && { messages }),
      ...(baseline !== undefined && { baseline }),
    }
    return { gold, label, score, passed, votes }
  })
  const lost = answers.filter(({ passed }) => passed === null)
  const problem = labelsProblem(judged)
  if (problem !== null) {
    const why = lost[0]?.problem
    throw new AigateError(lost.length > LOST * labels.length ? 'not_answered' : 'usage', {
      problem: `${group.judge} (${type}): ${problem}${why ? `. The first that was not: ${why.replace(/\.$/, '')}` : ''}`,
      mend: 'Label more answers, of both kinds, and see that the judge can be asked.',
    })
  }
  const threshold = labels[0]?.assertion.threshold ?? judgedThresholds[type]
  const members = group.names.flatMap((name) => graders.judges[name] ?? [])
  const prompts = members.flatMap(({ prompts: all }) =>
    promptsOfType[type].map((part) => `${all[part].name}@${all[part].version} ${all[part].hash}`),
  )
  const models = [...new Set(answers.flatMap(({ record }) => record?.response_models ?? []))].sort()
  return {
    identity: identityOf(group, graders),
    prompts: [...new Set(prompts)],
    ...(models.length > 0 && { response_models: models }),
    threshold,
    labels: { n: labels.length, not_judged: lost.length },
    ...calibrate(judged, { threshold, seed }),
    at: context.now().toISOString(),
    tool_version: context.toolVersion,
    all: judged.flatMap(({ gold, passed }) => (passed === null ? [] : [{ ...gold, passed }])),
  }
}

async function store(
  project: Project,
  { judge, type }: Group,
  made: TypeCalibration,
  all: readonly Gold[],
): Promise<string> {
  const before = await readCalibration(project, judge)
  const moved_at = movedAt(before?.types[type], made, all)
  const calibration: Calibration = {
    aigate: 'calibration',
    version: 1,
    judge,
    types: { ...before?.types, [type]: { ...made, ...(moved_at !== undefined && { moved_at }) } },
  }
  return writeCalibration(project, calibration)
}

function outcomeOf({ kappa, labels }: TypeCalibration, min: number): Outcome {
  if (labels.not_judged > LOST * labels.n) return 'invalid'
  if (kappa.estimate >= min) return 'pass'
  return kappa.high < min ? 'fail' : 'inconclusive'
}
