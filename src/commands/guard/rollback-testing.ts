// For tests: a repository with releases in its ledger, planes of every kind, and rollbacks in process or in one of their own.
import { spawn } from 'node:child_process'
import { execFileSync } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import process from 'node:process'
import { explain } from '../../errors.ts'
import { AigateError } from '../../errors.ts'
import type { Context } from '../../ports.ts'
import type { ReleaseManifest } from '../../schema/release.ts'
import { sha256 } from '../../content-hash.ts'
import { appendRecord } from '../../store/ledger-append.ts'
import { temporary } from '../cli-testing.ts'
import type { RollbackOptions } from './rollback-plan.ts'
import { rollbackCommand } from './rollback.ts'

export const promptText = (version: string) =>
  `---\nname: answer\nversion: ${version}\ninput: [q]\n---\nuser:\n{{ q }} ${version}\n`

/** A release of everything at `n`: prompt answer@1.n.0, model m-n, index kb-n, guardrails g-n, container app:n. */
export function manifest(n: number, more: Partial<ReleaseManifest> = {}): ReleaseManifest {
  return {
    aigate: 'release',
    version: 1,
    id: `2026-11-0${n}.1`,
    env: 'production',
    at: `2026-11-0${n}T10:00:00.000Z`,
    by: 'Ada',
    sentence: `number ${n}`,
    git: null,
    container: `app:${n}`,
    prompts: [
      { name: 'answer', version: `1.${n}.0`, hash: sha256(promptText(`1.${n}.0`)), file: `prompts/answer/1.${n}.0.md` },
    ],
    models: [{ name: 'main', provider: 'api', id: `m-${n}-2026-01-01`, params: {} }],
    components: { index: { version: `kb-${n}` }, guardrails: { version: `g-${n}` } },
    suites: [],
    verdicts: [{ suite: 'app', run: `run-${n}`, outcome: 'pass', reason: 'fine' }],
    ...more,
  }
}

export type Place = {
  folder: string
  read(name: string): string
  write(name: string, text: string): void
  git(...args: string[]): string
  ledger(): ReleaseManifest[]
  actions(): Record<string, unknown>[]
}

export const flagFile = (version: string) =>
  `${JSON.stringify(
    {
      flags: {
        prompt: {
          state: 'ENABLED',
          variants: { old: 'answer@1.1.0', new: version },
          defaultVariant: version === 'answer@1.1.0' ? 'old' : 'new',
        },
        other: { state: 'ENABLED', variants: { on: true, off: false }, defaultVariant: 'on' },
      },
    },
    null,
    2,
  )}\n`

/** A repository whose ledger holds `releases`; production serves number 2. `planes`: YAML flow mappings by component. */
export async function place(
  planes: Record<string, string>,
  releases: ReleaseManifest[] = [manifest(1), manifest(2)],
): Promise<Place> {
  const folder = temporary()
  const write = (name: string, text: string) => {
    mkdirSync(dirname(join(folder, name)), { recursive: true })
    writeFileSync(join(folder, name), text)
  }
  const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, encoding: 'utf8' }).trim()
  const lines = Object.entries(planes).map(([name, plane]) => `  ${name}: ${plane}\n`)
  write('aigate.yaml', `version: 1\n${config}${lines.length > 0 ? `production:\n${lines.join('')}` : ''}`)
  for (const n of [1, 2]) write(`prompts/answer/1.${n}.0.md`, promptText(`1.${n}.0`))
  write('deploy/flags.json', flagFile('answer@1.2.0'))
  write('deploy/values.yaml', '# models of the cluster\nmodel: m-2-2026-01-01   # set by releases\nreplicas: 3\n')
  write('.gitignore', '.aigate/\n')
  for (const one of releases)
    await appendRecord(join(folder, 'releases'), { at: one.at, by: one.by }, () => ({ kind: 'release', manifest: one }))
  git('init', '--quiet', '--initial-branch', 'trunk')
  git('config', 'user.name', 'Ada')
  git('config', 'user.email', 'ada@example.org')
  git('add', '-A')
  git('commit', '--quiet', '-m', 'one')
  const read = (name: string) => readFileSync(join(folder, name), 'utf8')
  const rows = (name: string): Record<string, unknown>[] =>
    existsSync(join(folder, name))
      ? read(name)
          .trim()
          .split('\n')
          .map((line) => JSON.parse(line))
      : []
  return {
    folder,
    read,
    write,
    git,
    ledger: () => rows('releases/ledger.jsonl').map((row) => row['manifest'] as ReleaseManifest),
    actions: () => rows('.aigate/actions/journal.jsonl'),
  }
}

