// aigate health: one real question to every model that is in use and to every application, with latency, tokens and cost.
import { healthOutcome, judgeHealth, modelsInUse, smokeCase, type UsedModel } from '../../decide/health/health.ts'
import { findRelease } from '../../decide/release/releases.ts'
import type { AskRequest, Context, Ending, LoadedSuite, Project } from '../../ports.ts'
import { healthTable } from '../../report/health.ts'
import type { Asked } from '../../run/build-provider.ts'
import { askOnce, fewAtATime, liveProvider, missingVariables } from '../../run/ask-once.ts'
import { expander } from '../../run/expand.ts'
import { graderTools } from '../../run/grader-tools.ts'
import { namesIn, redactCompletion, redactor, secretNames } from '../../run/redact.ts'
import { snapshotTarget } from '../../run/snapshot.ts'
import { HealthConfig, type HealthRow } from '../../schema/health.ts'
import type { Completion } from '../../schema/run.ts'
import type { ReleaseManifest } from '../../schema/release.ts'
import type { Case } from '../../schema/suite.ts'
import { grade } from '../../score/grade.ts'
import { releasesFolder, soundRecords } from '../../store/ledger.ts'
import { loadProject } from '../../store/project.ts'
import { loadSuites, suiteNames } from '../../store/suites.ts'
import { say } from '../versions/release.ts'

export type HealthOptions = { config?: string; json?: boolean; env?: string }
type Probe = {
  kind: HealthRow['kind']
  name: string
  asked: string
  question: string
  suite: Asked
  ask: AskRequest | null
}

/** Asks and prints. @returns fail where something is unhealthy, invalid where something could not be asked */
export async function healthCommand(context: Context, options: HealthOptions): Promise<Ending> {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const rows = await askHealth(context, project, { env: options.env })
  if (context.signal.aborted) return 'interrupted'
  const outcome = healthOutcome(rows)
  say(context, options.json, { aigate: 'health', outcome, rows }, healthTable(rows))
  return outcome
}

/**
 * Asks everything that is in use; `env`: what the current release of that environment holds; `suites`: only the targets
 * of these. Which variables are missing is said on stderr before anybody is asked.
 */
export async function askHealth(
  context: Context,
  project: Project,
  { env, suites: named, loaded }: { env?: string | undefined; suites?: readonly string[]; loaded?: LoadedSuite[] },
): Promise<HealthRow[]> {
  const release = env === undefined ? null : findRelease(soundRecords(releasesFolder(project)), 'current', env)
  const suites = loaded ?? (await suitesOf(project, named ?? release?.suites.map(({ suite }) => suite)))
  const config = project.config.health ?? HealthConfig.parse({})
  const whole = named === undefined && loaded === undefined
  const probes = await probesOf(project, suites, { config, release, whole })
  const missing = [...new Set(probes.flatMap(({ suite }) => missingVariables(suite, context.env)))]
  if (missing.length > 0)
    context.stderr.write(`warning: not set in the environment: ${missing.toSorted().join(', ')}.\n`)
  return fewAtATime(probes, config.concurrency, (probe) => askProbe(context, project, probe, config))
}

/** The suites that are named, or all; a project may have none. */
async function suitesOf(project: Project, named: readonly string[] | undefined): Promise<LoadedSuite[]> {
  if ((named ?? []).length === 0 && (await suiteNames(project))?.length === 0) return []
  return loadSuites(project, { suites: named ?? [] })
}

type Asking = { config: HealthConfig; release: ReleaseManifest | null; whole: boolean }

