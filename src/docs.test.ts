// Every command of README.md and docs/ is run as it stands there, in a clean copy of the repository, to the exit code that is said.
//
// A fence `sh` holds commands, a fence `console` commands behind `$ ` and their output. `# exit 1` behind a command is the code
// that it ends with, else 0. Comments right before a fence say what a reader knows: `<!-- not run: why -->`,
// `<!-- in: folder -->` (of the repository, or `a new folder`; it holds for the rest of the page) and `<!-- before: command -->`.
import { execFileSync, spawn } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, dirname, join } from 'node:path'
import { afterAll, beforeAll, expect, it } from 'vitest'

const root = join(import.meta.dirname, '..')
const pages = ['README.md', ...readdirSync(join(root, 'docs')).map((name) => `docs/${name}`)].filter((name) =>
  name.endsWith('.md'),
)
/** Pages without an example that is run, and why. */
const without: Readonly<Record<string, string>> = { 'docs/speed.md': 'its benches take minutes' }
const NEW_FOLDER = 'a new folder'
/** The copy comes with what this installs. */
const INSTALLS = /^npm ci && /

type Command = { line: number; text: string; exit: number; folder: string }

/** @throws Error for a command in a fence of another kind, and for a comment that this convention does not know. */
function commandsOf(page: string): { run: Command[]; left: { line: number; why: string }[] } {
  const run: Command[] = []
  const left: { line: number; why: string }[] = []
  const hidden = page.split('\n').findIndex((text) => /^[ \t]+```|^[ \t]*~~~/.test(text))
  if (hidden >= 0)
    throw new Error(`line ${hidden + 1}: a fence that is not found: begin the line with three backquotes`)
  let folder = '.'
  for (const match of page.matchAll(/((?:^<!--.*-->\n)*)^```(\w*)\n([\s\S]*?)^```$/gm)) {
    const [, comments = '', kind = '', body = ''] = match
    const start = page.slice(0, match.index + comments.length).split('\n').length
    const shell = kind === 'sh' || kind === 'console'
    if (/^(bash|shell|zsh|fish|powershell|pwsh|bat|cmd|shellsession)$/.test(kind))
      throw new Error(`line ${start}: a fence of commands is sh or console, not ${kind}`)
    const stray = shell ? undefined : body.split('\n').find((text) => /^(\$|aigate|npx|npm|git) /.test(text))
    if (stray !== undefined)
      throw new Error(`line ${start}: a command in a fence that is neither sh nor console: ${stray}`)
    const notes = [...comments.matchAll(/^<!-- (not run|in|before): (.+) -->$/gm)].map(([, key, value = '']) => ({
      key,
      value,
    }))
    if (notes.length !== comments.split('\n').length - 1)
      throw new Error(`line ${start}: an unknown comment: ${comments}`)
    folder = notes.find(({ key }) => key === 'in')?.value ?? folder
    const why = notes.find(({ key }) => key === 'not run')?.value
    if (why !== undefined) left.push({ line: start, why })
    if (why !== undefined || !shell) continue
    for (const { key, value } of notes) if (key === 'before') run.push({ line: start, text: value, exit: 0, folder })
    // A line that goes on behind a backslash keeps its place.
    const lines = body.replaceAll(/\\\n\s*/g, ' ').split('\n')
    for (const [i, text] of lines.entries()) {
      if (kind === 'console' ? !text.startsWith('$ ') : text.trim() === '' || text.startsWith('#')) continue
      const exit = Number(/#.*\bexit (\d+)/.exec(text)?.[1] ?? 0)
      run.push({ line: start + 1 + i, text: text.replace(/^\$ /, '').replace(INSTALLS, ''), exit, folder })
    }
  }
  return { run, left }
}

let home = ''
const git = (cwd: string, ...args: string[]) => execFileSync('git', args, { cwd, encoding: 'utf8', env: environment() })

/** As on a desk: no CI, nothing of the npm that runs this test, and nobody is asked over the network. */
function environment(): Record<string, string | undefined> {
  const own = Object.entries(process.env).filter(([name]) => !/^(npm_|CI$|GITHUB_|VITEST|NODE_)/.test(name))
  const user = ['user.name', 'Ada Lovelace', 'user.email', 'ada@example.org', 'commit.gpgsign', 'false']
  const settings = user.map((text, i) => [
    i % 2 === 0 ? `GIT_CONFIG_KEY_${i / 2}` : `GIT_CONFIG_VALUE_${(i - 1) / 2}`,
    text,
  ])
  return {
    ...Object.fromEntries([...own, ...settings]),
    GIT_CONFIG_COUNT: String(user.length / 2),
    NO_COLOR: '1',
    npm_config_offline: 'true',
    npm_config_update_notifier: 'false',
    PATH: [join(home, 'bin'), process.env.PATH].join(delimiter),
  }
}

/** What git would give a reader who clones this tree, built and installed. */
beforeAll(() => {
  home = mkdtempSync(join(tmpdir(), 'aigate-docs-'))
  const copy = join(home, 'copy')
  const files = execFileSync('git', ['ls-files', '-coz', '--exclude-standard'], { cwd: root, encoding: 'utf8' })
  const deleted = new Set(execFileSync('git', ['ls-files', '-dz'], { cwd: root, encoding: 'utf8' }).split('\0'))
  for (const file of new Set(files.split('\0'))) {
    if (file === '' || deleted.has(file)) continue
    mkdirSync(dirname(join(copy, file)), { recursive: true })
    cpSync(join(root, file), join(copy, file))
  }
  git(copy, 'init', '--quiet', '--initial-branch', 'main')
  git(copy, 'add', '--all')
  git(copy, 'commit', '--quiet', '--message', 'as it is')
  cpSync(join(root, 'dist'), join(copy, 'dist'), { recursive: true })
  symlinkSync(join(root, 'node_modules'), join(copy, 'node_modules'), 'junction')
})
afterAll(() => rmSync(home, { recursive: true, force: true }), 300_000)

/** A copy for one page: its folder, with `aigate` on the path and in every new folder. */
function readerOf(page: string) {
  const folder = join(home, page.replaceAll(/\W/g, '-'))
  const copy = join(folder, 'copy')
  const bin = join(folder, 'bin')
  cpSync(join(home, 'copy'), copy, { recursive: true, verbatimSymlinks: true })
  mkdirSync(bin)
  symlinkSync(join(copy, 'bin', 'aigate.js'), join(bin, 'aigate'))
  const env = { ...environment(), PATH: [bin, process.env.PATH].join(delimiter) }
  const fresh = join(folder, 'new')
  mkdirSync(join(fresh, 'node_modules', '.bin'), { recursive: true })
  writeFileSync(join(fresh, 'package.json'), '{"private": true}\n')
  symlinkSync(join(bin, 'aigate'), join(fresh, 'node_modules', '.bin', 'aigate'))
  return ({ text, folder: where }: Command): Promise<{ code: number | null; said: string }> => {
    const child = spawn('sh', ['-c', text], {
      cwd: where === NEW_FOLDER ? fresh : join(copy, where),
      env,
      timeout: 45_000,
    })
    let said = ''
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (data) => (said += data))
    child.stdin.end()
    return new Promise((resolve) => child.on('close', (code) => resolve({ code, said })))
  }
}

/** What ended otherwise than the page says. */
async function wrongIn(name: string, page: string): Promise<string[]> {
  const run = readerOf(name)
  const wrong: string[] = []
  for (const command of commandsOf(page).run) {
    const { code, said } = await run(command)
    if (code !== command.exit)
      wrong.push(`${name}:${command.line} exit ${code}, not ${command.exit}: ${command.text}\n${said.slice(-1500)}`)
  }
  return wrong
}

// The blocks are for a shell of POSIX.
const posix = it.skipIf(process.platform === 'win32')

posix.concurrent.each(pages)('%s', { timeout: 240_000 }, async (name) => {
  expect(await wrongIn(name, readFileSync(join(root, name), 'utf8'))).toEqual([])
})

posix('finds what is wrong, in the place where it is', async () => {
  const page =
    'Text\n\n```sh\ntrue\nfalse\nfalse # exit 1\n```\n\n```console\n$ aigate nothing  # exit 0\nout\n$ sh -c "exit 3"   # exit 3: \n```\n'
  const wrong = await wrongIn('page', page)
  expect(wrong.map((text) => text.split('\n')[0])).toEqual([
    'page:5 exit 1, not 0: false',
    'page:10 exit 2, not 0: aigate nothing  # exit 0',
  ])
})

