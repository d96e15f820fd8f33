// How much memory the engine of JavaScript may take ahead of need: by default several times of what is in use.
import process from 'node:process'
import { getHeapSpaceStatistics, setFlagsFromString } from 'node:v8'

/** Bytes for new objects: half of what V8 would take. More makes no job faster, and each of them larger. */
const YOUNG = 16 << 20
const LOOK_MS = 20
/** The newest V8 of which it is known that it reads these flags while it runs (Node 24); a newer one is left as it is. */
const KNOWN = 13

/**
 * Keeps the room for new objects at 16 MB once it has grown to that: V8 reads the factor each time that it is about to make
 * the room larger.
 */
export function boundYoungSpace(): void {
  const timer = setInterval(() => {
    const young = getHeapSpaceStatistics().find(({ space_name: name }) => name === 'new_space')
    if (!young || young.space_size < YOUNG) return
    set('--semi-space-growth-factor=1')
    clearInterval(timer)
  }, LOOK_MS).unref()
}

/** Old objects are looked through when they have doubled; by default they may grow fourfold. V8 reads it at each look. */
export function boundOldSpace(): void {
  set('--heap-growing-percent=100')
}

function set(flag: string): void {
  if (Number.parseInt(process.versions.v8, 10) <= KNOWN) setFlagsFromString(flag)
}
