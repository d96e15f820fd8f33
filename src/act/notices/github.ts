// The GitHub API, as far as it is needed: issues that carry a marker, and pull requests.
import type { GuardAction } from '../../schema/guard.ts'
import type { Json } from '../../schema/values.ts'
import { AigateError } from '../../errors.ts'
import { controlFailed } from '../failure.ts'
import { record } from '../flag-file.ts'
import { pause } from '../whole-release.ts'
import { tell } from './endpoint.ts'
import { type Notice, type NoticeWorld, plain, type ReadBack } from './notice.ts'

type Issue = Extract<GuardAction, { type: 'github-issue' }>
export type Repository = Pick<Issue, 'repo' | 'token_env' | 'api_url'>
/** By this label it finds its own issues again. */
const LABEL = 'aigate'
const PAGES = 5
const PAGE = 100
const DAY = 86_400_000

/** Calls `/repos/<owner>/<name>/<path>`. Throws `control_failed`; the token is in no error. */
export async function callGitHub(at: Repository, path: string, world: NoticeWorld, body?: Json): Promise<unknown> {
  const text = await tell(
    {
      url: `${at.api_url.replace(/\/$/, '')}/repos/${at.repo}/${path}`,
      method: body === undefined ? 'GET' : 'POST',
      headers: {
        accept: 'application/vnd.github+json',
        authorization: `Bearer \${${at.token_env}}`,
        'x-github-api-version': '2022-11-28',
        'user-agent': 'aigate',
      },
      ...(body === undefined ? {} : { body, alone: true }),
    },
    world,
  )
  try {
    return JSON.parse(text) as unknown
  } catch {
    throw controlFailed(`the answer for ${path.split('?')[0]} is no JSON`, 'Check `api_url`.')
  }
}

const marker = (key: string) => `<!-- aigate ${key} -->`

/** The first of a list of the API that `is` true of, page by page. */
export async function findListed(
  at: Repository,
  path: string,
  world: NoticeWorld,
  is: (one: Record<string, unknown>) => boolean,
): Promise<Record<string, unknown> | undefined> {
  for (let page = 1; page <= PAGES; page += 1) {
    const found = await callGitHub(at, `${path}&per_page=${PAGE}&page=${page}`, world)
    const list = Array.isArray(found) ? found.map(record) : []
    const one = list.find(is)
    if (one || list.length < PAGE) return one
  }
  return undefined
}

/** Before each further attempt, in milliseconds. */
const AGAIN_AFTER_MS = [300, 1_500]

/**
 * Makes something unless it is found. An answer that was lost does not say whether it was made: every further attempt looks
 * first. Throws `control_failed` of the last attempt.
 */
export async function findOrMake(
  find: () => Promise<Record<string, unknown> | undefined>,
  make: () => Promise<unknown>,
  { signal }: NoticeWorld,
): Promise<{ one: Record<string, unknown>; found: boolean }> {
  for (let attempt = 0; ; attempt += 1) {
    const known = await find()
    if (known) return { one: known, found: true }
    try {
      return { one: record(await make()), found: false }
    } catch (error) {
      const wait = AGAIN_AFTER_MS[attempt]
      if (!(error instanceof AigateError) || wait === undefined) throw error
      await pause(wait, signal)
    }
  }
}

/** Opens an issue, unless there is one with this marker already (an earlier attempt whose answer was lost). */
export async function tellIssue(action: Issue, notice: Notice, world: NoticeWorld): Promise<ReadBack> {
  const mark = marker(notice.key)
  const since = new Date(Date.parse(notice.at) - DAY).toISOString()
  const text = [
    plain(notice.text, 3000),
    '',
    `- guard: ${plain(notice.guard)}`,
    `- trigger: ${plain(notice.cause)}`,
    `- metric: ${plain(notice.metric)}`,
    `- since: ${notice.at}`,
    '',
    mark,
  ].join('\n')
  const labels = [LABEL, ...action.labels]
  const { one: issue, found } = await findOrMake(
    () =>
      findListed(action, `issues?labels=${LABEL}&state=all&since=${since}`, world, ({ body }) =>
        String(body).includes(mark),
      ),
    () => callGitHub(action, 'issues', world, { title: plain(notice.title, 200), body: text, labels }),
    world,
  )
  if (typeof issue['number'] !== 'number')
    throw controlFailed('the answer names no issue', 'Check `repo`, `api_url` and the token.')
  return { issue: issue['number'], found }
}
