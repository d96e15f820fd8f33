// A lock file: one writer at a time on one machine, and a writer that was killed does not lock the others out for ever.
import { closeSync, linkSync, openSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { randomBytes } from 'node:crypto'
import { hostname } from 'node:os'
import process from 'node:process'
import { AigateError } from '../errors.ts'
import { errno, fileError } from './write-text.ts'

const LOOK_AGAIN_MS = 25
/** About ten seconds: an append takes milliseconds. */
const MOST_LOOKS = 400

/**
 * Does `work` while no other process holds `file`. A lock whose owner is dead is taken over; a lock of another machine
 * is waited for only. Throws AigateError `usage` when it stays taken, and the errors of the disk.
 */
export async function withLock<T>(file: string, work: () => T | Promise<T>): Promise<T> {
  const mine = `${process.pid} ${hostname()} ${randomBytes(8).toString('hex')}\n`
  await acquire(file, mine)
  try {
    return await work()
  } finally {
    if (contentOf(file) === mine) rmSync(file, { force: true })
  }
}

async function acquire(file: string, mine: string): Promise<void> {
  for (let look = 0; look < MOST_LOOKS; look += 1) {
    if (createWhole(file, mine)) return
    const owner = contentOf(file)
    if (owner !== undefined && isDead(owner)) breakLock(file, owner)
    else await new Promise((go) => setTimeout(go, LOOK_AGAIN_MS * (0.5 + Math.random())))
  }
  throw new AigateError('usage', {
    problem: `Another aigate has been writing the ledger for ten seconds: ${file} (process ${contentOf(file)?.trim() ?? 'unknown'}).`,
    mend: 'Wait for it. If nobody runs any more, delete this file and run the command again.',
  })
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
