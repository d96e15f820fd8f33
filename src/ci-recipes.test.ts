// The recipes of docs/ci.md and docs/reports.md: YAML that parses, reporters and exit codes that exist, files that are kept.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { parseReporters } from './commands/write-reports.ts'
import { reporterNames } from './report/registry.ts'

const read = (name: string) => readFileSync(join(import.meta.dirname, '..', 'docs', name), 'utf8')
const fences = (page: string, kind: string) =>
  [...page.matchAll(new RegExp(`^\`\`\`${kind}\\n([\\s\\S]*?)^\`\`\`$`, 'gm'))].map(([, body = '']) => body)
const recipes = [...fences(read('ci.md'), 'yaml'), ...fences(read('ci.md'), 'groovy')]

it('reads the recipes', () => {
  expect(recipes).toHaveLength(5)
})

describe.each(recipes.map((text) => [text.split('\n')[0], text]))('%s', (_, text) => {
  const wanted = [...text.matchAll(/--reporter ([^\s"]+)/g)].flatMap(([, list = '']) => parseReporters(list))
  it('names reporters that there are, and keeps their files', () => {
    for (const { file } of wanted.filter((one) => one.file !== null)) {
      const folder = file?.split('/')[0] ?? ''
      expect(text.split(folder).length, file ?? '').toBeGreaterThan(2)
    }
  })
  it.skipIf(text.startsWith('pipeline {'))('is YAML', () => {
    expect(parse(text)).toBeTypeOf('object')
  })
})

it('GitLab gets what it reads, and an open verdict is a warning', () => {
  const job = parse(recipes[0] ?? '').aigate
  const [, command = ''] = job.script as string[]
  const files = parseReporters(/--reporter (\S+)/.exec(command)?.[1] ?? '')
  for (const [name, file] of Object.entries(job.artifacts.reports)) expect(files).toContainEqual({ name, file })
  expect(job.artifacts.when).toBe('always')
  expect(job.allow_failure).toEqual({ exit_codes: [3] })
  expect(job.variables.GIT_DEPTH).toBe(0)
})

it('every reporter has a row', () => {
  for (const name of reporterNames) expect(read('reports.md')).toMatch(new RegExp(`^\\| \`${name}\` \\|`, 'm'))
})
