// aigate release bisect: which release broke this case? Asks only the releases and trials that the answer needs.
import { join } from 'node:path'
import { bisect, bisectable, majority, type Seen } from '../../decide/release/bisect.ts'
import { releasesBetween } from '../../decide/release/releases.ts'
import { bisectSentence, bisectText } from '../../decide/release/release-text.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Ending, LoadedSuite, Project } from '../../ports.ts'
import { buildProvider } from '../../run/build-provider.ts'
import { newBudget, runPass } from '../../run/engine.ts'
import { expander } from '../../run/expand.ts'
import { snapshotTarget } from '../../run/snapshot.ts'
import type { ReleaseManifest } from '../../schema/release.ts'
import type { Observation } from '../../schema/run.ts'
import { choose, didYouMean } from '../../store/faults.ts'
import { loadReleasedPrompt } from '../../store/released-prompt.ts'
import { createRun } from '../../store/run-journal.ts'
import { loadSuites } from '../../store/suites.ts'
import { assertGradable } from '../gradable.ts'
import { openSession, type Session } from '../gate/session.ts'
import { finisher } from '../gate/finish-answer.ts'
import { headerOf } from '../gate/run-header.ts'
import { suiteRecordings } from '../gate/suite-recordings.ts'
import { budgetOf, type Limited } from '../options.ts'
import { openLedger, say } from './release.ts'

type BisectOptions = Limited & {
  config?: string
  json?: boolean
  env: string
  case: string
  suite?: string
  trials: number
  seed?: number
  record?: boolean
  offline?: boolean
}

/** @returns pass when the release was found, invalid when the case could not be measured, inconclusive otherwise */
export async function bisectCommand(
  context: Context,
  [good, bad]: readonly [string, string],
  options: BisectOptions,
): Promise<Ending> {
  const { project, records } = await openLedger(context, options)
  const suite = await suiteOf(project, options)
  const k = options.trials
  if (k % 2 === 0)
    throw new AigateError('usage', {
      problem: `--trials ${k} has no majority.`,
      mend: `Write an odd number, for example ${k + 1}.`,
    })
  const releases = releasesBetween(records, { good, bad, env: options.env })
  const cells = bisectable(releases, suite.suite.suite)
  const { case: _case, suite: _suite, trials: _trials, json: _json, env: _env, ...asking } = options
  const out = join(project.root, '.aigate', 'bisect')
  const session = openSession(context, project, { ...asking, out }, newBudget(budgetOf(project, options)), [], [])
  const found = await bisect(cells, ({ release, hash }) => askRelease(session, suite, { release, hash, k }))
  if (context.signal.aborted) return 'interrupted'
  const asked = { case: `${suite.suite.suite}/${options.case}`, k, releases: releases.length }
  const { before, broke, outcome, steps } = found
  const value = {
    aigate: 'release-bisection',
    ...asked,
    outcome,
    before: before?.id ?? null,
    broke: broke?.id ?? null,
    steps,
  }
  say(context, options.json, { ...value, sentence: bisectSentence(found, asked) }, bisectText(found, asked))
  if (outcome === 'found') return 'pass'
  return outcome === 'not_measured' ? 'invalid' : 'inconclusive'
}

/** The suite of today with nothing but the wanted case: today's ruler judges every release. */
async function suiteOf(project: Project, options: BisectOptions): Promise<LoadedSuite> {
  const suites = await loadSuites(project, { suites: options.suite === undefined ? [] : [options.suite] })
  const having = suites.filter(({ cases }) => cases.some(({ info }) => info.id === options.case))
  const [suite] = having
  const known = suites.flatMap(({ cases }) => cases.map(({ info }) => info.id))
  if (!suite)
    throw new AigateError('usage', {
      problem: `There is no case "${options.case}"${didYouMean(options.case, known)}.`,
      mend: choose(options.case, known, 'cases', 'Write a case first.'),
    })
  if (having.length > 1) {
    const names = having.map((one) => one.suite.suite).join(', ')
    throw new AigateError('usage', {
      problem: `Several suites have a case ${options.case}: ${names}.`,
      mend: 'Name one with --suite.',
    })
  }
  const one = { ...suite, cases: suite.cases.filter(({ info }) => info.id === options.case) }
  await assertGradable([one])
  return one
}

/** The suite as the release would have asked it: its prompt, its model, its parameters. */
async function asReleased(session: Session, suite: LoadedSuite, release: ReleaseManifest): Promise<LoadedSuite> {
  const { project } = session
  const { target } = suite
  const snapshot = release.suites.find((one) => one.suite === suite.suite.suite)?.target
  const released = release.prompts.find(({ hash }) => hash === snapshot?.prompt?.hash)
  if (target.kind !== 'prompt' || !snapshot?.model || !released)
    throw new AigateError('usage', {
      problem: `Release ${release.id} holds no prompt and model for ${suite.suite.suite}.`,
      mend: 'Only suites whose target is a prompt can be asked again as they were released.',
    })
  const { name, provider, id, params } = snapshot.model
  const config = project.config.providers[provider]
  if (!config)
    throw new AigateError('usage', {
      problem: `aigate.yaml has no provider "${provider}" any more, which release ${release.id} asks.`,
      mend: 'Add it again.',
    })
  const prompt = await loadReleasedPrompt(project, released, release.git?.commit ?? null)
  const pin = { ...project.config.models[name], provider, id, params }
  return { ...suite, target: { ...target, prompt, model: { name, pin }, params, provider: { name: provider, config } } }
}

type Asked = { release: ReleaseManifest; hash: string; k: number }

/** Asks one release a trial at a time until the majority of `k` is settled. Every answer is saved before it is graded. */
async function askRelease(
  session: Session,
  now: LoadedSuite,
  { release, hash, k }: Asked,
): Promise<Omit<Seen, 'release'>> {
  const { context, options, seed, budget } = session
  const suite = await asReleased(session, now, release)
  if (snapshotTarget(suite.target).hash !== hash)
    context.stderr.write(
      `warning: ${release.id} was released with other tools or another response format than the suite has now.\n`,
    )
  const recordings = await suiteRecordings(session, suite)
  const settings = { record: options.record === true, offline: options.offline === true, recordings }
  const provider = await buildProvider(suite, { env: context.env, clock: context, ...settings })
  const journal = await createRun(
    session.folder,
    await headerOf(session, suite, { baseline: null, file: null, partial: true }),
  )
  const observations: Observation[] = []
  const finish = finisher({ session, suite, journal, observations })
  const ask = await expander(suite.target)
  const seen = { passes: 0, fails: 0, errors: 0 }
  let stopped: string | undefined
  for (let trial = 1; trial <= k && majority(seen, k) === undefined && stopped === undefined; trial += 1) {
    const requests = suite.cases.map((each) => ask(each.case, trial))
    const onCompletion = async (
      ...[request, completion]: Parameters<Parameters<typeof runPass>[0]['onCompletion']>
    ) => {
      const { passed } = await finish(request, completion, 'pass')
      if (passed === null) seen.errors += 1
      else if (passed) seen.passes += 1
      else seen.fails += 1
    }
    const { signal } = context
    const pass = await runPass({ requests, provider, seed: seed + trial, signal, clock: context, budget, onCompletion })
    stopped = pass.stopped?.message
  }
  await journal.end({ complete: stopped === undefined, stopped })
  if (options.record) await recordings.save()
  if (stopped !== undefined) context.stderr.write(`${release.id}: ${stopped}\n`)
  return { ...seen, passed: majority(seen, k) ?? null }
}
