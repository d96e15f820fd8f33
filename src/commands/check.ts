// aigate check: everything that can be wrong without asking a model.
import { relative } from 'node:path'
import { AigateError, explain } from '../errors.ts'
import type { Context, Ending, LoadedSuite, Project } from '../ports.ts'
import { outOfTries } from '../decide/gate/repeated.ts'
import { latestDay } from '../decide/flaky/quarantine.ts'
import { planNotes } from '../decide/rollout/check-plan.ts'
import { expander } from '../run/expand.ts'
import { checkProject } from '../store/check.ts'
import { promptFormFaults } from './form-faults.ts'
import { promptFindings } from './versions/prompt-check.ts'
import { guardFindings } from './guard/guard-check.ts'
import { fieldNotes } from './rollout/field-notes.ts'
import { allRolloutProblems } from './rollout/rollout-check.ts'
import { errorPaint } from './error-paint.ts'
import { assertionFaults } from './gradable.ts'
import { storedBaseline } from './gate/judge-run.ts'
import { flatten } from '../store/faults.ts'
import { besideCommit } from '../store/git.ts'
import { loadProject } from '../store/project.ts'
import { readQuarantine } from '../store/quarantine-file.ts'
import { saysNoSuites } from '../store/suites.ts'

export async function checkCommand(context: Context, options: { config?: string }): Promise<Ending> {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const { suites, problems } = await checkProject(project)
  const listed = await quarantineProblems(context, project, suites)
  const prompts = await promptFindings(context, project)
  const rollouts = await allRolloutProblems(context, project)
  const guards = await guardFindings(project)
  const all = [
    ...problems.filter((problem) => rollouts.plans.length === 0 || !saysNoSuites(problem)),
    ...prompts.problems,
    ...(await assertionFaults(suites)),
    ...(await promptFormFaults(project, suites)),
    ...suites.flatMap(trialProblems),
    ...(await renderProblems(suites)),
    ...(await baselineProblems(project, suites)),
    ...listed,
    ...rollouts.problems,
    ...guards.problems,
  ]
  const planned = rollouts.plans.flatMap(({ plan }) =>
    [...planNotes(plan), ...fieldNotes(plan)].map((note) => `${plan.rollout}: ${note}.`),
  )
  const beside = await besideNotes(context, project, suites)
  const ofSuites = [...anchorNotes(suites), ...playerNotes(suites)]
  for (const note of [...beside, ...prompts.notes, ...ofSuites, ...guards.notes, ...planned])
    context.stderr.write(`note: ${note}\n`)
  const paint = errorPaint(context)
  for (const problem of all) context.stderr.write(`${explain(problem, paint)}\n`)
  if (all.length > 0) {
    context.stderr.write(`${all.length} ${all.length === 1 ? 'problem' : 'problems'}.\n`)
    return 'usage'
  }
  const cases = suites.reduce((sum, suite) => sum + suite.cases.length, 0)
  const say = (count: number, noun: string) => `${count} ${noun}${count === 1 ? '' : 's'}`
  const { guards: guarded, experiments, shadows } = guards.counts
  const counted = { rollout: rollouts.plans.length, guard: guarded, experiment: experiments, 'shadow plan': shadows }
  const plans = Object.entries(counted)
    .map(([noun, count]) => (count > 0 ? `, ${say(count, noun)}` : ''))
    .join('')
  context.stdout.write(`${say(suites.length, 'suite')}, ${say(cases, 'case')}${plans}: nothing wrong.\n`)
  return 'pass'
}

/** A hook of git alone looks at the folder, and a commit holds what was staged. */
async function besideNotes(context: Context, project: Project, suites: readonly LoadedSuite[]): Promise<string[]> {
  const { root, file, config } = project
  const { prompts, baselines, recordings, quarantine } = config
  const ofSuites = suites.flatMap((suite) => [suite.file, ...suite.cases.map(({ info }) => info.file)])
  const paths = [relative(root, file), ...ofSuites]
  const found = await besideCommit(
    root,
    [...new Set([...paths, prompts, baselines, recordings, quarantine])],
    context.env,
  )
  if (found.length === 0) return []
  const shown = found.slice(0, 5).join(', ')
  const more = found.length > 5 ? ` and ${found.length - 5} more` : ''
  return [
    `what lies in the folder was checked, and this commit will hold something else: ${shown}${more} not staged as ${found.length === 1 ? 'it is' : 'they are'}.`,
  ]
}

/** Trials of one conversation repeated are worth one. */
const playerNotes = (suites: readonly LoadedSuite[]): string[] =>
  suites.flatMap(({ suite, file, users = {} }) =>
    suite.trials.max === 1
      ? []
      : Object.entries(users)
          .filter(([, { pin }]) => pin.params['temperature'] === 0)
          .map(
            ([name]) =>
              `${file}: ${name} plays users with temperature 0, so that every trial hears the same user; with a higher one and a seed each trial is a conversation of its own.`,
          ),
  )

/** Anchors are asked as the baseline asked them; of an application only its address is kept, and not its code. */
const anchorNotes = (suites: readonly LoadedSuite[]): string[] =>
  suites.flatMap(({ suite, file, target }) =>
    target.kind === 'prompt' || (suite.anchors ?? 0) === 0
      ? []
      : [
          `${file}: \`anchors: ${suite.anchors}\` does nothing, because the target is an application (${target.kind}) and the code that answered for the baseline is not kept; \`aigate eval --against <ref>\` asks it.`,
        ],
  )

/** pass@k and pass^k of more tries than there will be: their gates would stay undecided in every run. */
const trialProblems = ({ suite, policy, file }: LoadedSuite): AigateError[] =>
  outOfTries(policy, suite.trials.max).map(
    ({ kind, k }) =>
      new AigateError(
        'bad_file',
        {
          problem: `gate.${kind}: k is ${k}, but suite ${suite.suite} asks for at most ${suite.trials.max} ${suite.trials.max === 1 ? 'trial' : 'trials'} of a case, so it could never be decided.`,
          mend: `Set \`trials: {max: ${k}}\` in the suite, or k to ${suite.trials.max} or less.`,
        },
        { file },
      ),
  )

/** What is wrong in the quarantine list, as a list. */
async function quarantineProblems(context: Context, project: Project, suites: LoadedSuite[]): Promise<AigateError[]> {
  try {
    await readQuarantine(project, { suites, latest: latestDay(context.now()) })
    return []
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    return flatten([error])
  }
}

/** Renders every case once: what a template cannot do with a value shows here and not in the middle of a run. */
async function renderProblems(suites: LoadedSuite[]): Promise<AigateError[]> {
  const found: AigateError[] = []
  for (const suite of suites) {
    const ask = await expander(suite.target)
    for (const each of suite.cases) {
      try {
        ask(each.case, 1)
      } catch (error) {
        if (!(error instanceof AigateError)) throw error
        found.push(error)
      }
    }
  }
  return found
}

/** Reads every stored baseline: a torn one would stop the next eval. */
async function baselineProblems(project: Project, suites: LoadedSuite[]): Promise<AigateError[]> {
  const found: AigateError[] = []
  for (const { suite } of suites) {
    try {
      await storedBaseline(project, suite.suite)
    } catch (error) {
      if (!(error instanceof AigateError)) throw error
      found.push(error)
    }
  }
  return found
}