it('every block is run, or says why not', () => {
  expect(commandsOf('<!-- not run: needs a key -->\n```sh\naigate eval\n```\n')).toEqual({
    run: [],
    left: [{ line: 2, why: 'needs a key' }],
  })
  expect(commandsOf('<!-- in: x -->\n<!-- before: b -->\n```sh\na \\\n  c\n```\n```sh\nd\n```\n').run).toEqual([
    { line: 3, text: 'b', exit: 0, folder: 'x' },
    { line: 4, text: 'a  c', exit: 0, folder: 'x' },
    { line: 8, text: 'd', exit: 0, folder: 'x' },
  ])
  expect(() => commandsOf('```\n$ aigate eval\n```\n')).toThrow('line 1')
  expect(() => commandsOf('```bash\ntrue\n```\n')).toThrow('sh or console, not bash')
  expect(() => commandsOf('- a list\n  ```sh\n  true\n  ```\n')).toThrow('line 2: a fence that is not found')
  expect(() => commandsOf('<!-- not run -->\n```sh\naigate eval\n```\n')).toThrow('unknown comment')
  for (const name of pages) {
    const { run, left } = commandsOf(readFileSync(join(root, name), 'utf8'))
    expect(run.length + (without[name] === undefined ? 0 : 1), `${name} has no example that is run`).toBeGreaterThan(0)
    for (const { why } of left) expect(why.length, `${name}: ${why}`).toBeGreaterThan(10)
  }
  const all = pages.flatMap((name) => commandsOf(readFileSync(join(root, name), 'utf8')).run)
  expect(all.length).toBeGreaterThan(20)
})
