// Control planes over HTTP, programs and git, with real servers, processes and repositories, and what goes wrong with them.
import { execFileSync } from 'node:child_process'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { join } from 'node:path'
import { afterEach, describe, expect, it } from 'vitest'
import { newFolder, never, planWith, wish } from './act-testing.ts'
import { openActuator } from './actuators.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})

type Call = { method: string; url: string; headers: IncomingMessage['headers']; body: string }
/** A server that holds one share in percent; `answer` may answer a call in another way (true: it has). */
async function plane(
  answer: (call: Call, response: ServerResponse, state: { percent: number }) => boolean = () => false,
) {
  const calls: Call[] = []
  const state = { percent: 0 }
  const server = createServer((request, response) => {
    let body = ''
    request.on('data', (chunk: Buffer) => (body += chunk.toString()))
    request.on('end', () => {
      const call = { method: request.method ?? '', url: request.url ?? '', headers: request.headers, body }
      calls.push(call)
      if (answer(call, response, state)) return
      if (call.method !== 'GET') state.percent = (JSON.parse(body) as { percent: number }).percent
      response.end(JSON.stringify({ data: [{ 'a/b': state.percent }] }))
    })
  })
  servers.push(server)
  await new Promise<void>((go) => server.listen(0, '127.0.0.1', go))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  return { calls, state, url }
}
function httpControl(url: string, timeoutMs?: number) {
  const control = {
    type: 'http',
    set: {
      url: `${url}/flags/{{rollout}}`,
      method: 'PATCH',
      headers: { authorization: 'Bearer ${PLANE_TOKEN}' },
      body: { percent: '{{percent}}', rest: '{{rest_per_100000}}', note: '{{arm}} at {{traffic}}' },
    },
    read: { url: `${url}/flags`, pointer: '/data/0/a~1b', unit: 'percent' },
  }
  return openActuator(planWith(control), { root: newFolder(), env: { PLANE_TOKEN: 's3cr3t-token' }, timeoutMs })
}

describe('http', () => {
  it('sets a share with its headers and body, and reads it back', async () => {
    const { calls, url } = await plane()
    const actuator = httpControl(url)
    await actuator.apply(wish(12_500), never)
    expect(calls[0]).toMatchObject({ method: 'PATCH', url: '/flags/support-1.3' })
    expect(calls[0]?.headers).toMatchObject({
      authorization: 'Bearer s3cr3t-token',
      'idempotency-key': expect.stringMatching(/^support-1\.3-1-12500-[0-9a-f]{12}$/),
      'content-type': 'application/json',
    })
    expect(JSON.parse(calls[0]?.body ?? '')).toEqual({ percent: 1.25, rest: 98_750, note: 'split at 0.0125' })
    expect(await actuator.read(never)).toEqual({ ppm: 12_500 })
  })

  it('gets through two failures, with the same key every time', async () => {
    let failures = 2
    const { calls, url } = await plane((call, response) => {
      if (call.method === 'GET' || failures-- <= 0) return false
      response.writeHead(500).end('no')
      return true
    })
    await httpControl(url).apply(wish(50_000), never)
    const keys = calls.filter(({ method }) => method === 'PATCH').map(({ headers }) => headers['idempotency-key'])
    expect(keys).toEqual(Array(3).fill(keys[0]))
    expect(keys[0]).toMatch(/^support-1\.3-1-50000-/)
  })

  it('is heard by a plane that takes a key for a repetition, whenever the same is wanted again', async () => {
    const known = new Set<unknown>()
    const { state, calls, url } = await plane((call, response) => {
      const key = call.headers['idempotency-key']
      if (call.method === 'GET' || !known.has(key)) {
        known.add(key)
        return false
      }
      response.end('{}')
      return true
    })
    const actuator = httpControl(url)
    await actuator.apply(wish(50_000), never)
    state.percent = 90
    await actuator.apply(wish(50_000), never)
    expect(state.percent).toBe(5)
    const reads = calls.filter(({ method }) => method === 'GET')
    expect(reads.map(({ headers }) => headers['cache-control'])).toEqual(reads.map(() => 'no-cache'))
  })

  it('gives up on a plane that hangs, and on one that refuses at once', async () => {
    const hanging = await plane(() => true)
    await expect(httpControl(hanging.url, 150).apply(wish(1), never)).rejects.toThrow(/gave no answer within 150 ms/)
    expect(hanging.calls).toHaveLength(3)
    const refusing = await plane((call, response) => {
      response.writeHead(401).end(`bad ${call.headers.authorization}`)
      return true
    })
    const error = await httpControl(refusing.url).apply(wish(1), never).catch(String)
    expect(error).toMatch(/HTTP 401 \(bad Bearer \[redacted\]\)/)
    expect(error).not.toContain('s3cr3t')
    expect(refusing.calls).toHaveLength(1)
  })

  it('does not believe a plane that reads something else than was set', async () => {
    const { url } = await plane((call, response) => {
      if (call.method !== 'GET') response.end('{}')
      return call.method !== 'GET'
    })
    await expect(httpControl(url).apply(wish(250_000), never)).rejects.toThrow('it says 0 % after 25 % was set')
    const odd = await plane((_, response) => Boolean(response.end('{"data": []}')))
    await expect(httpControl(odd.url).read(never)).rejects.toThrow('no number at /data/0/a~1b')
    const page = await plane((_, response) => Boolean(response.end('<html>')))
    await expect(httpControl(page.url).read(never)).rejects.toThrow('answered no JSON')
  }, 15_000)

  it('waits for a plane that shows the change a little later', async () => {
    let reads = 0
    const { url } = await plane((call, response) => {
      const early = call.method === 'GET' && reads++ < 2
      if (early) response.end('{"data": [{"a/b": 1}]}')
      return early
    })
    await httpControl(url).apply(wish(250_000), never)
    expect(reads).toBe(3)
  })

  it('follows no redirect, since the token would go along', async () => {
    const target = await plane()
    const { url } = await plane((_, response) => Boolean(response.writeHead(307, { location: target.url }).end()))
    await expect(httpControl(url).apply(wish(1), never)).rejects.toThrow('HTTP 307')
    expect(target.calls).toEqual([])
  })

  it('sends everything back, and says so, where a part should go back alone; killed is a share of 0', async () => {
    const { state, url } = await plane()
    await expect(httpControl(url).apply(wish(250_000, { components: ['model'] }), never)).rejects.toThrow(
      'it cannot send prompt back alone',
    )
    expect(state.percent).toBe(0)
    state.percent = 50
    await httpControl(url).apply(wish(500_000, { killed: true }), never)
    expect(state.percent).toBe(0)
  })

  it('names what is missing before anything is sent', async () => {
    const plan = planWith({
      type: 'http',
      set: { url: 'http://127.0.0.1:9/', body: '{{persent}}' },
      read: { url: 'http://127.0.0.1:9/', pointer: '' },
    })
    expect(() => openActuator(plan, { root: '.', env: {} })).toThrow('{{persent}} is nothing that can be put in')
    const { url } = await plane()
    const control = { type: 'http', set: { url, headers: { x: '${NOT_THERE}' } }, read: { url, pointer: '' } }
    await expect(openActuator(planWith(control), { root: '.', env: {} }).apply(wish(1), never)).rejects.toThrow(
      'the environment variable NOT_THERE is not set',
    )
  })
})