// The provider does not answer: a rollback must not ask it.
const config = `providers:
  api: {type: openai, base_url: "http://127.0.0.1:9/v1", api_key_env: KEY}
models:
  main: {provider: api, id: m-2-2026-01-01, rollback_to: prev}
  prev: {provider: api, id: m-1-2026-01-01}
`

/** A plane of the kind `command` that keeps its version in a file. Both programs first run `before.cjs`, where there is one. */
export function program(name: string, extra = ''): string {
  const before = `try { require(process.cwd() + '/before.cjs') } catch (e) { if (e.code !== 'MODULE_NOT_FOUND') throw e }`
  const set = `${before}; require('fs').writeFileSync('${name}.version', process.argv[1])`
  const read = `${before}; process.stdout.write(require('fs').readFileSync('${name}.version', 'utf8'))`
  const argv = (script: string, ...more: string[]) => JSON.stringify([process.execPath, '-e', script, ...more])
  return `{type: command, set: ${argv(set, '{{version}}')}, read: ${argv(read)}${extra}}`
}

export type Answer = { ending: string; stdout: string; stderr: string }

/** In this process, with real planes. */
export async function rollback(
  cwd: string,
  components: string[],
  options: Partial<RollbackOptions>,
  env: Context['env'] = process.env,
): Promise<Answer> {
  const out = { stdout: '', stderr: '' }
  const context: Context = {
    cwd,
    env,
    stdout: { write: (text) => (out.stdout += text) },
    stderr: { write: (text) => (out.stderr += text) },
    now: () => new Date(),
    monotonic: () => performance.now(),
    signal: new AbortController().signal,
    toolVersion: '0',
  }
  try {
    return { ending: await rollbackCommand(context, components, { env: 'production', ...options }), ...out }
  } catch (error) {
    if (error instanceof AigateError) return { ending: error.outcome, stdout: out.stdout, stderr: explain(error) }
    throw error
  }
}

let module: Promise<string> | undefined

/** `rollback --apply` in a process of its own, whose id stands in `runner.pid` of the folder. */
export async function rollbackProcess(
  cwd: string,
): Promise<{ child: ReturnType<typeof spawn>; ended: Promise<NodeJS.Signals | null> }> {
  module ??= bundle(temporary())
  const script = `import { rollbackCommand } from ${JSON.stringify(await module)}
    import { writeFileSync } from 'node:fs'
    writeFileSync('runner.pid', String(process.pid))
    const context = { cwd: process.cwd(), env: process.env, stdout: process.stdout, stderr: process.stderr,
      now: () => new Date(), monotonic: () => performance.now(), signal: new AbortController().signal, toolVersion: '0' }
    await rollbackCommand(context, [], { env: 'production', apply: true })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd,
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  return { child, ended: once(child, 'exit').then(([, signal]) => signal as NodeJS.Signals | null) }
}

async function bundle(folder: string): Promise<string> {
  const { build } = await import('rolldown')
  const file = join(folder, 'rollback.mjs')
  await build({
    input: join(import.meta.dirname, 'rollback.ts'),
    platform: 'node',
    logLevel: 'silent',
    output: { file, format: 'esm', codeSplitting: false },
  })
  return pathToFileURL(file).href
}
