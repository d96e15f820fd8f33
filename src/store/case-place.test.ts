// The place of a case and of a key in it: YAML lists, JSON lines, suites in folders, files that are gone.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { mkdtempSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, it } from 'vitest'
import { placeOfCase } from './case-place.ts'
import { loadProject } from './project.ts'
import { loadSuites } from './suites.ts'

const root = mkdtempSync(join(tmpdir(), 'aigate-place-'))
afterAll(() => rmSync(root, { recursive: true, force: true }))

it('finds the key in its own case, in whatever file the case stands', async () => {
  mkdirSync(join(root, 'evals/deep/cases'), { recursive: true })
  writeFileSync(join(root, 'aigate.yaml'), 'version: 1\nsuites: [evals/**/*.suite.yaml, top.suite.yaml]\n')
  const body = (name: string) =>
    `suite: ${name}\nversion: 1.0.0\ntarget: {command: [node, x.mjs]}\ncases:\n  - id: a\n    assert: [{contains: x}]\n  - id: b\n    assert:\n      - regex: "x"\n`
  writeFileSync(join(root, 'evals/deep/one.suite.yaml'), `${body('one')}cases_from: [cases/more.jsonl]\n`)
  writeFileSync(
    join(root, 'evals/deep/cases/more.jsonl'),
    '{"id": "c", "assert": [{"contains": "x"}]}\n{"id": "d", "assert": [{"regex": "x"}]}\n',
  )
  writeFileSync(join(root, 'top.suite.yaml'), body('top'))
  const suites = await loadSuites(await loadProject({ cwd: root }), { suites: [] })
  const at = (name: string, id: string, key?: string) => {
    const suite = suites.find((one) => one.suite.suite === name)
    const found = suite?.cases.find((one) => one.case.id === id)
    if (!suite || !found) throw new Error(`no case ${id}`)
    return placeOfCase(suite, found.info, key)
  }
  for (const [name, file] of [['one', 'evals/deep/one.suite.yaml'], ['top', 'top.suite.yaml']] as const) {
    expect(at(name, 'b', 'regex')).toMatchObject({ file, line: 9, column: 9, frame: expect.stringContaining('>   9 |       - regex: "x"') })
    // The key of another case is not its own.
    expect(at(name, 'a', 'regex')).toMatchObject({ file, line: 5, column: 3 })
  } // biome-ignore format: one call a line
  expect(at('one', 'd', 'regex')).toMatchObject({ file: 'evals/deep/cases/more.jsonl', line: 2, column: 25 })
  expect(at('one', 'c', 'regex')).toMatchObject({ line: 1, column: 1 })
  rmSync(join(root, 'evals/deep/cases/more.jsonl'))
  expect(at('one', 'c')).toEqual({ file: 'evals/deep/cases/more.jsonl', line: 1 })
})
