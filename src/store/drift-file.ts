// Reads drift.yaml, and reads and writes the reference: what was normal when it was learnt.
import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { AigateError } from '../errors.ts'
import type { Project } from '../ports.ts'
import { DRIFT_REFERENCE_FORMAT, DriftPlan, DriftReference } from '../schema/drift.ts'
import { canonicalJson, sha256 } from '../content-hash.ts'
import { firstIssue, parseJson } from './json-lines.ts'
import { sourceFile } from './source-text.ts'
import { fileError, writeText } from './write-text.ts'
import { readYaml } from './yaml.ts'

/** `hash`: of what is watched and where; a reference of another one is not compared. `reference`: absolute path. */
export type LoadedDrift = { plan: DriftPlan; file: string; hash: string; reference: string }

/** A drift plan; `path` is absolute or relative to the root. Throws AigateError `bad_file` with every fault. */
export async function readDrift({ root }: Project, path: string): Promise<LoadedDrift> {
  const file = sourceFile(root, path)
  const { value } = await readYaml(file, DriftPlan, 'drift')
  const { watch, source, reference } = value
  // A floor decides; it does not count.
  const counted = Object.entries(watch).map(([name, one]) => [name, { ...one, floor: undefined }])
  const hash = sha256(canonicalJson({ watch: Object.fromEntries(counted), source })).slice(0, 16)
  const beside = join(dirname(file.path), `${value.drift.replaceAll('/', '-')}.reference.json`)
  return { plan: value, file: file.shown, hash, reference: reference === undefined ? beside : join(root, reference) }
}

/** null: nothing was learnt yet. Throws AigateError `newer_file`, `bad_file`, `cannot_read`. */
export function readReference(file: string): DriftReference | null {
  if (!existsSync(file)) return null
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    throw fileError(file, error, 'read')
  }
  const value = parseJson(text)
  const version = typeof value === 'object' && value !== null && 'version' in value ? Number(value.version) : Number.NaN
  if (version > DRIFT_REFERENCE_FORMAT)
    throw new AigateError('newer_file', { kind: 'a drift reference', version, known: DRIFT_REFERENCE_FORMAT }, { file })
  const read = DriftReference.safeParse(value)
  if (read.success) return read.data
  const problem = `This is no drift reference: ${firstIssue(read.error)}.`
  throw new AigateError('bad_file', { problem, mend: 'Learn it anew: `aigate drift --live <file> --learn`.' }, { file })
}

/** Writes the reference as a whole, or not at all. Throws AigateError `cannot_write`, `disk_trouble`. */
export async function writeReference(file: string, reference: DriftReference): Promise<void> {
  await writeText(file, `${JSON.stringify(reference)}\n`)
}
