// The GitHub Action: what may be run, the gate as a process of its own, and its result where people look.
import { randomUUID } from 'node:crypto'
import { realpath, rm } from 'node:fs/promises'
import { join, resolve } from 'node:path'
import { runGate } from '../../act/gate-process.ts'
import { AigateError } from '../../errors.ts'
import type { Context, Ending } from '../../ports.ts'
import { plain } from '../../report/safe-text.ts'
import { annotationCommand, logLine, maskCommands } from '../../report/workflow-commands.ts'
import { type ActionEvent, readEvent } from './action-event.ts'
import { strayCheckout } from './action-checkout.ts'
import { type ActionInputs, baseWords, changedWords, readInputs } from './action-inputs.ts'
import * as results from './action-results.ts'
import { irrelevantChange } from './action-relevance.ts'
import { judgeTrust, type Trust } from './action-trust.ts'
import { makeFolder } from '../../make-folder.ts'

/** `program`: the command-line tool beside this bundle. `codes`: what a pipeline sees of each ending. */
type Host = { program: string; codes: Readonly<Record<Ending, number>> }

/** @returns the exit code of the step: that of the gate, or `invalid` where nothing could be evaluated. */
export async function actionCommand(context: Context, host: Host): Promise<number> {
  const event = await readEvent(context.env)
  try {
    const inputs = readInputs(context.env)
    return await evaluate(context, host, inputs, event)
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    const shown = { sentence: error.message, mend: error.mend }
    context.stdout.write(
      annotationCommand({ level: 'error', title: 'aigate', message: `${error.message}\n${error.mend}` }),
    )
    await results.appendSummary(context.env, results.texts(shown, readInputs({}), event).summary)
    await results.writeOutputs(
      context.env,
      { outcome: error.outcome, 'exit-code': String(host.codes[error.outcome]) },
      randomUUID(),
    )
    return host.codes[error.outcome]
  }
}

async function evaluate(context: Context, host: Host, inputs: ActionInputs, event: ActionEvent): Promise<number> {
  const { env, stdout } = context
  const cwd = await workingDirectory(context, inputs)
  const trust = await judgeTrust({ env, cwd }, inputs, event)
  stdout.write(maskCommands(trust.masked))
  const folder = reportsFolder(context, inputs, cwd)
  const stray = await strayCheckout({ env, cwd }, event)
  const nothing = stray === null ? await irrelevantChange({ env, cwd }, inputs, event) : null
  const refused = stray ?? trust.refused
  if (nothing !== null) stdout.write(logLine(nothing))
  const { code, shown } =
    nothing !== null
      ? { code: host.codes.pass, shown: { nothing } }
      : refused
        ? { code: host.codes.invalid, shown: refused }
        : await gate(context, host, { inputs, event, trust, cwd, folder })
  const { comment, summary } = results.texts(shown, inputs, event)
  const workspace = await realpath(env['GITHUB_WORKSPACE'] ?? context.cwd)
  if (inputs.annotations)
    for (const each of results.annotationsFor(shown, { workspace, cwd, root: trust.root }))
      stdout.write(annotationCommand(each))
  if (inputs.summary) await results.appendSummary(env, summary)
  const placed = await results.comment(env, { inputs, event, body: comment, onlyUpdate: nothing !== null })
  if (placed.said !== null) stdout.write(annotationCommand({ level: 'notice', title: 'aigate', message: placed.said }))
  const report = 'report' in shown ? shown.report : null
  const ending = Object.entries(host.codes).find(([, of]) => of === code)?.[0]
  const outputs = {
    outcome: ending,
    'exit-code': String(code),
    evaluated: String(report !== null && report.suites.length > 0 && trust.offline === undefined),
    ...results.numbersOf(report),
    reports: folder,
    ...(await results.reportPaths(folder)),
    'cache-key': results.cacheKey(report, event.run),
    'cache-path':
      inputs.cacheFolder === undefined ? join(trust.root ?? cwd, '.aigate') : resolve(cwd, inputs.cacheFolder),
    'comment-url': placed.url ?? undefined,
  }
  await results.writeOutputs(env, outputs, `aigate-${randomUUID()}`)
  return code
}

