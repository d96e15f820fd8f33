// What the action may do with its secrets: which are there, which are missing, and whose code would see them.
import { realpath } from 'node:fs/promises'
import { basename, join, sep } from 'node:path'
import { AigateError } from '../../errors.ts'
import type { Context, LoadedSuite, Project } from '../../ports.ts'
import { oneLine } from '../../report/safe-text.ts'
import { providerKey } from '../../run/address.ts'
import { neededKeys, providersOf } from '../../run/needed-keys.ts'
import { bareEnv } from '../../run/programs.ts'
import { namesIn, secretNames } from '../../run/redact.ts'
import { Config, type ProviderConfig } from '../../schema/config.ts'
import { assertionsOf } from '../../schema/suite.ts'
import { baseCommit } from '../../store/base-commit.ts'
import { fileAt, git, line } from '../../store/git-objects.ts'
import { loadProject } from '../../store/project.ts'
import { loadSuites } from '../../store/suites.ts'
import type { ActionEvent } from './action-event.ts'
import type { ActionInputs } from './action-inputs.ts'

type Env = Context['env']

/** How to go on. `env` is all that the gate sees. */
export type Trust = {
  /** Values to hide in the log. */
  masked: string[]
  /** Folder of the configuration; undefined when it cannot be read, which the gate itself then says. */
  root: string | undefined
  env: Record<string, string | undefined>
  /** Answers come from the recordings only, and why. */
  offline?: string | undefined
  /** Nothing is run, and why. */
  refused?: { sentence: string; mend: string } | undefined
}

/** Names of variables that hold a secret by all that one can tell. Those of the runner itself are told by the event. */
const secretLike = /(?:^|_)(?:KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIALS?)$/i
const ofRunner = /^(?:INPUT_|ACTIONS_|RUNNER_|GITHUB_)/i
/** The token of the job and the files by which a step speaks to the runner are nothing for the code of a suite. */
const withheld = /^(?:INPUT_|ACTIONS_|GITHUB_(?:TOKEN|ENV|PATH|OUTPUT|STATE|STEP_SUMMARY)$|GH_TOKEN$)/i
const forForeign = ['CI', 'GITHUB_ACTIONS', 'GITHUB_BASE_REF', 'TMPDIR', 'LANG', 'NO_COLOR', 'FORCE_COLOR']

export async function judgeTrust(
  { env, cwd }: { env: Env; cwd: string },
  inputs: ActionInputs,
  event: ActionEvent,
): Promise<Trust> {
  const led = event.foreign && inputs.results === undefined ? await linksOut(cwd) : []
  // Before any file is read: an error would show what a link leads to.
  if (led.length > 0 && (event.privileged || secretsIn(env).length > 0))
    return { masked: maskedOf(env, [], inputs), root: undefined, env: {}, refused: refusal(led) }
  const project = await load(() => loadProject({ cwd, config: inputs.config }))
  const { prompt, model } = inputs
  const overrides = { ...(prompt !== undefined && { prompt }), ...(model !== undefined && { model }) }
  const suites = project && (await load(() => loadSuites(project, { suites: inputs.suites, overrides })))
  // What is wrong in the files the gate says itself, and needs no key for that.
  if (!project || !suites) return { masked: [inputs.token], root: project?.root, env: bareEnv(env, forForeign) }
  const headers = suites.flatMap(({ target }) => (target.kind === 'http' ? namesIn(JSON.stringify(target.target)) : []))
  const known = [...new Set([...secretNames(project.config), ...headers])]
  const found = { masked: maskedOf(env, known, inputs), root: project.root }
  const present = secretsIn(env, known)
  // What another tool answered is read and judged: neither code of the change nor a key has a part in that.
  if (inputs.results !== undefined)
    return { ...found, env: event.foreign ? bareEnv(env, forForeign) : withoutRunner(env, known) }
  if (event.foreign && (event.privileged || present.length > 0)) {
    const hazards = [...codeHazards(suites), ...(await addressHazards(project, suites, event, env))]
    if (hazards.length > 0) return { ...found, env: {}, refused: refusal(hazards) }
  }
  const open = event.foreign ? bareEnv(env, [...forForeign, ...known]) : withoutRunner(env, known)
  const missing = [...new Set(suites.flatMap((suite) => neededKeys(suite)))].filter((name) => (env[name] ?? '') === '')
  if (missing.length === 0 || inputs.offline) return { ...found, env: open }
  if (inputs.onMissingSecrets === 'fail') return { ...found, env: open, refused: noSecrets(missing, event) }
  const offline = `The secrets (${missing.join(', ')}) are not here, so no model was asked: the answers were replayed from recordings, which this change could have written itself. This is no evidence about the model.`
  return { ...found, env: open, offline }
}

/** Names of variables that are there and hold a secret, by all that one can tell. */
const secretsIn = (env: Env, known: readonly string[] = []): string[] =>
  Object.keys(env).filter(
    (name) => (env[name] ?? '') !== '' && (known.includes(name) || (secretLike.test(name) && !ofRunner.test(name))),
  )

