// eval --changed: the suites of the working tree beside those of the base, each with everything that decides its verdict.
import { readdir } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { suiteChange, type SuiteState } from '../../decide/change/changed-suites.ts'
import { graderKey } from '../../decide/change/policy-guard.ts'
import { AigateError } from '../../errors.ts'
import type { Context, LoadedSuite, Project } from '../../ports.ts'
import { addressOf, providerKey } from '../../run/address.ts'
import { canonicalJson, contentHash } from '../../content-hash.ts'
import { othersOf } from '../../run/needed-keys.ts'
import type { QuarantineEntry } from '../../schema/quarantine.ts'
import type { GuardRecord } from '../../schema/run.ts'
import type { Unchanged } from '../../schema/verdict.ts'
import { findBase } from '../../store/base-commit.ts'
import { type BaseProject, openBaseProject } from '../../store/base-project.ts'
import { baselineFile } from '../../store/baseline-file.ts'
import { contentDigest } from '../../store/content-digest.ts'
import { blobsAt } from '../../store/git-objects.ts'
import { changedSince } from '../../store/git.ts'
import { ownFiles, usesGraders } from '../../store/grader-files.ts'
import { readQuarantineFile } from '../../store/quarantine-file.ts'
import { workingTree } from '../../store/repository-tree.ts'
import { collectSuites } from '../../store/suites.ts'
import { targetCode } from '../../store/target-code.ts'
import { digestOf } from '../../store/content-digest.ts'
import { gradersOfBoth } from './graders.ts'

type Wanted = {
  changed?: string | true
  base?: string | boolean
  offline?: boolean
  names: readonly string[]
  quarantine: readonly QuarantineEntry[]
  guards: ReadonlyMap<string, GuardRecord>
}

/** `suites`: names of those to run. `said`: what differs, what does not, and what was looked at, for people. */
export type Changed = { suites: string[]; unchanged: Unchanged[]; said: string[] }

/**
 * Chooses the suites that differ from the base. Whatever cannot be told runs: no base, a base that cannot be read, an
 * application that does not say what it is made of.
 * @param suites as the files of the working tree and the command line say
 * @throws AigateError `usage` for a ref that git does not know
 */
export async function changedSuites(
  context: Context,
  project: Project,
  suites: readonly LoadedSuite[],
  wanted: Wanted,
): Promise<Changed> {
  const asked = typeof wanted.changed === 'string' ? wanted.changed : undefined
  const ref = asked ?? (typeof wanted.base === 'string' ? wanted.base : undefined)
  const found = await findBase(project.root, { env: context.env, ref })
  if ('problem' in found) {
    if (ref !== undefined) throw new AigateError('usage', { problem: `--changed: ${found.problem}.`, mend: found.mend })
    return everything(
      suites,
      `--changed cannot tell what changed, because ${found.problem}: every suite runs. ${found.mend}`,
    )
  }
  const said = `${found.ref} (${found.commit.slice(0, 12)})`
  const whole = suites.some(({ suite: { target } }) => 'depends_on' in target && target.depends_on !== undefined)
  const base = await openBaseProject(project, found.commit, { everything: whole })
  if (!base) return everything(suites, `--changed: ${said} has no configuration: every suite runs.`)
  try {
    return await compare(project, base, suites, { ...wanted, where: said })
  } finally {
    await base.close()
  }
}

const everything = (suites: readonly LoadedSuite[], why: string): Changed => ({
  suites: suites.map(({ suite }) => suite.suite),
  unchanged: [],
  said: [why],
})

async function compare(
  project: Project,
  base: BaseProject,
  suites: readonly LoadedSuite[],
  { where, offline, quarantine, guards, names }: Wanted & { where: string },
): Promise<Changed> {
  const old = await collectSuites(base.project, { suites: [], configurationOnly: true })
  const graders = await gradersOfBoth({ project, suites }, { project: base, suites: old.suites })
  const others = await filesOfGraders(project, base, { now: suites, before: old.suites })
  const listed = (await readQuarantineFile(base.project)).entries
  const known = await calibrationsOfBoth(project, base)
  const changed: string[] = []
  const unchanged: Unchanged[] = []
  const said: string[] = []
  for (const suite of suites) {
    const name = suite.suite.suite
    const before = old.suites.find((one) => one.suite.suite === name)
    const now = await stateOf(project, suite, { graders: graders.head, quarantine, offline, calibrations: known.head })
    const then =
      before &&
      (await stateOf(base.project, before, {
        graders: graders.base,
        quarantine: listed,
        offline,
        calibrations: known.base,
      }))
    const found = then && suiteChange(now.state, then.state)
    const untold = now.untold ?? then?.untold
    const why = [
      ...(found && found.differs.length > 0 ? [`changed since ${where}: ${found.differs.join(', ')}`] : []),
      ...(found ? [] : [old.problems.length > 0 ? `it cannot be read at ${where}` : `it is new since ${where}`]),
      ...(untold === undefined ? [] : [`whether it changed cannot be told: ${untold}`]),
      ...(usesGraders([suite]) && others.length > 0
        ? [`files changed that its graders may use: ${listing(others)}`]
        : []),
      ...((guards.get(name)?.holds.length ?? 0) > 0 ? ['this change is held by the gate of its base'] : []),
    ]
    if (why.length > 0) {
      changed.push(name)
      said.push(`${name} runs: ${why.join('; ')}.`)
    } else {
      unchanged.push({ suite: name, base: base.commit, looked_at: found?.lookedAt ?? [] })
      said.push(`${name} is as it is at ${where}: ${found?.lookedAt.join(', ')}.`)
    }
  }
  const present = new Set(suites.map(({ suite }) => suite.suite))
  const gone = names.length > 0 ? [] : old.suites.map(({ suite }) => suite.suite).filter((name) => !present.has(name))
  for (const name of gone) said.push(`${name} is gone since ${where}.`)
  if (changed.length === 0) said.push(`nothing to do: no suite differs from ${where}.`)
  return { suites: changed, unchanged, said }
}

