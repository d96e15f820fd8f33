// kill -9 between the intent of an action and the record that it was done, for every kind of action: it is done once.
import { execFileSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, beforeAll, expect, it } from 'vitest'
import { closeEndpoints, endpoint, gitHub, repository } from '../../act/notices/notices-testing.ts'
import { removeTemporary } from '../cli-testing.ts'
import { manifest, place, program } from './rollback-testing.ts'
import {
  actions,
  bundleWatch,
  contextOf,
  guard,
  kinds,
  log,
  look,
  MINUTE,
  NOW,
  project,
  startChild,
} from './watch-testing.ts'

beforeAll(bundleWatch, 60_000)
afterEach(closeEndpoints)
afterAll(removeTemporary)

const bad = () => log(20, (ago) => ago < 8)
const written = (root: string) => (existsSync(join(root, '.aigate/actions/journal.jsonl')) ? kinds(root) : [])
async function until(seen: () => boolean): Promise<void> {
  while (!seen()) await new Promise((go) => setTimeout(go, 5))
}

type Kill = {
  root: string
  env: Record<string, string>
  effects: () => number
  most: number
  arm: (kill: () => void) => void
}
const killers: Record<string, () => Promise<Kill>> = {
  webhook: async () => {
    let kill = () => {}
    const at = await endpoint((_, n) => (n === 1 ? (kill(), 'hang') : { status: 200, text: '' }))
    const root = project(guard({ type: 'webhook', url: at.url }), bad())
    // Told twice under one key: a webhook cannot be asked whether it was told.
    const effects = () => new Set(at.requests.map(({ headers }) => headers['idempotency-key'])).size
    return { root, env: {}, effects, most: 1, arm: (one) => (kill = one) }
  },
  pagerduty: async () => {
    let kill = () => {}
    const at = await endpoint((_, n) => (n === 1 ? (kill(), 'hang') : { status: 202, text: '' }))
    const action = { type: 'pagerduty', routing_key_env: 'PD', url: at.url }
    const root = project(guard(action), bad())
    const effects = () => new Set(at.requests.map(({ body }) => (body as Record<string, string>)['dedup_key'])).size
    return { root, env: { PD: 'k' }, effects, most: 1, arm: (one) => (kill = one) }
  },
  'github-issue': async () => {
    let kill = () => {}
    const hub = await gitHub({ loseFirstAnswer: true, onMade: () => kill() })
    const root = project(guard({ type: 'github-issue', repo: 'a/b', api_url: hub.url }), bad())
    return { root, env: { GITHUB_TOKEN: 't' }, effects: () => hub.issues.length, most: 1, arm: (one) => (kill = one) }
  },
  'revert-pull-request': async () => {
    let kill = () => {}
    const hub = await gitHub({ loseFirstAnswer: true, onMade: () => kill() })
    const { root, git } = repository()
    const text = guard({ type: 'revert-pull-request', repo: 'a/b', api_url: hub.url, paths: ['prompts'] })
    project(text, bad(), root)
    const effects = () => Math.max(hub.pulls.length, git('branch', '--list', 'aigate/*').trim().split('\n').length)
    return { root, env: { GITHUB_TOKEN: 't' }, effects, most: 1, arm: (one) => (kill = one) }
  },
  command: async () => {
    // Done, then the runner is killed before it can write that down.
    const script = `const fs = require('fs'); const first = !fs.existsSync('done'); fs.appendFileSync('done', 'x');
      if (first) process.kill(process.ppid, 'SIGKILL')`
    const check = [process.execPath, '-e', "process.exit(require('fs').existsSync('done') ? 0 : 1)"]
    const action = { type: 'command', argv: [process.execPath, '-e', script], check }
    const root = project(guard(action), bad())
    return { root, env: {}, effects: () => readFileSync(join(root, 'done'), 'utf8').length, most: 1, arm: () => {} }
  },
  rollback: async () => {
    // The program has set the version, and kills whoever waits for it.
    const at = await place({ prompt: program('prompt') }, [manifest(1), manifest(2)])
    at.write('prompt.version', 'answer@1.2.0')
    at.write(
      'before.cjs',
      `const fs = require('fs')
if (fs.readFileSync('prompt.version', 'utf8') === 'answer@1.1.0' && !fs.existsSync('killed')) {
  fs.writeFileSync('killed', '')
  process.kill(process.ppid, 'SIGKILL')
}`,
    )
    at.write('guard.yaml', guard({ type: 'rollback', components: ['prompt'] }))
    at.write('logs/app.jsonl', bad())
    const effects = () => at.ledger().filter((one) => one.rollback).length
    return { root: at.folder, env: {}, effects, most: 1, arm: () => {} }
  },
}

