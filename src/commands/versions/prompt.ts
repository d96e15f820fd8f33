// aigate prompt list, diff, new: the versions, what changed between two, a first version.
import { promptChange } from '../../decide/change/prompt-change.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Ending, LoadedPrompt, LoadedSuite, Project, ResolvedTarget } from '../../ports.ts'
import {
  type ListedVersion,
  promptDiffJson,
  promptDiffText,
  promptListJson,
  promptListText,
} from '../../report/prompts.ts'
import type { DiffedCase, Rendered } from '../../report/prompts.ts'
import { expander } from '../../run/expand.ts'
import { sha256 } from '../../content-hash.ts'
import { choose, didYouMean, joinErrors } from '../../store/faults.ts'
import { baseCommit } from '../../store/base-commit.ts'
import { loadProject } from '../../store/project.ts'
import { newPrompt, promptText } from '../../store/prompt-files.ts'
import { listPrompts, loadPrompt, type PromptEntry } from '../../store/prompts.ts'
import { type PublishedPrompt, publishedPrompts } from '../../store/published-prompts.ts'
import { collectSuites } from '../../store/suites.ts'
import { ledgerStandings } from '../gate/standings.ts'
import { wantsColor } from '../wants-color.ts'

export type Options = { config?: string; json?: boolean }
type ListOptions = Options & { env?: string }
type DiffOptions = Options & { suite?: string; case?: string[] }
/** Cases that `diff` shows unless some are named. */
const SHOWN_CASES = 3

/** Lists all versions, or those of one prompt, with their statuses where anything was released. */
export async function listCommand(context: Context, name: string | undefined, options: ListOptions): Promise<Ending> {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const all = await listPrompts(project)
  const entries = name === undefined ? all : versionsOf(all, name)
  const published = await publishedRefs(context, project)
  const { suites } = await collectSuites(project, { suites: [] })
  const standingOf = ledgerStandings(context, project, options.env)
  const versions: ListedVersion[] = []
  for (const { name: prompt, version, file } of entries) {
    const standing = standingOf({ kind: 'prompt', name: `${prompt}@${version}` })
    versions.push({
      name: prompt,
      version,
      file,
      hash: sha256(await promptText(project, { name: prompt, version, file })),
      newest: all.findLast((one) => one.name === prompt)?.version === version,
      published: published === null ? null : published.some((one) => refOf(one) === `${prompt}@${version}`),
      suites: usersOf(suites, `${prompt}@${version}`),
      status: standing?.status ?? null,
      keep_until: standing?.keep_until ?? null,
      release: standing?.release ?? null,
    })
  }
  const color = wantsColor(context.env, context.stdout)
  context.stdout.write(options.json ? promptListJson(versions) : promptListText(versions, { color }))
  return 'pass'
}

/** Shows the template and real questions of two versions beside each other. */
export async function diffCommand(
  context: Context,
  before: string,
  after: string,
  options: DiffOptions,
): Promise<Ending> {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const sides = { before: await loadPrompt(project, before), after: await loadPrompt(project, after) }
  const cases = await casesOf(project, [sides.before.name, sides.after.name], options)
  const shown = options.case === undefined ? cases.slice(0, SHOWN_CASES) : cases
  const diff = {
    before: { ...sides.before, text: await promptText(project, sides.before) },
    after: { ...sides.after, text: await promptText(project, sides.after) },
    change: promptChange(sides.before, sides.after),
    cases: await renderBoth(shown, sides),
    more: cases.length - shown.length,
  }
  const look = { color: wantsColor(context.env, context.stdout), columns: context.stdout.columns ?? 120 }
  context.stdout.write(options.json ? promptDiffJson(diff) : promptDiffText(diff, look))
  return 'pass'
}

/** Writes the first version of a prompt, to be edited. */
export async function newCommand(context: Context, name: string, options: Options): Promise<Ending> {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const made = await newPrompt(project, name)
  if (options.json) say(context, { aigate: 'prompt-new', version: 1, prompt: made })
  else context.stdout.write(`Wrote ${made.file}. Edit it, and name ${refOf(made)} in the target of a suite.\n`)
  return 'pass'
}

export const say = (context: Context, value: unknown) => context.stdout.write(`${JSON.stringify(value, null, 2)}\n`)
export const refOf = ({ name, version }: { name: string; version: string }) => `${name}@${version}`

export function usersOf(suites: readonly LoadedSuite[], ref: string): string[] {
  return suites
    .filter(({ target }) => target.kind === 'prompt' && refOf(target.prompt) === ref)
    .map(({ suite }) => suite.suite)
}

/** @throws AigateError usage when there is no such prompt. */
export function versionsOf(all: readonly PromptEntry[], name: string): PromptEntry[] {
  const found = all.filter((entry) => entry.name === name)
  if (found.length > 0) return found
  const known = [...new Set(all.map((entry) => entry.name))]
  throw new AigateError('usage', {
    problem: `unknown prompt "${name}"${didYouMean(name, known)}`,
    mend: choose(name, known, 'prompts', `Make it: aigate prompt new ${name}`),
  })
}

export async function publishedRefs(context: Context, project: Project): Promise<PublishedPrompt[] | null> {
  const base = await baseCommit(project.root, { env: context.env })
  return base && (await publishedPrompts(project, base.commit)).prompts
}

type PromptTarget = Extract<ResolvedTarget, { kind: 'prompt' }>
type Asked = { suite: LoadedSuite; target: PromptTarget; testCase: LoadedSuite['cases'][number]['case'] }

/** The cases of the suites that ask one of the prompts. @throws AigateError usage: a suite or case that is not there. */
async function casesOf(project: Project, names: string[], options: DiffOptions): Promise<Asked[]> {
  const { suites, problems } = await collectSuites(project, { suites: options.suite ? [options.suite] : [] })
  // Faults of suites that nobody named are for `aigate check` to tell.
  if (options.suite && problems.length > 0) throw joinErrors(problems)
  const asked = suites.flatMap((suite): Asked[] => {
    const { target } = suite
    if (target.kind !== 'prompt' || !names.includes(target.prompt.name)) return []
    return suite.cases.map(({ case: testCase }) => ({ suite, target, testCase }))
  })
  if (options.suite && asked.length === 0)
    throw new AigateError('usage', {
      problem: `the suite "${options.suite}" does not ask ${names[0] ?? 'this prompt'}.`,
      mend: 'Name a suite whose target is this prompt, or leave --suite out.',
    })
  const known = asked.map(({ testCase }) => testCase.id)
  for (const id of options.case ?? [])
    if (!known.includes(id))
      throw new AigateError('usage', {
        problem: `no suite that asks ${names[0] ?? 'this prompt'} has a case "${id}"${didYouMean(id, known)}`,
        mend: choose(id, known, 'cases', 'Write a case first.'),
      })
  return options.case === undefined ? asked : asked.filter(({ testCase }) => options.case?.includes(testCase.id))
}

async function renderBoth(asked: Asked[], sides: { before: LoadedPrompt; after: LoadedPrompt }): Promise<DiffedCase[]> {
  const found: DiffedCase[] = []
  for (const { suite, target, testCase } of asked) {
    const render = async (prompt: LoadedPrompt): Promise<Rendered> => {
      try {
        return (await expander({ ...target, prompt }))(testCase, 1).messages
      } catch (error) {
        if (error instanceof AigateError) return { problem: error.message }
        throw error
      }
    }
    const [before, after] = [await render(sides.before), await render(sides.after)]
    found.push({ suite: suite.suite.suite, case: testCase.id, before, after })
  }
  return found
}
