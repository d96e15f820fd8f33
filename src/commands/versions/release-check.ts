// aigate release check: is everything that a rollback needs still there?
import { findRelease } from '../../decide/release/releases.ts'
import { type Found, lastKnownGood, rollbackNeeds } from '../../decide/rollback/rollback-needs.ts'
import { needsText } from '../../decide/release/release-text.ts'
import type { Context, Ending, Project } from '../../ports.ts'
import { bareEnv, runProgram } from '../../run/programs.ts'
import { providerIdentity } from '../../run/address.ts'
import type { ReleaseManifest } from '../../schema/release.ts'
import { findReleasedPrompt } from '../../store/released-prompt.ts'
import { listings } from './model.ts'
import { openLedger, say } from './release.ts'

type CheckOptions = { config?: string; json?: boolean; env: string; to?: string }

/** A check command that takes longer has not found the component. */
const CHECK_MS = 30_000

/** @returns fail when something is missing; invalid when there is no release to go back to */
export async function releaseCheckCommand(context: Context, options: CheckOptions): Promise<Ending> {
  const { project, records } = await openLedger(context, options)
  const target =
    options.to === undefined ? lastKnownGood(records, options.env) : findRelease(records, options.to, options.env)
  if (!target) {
    const text = `There is no release of ${options.env} before the current one that passed: there is nothing to go back to.\n`
    say(context, options.json, { aigate: 'rollback-check', env: options.env, to: null, needs: [] }, text)
    return 'invalid'
  }
  const found = await lookForParts(context, project, target)
  const needs = rollbackNeeds(target, { records, config: project.config, found, now: context.now() })
  const ok = needs.every(({ state }) => state !== 'missing')
  say(
    context,
    options.json,
    { aigate: 'rollback-check', env: options.env, to: target.id, ok, needs },
    needsText(target, needs),
  )
  return ok ? 'pass' : 'fail'
}

/**
 * Looks for every part of a release, all at once. `limit`: milliseconds for one check command; with `late: 'unknown'` one
 * that does not end says nothing, instead of that the part is missing.
 */
export async function lookForParts(
  context: Context,
  project: Project,
  target: ReleaseManifest,
  { limit = CHECK_MS, late = 'missing' }: { limit?: number; late?: 'missing' | 'unknown' } = {},
): Promise<Found> {
  const prompts = target.prompts.map(async (prompt) => {
    const found = await findReleasedPrompt(project, prompt, target.git?.commit ?? null)
    return { prompt, found: found?.where ?? null }
  })
  const components = Object.entries(target.components).map(async ([name, { version }]) => {
    const result = await runCheck(context, project, { command: project.config.releases.checks[name], version, limit })
    return [name, result?.late && late === 'unknown' ? null : result] as const
  })
  const listing = listings(context, project.config)
  const models = target.models.map(async (model) => {
    const provider = project.config.providers[model.provider]
    const base_url = provider && providerIdentity(provider).base_url
    return { model, base_url, listing: await inTime(listing(model), limit) }
  })
  return {
    prompts: await Promise.all(prompts),
    models: await Promise.all(models),
    components: Object.fromEntries(await Promise.all(components)),
  }
}

/** A provider that does not answer is not asked: what is wanted may be urgent. */
async function inTime<T>(asked: Promise<T>, limit: number): Promise<T | { kind: 'not_asked'; reason: string }> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<{ kind: 'not_asked'; reason: string }>((resolve) => {
    timer = setTimeout(() => resolve({ kind: 'not_asked', reason: `no answer within ${limit / 1000} s.` }), limit)
  })
  return Promise.race([asked, late]).finally(() => clearTimeout(timer))
}

type Check = { command: string[] | undefined; version: string; limit: number }

/** Runs a check command of aigate.yaml in its folder; `{version}` in an argument becomes the version. */
async function runCheck(context: Context, project: Project, { command, version, limit }: Check) {
  if (!command) return null
  const argv = command.map((part) => part.replaceAll('{version}', version))
  const late = AbortSignal.timeout(limit)
  const signal = AbortSignal.any([late, context.signal])
  const env = bareEnv(context.env, Object.keys(context.env))
  const ended = await runProgram({ argv, stdin: '', cwd: project.root, env, maxOutput: 1_000_000, signal })
  const first = `${ended.stdout}\n${ended.stderr}`.trim().split('\n')[0]?.slice(0, 200) ?? ''
  const shown = argv.join(' ')
  if (late.aborted) return { ok: false, late: true, said: `${shown} did not end within ${limit / 1000} s` }
  if (ended.exitCode === 0) return { ok: true, late: false, said: first === '' ? shown : `${shown}: ${first}` }
  return {
    ok: false,
    late: false,
    said: `${shown}: ${ended.problem ?? `exit ${ended.exitCode}`}${first === '' ? '' : `: ${first}`}`,
  }
}
