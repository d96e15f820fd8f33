// aigate cases add: failing events of a log, of a failed canary and of a fired trigger become drafts; accepted ones count.
import { mkdirSync, readFileSync, writeFileSync, existsSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, describe, expect, it } from 'vitest'
import { appendEntry, readRolloutJournal, rolloutFolder } from '../../store/rollout-journal.ts'
import { loadPlan } from '../../store/rollout-plan.ts'
import { loadProject } from '../../store/project.ts'
import { loadSuites } from '../../store/suites.ts'
import { plan as rolloutPlan, projectFolder } from '../rollout/canary-testing.ts'
import { casesAddCommand } from './cases-add.ts'
import { removeTemporary } from '../cli-testing.ts'
import { contextOf, guard, look, NOW } from './watch-testing.ts'

afterAll(removeTemporary)
const MINUTE = 60_000

const suiteText = `# who looks after it: Ada
suite: support
version: 1.0.0
target: {prompt: support/answer@1.2.0, model: main}
cases:
  - {id: known, vars: {question: "Where is my parcel 12345?"}, assert: [{contains: parcel}]}
`
const config = `version: 1
providers: {api: {type: openai, base_url: "http://127.0.0.1:9/v1"}}
models: {main: {provider: api, id: m-2026-01-01}}
`
const event = (ago: number, id: string, question: string | null, more: object = {}) =>
  JSON.stringify({
    ts: new Date(NOW - ago * MINUTE).toISOString(),
    trace_id: `t-${id}`,
    'gen_ai.response.id': id,
    'feature_flag.context.id': `u-${id}`,
    'aigate.arm': 'candidate',
    'error.type': null,
    ...(question !== null && {
      'gen_ai.input.messages': [{ role: 'user', parts: [{ type: 'text', content: question }] }],
    }),
    ...more,
  })
const bad = { 'error.type': 'timeout' }
const log = [
  event(9, 'a', 'Can I pay with 4111 1111 1111 1111? I am ada@example.com', bad),
  event(8, 'b', 'What is the weather in Rome?'),
  event(8, 'c', 'where is MY parcel 98765', bad),
  event(7, 'd', 'Do you sell gift cards', bad),
  event(7, 'd2', 'do you sell gift card?', bad),
  event(6, 'e', 'Of the baseline, and bad', { ...bad, 'aigate.arm': 'baseline' }),
  event(5, 'f', null, bad),
  event(5, 'g', 'Is the key sk-abcdefghij0123456789KLMN still good?'),
  JSON.stringify({
    ts: new Date(NOW - 4 * MINUTE).toISOString(),
    'event.name': 'gen_ai.evaluation.result',
    'gen_ai.response.id': 'g',
    'gen_ai.evaluation.name': 'groundedness',
    'gen_ai.evaluation.score.label': 'fail',
  }),
]

function project(files: Record<string, string> = {}): string {
  const folder = projectFolder({ 'aigate.yaml': config, 'evals/support.suite.yaml': suiteText, ...files })
  mkdirSync(join(folder, 'logs'), { recursive: true })
  writeFileSync(join(folder, 'logs/app.jsonl'), `${log.join('\n')}\n`)
  return folder
}