const maskedOf = (env: Env, known: readonly string[], { token }: ActionInputs): string[] =>
  [...known.map((name) => env[name] ?? ''), token].filter((value) => value !== '')

/** Links of the checkout that lead to files of the machine, or to what git itself keeps there. */
async function linksOut(cwd: string): Promise<string[]> {
  const top = await line(cwd, ['rev-parse', '--show-toplevel'])
  if (top === null) return []
  const home = await realpath(top)
  const { bytes } = await git(top, ['ls-files', '--stage', '-z'])
  const links = bytes
    .toString('utf8')
    .split('\0')
    .flatMap((entry) => /^120000 \w+ \d\t([^]+)$/.exec(entry)?.[1] ?? [])
  const led: string[] = []
  for (const path of links) {
    const real = await realpath(join(top, path)).catch(() => home + sep)
    if (!`${real}${sep}`.startsWith(home + sep) || real.startsWith(join(home, '.git') + sep))
      led.push(`${oneLine(path, 80)} is a link that leads out of the repository`)
  }
  return led
}

async function load<T>(read: () => Promise<T>): Promise<T | undefined> {
  try {
    return await read()
  } catch (error) {
    if (error instanceof AigateError) return undefined
    throw error
  }
}

/** What the configuration names as its key is handed on, even where it is a token of the job. */
const withoutRunner = (env: Env, known: readonly string[]) =>
  Object.fromEntries(Object.entries(env).filter(([name]) => known.includes(name) || !withheld.test(name)))

/** Where a suite runs code that the change brings along: as its target, as a grader of any turn, or as a live tool. */
function codeHazards(suites: readonly LoadedSuite[]): string[] {
  return suites.flatMap(({ suite, target, cases }) => {
    const graders = cases.flatMap(({ case: one }) => assertionsOf(one).map(({ type }) => `assertion ${type}`))
    const tools = cases.flatMap(({ case: one }) =>
      Object.entries(one.tools ?? {}).flatMap(([name, tool]) => ('results' in tool ? [] : [`tool ${name}`])),
    )
    const own = target.kind === 'command' || target.kind === 'module' ? [`target ${target.kind}`] : []
    const runs = [...own, ...graders.filter((one) => /^assertion (?:command|module)$/.test(one)), ...tools]
    return [...new Set(runs)].map((what) => `suite ${suite.suite} runs code of this change (${what})`)
  })
}

/** Where a key would be sent to another address than the base sends it to. */
async function addressHazards(
  project: Project,
  suites: readonly LoadedSuite[],
  { baseSha }: ActionEvent,
  env: Env,
): Promise<string[]> {
  const base = await baseProviders(project, { env, ref: baseSha })
  return suites.flatMap((loaded) => {
    const { suite, target } = loaded
    const asked =
      target.kind === 'http' ? [`suite ${suite.suite} asks an address that this change names (target http)`] : []
    const others = providersOf(loaded).flatMap(({ name, config }) => {
      const before = base?.[name]
      const same = before && providerKey(before) === providerKey(config) && keyOf(before) === keyOf(config)
      return same ? [] : [`provider ${name} of suite ${suite.suite} is not the one that the base has`]
    })
    return [...asked, ...others]
  })
}

const keyOf = (config: ProviderConfig) => (config.type === 'openai' ? config.api_key_env : config.of?.api_key_env)

async function baseProviders(
  project: Project,
  options: { env: Env; ref: string | undefined },
): Promise<Config['providers'] | undefined> {
  const base = await baseCommit(project.root, options)
  const text = base && (await fileAt(project.root, base.commit, basename(project.file)))
  if (!text) return undefined
  const { parse } = await import('yaml')
  try {
    return Config.safeParse(parse(text)).data?.providers
  } catch {
    return undefined
  }
}

function refusal(hazards: readonly string[]) {
  return {
    sentence: `Not evaluated: the code comes from a fork, secrets are within its reach, and ${[...new Set(hazards)].slice(0, 5).join('; ')}.`,
    mend: 'Look at the change and run it in the merge queue or on a branch of this repository; for forks use the event pull_request, which has no secrets.',
  }
}

function noSecrets(missing: readonly string[], { foreign, name }: ActionEvent) {
  return {
    sentence: `Not evaluated: ${missing.join(', ')} ${missing.length === 1 ? 'is' : 'are'} not set${foreign ? ', as a fork gets no secrets' : ''}. This is no verdict about the change.`,
    mend: foreign
      ? 'Let the merge queue (merge_group) evaluate it, or a maintainer run it on a branch of this repository; on-missing-secrets: offline replays recorded answers instead.'
      : `Set it under env of the step from the secrets of the repository${name === 'pull_request' ? ' (for Dependabot: from its own secrets)' : ''}.`,
  }
}
