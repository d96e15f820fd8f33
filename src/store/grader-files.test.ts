// Which files grade a case: named in a command, beside it, through links, in the working tree as in a commit.
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { commit, git } from '../commands/git-testing.ts'
import { graderFiles, ownFiles } from './grader-files.ts'
import { loadProject } from './project.ts'
import { commitTree, workingTree } from './repository-tree.ts'
import { loadSuites } from './suites.ts'

let root = ''
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'aigate-graders-'))
})
afterEach(() => rmSync(root, { recursive: true, force: true }))

function write(path: string, text: string | Buffer): void {
  mkdirSync(dirname(join(root, path)), { recursive: true })
  writeFileSync(join(root, path), text)
}
/** A committed project whose one case is graded by this command. */
function given(run: string[], files: Record<string, string> = {}): void {
  write('aigate.yaml', 'version: 1\n')
  write('app.mjs', "export default () => 'right'\n")
  const one = { id: 'c1', assert: [{ command: { run } }] }
  write('evals/cases.jsonl', `${JSON.stringify(one)}\n`)
  write('evals/app.suite.yaml', 'suite: app\nversion: 1.0.0\ntarget: {module: ../app.mjs}\ncases_from: [cases.jsonl]\n')
  for (const [path, text] of Object.entries(files)) write(path, text)
  git(root, 'init', '-q', '-b', 'main')
  commit(root, 'the base')
}
async function graders(at?: string): Promise<Readonly<Record<string, string>>> {
  const project = await loadProject({ cwd: root })
  const suites = await loadSuites(project, { suites: [] })
  const tree = at === undefined ? await workingTree(root) : await commitTree(root, at)
  const { files } = await graderFiles(tree, project, suites, ownFiles(tree, project, suites))
  return files.get('app') ?? {}
}
const named = async () => Object.keys(await graders())

describe('a command that grades', () => {
  it.each<[string[], string[]]>([
    [['node', 'grade.mjs'], ['evals/grade.mjs']],
    [['sh', '-c', 'cd .. && node  "tools/check.mjs" | grep -q ok'], ['tools/check.mjs']],
    [['python3', '-m', 'pkg.grade'], ['evals/pkg/grade.py']],
    [['python3', '-m', 'judge'], ['evals/judge/']],
    [['python3', '../tools'], ['tools/']],
    [['node', '--import=./grade.mjs', '-e', '0'], ['evals/grade.mjs']],
    [['grep', '-q', 'right'], ['evals/']],
    [
      ['npm', 'run', 'score'],
      ['evals/', 'package.json'],
    ],
  ])('%j depends on %j', async (run, expected) => {
    given(run, {
      'evals/grade.mjs': '1',
      'evals/pkg/grade.py': '1',
      'evals/judge/__main__.py': '1',
      'tools/check.mjs': '1',
      'package.json': '{}',
    })
    expect(await named()).toEqual(expected)
    expect(await graders('HEAD')).toEqual(await graders())
  })

  it('notices every file of a folder, but neither line ends nor what a machine leaves there', async () => {
    given(['python3', '../grade'], { 'grade/__main__.py': 'a\nb\n', 'grade/deep/words.txt': 'x\n' })
    const before = await graders()
    write('grade/__main__.py', 'a\r\nb\r\n')
    write('grade/__pycache__/main.pyc', 'bytes')
    expect(await graders()).toEqual(before)
    write('grade/deep/words.txt', 'y\n')
    expect(await graders()).not.toEqual(before)
    write('grade/deep/words.txt', 'x\n')
    write('grade/sitecustomize.py', 'exit(0)')
    expect(await graders()).not.toEqual(before)
  })

  it('that names no file depends on what lies beside it, not on cases, suites and the application', async () => {
    given(['grep', '-q', 'right'], { 'evals/.envrc': '1' })
    const before = await graders()
    write('evals/more.suite.yaml', 'suite: more\n'.repeat(2))
    rmSync(join(root, 'evals/more.suite.yaml'))
    write('evals/cases.jsonl', `${JSON.stringify({ id: 'c1', assert: [{ command: { run: ['grep', '-q', 'x'] } }] })}\n`)
    write('app.mjs', "export default () => 'other'\n")
    expect(await graders()).toEqual(before)
    write('evals/.envrc', '2')
    expect(await graders()).not.toEqual(before)
  })

  it('is followed through links, and never out of the repository', async () => {
    given(['sh', 'grade.sh', 'out'], { 'tools/grade.sh': 'exit 1\n' })
    symlinkSync('../tools/grade.sh', join(root, 'evals/grade.sh'))
    symlinkSync('/etc', join(root, 'evals/out'))
    commit(root, 'links')
    const before = await graders()
    expect(await graders('HEAD')).toEqual(before)
    expect(Object.keys(before)).toContain('evals/grade.sh')
    write('tools/grade.sh', 'exit 0\n')
    expect(await graders()).not.toEqual(before)
  })

  it('is hashed byte for byte where it is no text, and read where there is no git', async () => {
    given(['./grade.bin'], { 'evals/grade.bin': 'x' })
    write('evals/grade.bin', Buffer.from([0, 13, 10, 255]))
    chmodSync(join(root, 'evals/grade.bin'), 0o755)
    commit(root, 'binary')
    const before = await graders()
    expect(await graders('HEAD')).toEqual(before)
    rmSync(join(root, '.git'), { recursive: true })
    expect(await graders()).toEqual(before)
    write('evals/grade.bin', Buffer.from([0, 10, 255]))
    expect(await graders()).not.toEqual(before)
  })
})
