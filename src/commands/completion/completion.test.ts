// What completion offers, asked by the shells themselves: bash, zsh at a terminal of its own, fish; PowerShell where it is installed.
import { spawnSync } from 'node:child_process'
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { aigate, removeTemporary, root, temporary } from '../cli-testing.ts'
import { git } from '../git-testing.ts'
import { configIn, nextOf, type VerbShape, wordsOf } from './candidates.ts'
import { shells, shellScripts } from './shell-scripts.ts'

let project = ''
let path = ''
beforeAll(async () => {
  project = temporary()
  expect((await aigate(['init'], project)).code).toBe(0)
  expect((await aigate(['eval'], project)).code).toBe(0)
  git(project, 'init', '-q', '-b', 'main')
  git(project, 'commit', '-q', '--allow-empty', '-m', 'first')
  git(project, 'branch', 'feature/tone')
  mkdirSync(join(project, 'rollouts'))
  writeFileSync(join(project, 'rollouts', 'next.rollout.yaml'), 'rollout: support-1.1\n')
  writeFileSync(join(project, 'evals', 'broken.suite.yaml'), 'suite: "broken"  # cannot be read\ntarget: [\n')
  writeFileSync(join(project, 'evals', 'trap.suite.yaml'), 'suite: $(touch owned)\n')
  const bin = temporary()
  symlinkSync(join(root, 'bin', 'aigate.js'), join(bin, 'aigate'))
  path = [bin, process.env['PATH']].join(delimiter)
  const local = join(project, 'node_modules', '.bin')
  mkdirSync(local, { recursive: true })
  symlinkSync(join(root, 'bin', 'aigate.js'), join(local, 'aigate'))
})
afterAll(removeTemporary)

const answer = async (line: string) => {
  const { code, stdout, stderr } = await aigate(['completion', 'bash', `--line=${line}`], project)
  expect({ code, stderr }).toEqual({ code: 0, stderr: '' })
  return stdout.split('\n').slice(0, -1)
}
const values = async (line: string) => (await answer(line)).map((row) => row.split('\t')[0])

describe('what may come next', () => {
  it('is every verb that help shows, with its summary', async () => {
    const help = (await aigate(['--help'], project)).stdout
    const shown = [...help.matchAll(/^ {2}([a-z][a-z-]*)(?: \[.*?\]| <.*?>|\b)/gm)].map(([, name = '']) => name)
    expect(await values('aigate ')).toEqual(shown)
    expect(shown.length).toBeGreaterThan(20)
    expect(await answer('aigate explai')).toEqual([
      'explain\tSay in plain words why a run was blocked, passed, or stayed undecided',
    ])
  })
  it.each([
    ['aigate model ', ['list', 'show', 'check', 'help']],
    ['aigate eval --mod', ['--model']],
    ['aigate eval --model=support-main --mod', []],
    ['aigate eval --model ', ['support-main']],
    ['aigate eval --prompt=support/answer@1.1', ['--prompt=support/answer@1.1.0']],
    ['aigate eval su', ['support']],
    ['aigate eval support ', ['broken', 'support']],
    ['aigate eval --reporter table,juni', ['table,junit', 'table,junit-strict']],
    ['aigate eval --against feat', ['feature/tone']],
    ['aigate eval --config ', [':files']],
    ['aigate eval --seed ', []],
    ['aigate shadow pairs --measure le', ['levenshtein']],
    ['aigate canary status ', ['support-1.1']],
    ['aigate model show ', ['support-main']],
    ['aigate prompt bump support', ['support/answer@1.0.0', 'support/answer@1.1.0']],
    ['aigate release list --env p', ['production']],
    ['aigate compare la', ['latest']],
    ['aigate completion f', ['fish']],
    ['FOO=1 npx --no-install aigate ev', ['eval']],
    ['aigate eval -- --mod', []],
    ['aigate nothing --', ['--version', '--help']],
    ['ls ', []],
  ])('%s', async (line, expected) => {
    expect(await values(line)).toEqual(expected)
  })
  it('runs are named, the latest first', async () => {
    const [first, second] = await values('aigate report ')
    expect(first).toBe('latest')
    expect(second).toMatch(/^\d{8}T\d+Z-/)
  })
  it('is quiet where nothing can be read', async () => {
    const empty = temporary()
    const { code, stdout, stderr } = await aigate(['completion', 'zsh', '--line=aigate eval --model '], empty)
    expect({ code, stdout, stderr }).toEqual({ code: 0, stdout: '', stderr: '' })
    writeFileSync(join(empty, 'aigate.yaml'), 'version: [')
    expect((await aigate(['completion', 'zsh', '--line=aigate eval --model '], empty)).stderr).toBe('')
  })
  it('an unknown shell is refused', async () => {
    expect(await aigate(['completion', 'tcsh'], project)).toMatchObject({ code: 2 })
  })
})

