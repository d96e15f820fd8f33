// Reads the suites that a command asks for: targets looked up, policies merged, cases of all sources expanded.
import { basename, dirname, resolve } from 'node:path'
import { glob } from 'tinyglobby'
import { AigateError } from '../errors.ts'
import type { LoadedSuite, Project, ResolvedModel, ResolvedTarget } from '../ports.ts'
import type { GatePolicy, GatePolicyInput } from '../schema/gate.ts'
import { assertionsOf, Suite, type Trials } from '../schema/suite.ts'
import type { WrittenCase } from './case-files.ts'
import { modelOf, resolveGraders } from './graders.ts'
import { choose, didYouMean, type Fault, faultError, flatten, joinErrors } from './faults.ts'
import { namedFileFaults } from './named-files.ts'
import { mergePolicy } from './policy.ts'
import { readText, type SourceFile, sourceFile } from './source-text.ts'
import {
  categoriesOf,
  categoryFaults,
  collectCases,
  finishCase,
  type SuiteFile,
  variableFaults,
} from './suite-cases.ts'
import { openShelf, overrideTarget, type PromptShelf, resolveTarget } from './targets.ts'
import { readYaml } from './yaml.ts'

export type SuiteOptions = {
  /** Names of suites, or suite files relative to the root; empty: all that `suites` of aigate.yaml finds. */
  suites: readonly string[]
  /** The modules and programs that suites name lie elsewhere: the project is a copy of a commit's configuration. */
  configurationOnly?: boolean
  /** What the command line says instead of the suites. */
  overrides?: {
    prompt?: string | undefined
    model?: string | undefined
    policy?: GatePolicyInput | undefined
    trials?: Trials | undefined
  }
}

/** Like loadSuites, but with the problems beside what could be read instead of thrown. `used`: prompt files in use. */
export type CollectedSuites = { suites: LoadedSuite[]; problems: AigateError[]; used: ReadonlySet<string> }

/**
 * The suites that were asked for, by file name. Policies are laid over each other: defaults, aigate.yaml, suite,
 * overrides. Throws one AigateError with every problem of every suite asked for in `more`.
 */
export async function loadSuites(project: Project, options: SuiteOptions): Promise<LoadedSuite[]> {
  const { suites, problems } = await collectSuites(project, options)
  if (problems.length > 0) throw joinErrors(problems)
  return suites
}

export async function collectSuites(project: Project, options: SuiteOptions): Promise<CollectedSuites> {
  const read = await readSuiteFiles(project, options.suites)
  const { chosen, problems } = select(project, options.suites, read)
  const shelf = await openShelf(project)
  const used = new Set<string>()
  const suites: LoadedSuite[] = []
  for (const file of chosen) {
    const loaded = await loadSuite(project, file, shelf, options)
    problems.push(...loaded.problems)
    if (loaded.prompt !== undefined) used.add(loaded.prompt)
    if (loaded.suite !== undefined) suites.push(loaded.suite)
  }
  if (options.suites.length === 0 && problems.length === 0) problems.push(...idleCategories(project, suites))
  return { suites, problems: flatten(problems), used }
}

/** The names of all suites of the project; null when one of their files cannot be read, so that nobody knows. */
export async function suiteNames(project: Project): Promise<string[] | null> {
  const { files, broken } = await readSuiteFiles(project, [])
  return broken.length > 0 ? null : files.map(({ suite }) => suite.suite)
}

/** `names`: what a suite that could not be read may be called, by its file and by the line `suite:` in it. */
type BrokenSuite = { file: SourceFile; error: AigateError; names: string[] }
type ReadSuites = { files: SuiteFile[]; broken: BrokenSuite[] }

