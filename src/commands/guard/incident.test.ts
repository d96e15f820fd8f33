// aigate incident: one timeline from the ledger, a rollout, a guard that fired and the actions that followed.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { loadProject } from '../../store/project.ts'
import { appendEntry, readRolloutJournal, rolloutFolder } from '../../store/rollout-journal.ts'
import { loadPlan } from '../../store/rollout-plan.ts'
import { plan as rolloutPlan, projectFolder } from '../rollout/canary-testing.ts'
import { removeTemporary } from '../cli-testing.ts'
import { incidentCommand } from './incident.ts'
import { recordReleaseCommand } from '../versions/release.ts'
import { contextOf, guard, log, look, MINUTE, NOW } from './watch-testing.ts'

afterAll(removeTemporary)

async function incident(folder: string, id: string | undefined, options: object = {}, env = {}) {
  const { context, out } = contextOf(folder, env, { now: NOW + MINUTE })
  expect(await incidentCommand(context, id, options)).toBe('pass')
  return out.join('')
}

/** A release an hour ago, a rollout that was aborted, and a trigger that fires and runs a program. */
async function afterTrouble(): Promise<string> {
  const folder = projectFolder({
    'guard.yaml': guard({ type: 'command', argv: ['true'] }),
    'rollouts/support.rollout.yaml': rolloutPlan,
    'evals/s.suite.yaml':
      'suite: s\nversion: 1.0.0\ntarget: {command: ["true"]}\ncases: [{id: a, vars: {q: x}, assert: [{contains: x}]}]\n',
  })
  mkdirSync(join(folder, 'logs'), { recursive: true })
  writeFileSync(
    join(folder, 'logs/app.jsonl'),
    log(30, (ago) => ago < 12),
  )
  const past = contextOf(folder, {}, { now: NOW - 60 * MINUTE }).context
  await recordReleaseCommand(past, { env: 'production', override: 'test', note: 'the one before' })
  const project = await loadProject({ cwd: folder })
  const { plan, hash } = await loadPlan(project, 'support-1.3')
  const at = (ago: number) => ({ at: new Date(NOW - ago * MINUTE).toISOString(), by: 'Ada' })
  const journal = rolloutFolder(project, 'support-1.3')
  mkdirSync(journal, { recursive: true })
  const begun = appendEntry(readRolloutJournal(journal), at(20), { kind: 'start', plan_hash: hash, plan })
  const reason = 'too many | errors with sk-secretsecret123'
  appendEntry(begun.journal, at(5), { kind: 'said', verb: 'abort', reason })
  expect(await look(contextOf(folder).context)).toBe('fail')
  return folder
}

it('tells in order what was deployed, measured and done, by whom, and where it is written', async () => {
  const folder = await afterTrouble()
  const json = JSON.parse(await incident(folder, undefined, { json: true, since: '2h' }))
  const kinds = json.entries.map(({ kind }: { kind: string }) => kind)
  expect(kinds.filter((kind: string) => kind === 'deployed')).toHaveLength(2)
  for (const kind of ['said', 'measured', 'fired', 'done']) expect(kinds).toContain(kind)
  const times = json.entries.map(({ at }: { at: string }) => at)
  expect(times).toEqual(times.toSorted())
  expect(json.entries.find(({ kind }: { kind: string }) => kind === 'said')).toMatchObject({ by: 'Ada' })
})

it('takes the span of a rollout and of a firing from their journals, and says what was running then', async () => {
  const folder = await afterTrouble()
  const rollout = JSON.parse(await incident(folder, 'support-1.3', { json: true }))
  expect([rollout.since, rollout.until]).toEqual([20, 5].map((ago) => new Date(NOW - ago * MINUTE).toISOString()))
  expect(rollout.running).toMatchObject([{ env: 'production' }])
  const all = JSON.parse(await incident(folder, undefined, { json: true, since: '2h' }))
  const firing = all.entries.find(({ kind }: { kind: string }) => kind === 'fired').source.replace('firing ', '')
  const fired = JSON.parse(await incident(folder, firing, { json: true }))
  expect(fired.entries.some(({ kind }: { kind: string }) => kind === 'fired')).toBe(true)
})

it('writes Markdown in which nothing of a stranger is markup, and no secret', async () => {
  const folder = await afterTrouble()
  const text = await incident(folder, 'support-1.3', {}, { OPENAI_API_KEY: 'sk-secretsecret123' })
  expect(text).toMatch(/^# Incident support-1\.3\n/)
  expect(text).toContain('too many &#124; errors with \\[redacted\\]')
  expect(text).not.toContain('sk-secretsecret123')
})

it('refuses an unknown id with those that there are, a damaged journal, and no span at all', async () => {
  const folder = await afterTrouble()
  await expect(incident(folder, 'nothing')).rejects.toMatchObject({ mend: expect.stringContaining('support-1.3') })
  await expect(incident(folder, undefined)).rejects.toThrow(/not said which/)
  const file = join(folder, '.aigate/rollouts/support-1.3/journal.jsonl')
  writeFileSync(file, readFileSync(file, 'utf8').replace('too many', 'no'))
  await expect(incident(folder, 'support-1.3')).rejects.toThrow(/./)
})

it('a damaged journal is said, and all else is told', async () => {
  const folder = await afterTrouble()
  for (const [name, from, to] of [
    ['.aigate/actions/journal.jsonl', 'applied', 'appliex'],
    ['.aigate/guards/production/journal.jsonl', '"fail"', '"pass"'],
  ] as const) {
    const file = join(folder, name)
    writeFileSync(file, readFileSync(file, 'utf8').replace(from, to))
  }
  const { context, out, err } = contextOf(folder, {}, { now: NOW + MINUTE })
  expect(await incidentCommand(context, undefined, { since: '2h' })).toBe('pass')
  expect(err.join('')).toMatch(/warning: Record 2 of the journal of the guard is damaged/)
  expect(err.join('')).toMatch(/warning: Record 2 of the journal of actions is damaged/)
  expect(out.join('')).toContain('rollout support-1.3 began')
})
