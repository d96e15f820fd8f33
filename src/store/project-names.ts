// The names in a project that a command line can hold, found fast: single lines of files, no whole suite is read.
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { glob } from 'tinyglobby'
import type { Project } from '../ports.ts'
import { git } from './git-objects.ts'
import { loadProject } from './project.ts'
import { listPrompts } from './prompts.ts'

type Named = { value: string; summary: string }
const MOST_RUNS = 20
const MOST_REFS = 200

/** @throws AigateError where there is no configuration, or it cannot be read */
export async function namesInProject(
  at: { cwd: string; config?: string | undefined },
  of: 'suites' | 'models' | 'prompts' | 'runs' | 'rollouts' | 'environments',
): Promise<Named[]> {
  const project = await loadProject(at)
  const { config, root } = project
  if (of === 'suites') return keyed(project, config.suites, 'suite')
  if (of === 'rollouts') return keyed(project, config.rollouts, 'rollout')
  if (of === 'models') return Object.entries(config.models).map(([value, { id }]) => ({ value, summary: id }))
  if (of === 'environments')
    return [...new Set(['production', ...Object.keys(config.environments ?? {})])].map((value) => ({
      value,
      summary: '',
    }))
  if (of === 'prompts')
    return (await listPrompts(project)).map(({ name, version, file }) => ({
      value: `${name}@${version}`,
      summary: file,
    }))
  const runs = await readdir(join(root, '.aigate', 'runs')).catch((): string[] => [])
  const ids = runs.filter((name) => /^\d{8}T/.test(name)).toSorted()
  return ['latest', ...ids.slice(-MOST_RUNS).toReversed()].map((value) => ({ value, summary: '' }))
}

/** Branches and tags, the latest first. */
export async function refsOf(cwd: string): Promise<string[]> {
  const { failed, bytes } = await git(cwd, [
    'for-each-ref',
    '--sort=-committerdate',
    `--count=${MOST_REFS}`,
    '--format=%(refname:short)',
    'refs/heads',
    'refs/remotes',
    'refs/tags',
  ])
  return failed ? [] : bytes.toString().split('\n').filter(Boolean)
}

/** The value of the first line `key: value`, which names what the file describes, and of `description:`. */
async function keyed({ root }: Project, patterns: readonly string[], key: string): Promise<Named[]> {
  const files = await glob([...patterns], { cwd: root, onlyFiles: true, ignore: ['**/node_modules/**'] })
  const found = await Promise.all(
    files.toSorted().map(async (file) => {
      const text = await readFile(join(root, file), 'utf8').catch(() => '')
      const line = (name: string) => new RegExp(`^${name}:[ \\t]*["']?([^"'\\r\\n#]+)`, 'm').exec(text)?.[1]?.trim()
      const value = line(key)
      return value === undefined ? [] : [{ value, summary: line('description') ?? file }]
    }),
  )
  return found.flat()
}
