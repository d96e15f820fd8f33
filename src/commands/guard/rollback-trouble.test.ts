// aigate rollback where something is damaged, half done or in the way: it goes on, and says what it knows and what helps.
import { createServer, type Server } from 'node:http'
import { rmSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, describe, expect, it } from 'vitest'
import { drillRow } from '../../decide/ready/rows.ts'
import { lastDrill } from '../../decide/rollback/runs.ts'
import { PlaneConfig } from '../../schema/planes.ts'
import { readActions } from '../../store/action-journal.ts'
import { removeTemporary } from '../cli-testing.ts'
import { planesHash } from './rollback-drill.ts'
import { manifest, place, type Place, program, rollback } from './rollback-testing.ts'

const servers: Server[] = []
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections()
    server.close()
  }
})
afterAll(removeTemporary)

const flagd = '{type: flagd, path: deploy/flags.json, flag: prompt}'
/** A release that differs from others in one part alone. */
function release(n: number, part: 'prompt' | 'model' | 'index' | 'guardrails') {
  const [first, own] = [manifest(1), manifest(n)]
  const components =
    part === 'index' || part === 'guardrails' ? { [part]: own.components[part] ?? { version: '' } } : {}
  return {
    ...own,
    prompts: part === 'prompt' ? own.prompts : first.prompts,
    models: part === 'model' ? own.models : first.models,
    components: { ...first.components, ...components },
  }
}
const releases = (count: number, part: Parameters<typeof release>[1]) =>
  Array.from({ length: count }, (_, at) => release(at + 1, part))
/** Three releases; production serves number 3 of the index. */
async function indexed(count = 3): Promise<Place> {
  const made = await place({ index: program('index') }, releases(count, 'index'))
  made.write('index.version', `kb-${count}`)
  return made
}
const index = (made: Place) => made.read('index.version')
const ledger = 'releases/ledger.jsonl'
const damage = (made: Place, line: number) => {
  const lines = made.read(ledger).split('\n')
  lines[line - 1] = lines[line - 1]?.replace('"version":1', '"version":1,"x":2') ?? ''
  made.write(ledger, lines.join('\n'))
}

describe('a damaged ledger', () => {
  it('is taken from the last commit: production goes back, and exit 5 says that it is not recorded', async () => {
    const made = await indexed()
    damage(made, 1)
    const planned = await rollback(made.folder, [], {})
    expect(planned.stderr).toMatch(
      /^warning: Record 1 of the ledger is damaged: .* goes on with the 3 records of the last commit/,
    )
    const { ending, stdout } = await rollback(made.folder, [], { apply: true })
    expect(ending).toBe('action_failed')
    expect(index(made)).toBe('kb-2')
    expect(stdout).toMatch(
      /Verified after .*\nNOT RECORDED: production is as said above, but the ledger does not say so: Record 1 of the ledger is damaged/,
    )
    expect(stdout).not.toContain('NOT VERIFIED')
    const named = await rollback(made.folder, ['index'], { apply: true, to: 'kb-1' })
    expect(named.ending).toBe('action_failed')
    expect(index(made)).toBe('kb-1')
  })

  it('that was mended is written by the same command, which sets nothing twice', async () => {
    const made = await indexed()
    const sound = made.read(ledger)
    damage(made, 2)
    await rollback(made.folder, [], { apply: true })
    made.write(ledger, sound)
    const { ending, stdout } = await rollback(made.folder, [], { apply: true })
    expect(stdout).toContain('there    index: kb-2')
    expect([ending, index(made)]).toEqual(['pass', 'kb-2'])
    expect(made.ledger().at(-1)?.rollback).toMatchObject({ from: '2026-11-03.1', to: '2026-11-02.1' })
  })

  it('without git: what stands before the fault and what fits its own hash behind it counts', async () => {
    const made = await indexed()
    rmSync(join(made.folder, '.git'), { recursive: true })
    damage(made, 1)
    const { stderr, stdout } = await rollback(made.folder, [], { json: true })
    expect(stderr).toContain('the 0 sound records before it and 2 later ones that fit their own hash')
    expect(JSON.parse(stdout)).toMatchObject({ from: '2026-11-03.1', to: '2026-11-02.1' })
  })

  it('whose last record is gone: the newest that can be read is the target, unless production is there already', async () => {
    const made = await indexed()
    rmSync(join(made.folder, '.git'), { recursive: true })
    damage(made, 3)
    expect((await rollback(made.folder, [], { apply: true })).ending).toBe('action_failed')
    expect(index(made)).toBe('kb-2')
    expect((await rollback(made.folder, [], { apply: true })).ending).toBe('action_failed')
    expect(index(made)).toBe('kb-1')
  })

  it('of which nothing can be read is exit 5 for --apply, and never the exit of a wrong call', async () => {
    const made = await indexed(1)
    rmSync(join(made.folder, '.git'), { recursive: true })
    made.write(ledger, 'torn\n')
    const { ending, stderr } = await rollback(made.folder, [], { apply: true })
    expect(ending).toBe('action_failed')
    expect(stderr).toContain('error: Nothing that can be read of the ledger says')
    expect((await rollback(made.folder, [], {})).ending).toBe('invalid')
  })
})