/** Kinds that write the flag file: it is a pipe, so that the child waits in the middle of its act until it is killed. */
const flag = { state: 'ENABLED', variants: { on: 'a', off: 'b' }, defaultVariant: 'on', targeting: {} }
const FLAGS = JSON.stringify({ flags: { search: flag } })
const breaker = {
  id: 'model',
  when: [{ metric: 'error_rate', above: '10%', window: '5m' }],
  open_for: '1h',
  flag: { path: 'flags.json', name: 'model', variants: { main: 'a', previous: 'b' }, field: 'served' },
}
const served = () => bad().replaceAll('"duration_ms"', '"served":"main","duration_ms"')
const switches: Record<string, [() => string, RegExp]> = {
  kill: [() => project(guard({ type: 'kill', path: 'flags.json' }), bad()), /aigate watch production/],
  'disable-flag': [
    () => project(guard({ type: 'disable-flag', path: 'flags.json', flag: 'search', variant: 'off' }), bad()),
    /"defaultVariant":\s?"off"/,
  ],
  'breaker fallback': [
    () => project(guard({ type: 'command', argv: ['a'] }, { triggers: [], breakers: [breaker] }), served()),
    /"defaultVariant":\s?"previous"/,
  ],
}

it.each(Object.keys(switches))(
  'kill -9 between intent and applied: %s is done once',
  async (name) => {
    const [make, done] = switches[name] as (typeof switches)[string]
    const root = make()
    const file = join(root, 'flags.json')
    // A breaker makes its flag first, while all is well.
    writeFileSync(file, FLAGS)
    expect(await look(contextOf(root, {}, { now: NOW - 9 * MINUTE }).context)).toBe('pass')
    const [prepared, before] = [readFileSync(file, 'utf8'), written(root).length]
    const marks = () => written(root).slice(before)
    rmSync(file)
    execFileSync('mkfifo', [file])
    const { running, ended } = startChild(root, {})
    await until(() => marks().includes('intent'))
    running.kill('SIGKILL')
    expect(await ended).toBe('')
    expect(running.signalCode).toBe('SIGKILL')
    expect(marks()).toEqual(['intent'])
    rmSync(file)
    writeFileSync(file, prepared)
    expect(await startChild(root, {}).ended).toBe('fail')
    expect(marks()).toEqual(['intent', 'intent', 'applied'])
    const text = readFileSync(file, 'utf8')
    expect(text).toMatch(done)
    // Killed again, after the act and before its record: what stands in the journal then.
    const journal = join(root, '.aigate/actions/journal.jsonl')
    const lines = readFileSync(journal, 'utf8').trimEnd().split('\n')
    expect(lines.at(-1)).toContain('"kind":"applied"')
    writeFileSync(journal, `${lines.slice(0, -1).join('\n')}\n`)
    expect(await startChild(root, {}).ended).toBe('fail')
    expect(marks()).toEqual(['intent', 'intent', 'intent', 'applied'])
    expect(
      new Set(
        actions(root)
          .slice(before)
          .map((one) => ('id' in one ? one.id : '')),
      ).size,
    ).toBe(1)
    expect(readFileSync(file, 'utf8')).toBe(text)
    expect(await startChild(root, {}).ended).toBe('fail')
    expect(marks()).toHaveLength(4)
  },
  60_000,
)

it.each(Object.keys(killers))(
  'kill -9 between intent and applied: %s is done once',
  async (name) => {
    const { root, env, effects, most, arm } = await (killers[name] as () => Promise<Kill>)()
    const { running, ended } = startChild(root, env)
    arm(() => running.kill('SIGKILL'))
    expect(await ended).toBe('')
    expect(running.signalCode).toBe('SIGKILL')
    // A rollback writes records of its own besides.
    const own = () => actions(root).filter((one) => one.run === 'watch-production')
    const marks = () => own().map(({ kind }) => kind)
    expect(marks()).toEqual(['intent'])
    expect(await startChild(root, env).ended).toBe('fail')
    expect(marks()).toEqual(['intent', 'intent', 'applied'])
    expect(new Set(own().map((one) => ('id' in one ? one.id : ''))).size).toBe(1)
    expect(effects()).toBe(most)
    expect(await startChild(root, env).ended).toBe('fail')
    expect(marks()).toHaveLength(3)
  },
  60_000,
)
