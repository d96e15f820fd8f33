// The comment on a pull request: held to GitHub's own description of its API by Prism, and to many pages, strangers and refusals.
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { type CommentPlace, commentMarker, writeComment } from './github-comments.ts'
import { type Sent, startGithub, startPrism } from './github-testing.ts'

const waits: number[] = []
const wait = (ms: number) => Promise.resolve(void waits.push(ms))
const close: (() => void)[] = []
afterAll(() => {
  for (const each of close) each()
})
async function github(refuse?: (sent: Sent, nth: number) => number | undefined, login: string | null = null) {
  const server = await startGithub(refuse, login)
  close.push(server.close)
  const place: CommentPlace = { api: server.url, repository: 'octo-org/octo-repo', number: 42, token: 'ghs_secret' }
  const write = (body: string, more: { key?: string; run?: number } = {}) =>
    writeComment(place, { key: 'gate', run: 5, body, ...more }, wait)
  return { ...server, write }
}

describe('by GitHub’s own description', () => {
  let prism: Awaited<ReturnType<typeof startPrism>>
  beforeAll(async () => {
    prism = await startPrism()
    close.push(() => prism.stop())
  })
  const ask = (method: string, path: string, body?: object) =>
    fetch(`${prism.url}${path}`, {
      method,
      headers: { accept: 'application/vnd.github+json, application/json;q=0.9', 'content-type': 'application/json' },
      ...(body && { body: JSON.stringify(body) }),
    })

  it('every request that is sent is one that GitHub describes', async () => {
    const { write, add, sent } = await github()
    expect(await write('first')).toMatchObject({ kind: 'created' })
    add(`${commentMarker('gate', 5)}\nmade at the same time`)
    expect(await write('second')).toMatchObject({ kind: 'updated' })
    expect(sent.map(({ method }) => method)).toEqual(['GET', 'POST', 'GET', 'PATCH', 'DELETE'])
    const wanted: Record<string, number> = { POST: 201, DELETE: 204 }
    for (const { method, path, body } of sent) {
      const answer = await ask(method, path, body === '' ? undefined : (JSON.parse(body) as object))
      expect([method, answer.status]).toEqual([method, wanted[method] ?? 200])
    }
  })
  it('and others are refused', async () => {
    const comments = '/repos/octo-org/octo-repo/issues/42/comments'
    expect((await ask('POST', comments, { text: 'x' })).status).toBe(422)
    expect((await ask('POST', comments, { body: 7 })).status).toBe(422)
    expect((await ask('PATCH', '/repos/octo-org/octo-repo/issues/comments/1', {})).status).toBe(422)
    expect((await ask('PUT', comments, { body: 'x' })).status).toBe(405)
    expect((await ask('GET', `${comments}?per_page=many`)).status).toBe(422)
  })
  it('its own example answers are understood', async () => {
    const place = { api: prism.url, repository: 'octo-org/octo-repo', number: 42, token: 't' }
    expect(await writeComment(place, { key: 'gate', run: 1, body: 'x' }, wait)).toMatchObject({
      kind: 'created',
      url: expect.stringContaining('https://github.com/'),
    })
  })
})

it('finds its comment behind more than two hundred others, and updates it in place', async () => {
  const { write, comments, add, sent } = await github()
  for (let n = 0; n < 230; n += 1) add(`a remark ${n}`, 'User')
  expect(await write('first')).toMatchObject({ kind: 'created' })
  for (let n = 0; n < 80; n += 1) add(`another ${n}`, 'User')
  expect(await write('second', { run: 6 })).toEqual({ kind: 'updated', url: comments[230]!.html_url })
  expect(comments).toHaveLength(311)
  expect(comments[230]!.body).toBe(`${commentMarker('gate', 6)}\nsecond`)
  expect(sent.filter(({ method }) => method === 'GET').map(({ path }) => /page=(\d+)$/.exec(path)?.[1])).toEqual(
    ['1', '2', '3', '1', '2', '3', '4'], // biome-ignore format: two rounds
  )
})

it('a page that is exactly full is followed by another', async () => {
  const { write, comments, add } = await github()
  for (let n = 0; n < 100; n += 1) add('x', 'User')
  await write('first')
  expect(await write('second')).toMatchObject({ kind: 'updated' })
  expect(comments).toHaveLength(101)
})

it('writes neither over a person who quotes the marker, nor over another key, nor over a marker in the middle', async () => {
  const { write, comments, add } = await github()
  const mine = `${commentMarker('gate', 1)}\nold`
  add(mine, 'User')
  add(`> ${mine}`)
  add(`${commentMarker('gate/other', 1)}\nold`)
  add(`${commentMarker('gat', 1)}\nold`)
  expect(await write('new')).toMatchObject({ kind: 'created' })
  expect(comments.map(({ body }) => body.includes('new'))).toEqual([false, false, false, false, true])
})