it.each([
  ['answers 500 after it did it', 'after', 1, 'pass'],
  ['breaks the connection after it did it', 'reset', 1, 'pass'],
  ['answers 500 and does nothing', 'never', 3, 'action_failed'],
])('an API that %s is read before it is asked again', async (_, mode, puts, ending) => {
  let [version, asked] = ['g-2', 0]
  const server = createServer((request, response) => {
    if (request.method === 'GET') {
      response.end(JSON.stringify({ version }))
      return
    }
    asked += 1
    let body = ''
    request.on('data', (data) => (body += data))
    request.on('end', () => {
      if (mode !== 'never') version = JSON.parse(body).version
      if (mode === 'reset') request.socket.destroy()
      else response.writeHead(500).end('no audit log')
    })
  })
  servers.push(server)
  await new Promise<void>((go) => server.listen(0, '127.0.0.1', go))
  const at = server.address()
  const url = `http://127.0.0.1:${typeof at === 'object' && at ? at.port : 0}/v`
  const plane = `{type: http, set: {url: "${url}", method: PUT, body: {version: "{{version}}"}}, read: {url: "${url}", pointer: /version}}`
  const made = await place({ guardrails: plane }, releases(2, 'guardrails'))
  const done = await rollback(made.folder, [], { apply: true })
  expect([done.ending, asked]).toEqual([ending, puts])
  if (ending === 'pass')
    expect(done.stdout).toMatch(/back {5}guardrails: g-1 in .*\n {11}note: it is set, although PUT at /)
  else {
    expect(done.stdout).toContain(
      'answered HTTP 500 (no audit log) after 3 attempts\n           Check the address, the token',
    )
    expect(done.stdout).toContain('Run the command again when that is mended')
  }
})

it('says how to mend what failed, and does not advise to repeat what stays blocked', async () => {
  const made = await place({ prompt: flagd }, releases(2, 'prompt'))
  made.write('deploy/flags.json', '{"flags"')
  const torn = await rollback(made.folder, [], { apply: true })
  expect(torn.stdout).toContain('Restore it, then run the command again.')
  made.git('checkout', '--', 'deploy/flags.json')
  made.git('rm', '--quiet', 'prompts/answer/1.1.0.md')
  made.git('commit', '--quiet', '--amend', '-m', 'one')
  const blocked = await rollback(made.folder, [], { apply: true })
  expect(blocked.ending).toBe('action_failed')
  expect(blocked.stdout).toContain('--force sets it where something is missing')
  expect(blocked.stdout).not.toContain('Run the command again')
})

describe('a drill', () => {
  it('of a plane that has no copy says that nothing was drilled', async () => {
    const made = await indexed(2)
    const { ending, stdout } = await rollback(made.folder, [], { drill: true })
    expect(ending).toBe('inconclusive')
    expect(stdout).toContain('Nothing was drilled.\nNot drilled: index. Whether that goes back is not known.')
    expect(stdout).not.toContain('Verified')
    const drill = lastDrill(readActions(join(made.folder, '.aigate/actions')).records, 'production')
    const planes = { planes: drill?.detail.planes ?? '', components: ['index'] }
    expect(drillRow(drill, planes, { now: Date.now(), within: 86_400_000 })).toMatchObject({
      outcome: 'invalid',
      evidence: expect.stringContaining('had nothing to drill index on'),
    })
  })

  it('of some planes names those that it left out', async () => {
    const made = await place({ prompt: flagd, index: program('index') }, releases(2, 'prompt'))
    made.write('index.version', 'kb-1')
    const { stdout } = await rollback(made.folder, [], { drill: true })
    expect(stdout).toMatch(/Verified after .*\nNot drilled: index\. /)
  })

  it('of a branch that is not checked out fails as the rollback would', async () => {
    const made = await place(
      { model: '{type: git, path: deploy/values.yaml, pointer: /model, push: true}' },
      releases(2, 'model'),
    )
    made.git('checkout', '--quiet', '--detach')
    const { ending, stdout } = await rollback(made.folder, [], { drill: true })
    expect(ending).toBe('fail')
    expect(stdout).toContain('HEAD is detached')
  })

  it('counts only for the planes that it drilled', async () => {
    const made = await place({ prompt: flagd }, releases(2, 'prompt'))
    expect((await rollback(made.folder, [], { drill: true })).ending).toBe('pass')
    const drill = lastDrill(readActions(join(made.folder, '.aigate/actions')).records, 'production')
    const times = { now: Date.now(), within: 86_400_000 }
    const plane = (flag: string) => PlaneConfig.parse({ type: 'flagd', flag, path: 'deploy/flags.json' })
    const today = (planes: Record<string, PlaneConfig>) => ({
      planes: planesHash(planes),
      components: Object.keys(planes),
    })
    const same = today({ prompt: plane('prompt') })
    expect(drillRow(drill, same, times)).toMatchObject({ outcome: 'pass' })
    expect(drillRow(drill, today({ prompt: plane('other') }), times)).toMatchObject({
      outcome: 'fail',
      evidence: expect.stringContaining('the planes in aigate.yaml were changed since the drill'),
    })
    const more = { planes: same.planes, components: ['prompt', 'index'] }
    expect(drillRow(drill, more, times)).toMatchObject({
      outcome: 'fail',
      evidence: expect.stringContaining('left out index'),
    })
    const old = drill && { ...drill, detail: { ...drill.detail, planes: undefined } }
    expect(drillRow(old as typeof drill, same, times)).toMatchObject({
      outcome: 'invalid',
      evidence: expect.stringContaining('does not say which planes'),
    })
  })
})
