// For the test and the bench of the whole loop: a real application, flagd in its process, and the built program beside it.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import process from 'node:process'
import { setTimeout as sleep } from 'node:timers/promises'

type Loop = { root: string; folder: string; children: ChildProcess[] }
type Line = Record<string, unknown>
/** Milliseconds since 1970, and what was served. */
type Served = { at: number; candidate: boolean }

/** Seconds, and counts of requests. */
export type RolledBack = {
  exit: number | null
  start_to_decision: number
  decision_to_read_back: number
  decision_to_last_candidate: number
  requests: number
  candidate: number
}
export type MonitorDead = {
  kill_to_lease_end: number
  candidate_between: number
  requests_after: number
  candidate_after: number
  flag_file_written: boolean
}

/** The fixture in a folder of its own, committed; everything that was started there is ended afterwards. */
async function inLoop<T>(root: string, work: (loop: Loop) => Promise<T>): Promise<T> {
  const folder = mkdtempSync(join(tmpdir(), 'aigate-loop-'))
  const loop: Loop = { root, folder, children: [] }
  try {
    const source = join(root, 'fixtures', 'canary')
    cpSync(source, folder, { recursive: true, filter: (path) => !/[\\/](logs|deploy|\.aigate)$/.test(path) })
    const git = (...args: string[]) => execFileSync('git', args, { cwd: folder })
    git('init', '-q')
    git('add', '-A')
    git('-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', 'commit', '-qm', 'start')
    return await work(loop)
  } finally {
    for (const child of loop.children)
      if (child.exitCode === null && child.signalCode === null && child.kill('SIGKILL')) await once(child, 'exit')
    rmSync(folder, { recursive: true, force: true })
  }
}

function run({ root, folder, children }: Loop, script: string, ...args: string[]): ChildProcess {
  const child = spawn(process.execPath, [join(root, script), ...args], { cwd: folder, stdio: 'ignore' })
  children.push(child)
  return child
}
async function canary(loop: Loop, ...args: string[]): Promise<number | null> {
  const child = run(loop, 'bin/aigate.js', 'canary', ...args)
  await once(child, 'exit')
  return child.exitCode
}

/** Lines that are whole; a file that is not there yet has none. */
function linesOf(file: string): Line[] {
  try {
    const text = readFileSync(file, 'utf8')
    const whole = text.slice(0, text.lastIndexOf('\n') + 1)
    return whole.split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Line]))
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  }
}
const journalOf = ({ folder }: Loop) => linesOf(join(folder, '.aigate/rollouts/demo/journal.jsonl'))
const servedBy = ({ folder }: Loop): Served[] =>
  linesOf(join(folder, 'logs/app.jsonl')).map((event) => ({
    at: Date.parse(String(event.ts)),
    candidate: event['feature_flag.result.variant'] === 'candidate',
  }))
const timeOf = (record: Line | undefined) => Date.parse(String(record?.at))
const seconds = (from: number, to: number) => Math.round((to - from) / 100) / 10

/**
 * 50 requests a second, the candidate at 25 % with five times the errors (20 % instead of 4 %), a look every 2 seconds:
 * until 12 seconds after the rollout was rolled back. `root`: of the repository, built.
 */
export function badCandidate(root: string): Promise<RolledBack> {
  return inLoop(root, async (loop) => {
    await canary(loop, 'start', 'demo')
    run(loop, 'fixtures/canary/app.mjs', '110', '5')
    const exit = await canary(loop, 'watch', 'demo', '--every', '2s')
    await sleep(12_000)
    const journal = journalOf(loop)
    const decided = journal.findIndex(
      ({ decision }) => (decision as { next?: string } | undefined)?.next === 'rollback',
    )
    const decision = timeOf(journal[decided])
    const intent = journal.slice(decided).find(({ kind }) => kind === 'intent')
    const applied = journal.find(({ kind, id }) => kind === 'applied' && id === intent?.id)
    const served = servedBy(loop)
    const candidate = served.filter((one) => one.candidate)
    return {
      exit,
      start_to_decision: seconds(timeOf(journal[0]), decision),
      decision_to_read_back: seconds(decision, timeOf(applied)),
      decision_to_last_candidate: seconds(decision, Math.max(...candidate.map(({ at }) => at))),
      requests: served.length,
      candidate: candidate.length,
    }
  })
}

/** The same with a good candidate, and the monitor is killed after some seconds: until 5 seconds after the lease ended. */
export function deadMonitor(root: string): Promise<MonitorDead> {
  return inLoop(root, async (loop) => {
    await canary(loop, 'start', 'demo')
    run(loop, 'fixtures/canary/app.mjs', '110', '1')
    const monitor = run(loop, 'bin/aigate.js', 'canary', 'watch', 'demo', '--every', '2s')
    while (!journalOf(loop).some(({ kind }) => kind === 'look')) await sleep(200)
    await sleep(4000)
    monitor.kill('SIGKILL')
    await once(monitor, 'exit')
    const killed = Date.now()
    const file = join(loop.folder, 'deploy/flags.json')
    const before = readFileSync(file)
    const lease = Date.parse(/"lease_until":\s*"([^"]+)"/.exec(before.toString())?.[1] ?? '')
    await sleep(Math.max(0, lease + 5000 - Date.now()))
    const served = servedBy(loop)
    // flagd counts in whole seconds.
    const after = served.filter(({ at }) => at >= lease + 1000)
    return {
      kill_to_lease_end: seconds(killed, lease),
      candidate_between: served.filter(({ at, candidate }) => candidate && at > killed && at < lease).length,
      requests_after: after.length,
      candidate_after: after.filter(({ candidate }) => candidate).length,
      flag_file_written: !before.equals(readFileSync(file)),
    }
  })
}