describe('command', () => {
  const node = process.execPath
  const env = { PATH: process.env['PATH'] }
  const write = "require('fs').writeFileSync('share', process.argv[1])"
  const read = "console.log(require('fs').readFileSync('share', 'utf8') + '%')"
  const commands = (set: string[], show: string[], timeoutMs?: number) => {
    const root = newFolder()
    return { root, actuator: openActuator(planWith({ type: 'command', set, read: show }), { root, env, timeoutMs }) }
  }

  it('runs without a shell and reads back', async () => {
    const { root, actuator } = commands(
      [
        node,
        '-e',
        `${write}; require('fs').writeFileSync('raw', process.argv[2])`,
        '{{percent}}',
        '$(id) `id` {{key}}',
      ],
      [node, '-e', read],
    )
    await actuator.apply(wish(55_000), never)
    expect(await actuator.read(never)).toEqual({ ppm: 55_000 })
    expect(readFileSync(join(root, 'raw'), 'utf8')).toBe('$(id) `id` support-1.3-1-55000')
  })

  it('says what a program said that failed, printed nonsense, is missing or hangs', async () => {
    const failing = commands([node, '-e', "console.error('x\\nno such rollout'); process.exit(3)"], ['true'])
    await expect(failing.actuator.apply(wish(1), never)).rejects.toThrow(/exit code 3 \(no such rollout\)/)
    const nonsense = commands(['true'], ['echo', 'Healthy'])
    await expect(nonsense.actuator.read(never)).rejects.toThrow(/printed "Healthy" where a percentage was expected/)
    await expect(commands(['no-such-program-here'], ['true']).actuator.apply(wish(1), never)).rejects.toThrow(
      'no such program',
    )
    const hanging = commands(['sh', '-c', 'sleep 60; true'], ['true'], 300)
    await expect(hanging.actuator.apply(wish(1), never)).rejects.toThrow('did not end within 300 ms')
  })

  it('stops when it is asked to', async () => {
    const stop = new AbortController()
    const { actuator } = commands(['sh', '-c', 'sleep 60; true'], ['true'])
    setTimeout(() => stop.abort(), 200)
    await expect(actuator.apply(wish(1), stop.signal)).rejects.toThrow(/abort/i)
  })
})

