// What started the workflow: which pull request it is about, whose code was checked out, and what it may link to.
import { readFile } from 'node:fs/promises'
import * as z from 'zod'
import type { Context } from '../../ports.ts'

const Repository = z.object({ full_name: z.string() })
const Side = z.object({ sha: z.string(), repo: Repository.nullish() })
/** The parts of the payloads that are read; whatever else is in them is left alone. */
const Payload = z.object({
  repository: Repository.nullish(),
  pull_request: z.object({ number: z.int().positive(), head: Side, base: Side }).nullish(),
  merge_group: z.object({ base_sha: z.string() }).nullish(),
  workflow_run: z.object({ head_repository: Repository.nullish(), event: z.string() }).nullish(),
  issue: z.object({ pull_request: z.unknown() }).nullish(),
})

export type ActionEvent = {
  name: string
  /** Of the pull request to comment on. */
  number: number | undefined
  /** The code may be that of somebody who cannot write to this repository. */
  foreign: boolean
  /** The event gives the secrets and a token that can write, whoever wrote the code. */
  privileged: boolean
  /** The commit that a merge queue builds on. */
  queuedOn: string | undefined
  /** The tip of the branch that the change goes to. */
  baseSha: string | undefined
  /** The tip of the change of a pull request. */
  headSha: string | undefined
  /** The commit that people see: the head of the pull request, not its merge commit. */
  commit: string | undefined
  repository: string | undefined
  /** GITHUB_RUN_ID. */
  run: number
  runUrl: string | undefined
}

/** Events behind which the code of a fork may have been checked out. */
const ofStrangers = /^(?:pull_request|workflow_run$|issue_comment$)/

/** A payload that cannot be read is taken as one of strangers: nothing may follow from its being broken. */
export async function readEvent(env: Context['env']): Promise<ActionEvent> {
  const payload = await payloadOf(env['GITHUB_EVENT_PATH'])
  const name = env['GITHUB_EVENT_NAME'] ?? ''
  const repository = env['GITHUB_REPOSITORY']
  const run = Number(env['GITHUB_RUN_ID'] ?? 0)
  const server = env['GITHUB_SERVER_URL']
  const pull = payload?.pull_request ?? undefined
  return {
    name,
    number: pull?.number,
    foreign: payload === undefined ? ofStrangers.test(name) : isForeign(payload, repository),
    privileged: name !== 'pull_request',
    queuedOn: payload?.merge_group?.base_sha,
    baseSha: pull?.base.sha,
    headSha: pull?.head.sha,
    commit: pull?.head.sha ?? env['GITHUB_SHA'],
    repository,
    run: Number.isSafeInteger(run) ? run : 0,
    runUrl: server && repository && run > 0 ? `${server}/${repository}/actions/runs/${run}` : undefined,
  }
}

async function payloadOf(path: string | undefined): Promise<z.infer<typeof Payload> | undefined> {
  if (path === undefined) return undefined
  try {
    const found = Payload.safeParse(JSON.parse(await readFile(path, 'utf8')))
    return found.success ? found.data : undefined
  } catch {
    return undefined
  }
}

/** A fork that was deleted has no repository any more, and a comment does not say whose code was checked out. */
function isForeign(payload: z.infer<typeof Payload>, repository: string | undefined): boolean {
  const own = repository ?? payload.repository?.full_name
  const { pull_request: pull, workflow_run: run, issue } = payload
  if (pull) return pull.head.repo?.full_name !== own
  if (run) return run.head_repository?.full_name !== own
  return issue?.pull_request !== undefined && issue.pull_request !== null
}