describe('lines and trees', () => {
  it('words are parted as a shell does', () => {
    expect(wordsOf('aigate eval "a b" c\\ d --x')).toEqual(['eval', 'a b', 'c d', '--x'])
    expect(wordsOf('./node_modules/.bin/aigate ')).toEqual([''])
    expect(wordsOf('aigate')).toBeNull()
    expect(configIn(['eval', '--config', 'a.yaml', '--config'])).toBe('a.yaml')
    expect(configIn(['eval', '--config=b.yaml', ''])).toBe('b.yaml')
    expect(configIn(['eval', ''])).toBeUndefined()
  })
  it('an option with many values goes on until the next option', () => {
    const many = { flags: ['--pick'], summary: '', value: 'many' as const, valueName: 'x', choices: ['red', 'blue'] }
    const tree: VerbShape = { name: 'a', summary: '', options: [many], arguments: [], verbs: [] }
    expect(nextOf(tree, ['--pick', 'red', 'b']).candidates).toEqual([{ value: 'blue', summary: '' }])
    expect(nextOf(tree, ['--pick', 'red', '-']).candidates.map(({ value }) => value)).toEqual(['--pick'])
  })
})

const has = (shell: string) => spawnSync(shell, ['-c', 'true']).status === 0
const shell = (name: string, args: string[], script: string) => {
  const env = { PATH: path, HOME: temporary(), TERM: 'dumb', LANG: 'C.UTF-8' }
  const found = spawnSync(name, [...args, script], { cwd: project, env, encoding: 'utf8', timeout: 50_000 })
  return found.stdout + found.stderr
}

describe.skipIf(!has('bash'))('bash', () => {
  const replies = (...lines: string[]) =>
    shell(
      'bash',
      ['--norc', '-c'],
      `source <(aigate completion bash)\n${lines
        .map((line) => `COMP_LINE='${line}' COMP_POINT=${line.length}; _aigate; echo "\${COMPREPLY[*]}"`)
        .join('\n')}\n`,
    )
      .split('\n')
      .slice(0, -1)

  it('gets the rest of the word that it parts by itself', () => {
    expect(
      replies(
        'aigate ev',
        'aigate eval --prompt support/answer@1.1',
        'aigate eval --prompt=support/answer@1.1',
        'aigate eval --config a',
        'npx aigate comp',
        'npx other comp',
      ),
    ).toEqual(['eval', '1.1.0', 'support/answer@1.1.0'.replace('support/answer@', ''), '', 'compare completion', ''])
  })
  it('is registered, and names cannot command it', () => {
    expect(shell('bash', ['--norc', '-c'], 'source <(aigate completion bash)\ncomplete -p aigate\n')).toContain(
      '_aigate',
    )
    expect(replies('aigate eval ')).toEqual(['broken support'])
    expect(spawnSync('ls', [project], { encoding: 'utf8' }).stdout).not.toContain('owned')
  })
})

describe.skipIf(!has('zsh'))('zsh', () => {
  const typed = (keys: string, awaited: string) =>
    shell(
      'zsh',
      ['-f', '-c'],
      `zmodload zsh/zpty
zpty -b z zsh -f -i
seen() { repeat 150; do zpty -rt z part && text+=$part; [[ $text == *$1* ]] && return; sleep 0.1; done }
zpty -w z 'PS1= RPS1=; autoload -U compinit; compinit -u; source <(aigate completion zsh); print REA""DY'
seen READY
text=
zpty -w -n z $'${keys}\\t'
seen '${awaited}'
print -r -- $text
zpty -d z
`,
    )
  it.each([
    ['aigate eval --prompt support/answer@1.1', 'support/answer@1.1.0'],
    ['aigate eval --reporter table,codeq', 'table,codequality'],
  ])('%s', (keys, expected) => {
    expect(typed(keys, expected)).toContain(expected)
  })
})

describe.skipIf(!has('fish'))('fish', () => {
  const complete = (line: string) =>
    shell('fish', ['--no-config', '-c'], `aigate completion fish | source\ncomplete -C '${line}'\n`).trim().split('\n')
  it.each([
    ['aigate explai', ['explain\tSay in plain words why a run was blocked, passed, or stayed undecided']],
    ['aigate eval --prompt support/answer@1.1', ['support/answer@1.1.0\tprompts/support/answer/1.1.0.md']],
    ['aigate init --from aig', ['aigate.yaml']],
    ['npx aigate pow', ['power-check\tBreak stored answers on purpose and see when the gate fires']],
    ['aigate eval --seed ', ['']],
  ])('%s', (line, expected) => {
    expect(complete(line)).toEqual(expected)
  })
})

describe.skipIf(!has('pwsh'))('PowerShell', () => {
  it('offers what there is', () => {
    const said = shell(
      'pwsh',
      ['-NoProfile', '-Command'],
      `aigate completion powershell | Out-String | Invoke-Expression
(TabExpansion2 -inputScript 'aigate eval --mod' -cursorColumn 17).CompletionMatches.CompletionText
`,
    )
    expect(said).toContain('--model')
  })
})

it('every shell has a script that says how it is used', () => {
  for (const name of shells) expect(shellScripts[name]).toContain(`aigate completion ${name}`)
})
