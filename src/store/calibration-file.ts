// calibrations/<judge>.json: what is known of a judge, committed; read from the folder or from a commit.
import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { AigateError } from '../errors.ts'
import type { Project } from '../ports.ts'
import { Calibration } from '../schema/calibration.ts'
import { fileAt } from './git-objects.ts'
import { badRecord, checkHead, conflictLine, firstIssue, parseJson, refuseConflict } from './json-lines.ts'
import { errno, fileError, writeText } from './write-text.ts'

const again = 'Take the file from the last good commit, or make it again with `aigate calibrate`.'

/** Where the calibration of a judge is, relative to the root; a jury is named a+b. */
export const calibrationPath = ({ config }: Pick<Project, 'config'>, judge: string): string =>
  `${config.calibrations.replace(/\/+$/, '')}/${judge}.json`

/** The calibration of a judge; null when there is none. Throws AigateError: a newer or foreign file, or one that is torn. */
export async function readCalibration(project: Project, judge: string): Promise<Calibration | null> {
  const file = join(project.root, calibrationPath(project, judge))
  try {
    return await parse(file, await readFile(file, 'utf8'), judge)
  } catch (error) {
    if (errno(error) === 'ENOENT') return null
    if (error instanceof AigateError) throw error
    throw fileError(file, error, 'read')
  }
}

/** The same as a commit has it. */
export async function calibrationAt(project: Project, commit: string, judge: string): Promise<Calibration | null> {
  const path = calibrationPath(project, judge)
  const text = await fileAt(project.root, commit, path)
  return text === null ? null : parse(`${commit.slice(0, 12)}:${path}`, text, judge)
}

async function parse(file: string, content: string, judge: string): Promise<Calibration> {
  const text = content.replace(/^\ufeff/, '')
  refuseConflict(file, conflictLine(text))
  const value = parseJson(text)
  await checkHead(file, value, 'calibration', text)
  const read = Calibration.safeParse(value)
  if (!read.success) throw badRecord(file, undefined, `This is no calibration: ${firstIssue(read.error)}.`, again)
  if (read.data.judge !== judge)
    throw badRecord(file, undefined, `This is the calibration of the judge ${read.data.judge}, not of ${judge}.`, again)
  return read.data
}

/** Writes the calibration, as a whole or not at all. @returns its path, relative to the root */
export async function writeCalibration(project: Project, calibration: Calibration): Promise<string> {
  const path = calibrationPath(project, calibration.judge)
  await writeText(join(project.root, path), `${JSON.stringify(calibration, null, 2)}\n`)
  return path
}
