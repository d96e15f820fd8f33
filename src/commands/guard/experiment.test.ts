// Experiments from a log on disk to the report: the example of the documentation, looked at on several days, and logs that went wrong.
import { execFileSync } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { AigateError } from '../../errors.ts'
import type { Context, Ending } from '../../ports.ts'
import { ExperimentReport, ExperimentSize } from '../../schema/experiment-report.ts'
import {
  experimentFlagsCommand,
  experimentPlanCommand,
  experimentReportCommand,
  experimentVerdictCommand,
} from './experiment.ts'

const example = join(import.meta.dirname, '..', '..', '..', 'fixtures', 'experiment')
const folders: string[] = []
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })))

/** The example with a log of this seed in which so many of the users of `short` ask again. */
function project(seed = 3, effect = 0.24, logs = true): string {
  const folder = mkdtempSync(join(tmpdir(), 'aigate-experiment-'))
  folders.push(folder)
  cpSync(example, folder, { recursive: true })
  if (logs)
    execFileSync(process.execPath, [join(folder, 'make-log.mjs'), join(folder, 'events.jsonl'), String(seed), String(effect)]) // biome-ignore format: one line
  return folder
}

type Verb = (context: Context, name: string | undefined, options: never) => Promise<Ending>
async function run(verb: Verb, cwd: string, options: object = {}, now = '2026-11-01T00:00:00Z') {
  const out = { stdout: '', stderr: '' }
  const sink = (name: 'stdout' | 'stderr') => ({ write: (text: string) => (out[name] += text), columns: 100 })
  const context: Context = {
    cwd,
    env: {},
    stdout: sink('stdout'),
    stderr: sink('stderr'),
    now: () => new Date(now),
    monotonic: () => 0,
    signal: new AbortController().signal,
    toolVersion: '0.0.0',
  }
  const ending = await verb(context, undefined, options as never)
  return { ending, ...out }
}
const reportOf = async (cwd: string, options: object = {}, now?: string) =>
  ExperimentReport.parse(JSON.parse((await run(experimentVerdictCommand, cwd, { json: true, ...options }, now)).stdout))

function change(folder: string, from: string | RegExp, to: string, file = 'short-answers.experiment.yaml') {
  const path = join(folder, file)
  const text = readFileSync(path, 'utf8')
  const changed = text.replace(from, to)
  expect(changed).not.toBe(text)
  writeFileSync(path, changed)
}

