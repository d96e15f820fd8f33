// aigate rollback with real flag files, git repositories, programs and HTTP endpoints: plan, apply, verify, record, drill.
import { execFileSync } from 'node:child_process'
import { createServer, type IncomingMessage, type RequestListener, type Server, type ServerResponse } from 'node:http'
import { existsSync, readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { FlagdProvider } from '@openfeature/flagd-provider'
import { OpenFeature } from '@openfeature/server-sdk'
import { afterAll, afterEach, describe, expect, it, vi } from 'vitest'
import { lastDrill } from '../../decide/rollback/runs.ts'
import { readActions } from '../../store/action-journal.ts'
import { verifyLedger } from '../../store/ledger-verify.ts'
import { removeTemporary, temporary } from '../cli-testing.ts'
import { flagFile, manifest, place, type Place, program, rollback } from './rollback-testing.ts'

const servers: Server[] = []
afterEach(() => {
  vi.unstubAllEnvs()
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})
afterAll(async () => {
  await OpenFeature.close()
  removeTemporary()
})

const flagd = '{type: flagd, path: deploy/flags.json, flag: prompt}'
const git = '{type: git, path: deploy/values.yaml, pointer: /model}'
const push = '{type: git, path: deploy/values.yaml, pointer: /model, push: true}'
const four = {
  prompt: flagd,
  model: git,
  index: program('index'),
  guardrails: program('guardrails'),
  code: program('code'),
}

async function production(
  planes: Record<string, string> = four,
  releases = [manifest(1), manifest(2)],
): Promise<Place> {
  const made = await place(planes, releases)
  for (const [name, version] of [
    ['index', 'kb-2'],
    ['guardrails', 'g-2'],
    ['code', 'app:2'],
  ])
    made.write(`${name}.version`, version ?? '')
  return made
}
const versions = (made: Place) => [
  JSON.parse(made.read('deploy/flags.json')).flags.prompt.defaultVariant,
  /model: (\S+)/.exec(made.read('deploy/values.yaml'))?.[1],
  ...['index', 'guardrails', 'code'].map((name) => made.read(`${name}.version`)),
]
const old = ['old', 'm-1-2026-01-01', 'kb-1', 'g-1', 'app:1']
const young = ['new', 'm-2-2026-01-01', 'kb-2', 'g-2', 'app:2']
const json = ({ stdout }: { stdout: string }) => JSON.parse(stdout)

async function endpoint(listener: RequestListener): Promise<string> {
  const server = createServer(listener)
  servers.push(server)
  await new Promise<void>((go) => server.listen(0, '127.0.0.1', go))
  const address = server.address()
  return `http://127.0.0.1:${typeof address === 'object' && address ? address.port : 0}/v`
}
const take = (request: IncomingMessage, response: ServerResponse, keep: (version: string) => void) => {
  let body = ''
  request.on('data', (data) => (body += data))
  request.on('end', () => {
    keep(JSON.parse(body).version)
    response.end()
  })
}
const api = (url: string) =>
  `{type: http, timeout: 300ms, set: {url: "${url}", method: PUT, headers: {authorization: "Bearer \${TOKEN}"}, body: {version: "{{version}}"}}, read: {url: "${url}", pointer: /version}}`

describe('plan', () => {
  it('says what changes where and what is not touched, and changes nothing', async () => {
    const made = await production()
    const { ending, stdout } = await rollback(made.folder, [], {})
    expect(stdout).toContain('rollback of production: 2026-11-02.1 -> 2026-11-01.1')
    expect(stdout).toContain('change   prompt: answer@1.2.0 -> answer@1.1.0 (flag prompt in deploy/flags.json)')
    expect(stdout).toContain('change   code: app:2 -> app:1')
    expect(stdout).toContain('data: nothing in databases')
    expect(stdout).toContain('To do it: aigate rollback --apply')
    expect(ending).toBe('pass')
    expect(versions(made)).toEqual(young)
    expect(made.ledger()).toHaveLength(2)
    expect(existsSync(join(made.folder, '.aigate'))).toBe(false)
  })

  it('blocks what is missing and what a migration stands before; --force goes on', async () => {
    const bad = manifest(2, { irreversible: ['migration 42 drops a column'] })
    const made = await production(four, [manifest(1), bad])
    made.git('rm', '--quiet', '-f', 'prompts/answer/1.1.0.md')
    made.git('commit', '--quiet', '--amend', '-m', 'one')
    const planned = await rollback(made.folder, [], { json: true })
    expect(planned.ending).toBe('fail')
    const states = json(planned).steps.map((step: { component: string; state: string }) => [step.component, step.state])
    expect(Object.fromEntries(states)).toEqual({
      prompt: 'blocked',
      model: 'change',
      index: 'change',
      guardrails: 'change',
      code: 'blocked',
    })
    expect(planned.stdout).toContain('migration 42 drops a column')
    const partly = await rollback(made.folder, [], { apply: true })
    expect(partly.ending).toBe('action_failed')
    expect(versions(made)).toEqual(['new', 'm-1-2026-01-01', 'kb-1', 'g-1', 'app:2'])
    expect(made.ledger().at(-1)?.rollback?.left).toEqual(['prompt', 'code'])
    const forced = await rollback(made.folder, [], { apply: true, force: true })
    expect(forced.ending).toBe('pass')
    expect(versions(made)).toEqual(old)
  })

  it('refuses what it does not know, in a sentence', async () => {
    const made = await production()
    expect((await rollback(made.folder, ['prompts'], {})).stderr).toContain(
      'There is no plane for prompts under production',
    )
    expect((await rollback(made.folder, ['index'], { to: 'kb-9' })).stderr).toContain('Released were: kb-2, kb-1')
    expect((await rollback(made.folder, [], { apply: true, drill: true })).ending).toBe('usage')
    expect((await rollback(made.folder, [], { env: 'staging' })).ending).toBe('usage')
    const alone = await production(four, [manifest(2)])
    expect((await rollback(alone.folder, [], {})).ending).toBe('invalid')
    expect((await rollback(alone.folder, [], { apply: true })).ending).toBe('action_failed')
    const none = await production({})
    expect((await rollback(none.folder, [], {})).stderr).toContain(
      'does not say where the versions of production are set',
    )
  })
})

describe('apply', () => {
  it('puts everything back, reads it back, and makes the ledger tell the truth; a second call changes nothing', async () => {
    const made = await production()
    const { ending, stdout } = await rollback(made.folder, [], { apply: true, reason: 'names competitors' })
    expect(stdout).toContain('Verified after')
    expect(ending).toBe('pass')
    expect(versions(made)).toEqual(old)
    expect(made.read('deploy/values.yaml')).toContain('# set by releases\nreplicas: 3')
    expect(made.git('log', '-1', '--format=%s')).toBe('model: m-1-2026-01-01 (names competitors)')
    const current = made.ledger().at(-1)
    expect(current).toMatchObject({
      rollback: { from: '2026-11-02.1', to: '2026-11-01.1', left: [], reason: 'names competitors' },
      container: 'app:1',
      verdicts: [{ run: 'run-1', outcome: 'pass' }],
      components: { index: { version: 'kb-1' }, guardrails: { version: 'g-1' } },
    })
    expect(current?.sentence).toContain('rollback to 2026-11-01.1: prompt answer 1.2.0 -> 1.1.0')
    expect((await verifyLedger(join(made.folder, 'releases'), { committed: null })).faults).toEqual([])
    const again = await rollback(made.folder, [], { apply: true })
    expect(again.ending).toBe('pass')
    expect(made.ledger()).toHaveLength(3)
    expect(versions(made)).toEqual(old)
    const kinds = made.actions().map(({ kind }) => kind)
    expect(kinds.slice(0, 3)).toEqual(['begun', 'intent', 'intent'])
    expect(kinds.filter((kind) => kind === 'applied')).toHaveLength(5)
  })

  it('sends one component alone to a version by its name, and says that the mixture was never measured', async () => {
    const made = await production()
    const { ending } = await rollback(made.folder, ['prompt'], { to: '1.1.0', apply: true })
    expect(ending).toBe('pass')
    expect(versions(made)).toEqual(['old', ...young.slice(1)])
    expect(made.ledger().at(-1)).toMatchObject({
      prompts: [{ version: '1.1.0' }],
      models: [{ id: 'm-2-2026-01-01' }],
      verdicts: [{ outcome: 'invalid' }],
    })
    // The rest follows to the same release, not to what was left.
    expect((await rollback(made.folder, [], { apply: true })).ending).toBe('pass')
    expect(versions(made)).toEqual(old)
    expect(made.ledger().at(-1)?.verdicts[0]?.outcome).toBe('pass')
  })

  it('is seen by a running application through the real flagd provider', async () => {
    const made = await production()
    const offlineFlagSourcePath = join(made.folder, 'deploy/flags.json')
    await OpenFeature.setProviderAndWait(
      'rollback',
      new FlagdProvider({ resolverType: 'in-process', offlineFlagSourcePath }),
    )
    const client = OpenFeature.getClient('rollback')
    expect(await client.getStringValue('prompt', 'code')).toBe('answer@1.2.0')
    await rollback(made.folder, ['prompt'], { apply: true })
    await expect.poll(() => client.getStringValue('prompt', 'code'), { timeout: 20_000 }).toBe('answer@1.1.0')
    expect(await client.getBooleanValue('other', false)).toBe(true)
  }, 30_000)

  it('gets through an endpoint that fails twice, with one key; the secret is nowhere', async () => {
    let version = 'g-2'
    const keys: unknown[] = []
    const url = await endpoint((request, response) => {
      if (request.method === 'PUT') keys.push(request.headers['idempotency-key'])
      if (request.method === 'GET') response.end(JSON.stringify({ version }))
      else if (keys.length < 3) response.writeHead(503).end(`no, ${request.headers.authorization}`)
      else take(request, response, (given) => (version = given))
    })
    const made = await production({ ...four, guardrails: api(url) })
    const env = { ...process.env, TOKEN: 'tok-geheim' }
    const { ending, stdout } = await rollback(made.folder, [], { apply: true }, env)
    expect(ending).toBe('pass')
    expect(version).toBe('g-1')
    expect(keys).toHaveLength(3)
    expect(new Set(keys).size).toBe(1)
    expect(stdout + made.read('.aigate/actions/journal.jsonl')).not.toContain('tok-geheim')
  }, 20_000)

  it('goes on with the others where one hangs, says what is left, and a second call finishes', async () => {
    let version = 'g-2'
    let hangs = true
    const url = await endpoint((request, response) => {
      if (request.method === 'GET') response.end(JSON.stringify({ version }))
      else if (!hangs) take(request, response, (given) => (version = given))
    })
    const made = await production({ ...four, guardrails: api(url) })
    const env = { ...process.env, TOKEN: 'tok-geheim' }
    const { ending, stdout } = await rollback(made.folder, [], { apply: true }, env)
    expect(ending).toBe('action_failed')
    expect(stdout).toMatch(/failed {3}guardrails: .*gave no answer within 300 ms/)
    expect(stdout).toContain('NOT VERIFIED')
    expect(versions(made).filter((_, i) => i !== 3)).toEqual(old.filter((_, i) => i !== 3))
    expect(made.ledger().at(-1)).toMatchObject({
      rollback: { left: ['guardrails'] },
      components: { index: { version: 'kb-1' }, guardrails: { version: 'g-2' } },
      verdicts: [{ outcome: 'invalid' }],
    })
    hangs = false
    expect((await rollback(made.folder, [], { apply: true }, env)).ending).toBe('pass')
    expect(version).toBe('g-1')
    expect(made.ledger().at(-1)).toMatchObject({
      rollback: { from: '2026-11-02.1', to: '2026-11-01.1', left: [] },
      verdicts: [{ outcome: 'pass' }],
    })
  }, 30_000)

  it('does not believe a program that ends well and sets nothing', async () => {
    const lying = `{type: command, set: ["true"], read: [cat, index.version], seen_within: 600ms}`
    const made = await production({ prompt: flagd, index: lying })
    const { ending, stdout } = await rollback(made.folder, ['index', 'prompt'], { apply: true })
    expect(ending).toBe('action_failed')
    expect(stdout).toContain('says kb-2 after kb-1 was set')
    expect(versions(made)[0]).toBe('old')
  }, 40_000)

  it('works where nobody ever ran aigate: a fresh clone, no name for git, no .aigate, a pushed change', async () => {
    const made = await production({ prompt: flagd, model: push })
    const remote = temporary()
    execFileSync('git', ['clone', '--quiet', '--bare', made.folder, remote])
    const clone = join(temporary(), 'clone')
    execFileSync('git', ['clone', '--quiet', remote, clone])
    const env = { PATH: process.env['PATH'], HOME: temporary(), GIT_CONFIG_NOSYSTEM: '1' }
    const { ending, stdout } = await rollback(clone, ['prompt', 'model'], { apply: true }, env)
    expect(stdout).toContain('Verified')
    expect(ending).toBe('pass')
    const pushed = execFileSync('git', ['show', 'trunk:deploy/values.yaml'], { cwd: remote, encoding: 'utf8' })
    expect(pushed).toContain('model: m-1-2026-01-01')
  })

  it('goes back although neither journal nor ledger can be written, and says so', async () => {
    const made = await production({ prompt: flagd })
    writeFileSync(join(made.folder, '.aigate'), 'a file where the folder should be')
    rmSync(join(made.folder, 'releases', 'ledger.lock'), { force: true })
    writeFileSync(join(made.folder, 'releases', 'ledger.lock'), `1 another-machine x\n`)
    const { ending, stdout } = await rollback(made.folder, ['prompt'], { apply: true })
    expect(ending).toBe('action_failed')
    expect(versions(made)[0]).toBe('old')
    expect(stdout).toContain('no lock')
    expect(stdout).toMatch(
      /Verified after .*\nNOT RECORDED: production is as said above, but the ledger does not say so: Another aigate/,
    )
  }, 40_000)

  it('never goes to a release that somebody went back from', async () => {
    const made = await production()
    await rollback(made.folder, [], { apply: true })
    const back = made.ledger().at(-1)
    const third = manifest(3, { id: '2026-12-03.1', verdicts: manifest(3).verdicts })
    const { appendRecord } = await import('../../store/ledger-append.ts')
    await appendRecord(join(made.folder, 'releases'), { at: third.at, by: 'Ada' }, () => ({
      kind: 'release',
      manifest: third,
    }))
    expect(json(await rollback(made.folder, [], { json: true })).to).toBe(back?.id)
  })
})

describe('drill', () => {
  it('does all of it on copies, says how long each took, and leaves production and the ledger as they are', async () => {
    const drilled = (name: string) =>
      program(name, `, drill: ${program(`${name}-copy`).replace('type: command, ', '')}`)
    const made = await production({
      ...four,
      model: push,
      index: drilled('index'),
      guardrails: drilled('guardrails'),
      code: drilled('code'),
    })
    for (const [name, version] of [
      ['index', 'kb-2'],
      ['guardrails', 'g-2'],
      ['code', 'app:2'],
    ])
      made.write(`${name}-copy.version`, version ?? '')
    const remote = temporary()
    made.git('init', '--quiet', '--bare', remote)
    made.git('remote', 'add', 'origin', remote)
    made.git('push', '--quiet', '-u', 'origin', 'trunk')
    const head = made.git('rev-parse', 'HEAD')
    const scratch = temporary()
    vi.stubEnv('TMPDIR', scratch)
    const { ending, stdout } = await rollback(made.folder, [], { drill: true, json: true })
    const result = JSON.parse(stdout)
    expect(result.steps.map(({ state }: { state: string }) => state)).toEqual(['back', 'back', 'back', 'back', 'back'])
    expect(ending).toBe('pass')
    expect(result.took_ms).toBeLessThan(60_000)
    expect(versions(made)).toEqual(young)
    expect(made.read('index-copy.version')).toBe('kb-1')
    expect(made.git('rev-parse', 'HEAD')).toBe(head)
    expect(made.ledger()).toHaveLength(2)
    const drill = lastDrill(readActions(join(made.folder, '.aigate/actions')).records, 'production')
    expect(drill).toMatchObject({ outcome: 'pass', detail: { to: '2026-11-01.1' } })
    expect(readdirSync(scratch)).toEqual([])
  }, 30_000)

  it('is inconclusive where a plane has nothing to be drilled on, and fails where it would fail', async () => {
    const made = await production()
    const { ending, stdout } = await rollback(made.folder, [], { drill: true })
    expect(ending).toBe('inconclusive')
    expect(stdout).toContain('skipped  index: not drilled')
    made.write('deploy/flags.json', '{"flags": {')
    const broken = await rollback(made.folder, ['prompt'], { drill: true })
    expect(broken.ending).toBe('fail')
    expect(broken.stdout).toContain('flags.json is no JSON')
  }, 30_000)
})

it('says in the plan that a flag is not there', async () => {
  const made = await production({ prompt: flagd })
  made.write('deploy/flags.json', flagFile('answer@1.2.0').replace('"prompt"', '"another"'))
  const { ending, stdout } = await rollback(made.folder, ['prompt'], {})
  expect(ending).toBe('invalid')
  expect(stdout).toContain('deploy/flags.json has no flag prompt')
})