it('of comments that several runs made at one time the first is kept, and no other goes on saying what it said', async () => {
  const { write, comments, add, sent } = await github()
  for (const run of [3, 5, 4]) add(`${commentMarker('gate', run)}\nby ${run}`)
  add(`${commentMarker('gate', 1)}\na person quotes it`, 'User')
  expect(await write('now', { run: 6 })).toEqual({ kind: 'updated', url: comments[0]!.html_url })
  expect(comments.map(({ id }) => id)).toEqual([1, 4])
  expect(comments[0]!.body).toContain('now')
  expect(sent.filter(({ method }) => method === 'DELETE').map(({ path }) => path.split('/').at(-1))).toEqual(['2', '3'])
  add(`${commentMarker('gate', 9)}\nnewer`)
  expect(await write('late', { run: 6 })).toMatchObject({ kind: 'outdated' })
  expect(comments).toHaveLength(3)
})

it('with the token of a person, the comment of that person is kept up to date and nobody else’s', async () => {
  const { write, comments, add, sent } = await github(undefined, 'ada')
  add(`${commentMarker('gate', 1)}\nquoted`, 'User', 'mallory')
  expect(await write('first')).toMatchObject({ kind: 'created' })
  expect(await write('second', { run: 6 })).toMatchObject({ kind: 'updated' })
  expect(comments.map(({ body }) => body.split('\n')[1])).toEqual(['quoted', 'second'])
  expect(sent.filter(({ path }) => path === '/user')).toHaveLength(2)
})

it('an older run never writes over a newer one, and the same text is not sent again', async () => {
  const { write, comments, sent } = await github()
  await write('newer', { run: 10 })
  expect(await write('older', { run: 9 })).toMatchObject({ kind: 'outdated' })
  expect(await write('newer', { run: 10 })).toMatchObject({ kind: 'unchanged' })
  expect(await write('again', { run: 10 })).toMatchObject({ kind: 'updated' })
  expect(comments[0]!.body).toContain('again')
  expect(sent.filter(({ method }) => method !== 'GET')).toHaveLength(2)
})

it('keys of every kind are one comment each, and end no HTML comment', async () => {
  const keys = ['a', 'a b', 'a-->b', 'ü/ü', 'a--b', 'run=3', '%2D', '-']
  expect(new Set(keys.map((key) => commentMarker(key, 1))).size).toBe(keys.length)
  for (const key of keys) expect(commentMarker(key, 1)).toMatch(/^<!-- aigate:[^\s<>-]+ run=1 -->$/)
  const { write, comments } = await github()
  for (const key of [...keys, ...keys]) await write(`for ${key}`, { key })
  expect(comments).toHaveLength(keys.length)
})

describe('what is refused is a sentence and never an exception', () => {
  it.each([401, 403, 404, 422, 301])('%i', async (status) => {
    const { write, sent } = await github(() => status)
    const result = await write('x')
    expect(result).toEqual({
      kind: 'refused',
      reason: expect.stringContaining(`GitHub answered ${status} (Resource not accessible by integration)`),
    })
    expect(JSON.stringify(result)).not.toContain('ghs_secret')
    expect(sent).toHaveLength(1)
  })
  it('where it may read but not write', async () => {
    const { write } = await github(({ method }) => (method === 'GET' ? undefined : 403))
    expect(await write('x')).toMatchObject({ kind: 'refused', reason: expect.stringContaining('403') })
  })
  it('a comment of another bot that it may not change: it makes its own', async () => {
    const { write, comments, add } = await github(({ method }) => (method === 'PATCH' ? 403 : undefined))
    add(`${commentMarker('gate', 1)}\nquoted`)
    expect(await write('mine')).toMatchObject({ kind: 'created' })
    expect(comments).toHaveLength(2)
  })
  it('nobody there', async () => {
    const place = { api: 'http://127.0.0.1:40999', repository: 'o/r', number: 1, token: 'ghs_secret' }
    const result = await writeComment(place, { key: 'k', run: 1, body: 'x' }, wait)
    expect(result).toMatchObject({ kind: 'refused', reason: expect.stringContaining('ECONNREFUSED') })
  })
})

describe('an answer that may pass is asked for again', () => {
  it('when it reads or updates', async () => {
    waits.length = 0
    const { write } = await github((_, nth) => (nth === 1 ? 502 : nth === 2 ? 429 : undefined))
    expect(await write('x')).toMatchObject({ kind: 'created' })
    expect(waits).toEqual([1000, 2000])
  })
  it('but a comment is never made twice', async () => {
    const { write, sent } = await github(({ method }) => (method === 'POST' ? 502 : undefined))
    expect(await write('x')).toMatchObject({ kind: 'refused', reason: expect.stringContaining('502') })
    expect(sent.filter(({ method }) => method === 'POST')).toHaveLength(1)
  })
})
