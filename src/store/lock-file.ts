// aigate.lock beside aigate.yaml: read with the place of every fault, written sorted, one line a thing.
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { Project } from '../ports.ts'
import { Lock } from '../schema/lock.ts'
import { canonicalJson } from '../content-hash.ts'
import { type SourceFile, sourceFile } from './source-text.ts'
import { writeText } from './write-text.ts'
import { readYaml } from './yaml.ts'

const HEAD = `# What decides behaviour, as it was agreed on. \`aigate lock\` writes it; read its changes like those of code.
aigate: lock
version: 1
`

/** Beside aigate.yaml. */
export const LOCK_NAME = 'aigate.lock'

/** Where the lock of a project is, also when there is none. */
export const lockFile = ({ root }: Project): SourceFile => sourceFile(root, join(root, LOCK_NAME))

/** The lock of a project; null when there is none. Throws AigateError `bad_file` with every fault in it. */
export async function readLock(project: Project): Promise<Lock | null> {
  const file = lockFile(project)
  if (!existsSync(file.path)) return null
  return (await readYaml(file, Lock, 'lock')).value
}

/** Writes the lock, as a whole or not at all. Throws AigateError `cannot_write` or `disk_trouble`. */
export async function writeLock(project: Project, lock: Lock): Promise<void> {
  await writeText(lockFile(project).path, lockText(lock))
}

/** The lock as YAML; values are JSON, so that no text of a user can change its form. The same content gives the same bytes. */
export function lockText({ models, components, judges, embeddings, prompts, suites }: Lock): string {
  return [
    HEAD,
    section('models', models),
    section('components', components),
    judges === undefined ? '' : section('judges', judges),
    embeddings === undefined ? '' : `embeddings: ${canonicalJson(embeddings)}\n`,
    section('prompts', prompts),
    'suites:',
    Object.keys(suites).length === 0 ? ' {}\n' : '\n',
    ...sorted(suites).map(([name, { policy, ...suite }]) => {
      const lines = sorted(suite).map(([field, value]) => `    ${field}: ${canonicalJson(value)}\n`)
      const rules = sorted(policy).map(([rule, value]) => `      ${rule}: ${canonicalJson(value)}\n`)
      return `  ${key(name)}:\n${lines.join('')}    policy:\n${rules.join('')}`
    }),
  ].join('')
}

function section(title: string, things: Readonly<Record<string, unknown>>): string {
  if (Object.keys(things).length === 0) return `${title}: {}\n`
  const lines = sorted(things).map(([name, value]) => `  ${key(name)}: ${canonicalJson(value)}\n`)
  return `${title}:\n${lines.join('')}`
}

/** By code unit, so that the order is the same in every locale; what is undefined is left out. */
const sorted = <T>(record: Readonly<Record<string, T>>): [string, T][] =>
  Object.entries(record)
    .filter(([, value]) => value !== undefined)
    .sort(([a], [b]) => (a < b ? -1 : 1))

/** A key that YAML takes for nothing but text, in quotes where it might. */
const key = (name: string): string =>
  /^[A-Za-z][\w./@+-]*$/.test(name) && !/^(true|false|null|yes|no|on|off)$/i.test(name) ? name : JSON.stringify(name)
