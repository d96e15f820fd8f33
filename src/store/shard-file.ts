// The files that shards write and `aigate merge` reads.
import { readdir, readFile, stat } from 'node:fs/promises'
import { basename, dirname, join, resolve } from 'node:path'
import { AigateError } from '../errors.ts'
import { ShardFile } from '../schema/shard.ts'
import { badRecord, checkHead, firstIssue, jsonLine, parseJson } from './json-lines.ts'
import { fileError, writeText } from './write-text.ts'

export const shardFileName = (shard: number, of: number): string => `shard-${shard}-of-${of}.json`

/** Writes the file as a whole: one line a suite, so that it stays readable. Throws `cannot_write` or `disk_trouble`. */
export async function writeShard(file: string, { suites, ...head }: ShardFile): Promise<void> {
  const lines = suites.map(jsonLine).join(',\n')
  await writeText(file, `${jsonLine(head).slice(0, -1)},"suites":[\n${lines}\n]}\n`)
}

/** Throws AigateError: `foreign_file`, `newer_file`, `cannot_read`, or `bad_file` for a file that was cut off or damaged. */
export async function readShard(file: string): Promise<ShardFile> {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    throw fileError(file, error, 'read')
  }
  const value = parseJson(text)
  await checkHead(file, value, 'shard', text.slice(0, 4096))
  const again = 'Take the file from the job that wrote it once more, or run this shard again.'
  if (value === undefined) throw badRecord(file, undefined, 'The file of this shard is cut off or no JSON.', again)
  const read = ShardFile.safeParse(value)
  if (read.success) return read.data
  throw badRecord(file, undefined, `This is no file of a shard: ${firstIssue(read.error)}.`, again)
}

/**
 * The files that the command line names: files, folders (all of their .json files, those in folders of one level below
 * too, as artifacts are downloaded) and patterns with `*` in the last part, for shells that leave them as they are.
 * @returns absolute paths, sorted, each once. Throws AigateError `usage` for what names no file
 */
export async function findShards(cwd: string, named: readonly string[]): Promise<string[]> {
  const found: string[] = []
  for (const name of named) {
    const path = resolve(cwd, name)
    const files = await filesAt(path)
    if (files.length === 0) {
      const mend = 'Name the files that `aigate eval --shard` wrote, or the folder that holds them.'
      throw new AigateError('usage', { problem: `There is no file of a shard at ${name}.`, mend })
    }
    found.push(...files)
  }
  return [...new Set(found)].sort()
}

async function filesAt(path: string): Promise<string[]> {
  const there = await stat(path).catch(() => null)
  if (there?.isDirectory()) {
    const entries = await readdir(path, { recursive: true }).catch((error: unknown) => {
      throw fileError(path, error, 'read')
    })
    const near = entries.filter((name) => name.endsWith('.json') && name.split(/[\\/]/).length <= 2)
    return near.map((name) => join(path, name))
  }
  if (there) return [path]
  if (!basename(path).includes('*')) return []
  const pattern = new RegExp(
    `^${basename(path)
      .split('*')
      .map((part) => part.replace(/[.+?^${}()|[\]\\]/g, '\\$&'))
      .join('.*')}$`,
  )
  const names = await readdir(dirname(path)).catch(() => [])
  return names.filter((name) => pattern.test(name)).map((name) => join(dirname(path), name))
}
