// The batches that are under way, one file each: written before anybody waits, so that a process that is killed pays for none twice.
import { readdir, readFile, rm } from 'node:fs/promises'
import { join } from 'node:path'
import * as z from 'zod'
import type { BatchBook } from '../ports.ts'
import { lateObject } from '../schema/late-object.ts'
import { badRecord, checkHead, firstIssue, jsonLine, parseJson } from './json-lines.ts'
import { errno, fileError, writeText } from './write-text.ts'

const Entry = lateObject(() => ({
  aigate: z.literal('batch'),
  version: z.literal(1),
  mark: z.string().regex(/^[0-9a-f]{32}$/),
  address: z.string(),
  batch: z.string().nullable(),
  submitted_at: z.iso.datetime(),
  ids: z.array(z.string()),
}))

/** The book in a folder, which need not exist. Throws what reading and writing a file of aigate throws. */
export function openBatchBook(folder: string): BatchBook {
  const fileOf = (mark: string) => join(folder, `${mark}.json`)
  return {
    pending: async () => {
      const names = await readdir(folder).catch((error: unknown) => {
        if (errno(error) === 'ENOENT') return []
        throw fileError(folder, error, 'read')
      })
      const entries = []
      for (const name of names.filter((one) => /^[0-9a-f]{32}\.json$/.test(one)).sort()) {
        const entry = await readEntry(join(folder, name))
        if (entry) entries.push(entry)
      }
      return entries
    },
    put: (entry) => writeText(fileOf(entry.mark), `${jsonLine({ aigate: 'batch', version: 1, ...entry })}\n`),
    drop: (mark) => rm(fileOf(mark), { force: true }),
  }
}

async function readEntry(file: string) {
  let text: string
  try {
    text = await readFile(file, 'utf8')
  } catch (error) {
    // Another process was done with it.
    if (errno(error) === 'ENOENT') return null
    throw fileError(file, error, 'read')
  }
  const value = parseJson(text)
  await checkHead(file, value, 'batch', text)
  const read = Entry.safeParse(value)
  const mend = 'Delete it, and its batch is asked again; or take it from a copy.'
  if (!read.success) throw badRecord(file, undefined, `This is no note of a batch: ${firstIssue(read.error)}.`, mend)
  const { aigate: _aigate, version: _version, ...entry } = read.data
  return entry
}
