// The checks before a blue-green switch: made when they are due, and written into the journal, whatever they come to.
import { dueChecks } from '../../decide/rollout/pre-checks.ts'
import { planOf } from '../../decide/rollout/state.ts'
import { evidenceFor, evidenceOutcome } from '../../decide/release/release-evidence.ts'
import { healthOutcome } from '../../decide/health/health.ts'
import { AigateError } from '../../errors.ts'
import type { LoadedSuite } from '../../ports.ts'
import { askOnce, fewAtATime, liveProvider } from '../../run/ask-once.ts'
import { expander } from '../../run/expand.ts'
import { namesIn, redactor, secretNames } from '../../run/redact.ts'
import { snapshotTarget } from '../../run/snapshot.ts'
import type { PreCheckName } from '../../schema/rollout-journal.ts'
import type { RolloutPlan } from '../../schema/rollout.ts'
import type { Outcome } from '../../schema/verdict.ts'
import { loadSuites } from '../../store/suites.ts'
import { record, type Session } from '../rollout/canary-session.ts'
import { askHealth } from '../guard/health.ts'
import { witnessesOf } from '../versions/release.ts'
import { judgeShadow } from '../guard/shadow.ts'

type Found = { outcome: Outcome; said: string }
const WARM_AT_A_TIME = 4

const checks: Record<PreCheckName, (session: Session, plan: RolloutPlan) => Promise<Found>> = {
  gate: gateCheck,
  shadow: async ({ context, project }, plan) => {
    const { outcome, reasons } = await judgeShadow(context, project, plan.pre_check?.shadow)
    return { outcome, said: reasons[0] ?? outcome }
  },
  health: healthCheck,
  'warm-up': warmUp,
}

/** Makes the checks that are due and records each. One that cannot be made is `invalid`, and holds the switch. */
export async function makePreChecks(session: Session): Promise<void> {
  for (const check of dueChecks(session.state, session.context.now().getTime())) {
    if (session.context.signal.aborted) return
    const { outcome, said } = await attempt(session, check)
    if (session.context.signal.aborted) return
    record(session, { kind: 'checked', check, outcome, said: said.slice(0, 500) })
  }
}

async function attempt(session: Session, check: PreCheckName): Promise<Found> {
  try {
    return await checks[check](session, planOf(session.state))
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    return { outcome: 'invalid', said: error.message }
  }
}

/** The suites with the prompt and the model of the release, where it names any and they fit. */
async function releasedSuites(
  { project }: Session,
  plan: RolloutPlan,
  names: readonly string[],
): Promise<LoadedSuite[]> {
  const suites: LoadedSuite[] = []
  for (const name of names) {
    const [own] = await loadSuites(project, { suites: [name] })
    if (own === undefined) continue
    if (own.target.kind !== 'prompt') {
      suites.push(own)
      continue
    }
    const prompt = componentFor(plan, 'prompt', (version) => version.split('@')[0] === promptOf(own))
    const model = componentFor(plan, 'model', () => true)
    const overrides = { prompt, model: model === undefined ? undefined : nameOfModel(project, model) }
    suites.push(...(await loadSuites(project, { suites: [name], overrides })))
  }
  return suites
}

/** The name of a model in the registry; a plan may also write its id. */
const nameOfModel = ({ config: { models } }: Session['project'], written: string) =>
  Object.hasOwn(models, written)
    ? written
    : (Object.entries(models).find(([, { id }]) => id === written)?.[0] ?? written)
const promptOf = ({ target }: LoadedSuite) => (target.kind === 'prompt' ? target.prompt.name : undefined)

/** The version of `kind` (or `kind/part`) in the release that fits. */
function componentFor({ release }: RolloutPlan, kind: string, fits: (version: string) => boolean): string | undefined {
  const found = Object.entries(release).find(
    ([name, version]) => (name === kind || name.startsWith(`${kind}/`)) && fits(version),
  )
  return found?.[1]
}

/** The newest whole run of each suite that asked the very release, judged by the policy of today. */
async function gateCheck(opened: Session, plan: RolloutPlan): Promise<Found> {
  const { context, project } = opened
  const components = project.config.components ?? {}
  const suites = await releasedSuites(opened, plan, plan.pre_check?.gate ?? [])
  const witnesses = await witnessesOf(context, project, [])
  const found = suites.map((loaded) => {
    const { suite, version } = loaded.suite
    const target = snapshotTarget(loaded.target, components)
    const cases = loaded.cases.map(({ info }) => info.hash)
    const released = { cases, trials: loaded.suite.trials, policy: loaded.policy }
    return evidenceFor({ suite, version, cases: cases.length, target }, { loaded: released, components, witnesses })
  })
  const outcome = evidenceOutcome(found)
  const worst = found.find((one) => one.outcome === outcome)
  return { outcome, said: worst ? `suite ${worst.suite}: ${worst.reason}` : 'no suite was found' }
}

async function healthCheck(opened: Session, plan: RolloutPlan): Promise<Found> {
  const { context, project } = opened
  const asked = plan.pre_check?.health
  const loaded = Array.isArray(asked) ? await releasedSuites(opened, plan, asked) : undefined
  const rows = await askHealth(context, project, loaded === undefined ? {} : { loaded })
  const outcome = healthOutcome(rows)
  const bad = rows.find((one) => one.outcome === outcome)
  const well = `${rows.length} of ${rows.length} are healthy`
  return { outcome, said: outcome === 'pass' ? well : bad ? `${bad.name}: ${bad.said}` : 'nobody was asked' }
}

/** Real questions to the release, the first cases of a suite over and over: each must be answered, rightly or not. */
async function warmUp(opened: Session, plan: RolloutPlan): Promise<Found> {
  const { context, project } = opened
  if (plan.warm_up === undefined) return { outcome: 'pass', said: 'no warm-up is asked for' }
  const { suite: name, requests } = plan.warm_up
  const [suite] = await releasedSuites(opened, plan, [name])
  if (suite === undefined || suite.cases.length === 0) return { outcome: 'invalid', said: `suite ${name} has no case` }
  const provider = await liveProvider(suite, { env: context.env, clock: context })
  if (provider === null) return { outcome: 'invalid', said: 'its provider only replays recordings' }
  const ask = await expander(suite.target)
  const all = Array.from({ length: requests }, (_, i) => suite.cases[i % suite.cases.length]?.case)
  const limit = Math.min(WARM_AT_A_TIME, provider.concurrency)
  const answers = await fewAtATime(all, limit, async (one) =>
    one === undefined ? null : askOnce(provider, ask(one, 1), provider.timeout_ms, context.signal),
  )
  const lost = answers.filter((one) => one === null || one.outcome === 'error' || one.outcome === 'timeout')
  const slowest = Math.max(0, ...answers.map((one) => one?.latency_ms ?? 0))
  if (lost.length === 0)
    return { outcome: 'pass', said: `${requests} answered, the slowest in ${Math.round(slowest)} ms` }
  const redact = redactor(context.env, [...secretNames(project.config), ...namesIn(JSON.stringify(suite.target))])
  const why = lost[0]?.error?.message ?? 'no answer in time'
  return { outcome: 'fail', said: redact(`${lost.length} of ${requests} were not answered: ${why}`) }
}