describe('the example', () => {
  const folder = project()
  it('is found better at its horizon, whoever looks and whenever', async () => {
    const { ending, stdout } = await run(experimentVerdictCommand, folder)
    expect(stdout).toContain('"short" is better: asked_again')
    expect(ending).toBe('pass')
    const [soon, late] = [await reportOf(folder, {}, '2026-10-19T00:02:00Z'), await reportOf(folder)]
    expect(late.primary).toEqual(soon.primary)
    expect(late.summary).toEqual(soon.summary)
    expect(late.horizon.at).toBe('2026-10-19T00:00:00.000Z')
    expect(late.winner).toBe('short')
  })
  it('prints a report that people can read, in both forms', async () => {
    const text = (await run(experimentReportCommand, folder)).stdout
    const markdown = (await run(experimentReportCommand, folder, { markdown: true })).stdout
    if (process.env['SHOW']) process.stdout.write(`${text}\n${markdown}`)
    for (const part of [
      'Hypothesis: People ask again',
      'What decides',
      'Guardrails',
      'Exploratory',
      'What to do next',
    ]) {
      expect(text).toContain(part)
      expect(markdown).toContain(part)
    }
    expect(markdown).toMatch(/\| asked\\_again \| \d+\.\d % \|/)
  })
  it('says nothing of effects before its horizon, and only intervals to those who peek', async () => {
    const at = '2026-10-12T00:00:00Z'
    const early = await reportOf(folder, {}, at)
    expect(early).toMatchObject({ outcome: 'inconclusive', primary: [], secondary: [], guardrails: [], segments: [] })
    expect(early.answer).toContain('Too early')
    expect(early.horizon.days_left).toBeGreaterThan(0)
    const peek = await reportOf(folder, { peek: true }, at)
    expect(peek.outcome).toBe('inconclusive')
    expect(peek.primary[0]).toMatchObject({ method: 'always-valid', p: null, adjusted: null })
    expect(peek.segments).toEqual([])
    const final = await reportOf(folder)
    const width = ({ difference }: { difference: { low: number | null; high: number | null } | null }) =>
      (difference?.high ?? 0) - (difference?.low ?? 0)
    expect(width(peek.primary[0]!)).toBeGreaterThan(width(final.primary[0]!))
  })
  it('plans: the size that the wanted effect needs, from the log and from the plan alone', async () => {
    const { ending, stdout } = await run(experimentPlanCommand, folder, { json: true, days: 28 })
    const size = ExperimentSize.parse(JSON.parse(stdout))
    expect(ending).toBe('pass')
    expect(size.smallest_variant).toBeGreaterThan(1000)
    expect(size.smallest_variant).toBeLessThan(1500)
    expect(size.days).toBeGreaterThanOrEqual(14)
    const later = { days: 28, json: true }
    const ended = await run(experimentPlanCommand, folder, later, '2026-10-28T00:00:00Z')
    expect(ExperimentSize.parse(JSON.parse(ended.stdout)).units_per_day).toBeGreaterThan(100)
    const alone = project(3, 0.24, false)
    change(alone, 'direction: decrease', 'direction: decrease, base: {value: 0.3}')
    const text = (await run(experimentPlanCommand, alone, { days: 28 })).stdout
    expect(text).toContain('control 1,251, short 1,251')
    change(alone, 'units_per_variant: 1500', 'units_per_variant: 300')
    expect((await run(experimentPlanCommand, alone, { days: 28 })).ending).toBe('inconclusive')
  })
  it('prints flags that share one salt and add up', async () => {
    const { flags } = JSON.parse((await run(experimentFlagsCommand, folder)).stdout) as {
      flags: Record<string, { variants: object; targeting: { if: [unknown, string, { fractional: unknown[] }] } }>
    }
    const flag = flags['short-answers-prompt']!
    expect(flag.variants).toEqual({
      short: 'support/answer@1.3.0',
      control: 'support/answer@1.2.0',
      off: 'support/answer@1.2.0',
    })
    expect(flag.targeting.if[2].fractional.slice(1)).toEqual([
      ['short', 500_000],
      ['control', 500_000],
    ])
  })
})

