// For tests: runs the bundled action as the runner of GitHub does, and reads its output as the runner does.
import { spawn } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { parse } from 'yaml'
import { root, temporary } from '../cli-testing.ts'

type ActionFile = {
  inputs: Record<string, { description: string; default?: string }>
  outputs: Record<string, { description: string }>
  runs: { using: string; main: string }
}
export const actionFile = parse(readFileSync(join(root, 'action.yml'), 'utf8')) as ActionFile

/** A real Node 24 where one is installed: the action declares it. */
const node24 = [process.env['AIGATE_NODE24'], join(root, 'node_modules', 'n24', 'bin', 'node')].find(
  (path) => path !== undefined && path !== '' && existsSync(path),
)
export const nodeOfRunner = node24 ?? process.execPath

export type RunnerCommand = { command: string; properties: Record<string, string>; data: string }
export type ActionRun = {
  code: number | null
  stdout: string
  stderr: string
  outputs: Record<string, string>
  summary: string
  commands: RunnerCommand[]
  /** GITHUB_ENV and GITHUB_PATH: nothing may ever be in them. */
  settings: string
}

export type Step = {
  event: string
  payload: object
  workspace: string
  inputs?: Record<string, string>
  env?: Record<string, string>
  /** Where the API of GitHub is. */
  api?: string
}

/** Runs the step. @throws Error for an input or an output that action.yml does not declare. */
export async function runAction({ event, payload, workspace, inputs = {}, env = {}, api }: Step): Promise<ActionRun> {
  const undeclared = Object.keys(inputs).find((name) => !(name in actionFile.inputs))
  if (undeclared !== undefined) throw new Error(`action.yml declares no input ${undeclared}`)
  const home = temporary()
  const file = (name: string, text = '') => {
    writeFileSync(join(home, name), text)
    return join(home, name)
  }
  const files = { GITHUB_OUTPUT: 'output', GITHUB_STEP_SUMMARY: 'summary', GITHUB_ENV: 'env', GITHUB_PATH: 'path' }
  const expression = (text: string) => text.replace('${{ github.token }}', 'ghs_tokenOfTheJob0001')
  const given = Object.entries(actionFile.inputs).map(([name, { default: value = '' }]) => {
    return [`INPUT_${name.replaceAll(' ', '_').toUpperCase()}`, inputs[name] ?? expression(value)]
  })
  const temp = join(home, 'temp')
  mkdirSync(temp)
  const child = spawn(nodeOfRunner, [join(root, actionFile.runs.main)], {
    cwd: workspace,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: home,
      CI: 'true',
      GITHUB_ACTIONS: 'true',
      GITHUB_EVENT_NAME: event,
      GITHUB_EVENT_PATH: file('event.json', JSON.stringify(payload)),
      GITHUB_REPOSITORY: 'octo-org/octo-repo',
      GITHUB_RUN_ID: '7001',
      GITHUB_SERVER_URL: 'https://github.com',
      GITHUB_SHA: 'ffac537e6cbbf934b08745a378932722df287a53',
      GITHUB_API_URL: api ?? 'http://127.0.0.1:9',
      GITHUB_WORKSPACE: workspace,
      GITHUB_WORKFLOW: 'gate',
      GITHUB_JOB: 'gate',
      GITHUB_ACTION: '__self',
      RUNNER_TEMP: temp,
      ...Object.fromEntries(Object.entries(files).map(([name, path]) => [name, file(path)])),
      ...Object.fromEntries(given),
      ...env,
    },
  })
  const said = { stdout: '', stderr: '' }
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said.stdout += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said.stderr += text))
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve))
  const read = (name: string) => readFileSync(join(home, name), 'utf8')
  const outputs = outputsIn(read('output'))
  const stray = Object.keys(outputs).find((name) => !(name in actionFile.outputs))
  if (stray !== undefined) throw new Error(`action.yml declares no output ${stray}`)
  const settings = read('env') + read('path')
  return { code, ...said, outputs, summary: read('summary'), commands: commandsIn(said.stdout), settings }
}

/** The file behind GITHUB_OUTPUT, read as the runner does: `name=value`, or a heredoc. */
export function outputsIn(text: string): Record<string, string> {
  const lines = text.split('\n')
  const found: Record<string, string> = {}
  for (let at = 0; at < lines.length; at += 1) {
    const line = lines[at] ?? ''
    const [, name, delimiter] = /^([^=<]+)<<(.+)$/.exec(line) ?? []
    if (name === undefined || delimiter === undefined) {
      if (line !== '') throw new Error(`The output file holds no such line: ${line}`)
      continue
    }
    const end = lines.indexOf(delimiter, at + 1)
    if (end < 0) throw new Error(`The output ${name} does not end.`)
    found[name] = lines.slice(at + 1, end).join('\n')
    at = end
  }
  return found
}

const unescapeData = (text: string) => text.replaceAll('%0D', '\r').replaceAll('%0A', '\n').replaceAll('%25', '%')
const unescapeProperty = (text: string) => unescapeData(text.replaceAll('%3A', ':').replaceAll('%2C', ','))

/**
 * Every command that the runner would carry out. After `ActionCommand.TryParseV2` (a line that begins with `::` once
 * white space is off) and `TryParse` (`##[name …]` anywhere in a line) of actions/runner; a line ends where .NET's reader
 * ends one, at CR, LF or both.
 */
export function commandsIn(stdout: string): RunnerCommand[] {
  return stdout.split(/\r\n|\r|\n/).flatMap((line) => {
    const trimmed = line.replace(/^[\s\u0085\u200b]+/u, '')
    const second = /^::(?<head>(?:(?!::).)+?)::(?<data>.*)$/su.exec(trimmed)?.groups
    const first = /##\[(?<head>[^\]]+)\](?<data>.*)$/su.exec(line)?.groups
    const found = second ?? first
    if (!found) return []
    const [command = '', ...rest] = (found['head'] ?? '').split(' ')
    const pairs = rest
      .join(' ')
      .split(second ? ',' : ';')
      .filter((pair) => pair.includes('='))
    const properties = pairs.map((pair) => {
      const [name = '', ...value] = pair.trim().split('=')
      return [name, unescapeProperty(value.join('='))]
    })
    return [{ command, properties: Object.fromEntries(properties), data: unescapeData(found['data'] ?? '') }]
  })
}

const repository = { full_name: 'octo-org/octo-repo' }
const headSha = 'ec26c3e57ca3a959ca5aad62de7213c562f8c821'

/** Payloads as GitHub sends them, cut to what an action may read. `from`: the repository of the head; null: it was deleted. */
export const payloads = {
  pull_request: (baseSha: string, from: string | null = 'octo-org/octo-repo') => ({
    action: 'synchronize',
    number: 42,
    repository,
    pull_request: {
      number: 42,
      head: { sha: headSha, ref: 'change', repo: from === null ? null : { full_name: from, fork: true } },
      base: { sha: baseSha, ref: 'main', repo: repository },
    },
  }),
  merge_group: (baseSha: string) => ({
    action: 'checks_requested',
    repository,
    merge_group: { head_sha: headSha, base_sha: baseSha, base_ref: 'refs/heads/main', head_ref: 'refs/heads/gh-readonly-queue/main/pr-42-x' },
  }), // biome-ignore format: as it is sent
  push: (before: string) => ({ ref: 'refs/heads/main', before, after: headSha, repository }),
  schedule: () => ({ schedule: '0 3 * * *', repository }),
  workflow_dispatch: () => ({ inputs: null, ref: 'refs/heads/main', repository }),
}
