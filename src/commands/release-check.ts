// aigate release check: is everything that a rollback needs still there?
import { findRelease } from '../decide/releases.ts'
import { type Found, lastKnownGood, rollbackNeeds } from '../decide/rollback-needs.ts'
import { needsText } from '../decide/release-text.ts'
import type { Context, Ending, Project } from '../ports.ts'
import { bareEnv, runProgram } from '../run/programs.ts'
import { providerIdentity } from '../run/address.ts'
import type { ReleaseManifest } from '../schema/release.ts'
import { findReleasedPrompt } from '../store/released-prompt.ts'
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
  const found = await look(context, project, target)
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

async function look(context: Context, project: Project, target: ReleaseManifest): Promise<Found> {
  const prompts = []
  for (const prompt of target.prompts) {
    const found = await findReleasedPrompt(project, prompt, target.git?.commit ?? null)
    prompts.push({ prompt, found: found?.where ?? null })
  }
  const components: Found['components'][string][] = []
  for (const [name, { version }] of Object.entries(target.components))
    components.push(await runCheck(context, project, project.config.releases.checks[name], version))
  const names = Object.keys(target.components)
  const listing = listings(context, project.config)
  const models: Found['models'][number][] = []
  for (const model of target.models) {
    const provider = project.config.providers[model.provider]
    const base_url = provider && providerIdentity(provider).base_url
    models.push({ model, base_url, listing: await listing(model) })
  }
  return { prompts, models, components: Object.fromEntries(names.map((name, i) => [name, components[i] ?? null])) }
}

/** Runs a check command of aigate.yaml in its folder; `{version}` in an argument becomes the version. */
async function runCheck(context: Context, project: Project, command: string[] | undefined, version: string) {
  if (!command) return null
  const argv = command.map((part) => part.replaceAll('{version}', version))
  const late = AbortSignal.timeout(CHECK_MS)
  const signal = AbortSignal.any([late, context.signal])
  const env = bareEnv(context.env, Object.keys(context.env))
  const ended = await runProgram({ argv, stdin: '', cwd: project.root, env, maxOutput: 1_000_000, signal })
  const first = `${ended.stdout}\n${ended.stderr}`.trim().split('\n')[0]?.slice(0, 200) ?? ''
  const shown = argv.join(' ')
  if (late.aborted) return { ok: false, said: `${shown} did not end within ${CHECK_MS / 1000} s` }
  if (ended.exitCode === 0) return { ok: true, said: first === '' ? shown : `${shown}: ${first}` }
  return {
    ok: false,
    said: `${shown}: ${ended.problem ?? `exit ${ended.exitCode}`}${first === '' ? '' : `: ${first}`}`,
  }
}
