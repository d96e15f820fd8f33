// For tests: a project with a rollout plan, a clock that is moved by hand, and traffic as a source gives it.
import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { Context, Project, Source } from '../../ports.ts'
import type { Block, Reading } from '../../schema/rollout-journal.ts'
import { loadProject } from '../../store/project.ts'
import { temporary } from '../cli-testing.ts'

export const MINUTE = 60_000
const prompt = (version: string) => `---
name: support/answer
version: ${version}
input: [question]
---
system:
You are a support agent, version ${version}.

user:
{{ question }}
`
export const plan = `rollout: support-1.3
release: {prompt: support/answer@1.3.0}
baseline: {prompt: support/answer@1.2.0}
control: {type: flagd, path: deploy/flags.json, lease: 15m, settle: 5s}
source: {type: jsonl, path: "logs/*.jsonl", freshness: 10m, lateness: 1s}
stages:
  - {traffic: 25%, duration: 5m, gate: no-harm}
  - {traffic: 50%, duration: 5m, gate: no-harm, approval: true}
  - {traffic: 100%, bake: 5m}
metrics:
  error_rate: {bad: "error.type != null", margin: {risk_ratio: 1.5}}
`
export const planPath = 'rollouts/support.rollout.yaml'

/** A project that is a git repository with everything committed. */
export function projectFolder(files: Record<string, string> = {}): string {
  const folder = temporary()
  const all = {
    'aigate.yaml': 'version: 1\n',
    '.gitignore': '.aigate/\nlogs/\n',
    'prompts/support/answer/1.2.0.md': prompt('1.2.0'),
    'prompts/support/answer/1.3.0.md': prompt('1.3.0'),
    [planPath]: plan,
    ...files,
  }
  for (const [name, text] of Object.entries(all)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=a', '-c', 'user.email=a@b.c', ...args], { cwd: folder })
  git('init', '-q')
  git('config', 'user.name', 'Ada')
  git('add', '-A')
  git('commit', '-qm', 'start')
  return folder
}

export type Bench = {
  context: Context
  project: Project
  folder: string
  out: string[]
  err: string[]
  clock: { now: number }
}

/** A context in this process: what is written is kept, and the clock stands where it is put. */
export async function bench(folder: string, env: Record<string, string> = {}): Promise<Bench> {
  const out: string[] = []
  const err: string[] = []
  const clock = { now: Date.parse('2026-11-21T10:00:00.000Z') }
  const context: Context = {
    cwd: folder,
    env,
    stdout: { write: (text) => out.push(text), columns: 80 },
    stderr: { write: (text) => err.push(text) },
    now: () => new Date(clock.now),
    monotonic: () => clock.now,
    signal: new AbortController().signal,
    toolVersion: '0.0.0',
  }
  return { context, project: await loadProject({ cwd: folder }), folder, out, err, clock }
}

/** Bad events out of `n` of each arm in a minute, each of another user. */
export type Minute = { n?: number; baseline: number; candidate: number }

/** A block as a source gives it. */
export function block(
  start: number,
  generation: number,
  { n = 1000, baseline, candidate }: Minute,
  ppm: number,
): Block {
  const arm = (requests: number, bad: number) => ({
    requests,
    units: requests,
    metrics: { error_rate: { n: requests, bad, first: bad, sum: 0, squares: 0, over: [] } },
  })
  const share = ppm / 1_000_000
  return {
    start,
    length: MINUTE,
    generation,
    arms: { baseline: arm(Math.round(n * (1 - share)), baseline), candidate: arm(Math.round(n * share), candidate) },
    both: 0,
  }
}

/** Traffic of `minute` from the start until now, at the shares that were in force. */
export function traffic(minute: Minute | (() => Minute)): Source {
  return {
    read: async ({ until, since, closed, changes }): Promise<Reading> => {
      const blocks: Block[] = []
      const first = Math.ceil((closed ?? since) / MINUTE) * MINUTE
      for (let start = first; start + MINUTE <= until; start += MINUTE) {
        const change = changes.findLast(({ at }) => at <= start)
        const given = typeof minute === 'function' ? minute() : minute
        if (change) blocks.push(block(start, change.generation, given, change.ppm))
      }
      const end = new Date(Math.floor(until / MINUTE) * MINUTE).toISOString()
      const counts = { events: blocks.length * 1000, unreadable: 0, duplicates: 0, late: 0, without_arm: 0 }
      return { until: end, newest: end, cursor: { until }, blocks, ...counts, models: [], notes: [] }
    },
  }
}

export const flagFile = (folder: string) => join(folder, 'deploy/flags.json')
export const flagText = (folder: string) => readFileSync(flagFile(folder), 'utf8')
