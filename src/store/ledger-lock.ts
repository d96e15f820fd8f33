// A lock file: one writer at a time, and a writer that was killed does not lock the others out for ever.
import { closeSync, linkSync, openSync, readFileSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import process from 'node:process'
import { AigateError } from '../errors.ts'
import { errno, fileError } from './write-text.ts'

const LOOK_AGAIN_MS = 25
/** About ten seconds: an append takes milliseconds. */
const MOST_LOOKS = 400

/** While it works, a long-lived holder says so this often … */
const HEARTBEAT_MS = 10_000
/** … and whoever has not said so for so long holds nothing any more, on whatever machine … */
const SILENT_MS = 120_000
/** … unless only clocks say it: one that jumped, that of another machine, a machine that slept. Then it is watched for so long. */
const WATCH_MS = 12_500

/**
 * How long others wait, and what they are told then. `heartbeat`: the work may take long, so that its holder shows
 * signs of life; a lock without any for two minutes, and none while it is watched, is taken over, that of another machine too.
 */
export type LockManner = { looks: number; heartbeat: boolean; taken: (file: string, owner: string) => AigateError }

const ledgerManner: LockManner = {
  looks: MOST_LOOKS,
  heartbeat: false,
  taken: (file, owner) =>
    new AigateError('usage', {
      problem: `Another aigate has been writing the ledger for ten seconds: ${file} (process ${owner}).`,
      mend: 'Wait for it. If nobody runs any more, delete this file and run the command again.',
    }),
}

/**
 * Does `work` while no other process holds `file`. A lock whose owner is dead is taken over; a lock of another machine
 * is waited for only (but see `heartbeat`). Throws what `manner.taken` makes when it stays taken, and the errors of the disk.
 */
export async function withLock<T>(
  file: string,
  work: () => T | Promise<T>,
  manner: LockManner = ledgerManner,
): Promise<T> {
  const mine = `${process.pid} ${hostname()} ${randomBytes(8).toString('hex')}\n`
  await acquire(file, mine, manner)
  const beat = manner.heartbeat ? setInterval(() => touch(file, mine), HEARTBEAT_MS) : undefined
  try {
    return await work()
  } finally {
    clearInterval(beat)
    if (contentOf(file) === mine) rmSync(file, { force: true })
  }
}

function touch(file: string, mine: string): void {
  try {
    const now = new Date()
    if (contentOf(file) === mine) utimesSync(file, now, now)
  } catch {
    // A heartbeat that could not be shown is one that is missing: others see that.
  }
}

async function acquire(file: string, mine: string, { looks, heartbeat, taken }: LockManner): Promise<void> {
  for (let look = 0; ; look += 1) {
    if (createWhole(file, mine)) return
    const owner = contentOf(file)
    if (owner !== undefined && (isDead(owner) || (heartbeat && (await isSilent(file, owner))))) breakLock(file, owner)
    if (look + 1 >= looks) throw taken(file, owner?.trim().split(' ').slice(0, 2).join(' on ') ?? 'unknown')
    await new Promise((go) => setTimeout(go, LOOK_AGAIN_MS * (0.5 + Math.random())))
  }
}

async function isSilent(file: string, owner: string): Promise<boolean> {
  const touched = () => statSync(file, { throwIfNoEntry: false })?.mtimeMs
  const seen = touched()
  if (seen === undefined || Date.now() - seen <= SILENT_MS) return false
  await new Promise((go) => setTimeout(go, WATCH_MS))
  return touched() === seen && contentOf(file) === owner
}

/** Makes the lock with its content in one step, so that nobody ever sees an empty one; false when it is there. */
function createWhole(file: string, content: string): boolean {
  const draft = `${file}.${process.pid}-${randomBytes(4).toString('hex')}`
  try {
    writeFileSync(draft, content, { flag: 'wx' })
    linkSync(draft, file)
    return true
  } catch (error) {
    if (errno(error) === 'EEXIST') return false
    throw fileError(file, error, 'write')
  } finally {
    rmSync(draft, { force: true })
  }
}

function contentOf(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return undefined
  }
}

function isDead(owner: string): boolean {
  const [pid = '', host = ''] = owner.trim().split(' ')
  if (host !== hostname() || !/^\d+$/.test(pid)) return false
  try {
    process.kill(Number(pid), 0)
    return false
  } catch (error) {
    return errno(error) === 'ESRCH'
  }
}

/**
 * Removes the lock of a dead owner. Two who find it dead must not both remove: the slower one would remove the new lock
 * of the faster. So whoever removes holds a second file meanwhile, and looks again before it does.
 */
function breakLock(file: string, dead: string): void {
  const guard = `${file}.break`
  try {
    closeSync(openSync(guard, 'wx'))
  } catch {
    // Somebody else is at it, or was killed at it: a guard older than a minute is nobody's.
    const age = Date.now() - (statSync(guard, { throwIfNoEntry: false })?.mtimeMs ?? Date.now())
    if (age > 60_000) rmSync(guard, { force: true })
    return
  }
  try {
    if (contentOf(file) === dead) rmSync(file, { force: true })
  } finally {
    rmSync(guard, { force: true })
  }
}
