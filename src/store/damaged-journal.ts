// A damaged journal is kept as it is under another name, and goes on behind its last sound record.
import { closeSync, constants, copyFileSync, existsSync, fsyncSync, openSync, truncateSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { bytesOf, type Chain, sha256Bytes } from './chained-file.ts'
import { parseJson } from './json-lines.ts'
import { fileError } from './write-text.ts'

/** What was put aside: the number of it, its file, the record (from 1) that was damaged first, and why it is. */
export type Damage = { number: number; file: string; record: number; problem: string; lost: number }

const LINK = /,"hash":"([0-9a-f]{64})"\}\r?$/

/**
 * Puts a damaged journal aside as `<name>.damaged-<n>.jsonl` and cuts it off before its first fault; a crash between the two
 * leaves the damaged one. The caller holds its lock. null: it is sound. Throws the errors of the disk.
 * @returns what was put aside, and the lines behind the fault whose content still fits their own hash
 */
export function putAside(chain: Chain<unknown>): { damage: Damage; sound: Record<string, unknown>[] } | null {
  const [fault] = chain.faults
  if (!fault) return null
  const name = basename(chain.file, '.jsonl')
  let number = 1
  const place = () => join(dirname(chain.file), `${name}.damaged-${number}.jsonl`)
  while (existsSync(place())) number += 1
  const file = place()
  const behind = bytesOf(chain.file).subarray(chain.size).toString('utf8').split('\n').filter(Boolean)
  try {
    copyFileSync(chain.file, file, constants.COPYFILE_EXCL)
    const fd = openSync(file, 'r+')
    try {
      fsyncSync(fd)
    } finally {
      closeSync(fd)
    }
    truncateSync(chain.file, chain.size)
  } catch (error) {
    throw fileError(chain.file, error, 'write')
  }
  const sound = behind.flatMap(soundLine)
  const lost = behind.length - sound.length
  return { damage: { number, file, record: fault.record ?? chain.count + 1, problem: fault.problem, lost }, sound }
}

function soundLine(written: string): Record<string, unknown>[] {
  const line = written.replace(/\r$/, '')
  const hash = LINK.exec(line)?.[1]
  const value = parseJson(line)
  if (hash === undefined || typeof value !== 'object' || value === null || Array.isArray(value)) return []
  if (sha256Bytes(line.slice(0, -`,"hash":"${hash}"}`.length)) !== hash) return []
  return [value as Record<string, unknown>]
}