describe('what may not pass', () => {
  it('no effect is no pass', async () => {
    const report = await reportOf(project(8, 0.3))
    expect(['fail', 'inconclusive']).toContain(report.outcome)
    expect(report.winner).toBeNull()
  })
  it('a worse variant fails', async () => {
    const report = await reportOf(project(9, 0.4))
    expect(report).toMatchObject({ outcome: 'fail', winner: null })
    expect(report.answer).toContain('is worse')
  })
  it('a log without the events of some users of one variant is invalid, and says nothing else', async () => {
    const folder = project(10)
    const file = join(folder, 'events.jsonl')
    const kept = readFileSync(file, 'utf8')
      .split('\n')
      .filter((line) => !/user-\d*[05]"/.test(line) || !line.includes('"short"'))
    writeFileSync(file, kept.join('\n'))
    const report = await reportOf(folder)
    expect(report).toMatchObject({ outcome: 'invalid', primary: [], winner: null })
    expect(report.split.ok).toBe(false)
  })
  it('a broken guardrail vetoes what is better, and stops a peek', async () => {
    const folder = project(11)
    const file = join(folder, 'events.jsonl')
    let i = 0
    const failing = readFileSync(file, 'utf8').replaceAll(/("aigate.variant":"short".*?"error.type":)null/g, (all, head: string) => (i++ % 5 === 0 ? `${head}"timeout"` : all)) // biome-ignore format: one line
    writeFileSync(file, failing)
    const report = await reportOf(folder)
    expect(report.primary[0]?.finding).toBe('better')
    expect(report).toMatchObject({ outcome: 'fail', winner: null })
    expect(report.answer).toContain('breaks the guardrail errors')
    expect(await reportOf(folder, { peek: true }, '2026-10-12T00:00:00Z')).toMatchObject({
      outcome: 'fail',
      winner: null,
    })
  })
  it('a program that prints the log gives the same report as the log; one that fails is no log', async () => {
    const folder = project(4, 0.24)
    const fromFile = await reportOf(folder)
    const show = JSON.stringify([process.execPath, 'show.mjs', '{{since}}', '{{until}}'])
    const script =
      "import { appendFileSync, readFileSync } from 'node:fs'\nappendFileSync('asked', process.argv.slice(2).join(' ') + '\\n')\nprocess.stdout.write(readFileSync('events.jsonl'))\n"
    writeFileSync(join(folder, 'show.mjs'), script)
    change(folder, '{type: jsonl, path: events.jsonl}', `{type: command, argv: ${show}}`)
    const { plan_hash: _, ...rest } = await reportOf(folder)
    expect(rest).toEqual(Object.fromEntries(Object.entries(fromFile).filter(([key]) => key !== 'plan_hash')))
    expect(readFileSync(join(folder, 'asked'), 'utf8')).toMatch(
      /^2026-10-05T00:00:00\.000Z 2026-11-01T00:00:00\.000Z\n/,
    )
    writeFileSync(join(folder, 'show.mjs'), 'process.exit(3)\n')
    await expect(run(experimentVerdictCommand, folder)).rejects.toMatchObject({ code: 'source_failed' })
  })
  it('no event is invalid, no log and a changed plan are errors', async () => {
    const empty = project(1, 0.3, false)
    await expect(run(experimentVerdictCommand, empty)).rejects.toMatchObject({ code: 'source_failed' })
    writeFileSync(join(empty, 'events.jsonl'), 'not json\n')
    const report = await reportOf(empty)
    expect(report).toMatchObject({ outcome: 'invalid' })
    expect(report.summary.unreadable).toBe(1)
    await expect(run(experimentVerdictCommand, empty, { planHash: 'deadbeef' })).rejects.toMatchObject({
      code: 'usage',
    })
    const { plan_hash } = report
    expect((await reportOf(empty, { planHash: plan_hash.slice(0, 12) })).plan_hash).toBe(plan_hash)
  })
  it.each([
    ['shares', 'short: {share: 50%', 'short: {share: 40%', 'the shares are 90% together'],
    ['metric', 'metric: asked_again', 'metric: asked', 'there is no metric "asked"'],
    ['control', 'assignment:', 'control: old\nassignment:', 'there is no variant "old"'],
    ['effect', '{abs: 5%}', '{abs: 5%, rel: 10%}', 'expected one of abs and rel'],
    ['margin', 'errors: {abs: 3%}', 'latency: {risk_ratio: 1.5}', 'risk_ratio is for rates'],
    ['horizon', 'units_per_variant: 1500, ', '', 'expected end or units_per_variant'],
    ['key', 'hypothesis:', 'hypotheses:', 'hypothesis'],
  ])('a plan with a wrong %s shows where', async (_, from, to, sentence) => {
    const folder = project(1, 0.3, false)
    change(folder, from, to)
    const error = await run(experimentVerdictCommand, folder).then(
      () => null,
      (thrown: unknown) => thrown,
    )
    expect(error).toBeInstanceOf(AigateError)
    const all = [error as AigateError, ...(error as AigateError).more]
    expect(all.map(({ message }) => message).join('\n')).toContain(sentence)
    expect(all[0]?.places[0]?.line).toBeGreaterThan(0)
  })
})
