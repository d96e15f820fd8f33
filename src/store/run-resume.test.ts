// Going on with a record: what failed to be graded is graded again, what was graded stays, and what today adds is written down.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { defaultPolicy } from '../schema/gate.ts'
import type { Observation, RunHeader } from '../schema/run.ts'
import { createRun, readRun } from './run-journal.ts'
import { resumeRun } from './run-resume.ts'

const root = mkdtempSync(join(tmpdir(), 'aigate-resume-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

const header: RunHeader = {
  aigate: 'run',
  version: 1,
  id: '20261121T101500Z-3f9a',
  suite: 'support',
  suite_version: '1.0.0',
  target: { kind: 'command', label: 'echo', hash: 'h' },
  policy: defaultPolicy,
  trials: { min: 1, max: 1 },
  seed: 1,
  partial: false,
  cases: ['a', 'b'].map((id) => ({ id, hash: `h-${id}`, tags: [], critical: false, file: 'f', line: 1 })),
  git: null,
  tool_version: '0.1.0',
  node: 'v20.19.0',
  started_at: '2026-11-21T10:15:00.000Z',
}
const completion: Observation['completion'] = { outcome: 'answered', text: 'x', tool_calls: [], attempts: 1 }
const good: Observation = { case: 'a', trial: 1, purpose: 'pass', completion, scores: [], passed: true, score: 1 }
const ungraded: Observation = {
  ...good,
  case: 'b',
  passed: null,
  score: null,
  grader_error: 'rubric: judge default: down',
}

async function record(name: string, complete: boolean): Promise<string> {
  const folder = join(root, name)
  const journal = await createRun(folder, header)
  for (const one of [good, ungraded]) {
    journal.answer(one)
    journal.score(one)
  }
  await journal.end({ complete })
  return folder
}

it('an answer that a judge who was down did not grade is kept, and graded again', async () => {
  const folder = await record('broken', false)
  const journal = await resumeRun(folder, header)
  expect(journal.known({ case: 'a', trial: 1, purpose: 'pass' })?.grades).toMatchObject({ passed: true })
  const known = journal.known({ case: 'b', trial: 1, purpose: 'pass' })
  expect(known?.completion).toMatchObject({ text: 'x' })
  expect(known?.grades).toBeUndefined()
  journal.answer({ ...good, case: 'b' })
  journal.score({ ...good, case: 'b' })
  await journal.end({ complete: true })
  const { observations } = await readRun(journal.file)
  expect(observations.map((one) => [one.case, one.passed])).toEqual([['a', true], ['b', true]]) // biome-ignore format: one line
})

it('a run that had come to its verdict with such a failure keeps it', async () => {
  const journal = await resumeRun(await record('finished', true), header)
  expect(journal.known({ case: 'b', trial: 1, purpose: 'pass' })?.grades).toMatchObject({ passed: null })
})

it('what today adds to the header stands in the record of a run that is not finished', async () => {
  const later = (before: RunHeader) => ({ ...before, change_notes: ['today'] })
  const open = await resumeRun(await record('open', false), header, later)
  expect(open.header.change_notes).toEqual(['today'])
  await open.end({ complete: true })
  expect((await readRun(open.file)).header.change_notes).toEqual(['today'])
  const done = await resumeRun(await record('done', true), header, later)
  expect(done.header.change_notes).toBeUndefined()
})

it('gives back long texts from where they stand now, also where an answer before them was taken out', async () => {
  const folder = join(root, 'long')
  const long = `é${'x'.repeat(5000)}`
  const lost: Observation['completion'] = { ...completion, outcome: 'error', text: 'y'.repeat(3000) }
  const journal = await createRun(folder, header)
  journal.answer({ ...good, completion: lost })
  journal.answer({ ...good, case: 'b', completion: { ...completion, text: long } })
  await journal.end({ complete: false })

  const again = await resumeRun(folder, header)
  expect(again.known({ case: 'a', trial: 1, purpose: 'pass' })).toBeUndefined()
  const known = again.known({ case: 'b', trial: 1, purpose: 'pass' })
  expect(known?.completion.text).toBe(long)
  const kept = again.answer({ ...good, completion: { ...completion, text: `${long} anew` } })
  await again.end({ complete: true })
  expect([known?.completion.text, kept.text]).toEqual([long, `${long} anew`])
  const { observations } = await readRun(again.file)
  expect(observations.map((one) => one.completion.text)).toEqual([`${long} anew`, long])
})
