// The laws of the house, each a test: who may import whom, and what pure rooms may not touch.
import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, relative, resolve, sep } from 'node:path'
import { describe, expect, it } from 'vitest'

const src = import.meta.dirname
const rooms = ['store', 'run', 'score', 'decide', 'report', 'observe', 'act']
const pure = ['score', 'statistics', 'decide', 'report', 'schema']
const ground = [
  'ports.ts',
  'errors.ts',
  'secrets.ts',
  'content-hash.ts',
  'make-folder.ts',
  'plain-template.ts',
  'schema',
]

const files = readdirSync(src, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.ts') && !file.endsWith('.test.ts'))
  .map((file) => file.split(sep).join('/'))
const text = (file: string) => readFileSync(join(src, file), 'utf8')
const roomOf = (file: string) => file.split('/')[0] ?? ''

function imports(file: string): string[] {
  const found = text(file).matchAll(
    /^(?:import|export)\b[^'"]*?from\s+['"]([^'"]+)['"]|\bimport\(\s*['"]([^'"]+)['"]|^import\s+['"]([^'"]+)['"]/gm,
  )
  return [...found].map((match) => match[1] ?? match[2] ?? match[3] ?? '')
}
const localImports = (file: string) =>
  imports(file)
    .filter((name) => name.startsWith('.'))
    .map((name) =>
      relative(src, resolve(src, dirname(file), name))
        .split(sep)
        .join('/'),
    )

/** The code without comments, strings and template text: names in prose are no effects. */
function code(file: string): string {
  return text(file)
    .replace(/\/\*[\s\S]*?\*\//g, '')
    .replace(/(^|[^:])\/\/.*$/gm, '$1')
    .replace(/'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"/g, "''")
}

it('reads the tree that it judges', () => {
  expect(files).toContain('ports.ts')
  expect(imports('ports.ts').length).toBeGreaterThan(3)
})

describe('law 1: rooms do not import each other', () => {
  it.each(files.filter((file) => rooms.includes(roomOf(file))))('%s', (file) => {
    const allowed = [roomOf(file), 'statistics', ...ground]
    expect(localImports(file).filter((name) => !allowed.includes(roomOf(name)))).toEqual([])
  })
  it.each(files.filter((file) => roomOf(file) === 'statistics'))('%s knows only numbers', (file) => {
    expect(localImports(file).filter((name) => roomOf(name) !== 'statistics')).toEqual([])
  })
  it.each(files.filter((file) => ground.includes(roomOf(file))))('%s stands on the ground', (file) => {
    expect(localImports(file).filter((name) => !ground.includes(roomOf(name)))).toEqual([])
  })
  it('main.ts and its lists of verbs alone import commander', () => {
    const importers = files.filter((file) => imports(file).includes('commander'))
    expect(importers.filter((file) => roomOf(file) !== 'verbs')).toEqual(['main.ts'])
  })
  it('nobody but the lists of verbs, and action.ts for the GitHub Action, imports commands', () => {
    const importers = files.filter((file) => localImports(file).some((name) => roomOf(name) === 'commands'))
    const others = importers.filter((file) => !['commands', 'verbs'].includes(roomOf(file)))
    expect(others.toSorted()).toEqual(['action.ts', 'main.ts'])
  })
  it('main.ts alone imports the lists of verbs', () => {
    const importers = files.filter((file) => localImports(file).some((name) => roomOf(name) === 'verbs'))
    expect(importers.filter((file) => roomOf(file) !== 'verbs')).toEqual(['main.ts'])
  })
  it('action.ts alone imports main.ts, and nobody imports action.ts', () => {
    const importing = (wanted: string) => files.filter((file) => localImports(file).includes(wanted))
    expect(importing('main.ts')).toEqual(['action.ts'])
    expect(importing('action.ts')).toEqual([])
  })
})

describe('law 2: pure rooms touch nothing', () => {
  it.each(files.filter((file) => pure.includes(roomOf(file))))('%s', (file) => {
    for (const name of ['content-hash.ts', 'make-folder.ts']) expect(localImports(file)).not.toContain(name)
    expect(imports(file).filter((name) => /^node:|^(chalk|execa|openai|write-file-atomic)$/.test(name))).toEqual([])
    const banned = /\bDate\.now\b|\bnew Date\(\)|\bMath\.random\b|\bprocess\.|\bconsole\.|\bfetch\(|\bperformance\./g
    expect(code(file).match(banned) ?? []).toEqual([])
  })
})

describe('law 8: manners', () => {
  it.each(files)('%s', (file) => {
    expect(text(file)).toMatch(/^\/\/ \S.{10,}/)
    expect(code(file)).not.toMatch(/^export default\b/m)
    if (file !== 'errors.ts') expect(code(file)).not.toMatch(/^\s*(export )?class\s/m)
    expect(file).not.toMatch(/(^|\/)(utils?|core|helpers?|misc)(\/|\.ts$)/)
  })
})

describe('law 4: one place owns exit codes', () => {
  it('only main.ts names them; action.ts hands on what the gate ended with', () => {
    const naming = files.filter((file) => /\bprocess\.exit\b|\bexitCode\s*=[^=]/.test(code(file)))
    expect(naming.filter((file) => file !== 'main.ts')).toEqual(['action.ts'])
  })
})

it('make-folder.ts alone makes folders: Node never comes back from `recursive` where a system refuses by ENOENT', () => {
  const making = files.filter((file) => !file.endsWith('-testing.ts') && /\bmkdir(Sync)?\b/.test(code(file)))
  expect(making).toEqual(['make-folder.ts'])
})
