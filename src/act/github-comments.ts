// One comment on a pull request that is kept up to date: found by its hidden marker, made where there is none.
import * as z from 'zod'

/** Where to write: `api` without a slash at the end, `repository` as owner/name. */
export type CommentPlace = { api: string; repository: string; number: number; token: string }
/** Pauses for so many milliseconds. */
type Wait = (ms: number) => Promise<void>

export type CommentResult =
  | { kind: 'created' | 'updated' | 'unchanged'; url: string | null }
  /** A newer run has written meanwhile. */
  | { kind: 'outdated'; url: string | null }
  /** It may not be written, or GitHub does not answer: a sentence without secrets. */
  | { kind: 'refused'; reason: string }

const Comment = z.object({
  id: z.number(),
  body: z.string().nullish(),
  html_url: z.string().nullish(),
  user: z.object({ type: z.string(), login: z.string().nullish() }).nullish(),
})
type Comment = z.infer<typeof Comment>

const PER_PAGE = 100
/** 10,000 comments: beyond that something else is wrong. */
const MOST_PAGES = 100
const TIMEOUT_MS = 15_000
const RETRIES = 2

/** The hidden first line of the comment; `run` is the number of the workflow run, so that an older one never wins. */
export function commentMarker(key: string, run: number): string {
  return `${markerHead(key)} run=${run} -->`
}

/** A comment in HTML holds no `--`, and a key of other characters is still one key. */
const markerHead = (key: string) => `<!-- aigate:${encodeURIComponent(key).replaceAll('-', '%2D')}`

/**
 * Writes the comment: every page is looked through for those that a bot, or the owner of the token, wrote and that begin
 * with the marker; the first is updated and others are taken away, else a new one is made. Nothing is thrown: a comment
 * never decides anything.
 * @param comment `body`: without the marker, at most 65,000 characters; `onlyUpdate`: where there is none, none is made
 */
export async function writeComment(
  place: CommentPlace,
  { key, run, body, onlyUpdate = false }: { key: string; run: number; body: string; onlyUpdate?: boolean },
  wait: Wait,
): Promise<CommentResult> {
  const text = `${commentMarker(key, run)}\n${body}`
  const issues = `/repos/${place.repository}/issues`
  try {
    const own = await ownComments(place, `${issues}/${place.number}/comments`, key, wait)
    const newer = own.find((one) => runOf(one) > run)
    if (newer) return { kind: 'outdated', url: newer.html_url ?? null }
    for (const [at, known] of own.entries()) {
      const same = known.body === text
      const path = `${issues}/comments/${known.id}`
      const changed = same
        ? { ok: true, status: 200, json: known }
        : await send(place, 'PATCH', path, { body: text }, wait)
      if (changed.ok) {
        // Two runs at one time made one each: what is not kept up to date would go on saying what it said.
        for (const { id } of own.slice(at + 1)) await send(place, 'DELETE', `${issues}/comments/${id}`, undefined, wait)
        return { kind: same ? 'unchanged' : 'updated', url: urlOf(changed.json) }
      }
      // Another bot may have quoted the marker, or somebody deleted the comment just now: the next, or a new one, is taken.
      if (changed.status !== 403 && changed.status !== 404) return { kind: 'refused', reason: sentence(changed) }
    }
    if (onlyUpdate) return { kind: 'unchanged', url: null }
    const made = await send(place, 'POST', `${issues}/${place.number}/comments`, { body: text }, wait)
    return made.ok ? { kind: 'created', url: urlOf(made.json) } : { kind: 'refused', reason: sentence(made) }
  } catch (error) {
    if (!(error instanceof Error)) throw error
    const cause = error.cause instanceof Error ? `: ${error.cause.message}` : ''
    return { kind: 'refused', reason: `GitHub could not be asked: ${error.message}${cause}` }
  }
}

const urlOf = (json: unknown): string | null => {
  const found = Comment.safeParse(json)
  return found.success ? (found.data.html_url ?? null) : null
}

const runOf = ({ body }: Comment): number => Number(/^<!-- aigate:\S+ run=(\d+) -->/.exec(body ?? '')?.[1] ?? 0)

/** All comments with the marker that a bot wrote, or whoever the token belongs to; the first one is kept. */
async function ownComments(place: CommentPlace, path: string, key: string, wait: Wait): Promise<Comment[]> {
  const head = `${markerHead(key)} `
  const own: Comment[] = []
  let self: string | null | undefined
  for (let page = 1; page <= MOST_PAGES; page += 1) {
    const found = await send(place, 'GET', `${path}?per_page=${PER_PAGE}&page=${page}`, undefined, wait)
    const comments = z.array(Comment).safeParse(found.json)
    if (!found.ok || !comments.success) throw new Error(sentence(found))
    for (const one of comments.data.filter(({ body }) => body?.startsWith(head) === true)) {
      if (one.user?.type !== 'Bot' && self === undefined) self = await loginOf(place, wait)
      if (one.user?.type === 'Bot' || (self !== null && one.user?.login === self)) own.push(one)
    }
    if (comments.data.length < PER_PAGE) break
  }
  return own
}

/** Whose token it is; null for one of an installation, which may not ask. */
async function loginOf(place: CommentPlace, wait: Wait): Promise<string | null> {
  const { ok, json } = await send(place, 'GET', '/user', undefined, wait)
  const found = z.object({ login: z.string() }).safeParse(json)
  return ok && found.success ? found.data.login : null
}

type Answer = { ok: boolean; status: number; json: unknown }

async function send(
  { api, token }: CommentPlace,
  method: string,
  path: string,
  body: object | undefined,
  wait: Wait,
): Promise<Answer> {
  for (let attempt = 0; ; attempt += 1) {
    const response = await fetch(`${api}${path}`, {
      method,
      // A token never follows to another address.
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
      headers: {
        accept: 'application/vnd.github+json, application/json;q=0.9',
        authorization: `Bearer ${token}`,
        'user-agent': 'aigate',
        'x-github-api-version': '2022-11-28',
        ...(body && { 'content-type': 'application/json' }),
      },
      ...(body && { body: JSON.stringify(body) }),
    })
    const text = await response.text()
    // A comment that was made is not made twice: only what surely did nothing is sent again.
    const again = response.status === 429 || (method !== 'POST' && response.status >= 500)
    if (!again || attempt >= RETRIES) return { ok: response.ok, status: response.status, json: parsed(text) }
    await wait(1000 * 2 ** attempt)
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return null
  }
}

const Message = z.object({ message: z.string() })
function sentence({ status, json }: Answer): string {
  const found = Message.safeParse(json)
  return `GitHub answered ${status}${found.success ? ` (${found.data.message.slice(0, 200)})` : ''}`
}