/** @throws AigateError `usage` when there is no such folder: aigate.yaml would be looked for above it. */
async function workingDirectory({ cwd }: Context, { workingDirectory: folder }: ActionInputs): Promise<string> {
  const found = await realpath(resolve(cwd, folder)).catch(() => null)
  if (found !== null) return found
  const problem = `There is no folder ${folder}, which the input working-directory of the action names.`
  throw new AigateError('usage', { problem, mend: 'Name a folder of the checkout, relative to its top.' })
}

/** Beside the workspace by default, so that a report is never taken for an uncommitted change; each step has its own. */
function reportsFolder({ env }: Context, { reportsFolder: chosen, commentKey }: ActionInputs, cwd: string) {
  if (chosen !== undefined) return resolve(cwd, chosen)
  const name = commentKey ?? env['GITHUB_ACTION'] ?? 'aigate'
  return join(env['RUNNER_TEMP'] ?? join(cwd, '.aigate'), 'aigate-reports', name.replaceAll(/[^\w-]/g, '-'))
}

async function madeFolder(folder: string): Promise<void> {
  try {
    // What an earlier step left there is not the result of this one.
    for (const name of Object.values(results.REPORT_FILES)) await rm(join(folder, name), { force: true })
    await makeFolder(folder)
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error)
    throw new AigateError('usage', {
      problem: `No reports can be written to ${folder}: ${why}`,
      mend: 'Name another folder in the input reports-folder of the action.',
    })
  }
}

const stopped = { sentence: 'The run was interrupted before there was a verdict.', mend: 'Run the job again.' }

type Gate = { inputs: ActionInputs; event: ActionEvent; trust: Trust; cwd: string; folder: string }

async function gate(context: Context, host: Host, { inputs, event, trust, cwd, folder }: Gate) {
  await madeFolder(folder)
  const said: string[] = []
  const run = (words: readonly string[]) =>
    runGate({
      program: [host.program, ...words],
      cwd,
      env: { ...trust.env, CI: 'true', FORCE_COLOR: '1', NO_COLOR: undefined },
      signal: context.signal,
      onLine: (line, stream) => {
        if (stream === 'stderr' && said.length < 500) said.push(plain(line, 2000))
        context.stdout.write(logLine(line))
      },
    })
  const config = inputs.config === undefined ? [] : [`--config=${inputs.config}`]
  // The offline part: everything that can be wrong without a model, then the recorded answers.
  const checked = trust.offline === undefined ? host.codes.pass : await run(['check', ...config])
  const code = checked === host.codes.pass ? await run(evalWords(inputs, event, trust, folder)) : checked
  const written = checked === host.codes.pass ? await results.readReport(folder) : null
  const interrupted = code === host.codes.interrupted
  // A report that says pass where the gate did not was followed by a failure: it is no verdict.
  const holds = written && (host.codes[written.outcome] === code || (interrupted && written.outcome !== 'pass'))
  const notes = trust.offline === undefined ? [] : [trust.offline]
  const shown: results.Shown = holds ? { report: written, notes } : interrupted ? stopped : results.errorIn(said)
  return { code: code ?? host.codes[context.signal.aborted ? 'interrupted' : 'invalid'], shown }
}

function evalWords(inputs: ActionInputs, event: ActionEvent, trust: Trust, folder: string): string[] {
  const written = Object.entries(results.REPORT_FILES).map(([name, file]) => `${name}:${join(folder, file)}`)
  return [
    'eval',
    ...inputs.suites,
    ...inputs.words,
    ...baseWords(inputs.base, event.queuedOn),
    ...changedWords(inputs, event.name),
    ...(trust.spend ?? []),
    ...(inputs.offline || trust.offline !== undefined ? ['--offline'] : []),
    ...(inputs.cacheFolder === undefined ? [] : [`--out=${join(inputs.cacheFolder, 'runs')}`]),
    `--reporter=${['table', ...written, ...inputs.reporters].join(',')}`,
  ]
}