async function probesOf(project: Project, suites: LoadedSuite[], asking: Asking): Promise<Probe[]> {
  const { config, release, whole } = asking
  // Of named suites only their own models are asked, not where one would go back to.
  const used = modelsInUse(project.config, suites, release).filter(
    ({ suite, why }) => whole || (suite && why.startsWith('suite ')),
  )
  const models: Probe[] = []
  for (const model of used) models.push(await modelProbe(project, model, config))
  const applications: Probe[] = []
  const seen = new Set<string>()
  for (const suite of suites) {
    const { label: asked, hash } = snapshotTarget(suite.target)
    if (suite.target.kind === 'prompt' || seen.has(hash)) continue
    seen.add(hash)
    const asks = smokeCase(suite)
    const ask = asks && (await expander(suite.target))(asks, 1)
    const { suite: name } = suite.suite
    applications.push({ kind: 'application', name, asked, question: asks ? `case ${asks.id}` : 'none', suite, ask })
  }
  return [...models, ...applications]
}

/** A model behind the prompt and case of a suite, or behind the bare question of the configuration. */
async function modelProbe(project: Project, { name, pin, suite }: UsedModel, config: HealthConfig): Promise<Probe> {
  const provider = project.config.providers[pin.provider]
  const prompt = { name: 'health', version: '0.0.0', input: [], file: 'aigate.yaml', hash: '', messages: [] }
  const own = suite?.target.kind === 'prompt' ? suite.target : { prompt, tools: undefined, response_format: undefined }
  const target: LoadedSuite['target'] = {
    ...(config.question === undefined ? own : { prompt }),
    kind: 'prompt',
    model: { name, pin },
    params: pin.params,
    provider: { name: pin.provider, config: provider ?? { type: 'replay' } },
  }
  const framed: Asked = { dir: suite?.dir ?? project.root, target }
  const written = smokeCase(suite)
  const asks = config.question === undefined ? written : bareCase(config.question, config.expect)
  const question = config.question === undefined ? (written ? `case ${written.id}` : 'none') : 'health.question'
  const ask = asks && (await expander(target))(asks, 1)
  return { kind: 'model', name, asked: pin.id, question, suite: framed, ask }
}

function bareCase(content: string, assert: Case['assert']): Case {
  const messages: Case['messages'] = [{ role: 'user', content }]
  return { id: 'health', tags: [], critical: false, vars: {}, messages, assert }
}

async function askProbe(context: Context, project: Project, probe: Probe, config: HealthConfig): Promise<HealthRow> {
  const { kind, name, asked, question, suite, ask } = probe
  const nothing = { latency_ms: null, input_tokens: null, output_tokens: null, cost_usd: null, response_model: null }
  const row = { kind, name, asked, question }
  const unasked = (said: string): HealthRow => ({ ...row, outcome: 'invalid', said, ...nothing })
  if (ask === null) return unasked('There is no question: write `health: {question: …}` in aigate.yaml, or a case.')
  const provider = await liveProvider(suite, { env: context.env, clock: context })
  if (provider === null) return unasked('Its provider only replays recordings: there is nobody to ask.')
  const raw = await askOnce(provider, ask, Math.min(config.timeout, provider.timeout_ms), context.signal)
  const redact = redactor(context.env, [...secretNames(project.config), ...namesIn(JSON.stringify(suite.target))])
  const completion = redactCompletion(raw, redact)
  const graded = await gradeProbe(context, probe, completion)
  const { outcome, said } = judgeHealth(completion, graded, config)
  return {
    ...row,
    outcome,
    said: redact(said),
    latency_ms: completion.latency_ms ?? null,
    input_tokens: completion.usage?.input_tokens ?? null,
    output_tokens: completion.usage?.output_tokens ?? null,
    cost_usd: completion.cost_usd ?? null,
    response_model: completion.response_model ?? null,
  }
}

async function gradeProbe({ env }: Context, { suite, ask }: Probe, completion: Completion) {
  if (ask === null || ask.case.assert.length === 0) return null
  const { passed, scores, grader_error } = await grade(
    ask.case,
    completion,
    graderTools({ dir: suite.dir, env }),
    ask.messages,
  )
  const wrong = scores.find((one) => !one.passed)
  return { passed, reason: grader_error ?? wrong?.reason ?? 'no assertion was judged' }
}