describe('git', () => {
  const yaml = `# traffic of support\nspec:\n  steps:\n    - setWeight: 5   # percent, set by aigate\n    - pause: {}\n  other: 1.0\n`
  const identity = [
    '-c',
    'user.name=t',
    '-c',
    'user.email=t@example.org',
    '-c',
    'init.defaultBranch=main',
    '-c',
    'protocol.file.allow=always',
  ]
  const env = {
    PATH: process.env['PATH'],
    HOME: newFolder(),
    GIT_CONFIG_NOSYSTEM: '1',
    GIT_AUTHOR_NAME: 't',
    GIT_AUTHOR_EMAIL: 't@example.org',
    GIT_COMMITTER_NAME: 't',
    GIT_COMMITTER_EMAIL: 't@example.org',
  }
  const git = (cwd: string, ...args: string[]) =>
    execFileSync('git', [...identity, ...args], { cwd, env, encoding: 'utf8', stdio: ['ignore', 'pipe', 'pipe'] })
  function repository(text = yaml, more: object = {}, path = 'deploy/values.yaml') {
    const root = newFolder()
    git(root, 'init', '--quiet')
    mkdirSync(join(root, 'deploy'))
    writeFileSync(join(root, path), text)
    writeFileSync(join(root, 'mine.txt'), 'a')
    git(root, 'add', '.')
    git(root, 'commit', '--quiet', '-m', 'first')
    const control = { type: 'git', path, pointer: '/spec/steps/0/setWeight', ...more }
    return { root, file: join(root, path), actuator: openActuator(planWith(control), { root, env }) }
  }
  const commits = (root: string) => Number(git(root, 'rev-list', '--count', 'HEAD'))

  it('commits the number alone, with its trailer, and keeps comments and the work of others', async () => {
    const { root, file, actuator } = repository()
    writeFileSync(join(root, 'mine.txt'), 'b')
    git(root, 'add', 'mine.txt')
    await actuator.apply(wish(250_000), never)
    expect(readFileSync(file, 'utf8')).toBe(yaml.replace('5   #', '25   #'))
    expect(git(root, 'log', '-1', '--format=%(trailers:key=Aigate-Intent,valueonly)').trim()).toBe(
      'support-1.3-1-250000',
    )
    expect(git(root, 'show', '--name-only', '--format=').trim()).toBe('deploy/values.yaml')
    expect(git(root, 'status', '--porcelain').trim()).toBe('M  mine.txt')
    expect(await actuator.read(never)).toEqual({ ppm: 250_000 })
    await actuator.apply(wish(250_000), never)
    expect(commits(root)).toBe(2)
  })

  it('goes on after a crash between the edit and the commit', async () => {
    const { root, file, actuator } = repository()
    writeFileSync(file, yaml.replace('5   #', '25   #'))
    expect(await actuator.read(never)).toEqual({ ppm: 50_000 })
    await actuator.apply(wish(250_000), never)
    expect(commits(root)).toBe(2)
    expect(git(root, 'status', '--porcelain')).toBe('')
  })

  it('does not commit what somebody else is writing in the file', async () => {
    const { root, file, actuator } = repository()
    writeFileSync(file, `${yaml}# draft\n`)
    await expect(actuator.apply(wish(250_000), never)).rejects.toThrow('has changes that are not committed')
    expect(readFileSync(file, 'utf8')).toBe(`${yaml}# draft\n`)
    expect(commits(root)).toBe(1)
  })

  it('edits JSON with tabs, and says where there is no number', async () => {
    const json = '{\n\t"spec": {"steps": [{"setWeight": 5}]},\n\t"x":   1\n}\n'
    const { file, actuator } = repository(json, {}, 'deploy/values.json')
    await actuator.apply(wish(0, { killed: true }), never)
    expect(readFileSync(file, 'utf8')).toBe(json.replace('5}', '0}'))
    await expect(repository('spec: {steps: []}\n').actuator.apply(wish(1), never)).rejects.toThrow(
      'deploy/values.yaml has no number at /spec/steps/0/setWeight',
    )
  })

  it('pushes, also when only the push was missing, and reads what the remote has', async () => {
    const { root, actuator } = repository(yaml, { push: true })
    const remote = newFolder()
    git(remote, 'init', '--quiet', '--bare')
    git(root, 'remote', 'add', 'origin', remote)
    git(root, 'push', '--quiet', '-u', 'origin', 'HEAD')
    await actuator.apply(wish(250_000), never)
    expect(git(remote, 'log', '-1', '--all', '--format=%s').trim()).toBe('support-1.3: candidate at 25 %')
    git(root, 'push', '--quiet', '--force', 'origin', 'HEAD~1:main')
    expect(await actuator.read(never)).toEqual({ ppm: 50_000 })
    await actuator.apply(wish(250_000), never)
    expect(await actuator.read(never)).toEqual({ ppm: 250_000 })
    expect(existsSync(join(root, '.git', 'index.lock'))).toBe(false)
  })
})
