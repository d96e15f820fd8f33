// What the action may do with its secrets: which are there, which are missing, and whose code would see them.
import { AigateError } from '../../errors.ts'
import type { Context } from '../../ports.ts'
import { neededKeys } from '../../run/needed-keys.ts'
import { bareEnv } from '../../run/programs.ts'
import { namesIn, secretNames } from '../../run/redact.ts'
import { loadProject } from '../../store/project.ts'
import { loadSuites } from '../../store/suites.ts'
import type { ActionEvent } from './action-event.ts'
import { addressHazards, baseConfig, budgetWords, codeHazards, linksOut } from './action-fork.ts'
import type { ActionInputs } from './action-inputs.ts'

type Env = Context['env']

/** How to go on. `env` is all that the gate sees. */
export type Trust = {
  /** Values to hide in the log. */
  masked: string[]
  /** Folder of the configuration; undefined when it cannot be read, which the gate itself then says. */
  root: string | undefined
  env: Record<string, string | undefined>
  /** Words of `aigate eval` that bound what a fork may spend. */
  spend?: readonly string[] | undefined
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
  let spend: string[] = []
  if (event.foreign && (event.privileged || present.length > 0)) {
    const base = await baseConfig(project, { env, ref: event.baseSha })
    const hazards = [...codeHazards(suites), ...addressHazards(suites, base)]
    if (hazards.length > 0) return { ...found, env: {}, refused: refusal(hazards) }
    spend = base ? budgetWords(base) : []
  }
  const open = event.foreign ? bareEnv(env, [...forForeign, ...known]) : withoutRunner(env, known)
  const missing = [...new Set(suites.flatMap((suite) => neededKeys(suite)))].filter((name) => (env[name] ?? '') === '')
  if (missing.length === 0 || inputs.offline) return { ...found, env: open, spend }
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