async function add(folder: string, name: string | undefined, options: object) {
  const { context, out } = contextOf(folder, {}, { now: NOW })
  const ending = await casesAddCommand(context, name, { suite: 'support', most: 50, ...options })
  return { ending, out: out.join('') }
}
const draftsFile = (folder: string) => join(folder, 'evals/cases/support-drafts.jsonl')
const drafts = (folder: string): { id: string; description: string; vars: { question: string }; tags: string[] }[] =>
  readFileSync(draftsFile(folder), 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
const questions = (folder: string) => drafts(folder).map(({ vars }) => vars.question)
const countedCases = async (folder: string) => {
  const [suite] = await loadSuites(await loadProject({ cwd: folder }), { suites: ['support'] })
  return suite?.cases.map(({ info }) => info.id)
}

describe('from events', () => {
  it('keeps what was asked, without twins, secrets and personal data, with its trace', async () => {
    const folder = project()
    const { ending, out } = await add(folder, 'logs/*.jsonl', { from: 'events' })
    expect(ending).toBe('pass')
    expect(questions(folder)).toEqual([
      'Can I pay with [card]? I am [e-mail]',
      'Do you sell gift cards',
      'Of the baseline, and bad',
      'Is the key [redacted] still good?',
    ])
    expect(drafts(folder)[0]?.description).toContain('trace t-a')
    expect(drafts(folder)[0]?.tags).toContain('draft')
    expect(out).toContain('2 asked already')
    expect(out).toContain('--field')
    // A draft does not count.
    expect(await countedCases(folder)).toEqual(['known'])
  })

  it('changes nothing the second time, and takes no more than it may', async () => {
    const folder = project()
    await add(folder, 'logs/*.jsonl', { from: 'events', most: 2 })
    const before = readFileSync(draftsFile(folder), 'utf8')
    expect(drafts(folder)).toHaveLength(2)
    await add(folder, 'logs/*.jsonl', { from: 'events', most: 50 })
    expect(readFileSync(draftsFile(folder), 'utf8').startsWith(before)).toBe(true)
    const after = readFileSync(draftsFile(folder), 'utf8')
    await add(folder, 'logs/*.jsonl', { from: 'events' })
    expect(readFileSync(draftsFile(folder), 'utf8')).toBe(after)
  })

  it('says open where failing events do not hold what was asked', async () => {
    const folder = project()
    const { ending } = await add(folder, 'logs/*.jsonl', { from: 'events', field: ['question=nothing.there'] })
    expect(ending).toBe('inconclusive')
    expect(existsSync(draftsFile(folder))).toBe(false)
  })

  it('accepts only drafts that can be graded, and names their file in the suite', async () => {
    const folder = project()
    await add(folder, 'logs/*.jsonl', { from: 'events' })
    const [first, ...rest] = drafts(folder)
    const written = [{ ...first, assert: [{ contains: 'pay' }] }, ...rest]
    writeFileSync(draftsFile(folder), written.map((one) => `${JSON.stringify(one)}\n`).join(''))
    const { out } = await add(folder, undefined, { accept: true })
    expect(out).toContain('1 accepted')
    expect(await countedCases(folder)).toEqual(['known', first?.id])
    expect(drafts(folder)).toHaveLength(3)
    expect(readFileSync(join(folder, 'evals/support.suite.yaml'), 'utf8')).toContain('# who looks after it: Ada')
    await add(folder, undefined, { accept: true })
    expect(await countedCases(folder)).toEqual(['known', first?.id])
  })
})

describe('from journals', () => {
  it('takes the events of the candidate of a failed canary alone, by its own metrics', async () => {
    const folder = project({ 'rollouts/support.rollout.yaml': rolloutPlan })
    const loaded = await loadProject({ cwd: folder })
    const { plan, hash } = await loadPlan(loaded, 'support-1.3')
    const at = (ago: number) => ({ at: new Date(NOW - ago * MINUTE).toISOString(), by: 'test' })
    const journal = rolloutFolder(loaded, 'support-1.3')
    mkdirSync(journal, { recursive: true })
    const begun = appendEntry(readRolloutJournal(journal), at(30), { kind: 'start', plan_hash: hash, plan })
    appendEntry(begun.journal, at(0), { kind: 'said', verb: 'abort', reason: 'worse' })
    await add(folder, 'support-1.3', { from: 'journal' })
    expect(questions(folder)).toEqual(['Can I pay with [card]? I am [e-mail]', 'Do you sell gift cards'])
    expect(drafts(folder)[0]?.description).toContain('error_rate: support-1.3')
  })

  it('takes the events of a trigger that fired', async () => {
    const requests = Array.from({ length: 60 }, (_, i) => event(3, `ok-${i}`, `Fine ${i}`))
    const folder = project({ 'guard.yaml': guard({ type: 'command', argv: ['true'] }) })
    const failing = Array.from({ length: 40 }, (_, i) =>
      event(2, `late-${i}`, i === 0 ? 'Why is it so slow?' : null, bad),
    )
    writeFileSync(join(folder, 'logs/app.jsonl'), `${[...log, ...requests, ...failing].join('\n')}\n`)
    const { context, out } = contextOf(folder, {}, { now: NOW })
    expect(await look(context)).toBe('fail')
    const journal = readFileSync(join(folder, '.aigate/guards/production/journal.jsonl'), 'utf8')
    expect(journal).toContain('"look"')
    const { foldGuard } = await import('../../decide/guard/fold.ts')
    const { guardRecords, guardNames } = await import('../../store/guard-history.ts')
    const loaded = await loadProject({ cwd: folder })
    expect(guardNames(loaded)).toEqual(['production'])
    const [episode] = foldGuard(guardRecords(loaded, 'production').records).episodes
    expect(out.join('')).toContain('firing')
    await add(folder, episode?.id, { from: 'journal' })
    expect(questions(folder)).toContain('Why is it so slow?')
  })

  it('refuses a name that nothing has', async () => {
    await expect(add(project(), 'nothing', { from: 'journal' })).rejects.toThrow(/no rollout and no firing/)
    await expect(add(project(), undefined, {})).rejects.toThrow(/not said where/)
  })
})