const listing = (paths: readonly string[]): string =>
  `${paths.slice(0, 3).join(', ')}${paths.length > 3 ? ` and ${paths.length - 3} more` : ''}`

/** Documents that no grader reads; any other text may be what it grades by. */
const FOR_PEOPLE = /(^|\/)(readme|changelog|contributing|code_of_conduct|security|license|notice|authors)(\.\w+)*$/i

/** What graders import is not followed: files that changed and that aigate itself does not read. */
async function filesOfGraders(
  project: Project,
  base: BaseProject,
  { now, before }: { now: readonly LoadedSuite[]; before: readonly LoadedSuite[] },
): Promise<string[]> {
  if (!usesGraders([...now, ...before])) return []
  const { root, config } = project
  const { baselines, recordings, quarantine, prompts, releases } = config
  const known = [baselines, recordings, quarantine, prompts, releases.folder, 'aigate.yaml', 'aigate.lock']
  const files = await changedSince(root, base.commit, known)
  if (files === null) return ['git does not say which']
  const tree = await workingTree(root)
  const own = new Set([...ownFiles(tree, project, now), ...ownFiles(tree, base.project, before)])
  return files.filter((path) => !own.has(path) && !FOR_PEOPLE.test(path) && !/\.suite\.ya?ml$/.test(path))
}

async function stateOf(
  project: Project,
  suite: LoadedSuite,
  side: {
    graders: ReadonlyMap<string, string>
    quarantine: readonly QuarantineEntry[]
    offline: boolean | undefined
    calibrations: string
  },
): Promise<{ state: SuiteState; untold: string | undefined }> {
  const { root, config } = project
  const {
    suite: { suite: name },
    target,
    cases,
  } = suite
  const code = await targetCode(suite)
  const replayed = side.offline === true || (target.kind === 'prompt' && target.provider.config.type === 'replay')
  const graders = cases.flatMap(({ info: { id } }): [string, string][] => {
    const hash = side.graders.get(graderKey(name, id))
    return hash === undefined ? [] : [[id, hash]]
  })
  const state = {
    suite,
    provider: target.kind === 'prompt' ? providerKey(target.provider.config) : addressOf(suite, root).key,
    judges:
      suite.graders === undefined && suite.users === undefined
        ? null
        : canonicalJson([othersOf(suite).map(({ config: asked }) => providerKey(asked)), side.calibrations]),
    components: canonicalJson(config.components ?? {}),
    code: 'files' in code ? code.files : null,
    graders: new Map(graders),
    baseline: await digestOf(baselineFile(join(root, config.baselines), name)),
    quarantine: canonicalJson(side.quarantine.filter((entry) => entry.suite === name)),
    recordings: replayed ? await folderDigest(join(root, config.recordings)) : null,
  }
  return { state, untold: 'untold' in code ? code.untold : undefined }
}

/** What is known of the judges decides what they may decide. */
async function calibrationsOfBoth(project: Project, base: BaseProject): Promise<{ head: string; base: string }> {
  const folder = join(project.root, project.config.calibrations)
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.json')).sort()
  const now = await Promise.all(names.map(async (name) => [name, await digestOf(join(folder, name))]))
  const path = base.project.config.calibrations
  const then = [...(await blobsAt(project.root, base.commit, path))]
    .map(([name, { bytes }]) => [basename(name), contentDigest(bytes)])
    .filter(([name = '']) => name.endsWith('.json'))
    .sort(([a = ''], [b = '']) => (a < b ? -1 : 1))
  return { head: contentHash(now), base: contentHash(then) }
}

async function folderDigest(folder: string): Promise<string> {
  const names = (await readdir(folder).catch(() => [])).filter((name) => name.endsWith('.jsonl')).sort()
  return contentHash(await Promise.all(names.map(async (name) => [name, await digestOf(join(folder, name))])))
}