async function readSuiteFiles(project: Project, selectors: readonly string[]): Promise<ReadSuites> {
  const { root, config } = project
  const found = await glob(config.suites, { cwd: root, onlyFiles: true, ignore: ['**/node_modules/**'] })
  const named = selectors.filter((one) => /\.ya?ml$/i.test(one))
  const sources = new Map<string, SourceFile>()
  for (const one of [...found.sort(), ...named]) {
    const source = sourceFile(root, one)
    sources.set(source.path, source)
  }
  const files: SuiteFile[] = []
  const broken: BrokenSuite[] = []
  for (const file of sources.values()) {
    try {
      const { value, locate } = await readYaml(file, Suite, 'suite')
      files.push({ suite: value, file, dir: dirname(file.path), locate })
    } catch (error) {
      if (!(error instanceof AigateError)) throw error
      broken.push({ file, error, names: await likelyNames(file) })
    }
  }
  return { files, broken }
}

async function likelyNames(file: SourceFile): Promise<string[]> {
  const stem = basename(file.path).replace(/(?:\.suite)?\.ya?ml$/i, '')
  const text = await readText(file).catch(() => '')
  const written = /^suite:[ \t]*(["']?)([^\s"'#]+)\1[ \t]*(?:#.*)?$/m.exec(text)?.[2]
  return written === undefined ? [stem] : [stem, written]
}

/** The suites that the selectors mean. Faults of other files only count when a selector matches nothing. */
function select(
  project: Project,
  selectors: readonly string[],
  { files, broken }: ReadSuites,
): { chosen: SuiteFile[]; problems: AigateError[] } {
  const twice = sameNames(files)
  const matches = (file: SuiteFile, selector: string) =>
    file.suite.suite === selector || file.file.path === resolve(project.root, selector)
  // A healthy suite of the name is the one that is meant; the name of a broken file is only a guess.
  const means = ({ file, names: likely }: BrokenSuite, selector: string) =>
    file.path === resolve(project.root, selector) ||
    (likely.includes(selector) && !files.some((one) => matches(one, selector)))
  if (selectors.length === 0) {
    const none = files.length === 0 && broken.length === 0 ? [noSuites(project)] : []
    return { chosen: files, problems: [...broken.map(({ error }) => error), ...twice, ...none] }
  }
  const chosen = files.filter((file) => selectors.some((selector) => matches(file, selector)))
  const names = files.map(({ suite }) => suite.suite)
  const unknown = selectors
    .filter((selector) => !files.some((file) => matches(file, selector)))
    .filter((selector) => !broken.some((one) => means(one, selector)))
    .map(
      (selector) =>
        new AigateError('usage', {
          problem: `no suite matches "${selector}"${didYouMean(selector, names)}`,
          mend: choose(selector, names, 'suites', 'Make one, or correct `suites` in aigate.yaml.'),
        }),
    )
  const wanted =
    unknown.length > 0 ? broken : broken.filter((one) => selectors.some((selector) => means(one, selector)))
  const clash = twice.filter(({ places }) => chosen.some(({ file }) => file.shown === places[0]?.file))
  return { chosen, problems: [...wanted.map(({ error }) => error), ...clash, ...unknown] }
}

const NO_SUITES = 'no file matches `suites` of aigate.yaml'
/** true: the error says no more than that there is no suite, which is right where there are only rollouts. */
export const saysNoSuites = ({ message }: AigateError): boolean => message.startsWith(NO_SUITES)

function noSuites({ config }: Project): AigateError {
  const problem = `${NO_SUITES}: ${config.suites.join(', ')}`
  return new AigateError('usage', { problem, mend: 'Write a suite there, correct the pattern, or run `aigate init`.' })
}

function sameNames(files: readonly SuiteFile[]): AigateError[] {
  const first = new Map<string, SuiteFile>()
  return files.flatMap((one): AigateError[] => {
    const before = first.get(one.suite.suite)
    if (before === undefined) {
      first.set(one.suite.suite, one)
      return []
    }
    const problem = `the suite name "${one.suite.suite}" is used twice, first in ${before.file.shown}`
    return [faultError([{ problem, mend: 'Give one of the two another name.', place: one.locate(['suite']) }])]
  })
}

async function loadSuite(
  project: Project,
  file: SuiteFile,
  shelf: PromptShelf,
  { overrides = {}, configurationOnly }: Pick<SuiteOptions, 'overrides' | 'configurationOnly'>,
): Promise<{ suite?: LoadedSuite; problems: AigateError[]; prompt?: string }> {
  const { cases, problems } = await collectCases(project.root, file)
  const suite = { ...overriddenTrials(file.suite, overrides.trials) }
  let target: ResolvedTarget | undefined
  try {
    suite.target = overrideTarget(suite, overrides).target
    target = await resolveTarget(project, suite, shelf, file.locate, overrides)
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    problems.push(error)
  }
  const prompt = target?.kind === 'prompt' ? target.prompt : undefined
  const asserted = cases.map((one) => {
    const own = assertionsOf(one.case)
    return { one, assert: own.length === 0 ? suite.assert : [...own, ...suite.assert] }
  })
  const { graders, faults: unknown } = await gradersOf(project, shelf, asserted, problems)
  const players = usersOf(project, cases)
  const faults = [
    ...unknown,
    ...players.faults,
    ...(configurationOnly ? [] : await namedFileFaults(file, cases)),
    ...(prompt ? variableFaults(cases, prompt) : []),
    ...(problems.length > 0 ? [] : categoryFaults(file, cases)),
  ]
  if (faults.length > 0) problems.push(faultError(faults))
  const found = prompt === undefined ? {} : { prompt: prompt.file }
  if (target === undefined || problems.length > 0) return { problems, ...found }
  const whole = cases.map((one) => finishCase(suite, one, graders, players.users))
  const categories = categoriesOf(whole.map((one) => one.case))
  const merged = mergePolicy([project.config.gate, suite.gate, overrides.policy])
  const policy = withoutForeignCategories(merged, categories)
  const read = { suite, file: file.file.shown, dir: file.dir, cases: whole, target, policy }
  const played = Object.keys(players.users).length > 0 && { users: players.users }
  const loaded = { ...read, ...(graders && { graders }), ...played }
  return { suite: loaded, problems, ...found }
}

/** The models that play users, looked up. */
function usersOf(
  project: Project,
  cases: readonly WrittenCase[],
): { users: Record<string, ResolvedModel>; faults: Fault[] } {
  const users: Record<string, ResolvedModel> = {}
  const faults: Fault[] = []
  for (const one of cases) {
    const name = one.case.user?.model
    if (name === undefined || Object.hasOwn(users, name)) continue
    const model = modelOf(project, name)
    if ('problem' in model)
      faults.push({
        problem: `case ${one.case.id}: user.model: ${model.problem}`,
        mend: model.mend,
        place: one.locate(['user', 'model']),
      })
    else users[name] = model
  }
  return { users, faults }
}

/** What a judge's prompt file has wrong joins the other problems. */
async function gradersOf(
  project: Project,
  shelf: PromptShelf,
  cases: Parameters<typeof resolveGraders>[2],
  problems: AigateError[],
): ReturnType<typeof resolveGraders> {
  try {
    return await resolveGraders(project, shelf, cases)
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    problems.push(error)
    return { faults: [] }
  }
}

const overriddenTrials = (suite: Suite, trials: Trials | undefined): Suite =>
  trials === undefined ? suite : { ...suite, trials }

/** Limits that aigate.yaml sets for a category hold in the suites that have it. */
function withoutForeignCategories(policy: GatePolicy, known: readonly string[]): GatePolicy {
  if (policy.categories === undefined) return policy
  const kept = Object.entries(policy.categories).filter(([name]) => known.includes(name))
  const { categories: _, ...rest } = policy
  return kept.length > 0 ? { ...rest, categories: Object.fromEntries(kept) } : rest
}

/** Categories of aigate.yaml that no case of any suite has. */
function idleCategories(project: Project, suites: readonly LoadedSuite[]): AigateError[] {
  const known = categoriesOf(suites.flatMap(({ cases }) => cases.map((one) => one.case)))
  return Object.keys(project.config.gate?.categories ?? {})
    .filter((name) => !known.includes(name))
    .map(
      (name) =>
        new AigateError(
          'bad_file',
          {
            problem: `gate.categories: no case of any suite has the category "${name}"${didYouMean(name, known)}`,
            mend: choose(name, known, 'categories', 'Remove it, or give cases this category.'),
          },
          { file: sourceFile(project.root, project.file).shown },
        ),
    )
}
