// aigate cases: which cases are flaky, what a case did before, and which do not count for now.
import { quarantineEffect, quarantinePlan, releaseEffect } from '../decide/flaky/quarantine-plan.ts'
import { type CaseRecord, flakyReport, type FlakyReport } from '../decide/flaky/flaky.ts'
import { flakyText, historyText } from '../decide/flaky/flaky-text.ts'
import { AigateError } from '../errors.ts'
import type { Context, Ending, LoadedSuite, Project } from '../ports.ts'
import { choose, didYouMean } from '../store/faults.ts'
import { loadProject } from '../store/project.ts'
import { readQuarantineFile, sameCase, textWith, textWithout } from '../store/quarantine-file.ts'
import { recentRuns } from '../store/run-journal.ts'
import { loadSuites } from '../store/suites.ts'
import { writeText } from '../store/write-text.ts'
import { storedBaseline } from './gate/judge-run.ts'

type Options = { config?: string; json?: boolean }
type QuarantineOptions = Options & { owner: string; reason: string; until: string; allowCritical?: boolean }

/** Stored runs that are looked at; each is read whole. */
const MOST_STORED = 50

/** Lists the cases that passed and failed under one configuration. Listing finds fault with nobody: it always passes. */
export async function flakyCommand(context: Context, names: string[], options: Options): Promise<Ending> {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const reports = await reportsOf(context, project, await loadSuites(project, { suites: names }))
  if (options.json) say(context, { aigate: 'flaky', version: 1, suites: reports })
  else context.stdout.write(reports.map(flakyText).join('\n'))
  return 'pass'
}

/** Shows one case in every accepted and stored run that saw it as it is now. */
export async function historyCommand(context: Context, suite: string, id: string, options: Options): Promise<Ending> {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const suites = await loadSuites(project, { suites: [suite] })
  const { loaded } = caseIn(suites, id)
  const [report] = await reportsOf(context, project, [loaded])
  const found: CaseRecord | undefined = report?.cases.find((one) => one.id === id)
  if (!report || !found) return 'pass'
  if (options.json) say(context, { aigate: 'case-history', version: 1, suite: report.suite, case: found })
  else context.stdout.write(historyText(report.suite, found))
  return 'pass'
}

/** Adds a case to the quarantine list, or renews an entry that has expired. */
export async function quarantineCommand(
  context: Context,
  suite: string,
  id: string,
  options: QuarantineOptions,
): Promise<Ending> {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const { loaded, info } = caseIn(await loadSuites(project, { suites: [suite] }), id)
  const file = await readQuarantineFile(project)
  const wanted = { suite: loaded.suite.suite, case: id, owner: options.owner, reason: options.reason }
  const plan = quarantinePlan({
    ...wanted,
    until: options.until,
    critical: info.critical,
    allowCritical: options.allowCritical === true,
    before: file.entries.find((entry) => sameCase(entry, wanted)) ?? null,
    now: context.now(),
  })
  await writeText(file.path, textWith(file.text, plan.entry))
  if (options.json) say(context, { aigate: 'quarantine', version: 1, file: file.shown, ...plan })
  else context.stdout.write(quarantineEffect(plan, file.shown))
  return 'pass'
}

/** Takes a case out of the quarantine list; it need not exist any more. */
export async function releaseCommand(context: Context, suite: string, id: string, options: Options): Promise<Ending> {
  const project = await loadProject({ cwd: context.cwd, config: options.config })
  const file = await readQuarantineFile(project)
  const entry = file.entries.find((one) => sameCase(one, { suite, case: id }))
  if (!entry || file.text === null) {
    const known = file.entries.map((one) => `${one.suite} ${one.case}`)
    throw new AigateError('usage', {
      problem: `${suite}/${id} is not in ${file.shown}${didYouMean(`${suite} ${id}`, known)}`,
      mend: choose(`${suite} ${id}`, known, 'entries', 'The list is empty: nothing needs to be released.'),
    })
  }
  await writeText(file.path, textWithout(file.text, entry))
  if (options.json) say(context, { aigate: 'release', version: 1, file: file.shown, action: 'released', entry })
  else context.stdout.write(releaseEffect(entry, file.shown))
  return 'pass'
}

const say = (context: Context, value: unknown) => context.stdout.write(`${JSON.stringify(value, null, 2)}\n`)

async function reportsOf(context: Context, project: Project, suites: LoadedSuite[]): Promise<FlakyReport[]> {
  const { entries } = await readQuarantineFile(project)
  const { runs, unreadable } = await recentRuns(project.root, MOST_STORED)
  for (const file of unreadable) context.stderr.write(`passed over, because it cannot be read: ${file}\n`)
  const reports = []
  for (const { suite, cases } of suites) {
    const { baseline } = await storedBaseline(project, suite.suite)
    const infos = cases.map(({ info }) => info)
    const identity = { suite: suite.suite, suite_version: suite.version }
    const now = context.now()
    reports.push(flakyReport({ ...identity, cases: infos, baseline, runs, quarantine: entries, now }))
  }
  return reports
}

/** @throws AigateError usage when no suite has the case. */
function caseIn(suites: LoadedSuite[], id: string) {
  for (const loaded of suites) {
    const found = loaded.cases.find((one) => one.info.id === id)
    if (found) return { loaded, info: found.info }
  }
  const known = suites.flatMap(({ cases }) => cases.map(({ info }) => info.id))
  throw new AigateError('usage', {
    problem: `the suite ${suites[0]?.suite.suite ?? ''} has no case "${id}"${didYouMean(id, known)}`,
    mend: choose(id, known, 'cases', 'Write a case first.'),
  })
}
