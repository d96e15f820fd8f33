// aigate canary plan, simulate and selftest: what a rollout plan is able to find, before anybody is served the candidate.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { limitsOf } from '../../decide/rollout/criterion.ts'
import { planFeasibility } from '../../decide/rollout/feasibility.ts'
import { pastTraffic } from '../../decide/rollout/past-traffic.ts'
import { selfTest } from '../../decide/rollout/self-test.ts'
import { simulateRollout } from '../../decide/rollout/simulate.ts'
import type { Traffic } from '../../decide/rollout/traffic.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Ending, LoadedPlan, Project } from '../../ports.ts'
import { feasibilityText, simulationText } from '../../report/feasibility.ts'
import type { Reading } from '../../schema/rollout-journal.ts'
import { loadProject } from '../../store/project.ts'
import { loadPlan } from '../../store/rollout-plan.ts'
import type { CanaryOptions } from './canary-session.ts'
import { say } from '../versions/release.ts'

type PastOptions = CanaryOptions & { since: number }

async function openPlan(context: Context, name: string | undefined, options: CanaryOptions) {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const loaded = await loadPlan(project, name)
  const { rollout, strategy = 'canary' } = loaded.plan
  if (strategy !== 'canary')
    throw new AigateError('usage', {
      problem: `The rollout ${rollout} is ${strategy}: no two arms run at the same time, so there is no comparison to plan`,
      mend: 'See docs/rollouts.md for what is watched instead.',
    })
  return { project, loaded }
}

/**
 * Reads the source of a plan from `since` milliseconds ago until now, leaving nothing behind. `plain`: events that say no arm
 * count as the baseline's, for before the first rollout there is no arm to log.
 */
export async function readPast(
  context: Context,
  project: Project,
  { plan }: LoadedPlan,
  { since, plain = false }: { since: number; plain?: boolean },
): Promise<Reading> {
  const { openSource } = await import('../../observe/registry.ts')
  const source = openSource(plan.source, { root: project.root, env: context.env })
  const until = context.now().getTime()
  const folder = await mkdtemp(join(tmpdir(), 'aigate-past-'))
  try {
    return await source.read({
      plan,
      cursor: null,
      since: until - since,
      until,
      closed: null,
      folder,
      changes: [],
      limits: limitsOf(plan),
      past: plain,
      signal: context.signal,
    })
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** The usual traffic; what the source notes of it is a warning. */
async function traffic(context: Context, project: Project, loaded: LoadedPlan, since: number): Promise<Traffic> {
  const { blocks, notes } = await readPast(context, project, loaded, { since, plain: true })
  for (const note of notes) context.stderr.write(`warning: ${note}\n`)
  const found = pastTraffic(loaded.plan, blocks)
  if (found) return found
  const problem = `it has no event of the last ${Math.round(since / 3_600_000)} hours`
  throw new AigateError('source_failed', {
    problem,
    mend: 'Let the application log its events first, or widen --since.',
  })
}

/** @returns inconclusive where a stage can never conclude with this traffic */
export async function planCommand(context: Context, name: string | undefined, options: PastOptions): Promise<Ending> {
  const { project, loaded } = await openPlan(context, name, options)
  const usual = await traffic(context, project, loaded, options.since)
  const feasible = planFeasibility(loaded.plan, usual)
  const view = { rollout: loaded.plan.rollout, traffic: usual, ...feasible }
  say(context, options.json, { aigate: 'rollout-feasibility', ...view }, feasibilityText(view))
  return feasible.total_hours === null ? 'inconclusive' : 'pass'
}

type SimulateOptions = PastOptions & { runs: number; ratio: number; seed: number }

/** Simulates the plan with this traffic, for a good candidate and for one that is `ratio` times as bad. */
export async function simulateCommand(
  context: Context,
  name: string | undefined,
  options: SimulateOptions,
): Promise<Ending> {
  const { project, loaded } = await openPlan(context, name, options)
  const { plan } = loaded
  const usual = await traffic(context, project, loaded, options.since)
  const { runs, ratio, seed } = options
  const each = (before: number) => (done: number) => {
    if (context.stderr.isTTY) context.stderr.write(`\r${before + done} of ${2 * runs} rollouts simulated`)
  }
  const good = simulateRollout(plan, usual, { seed, runs, ratio: 1, each: each(0) })
  const bad = simulateRollout(plan, usual, { seed, runs, ratio, each: each(runs) })
  if (context.stderr.isTTY) context.stderr.write('\r\u001b[K')
  const value = { aigate: 'rollout-simulation', rollout: plan.rollout, seed, ratio, traffic: usual, good, bad }
  say(context, options.json, value, simulationText(plan.rollout, ratio, good, bad))
  return 'pass'
}

/** @returns fail where a made-up candidate gets the wrong verdict: such a plan, or such an aigate, must not decide */
export async function selfTestCommand(
  context: Context,
  name: string | undefined,
  options: CanaryOptions,
): Promise<Ending> {
  const { loaded } = await openPlan(context, name, options)
  const { ok, checks } = selfTest(loaded.plan)
  const lines = checks.map(({ what, expected, got, ok: right }) =>
    right ? `  right: ${what}: ${got}\n` : `  WRONG: ${what}: ${got} instead of ${expected}\n`,
  )
  const { rollout } = loaded.plan
  say(context, options.json, { aigate: 'rollout-selftest', rollout, ok, checks }, `${rollout}\n${lines.join('')}`)
  return ok ? 'pass' : 'fail'
}
