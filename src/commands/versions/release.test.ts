// aigate release through the built program, in a real git repository, against an API that answers by the prompt it is given.
import { execFileSync } from 'node:child_process'
import { createServer, type Server } from 'node:http'
import { mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { ReleaseManifest } from '../../schema/release.ts'
import { aigate as run, removeTemporary, root, temporary } from '../cli-testing.ts'

let server: Server
let port = 0
let folder = ''
/** Versions of the prompt that the API was asked with, in order. */
let askedWith: string[] = []
/** What GET /models answers. */
let listed: string[] = []
/** Versions from which on the API answers wrongly. */
let brokenFrom = 99

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk) => chunks.push(chunk))
    request.on('end', () => {
      if (request.url?.endsWith('/models')) {
        const data = listed.map((id) => ({ id }))
        response.end(JSON.stringify({ object: 'list', data }))
        return
      }
      const { messages, model } = JSON.parse(Buffer.concat(chunks).toString())
      const version = /version (\d+)/.exec(messages[0].content)?.[1] ?? ''
      askedWith.push(version)
      const content = Number(version) >= brokenFrom ? 'wrong' : 'right'
      const choices = [{ index: 0, message: { role: 'assistant', content }, finish_reason: 'stop' }]
      const usage = { prompt_tokens: 10, completion_tokens: 2, total_tokens: 12 }
      const body = { id: 'x', object: 'chat.completion', created: 0, model, choices, usage }
      response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(body))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const address = server.address()
  port = typeof address === 'object' && address ? address.port : 0
})
afterAll(() => {
  server.close()
  removeTemporary()
})

const aigate = (...args: string[]) => run(args, folder, { KEY: 'sk-test' })
const json = async (...args: string[]) => JSON.parse((await aigate(...args, '--json')).stdout)
const read = (name: string) => readFileSync(join(folder, name), 'utf8')
const git = (...args: string[]) => execFileSync('git', args, { cwd: folder, encoding: 'utf8' }).trim()
function write(name: string, text: string): void {
  mkdirSync(dirname(join(folder, name)), { recursive: true })
  writeFileSync(join(folder, name), text)
}

const config = (extra = '', model = 'test-model-2026-01-01') => `version: 1
providers:
  api: {type: openai, base_url: "http://127.0.0.1:${port}/v1", api_key_env: KEY, retries: 0, timeout: 5s}
models:
  main: {provider: api, id: ${model}, params: {temperature: 0.2}}
${extra}`
const words = ['', 'first', 'greeting', 'tone', 'shorter', 'sources', 'apology', 'format', 'refunds']
const prompt = (n: number) =>
  `---\nname: answer\nversion: 1.${n}.0\ndescription: ${words[n]}\ninput: [q]\n---\nsystem:\nversion ${n}\n\nuser:\n{{ q }}\n`
const suite = (n: number) =>
  `suite: app\nversion: 1.0.0\ntarget: {prompt: answer@1.${n}.0, model: main}\ntrials: 1\ncases:\n${Array.from(
    { length: 12 },
    (_, i) => `  - {id: c${i}, vars: {q: "${i}"}, assert: [{contains: right}]}\n`,
  ).join('')}`

function commit(message: string): void {
  git('add', '-A')
  git('commit', '--quiet', '--allow-empty', '-m', message)
}
/** Makes a version of the prompt what the suite asks. */
function use(n: number): void {
  write(`prompts/answer/1.${n}.0.md`, prompt(n))
  write('evals/app.suite.yaml', suite(n))
}

beforeEach(() => {
  folder = temporary()
  brokenFrom = 99
  askedWith = []
  listed = ['test-model-2026-01-01', 'test-model-2026-02-02', 'other-model-2026-03-03']
  git('init', '--quiet', '--initial-branch', 'trunk')
  git('config', 'user.name', 'Ada Lovelace')
  git('config', 'user.email', 'ada@example.org')
  write('.gitignore', '.aigate/\n')
  write('aigate.yaml', config())
  use(1)
  commit('one')
})

async function released(n: number, ...args: string[]): Promise<string> {
  use(n)
  commit(`use ${n}`)
  await aigate('eval')
  const done = await aigate('release', 'record', ...args, '--json')
  expect([done.stderr, done.code]).toEqual([expect.not.stringMatching(/error/), 0])
  commit(`release ${n}`)
  return JSON.parse(done.stdout).manifest.id
}

describe('record', () => {
  it('writes what runs together, with the verdict of the run that asked it', async () => {
    expect(await aigate('eval')).toMatchObject({ code: 0 })
    const args = ['--index', 'kb-2026-10', '--guardrails', 'v3', '--container', 'app:1.0.0', '--note', 'go live']
    const { code, stdout } = await aigate('release', 'record', ...args)
    expect(stdout).toMatch(
      /^release \d{4}-\d\d-\d\d\.1 to production\nfirst release: prompt answer 1\.1\.0; model main/,
    )
    expect(stdout).toMatch(/evidence: app pass in run \d{8}T/)
    expect(code).toBe(0)
    const [file = ''] = readdirSync(join(folder, 'releases')).filter((name) => name.endsWith('.yaml'))
    const manifest = ReleaseManifest.parse(parse(read(`releases/${file}`)))
    expect(manifest).toMatchObject({
      env: 'production',
      by: 'Ada Lovelace',
      note: 'go live',
      git: { commit: git('rev-parse', 'HEAD'), dirty: false },
      container: 'app:1.0.0',
      prompts: [{ name: 'answer', version: '1.1.0', description: 'first' }],
      models: [{ name: 'main', provider: 'api', id: 'test-model-2026-01-01', params: { temperature: 0.2 } }],
      components: { index: { version: 'kb-2026-10' }, guardrails: { version: 'v3' } },
      suites: [{ suite: 'app', version: '1.0.0', cases: 12 }],
      verdicts: [{ suite: 'app', outcome: 'pass' }],
    })
    expect(manifest.override).toBeUndefined()
    expect(await json('release', 'current')).toEqual({ ...manifest })
    expect(await aigate('release', 'verify')).toMatchObject({ code: 0 })
  })

  it.each([
    { name: 'no run', prepare: async () => {}, code: 4, says: 'no run of this suite is stored' },
    {
      name: 'a run that failed',
      prepare: async () => {
        brokenFrom = 1
        await aigate('eval')
      },
      code: 1,
      says: 'app: fail: ',
    },
    {
      name: 'a run of another prompt',
      prepare: async () => {
        await aigate('eval')
        use(2)
      },
      code: 4,
      says: 'the run asked answer@1.1.0 with main (test-model-2026-01-01), the release holds answer@1.2.0',
    },
    {
      name: 'a run of some cases',
      prepare: () => aigate('eval', '--case', 'c1'),
      code: 4,
      says: 'only some of the cases',
    },
    {
      name: 'a run of other cases',
      prepare: async () => {
        await aigate('eval')
        write('evals/app.suite.yaml', suite(1).replace('contains: right', 'contains: r'))
      },
      code: 4,
      says: 'the cases of the suite have changed since the run',
    },
  ])('refuses $name, unless it is overridden, and that is said aloud', async ({ prepare, code, says }) => {
    await prepare()
    const refused = await aigate('release', 'record')
    expect(refused.stdout).toContain(says)
    expect(refused.code).toBe(code)
    expect(readdirSync(folder)).not.toContain('releases')
    const done = await aigate('release', 'record', '--override', 'hotfix, agreed with Ada')
    expect(done.stdout).toMatch(/RELEASED AGAINST ITS EVIDENCE \((fail|invalid)\): hotfix, agreed with Ada/)
    expect(done.code).toBe(0)
    expect((await aigate('release', 'list')).stdout).toMatch(/OVERRIDE of (fail|invalid)/)
    expect((await json('release', 'current')).override.reason).toBe('hotfix, agreed with Ada')
  })

  it('refuses a run whose rules the command line set aside, and judges by the policy of today', async () => {
    const strict = `${config()}gate: {min_pass_rate: 0.95}\n`
    brokenFrom = 1
    write('aigate.yaml', strict)
    expect(await aigate('eval', '--threshold', '0')).toMatchObject({ code: 0 })
    const refused = await aigate('release', 'record')
    expect(refused.stdout).toContain('the run was made with --threshold 0, which is no rule of the suite')
    expect(refused.code).toBe(4)
    write('aigate.yaml', `${config()}gate: {min_pass_rate: 0}\n`)
    expect(await aigate('eval')).toMatchObject({ code: 0 })
    expect(await aigate('release', 'record', '--dry-run')).toMatchObject({ code: 0 })
    write('aigate.yaml', strict)
    const stricter = await aigate('release', 'record')
    expect([stricter.code, stricter.stdout]).toEqual([1, expect.stringContaining('app: fail: ')])
  })

  it('of an application takes evidence of the same commit only; what aigate itself writes is no change', async () => {
    write('app.mjs', "export default () => 'right'\n")
    const cases = [1, 2, 3].map((n) => `  - {id: c${n}, assert: [{contains: right}]}\n`)
    write(
      'evals/app.suite.yaml',
      `suite: app\nversion: 1.0.0\ntarget: {module: ../app.mjs}\ngate: {max_regression: false}\ncases:\n${cases.join('')}`,
    )
    await aigate('eval')
    const says = async (text: string) => {
      const { code, stdout } = await aigate('release', 'record')
      expect([code, stdout]).toEqual([4, expect.stringContaining(text)])
    }
    await says('that were not committed')
    commit('an application')
    await aigate('eval')
    // Two releases after one run, a baseline and its commit: the code is the same.
    expect(await aigate('release', 'record', '--env', 'staging')).toMatchObject({ code: 0 })
    expect(await aigate('baseline', 'accept', 'latest', '--reason', 'first')).toMatchObject({ code: 0 })
    commit('the release and the baseline')
    expect(await aigate('release', 'record')).toMatchObject({ code: 0 })
    write('app.mjs', "export default () => 'no idea'\n")
    await says('since then 1 file changed: app.mjs')
    commit('another application')
    await says('since then 1 file changed: app.mjs')
    write('app.mjs', "export default () => 'right'\n")
    expect(await aigate('release', 'record', '--dry-run')).toMatchObject({ code: 0 })
    write('lib/new.mjs', 'export {}\n')
    await says('since then 1 file changed: lib/new.mjs')
  })

  it('refuses evidence of another address, and keeps the one that was asked', async () => {
    await aigate('eval')
    const { manifest } = await json('release', 'record')
    expect(manifest.models).toMatchObject([{ base_url: `http://127.0.0.1:${port}/v1` }])
    write('aigate.yaml', config().replace(String(port), '9'))
    const refused = await aigate('release', 'record')
    expect(refused.stdout).toContain(
      `the run asked http://127.0.0.1:${port}/v1, the release holds http://127.0.0.1:9/v1`,
    )
    expect(refused.code).toBe(4)
  })

  it.each([
    [['--index', ''], '--index is empty.'],
    [['--guardrails', ' '], '--guardrails is empty.'],
    [['--index', 'a\nb'], '--index is no line of plain text'],
    [['--index', 'kb-1', '--index-note', ''], '--index-note is empty.'],
    [['--note', 'x'.repeat(400)], '--note has 400 characters, and at most 300 are kept.'],
    [['--env', ''], '--env is empty.'],
    [['--container', '\u001b[31mred'], 'a line break or a control character'],
  ])('refuses %j', async (args, says) => {
    const { code, stdout, stderr } = await aigate('release', 'record', '--override', 'x', ...args)
    expect(stderr).toContain(says)
    expect(`${stdout}${stderr}`).not.toMatch(/ZodError|\n\s+at /)
    expect(code).toBe(2)
    expect(readdirSync(folder)).not.toContain('releases')
  })

  it('--dry-run writes nothing', async () => {
    await aigate('eval')
    expect(await aigate('release', 'record', '--dry-run')).toMatchObject({ code: 0 })
    expect(readdirSync(folder)).not.toContain('releases')
  })

  it('a passing release needs no override, and none is recorded', async () => {
    await aigate('eval')
    const { manifest } = await json('release', 'record', '--override', 'just in case')
    expect(manifest.override).toBeUndefined()
  })
})

it('diff, list and status say what changed and what is kept', async () => {
  const first = await released(2, '--index', 'kb-2026-10')
  write('aigate.yaml', config('', 'test-model-2026-02-02').replace('0.2}', '0.5}'))
  const second = await released(3, '--index', 'kb-2026-11', '--index-note', '+50 docs')
  const { stdout } = await aigate('release', 'diff', first, 'current')
  expect(stdout).toMatch(
    new RegExp(
      `^${first} -> ${second}\n  prompt answer 1.2.0 -> 1.3.0 \\(tone\\)\n  model main test-model-2026-01-01 -> test-model-2026-02-02\n  model main temperature 0.2 -> 0.5\n  index kb-2026-10 -> kb-2026-11 \\(\\+50 docs\\)\n  code `,
    ),
  )
  const { current, releases } = await json('release', 'list')
  expect([current, releases.map(({ id }: { id: string }) => id)]).toEqual([[second], [first, second]])

  const statusOf = async (ref: string) => (await json('release', 'status', ref)).components[0]
  expect(await statusOf('index:kb-2026-11')).toMatchObject({ status: 'production' })
  expect(await statusOf('kb-2026-10')).toMatchObject({ kind: 'index', status: 'rollback_ready', keep_until: null })
  const set = ['release', 'status', 'index:kb-2026-10', '--set', 'rollback_ready', '--keep-until', '90d']
  expect((await aigate(...set)).stdout).toMatch(
    /index:kb-2026-10 +rollback_ready +last in .+ keep until \d{4}-\d\d-\d\d\n/,
  )
  expect(await aigate('release', 'status', 'kb-2026-10', '--set', 'archived')).toMatchObject({ code: 0 })
  expect(await statusOf('kb-2026-10')).toMatchObject({ status: 'archived' })
  const refused = await aigate('release', 'status', 'kb-2026-11', '--set', 'archived')
  expect([refused.code, refused.stderr]).toEqual([2, expect.stringContaining('is in production')])
  expect((await aigate('release', 'status', 'kb-1999', '--set', 'archived')).stderr).toContain(
    'was never released here',
  )
  expect(await aigate('release', 'verify')).toMatchObject({ code: 0 })
})

it.each(['', '0', 'zz', '3f9a52c1', '3f9a52c1d0bZ'])('verify takes no head %j', async (head) => {
  const { code, stderr } = await aigate('release', 'verify', '--head', head)
  expect(stderr).toContain('Write 12 to 64 hexadecimal digits')
  expect(code).toBe(2)
})

it('verify names the record of one flipped byte, and nothing is written behind it', async () => {
  await released(1)
  await released(2)
  const good = read('releases/ledger.jsonl')
  write('releases/ledger.jsonl', good.replace('prompt answer 1.1.0', 'prompt answer 1.1.1'))
  const found = await aigate('release', 'verify')
  expect([found.code, found.stdout]).toEqual([
    1,
    expect.stringContaining('releases/ledger.jsonl: record 1: its content does not fit its hash'),
  ])
  expect((await json('release', 'verify')).faults[0]).toMatchObject({ record: 1 })
  expect((await aigate('release', 'record')).code).toBe(2)
  expect((await aigate('release', 'list')).code).toBe(2)
  // Its last record taken away with its manifest: the chain holds, but git remembers.
  write('releases/ledger.jsonl', `${good.split('\n')[0]}\n`)
  for (const name of readdirSync(join(folder, 'releases')).filter((name) => name.endsWith('.2.yaml')))
    rmSync(join(folder, 'releases', name))
  expect((await aigate('release', 'verify')).stdout).toContain('The ledger of the last commit is not its beginning')
})

describe('check', () => {
  it('finds what a rollback needs: the prompt in the work tree or in git, the pin, the index', async () => {
    const checks = 'releases: {checks: {index: [node, has-index.mjs, "{version}"]}}\n'
    write('aigate.yaml', config(checks))
    write('has-index.mjs', "process.exitCode = ['kb-1', 'kb-2'].includes(process.argv[2]) ? 0 : 1\n")
    const first = await released(1, '--index', 'kb-1')
    expect((await aigate('release', 'check')).code).toBe(4)
    await released(2, '--index', 'kb-2')
    const good = await aigate('release', 'check')
    expect(good.stdout).toMatch(new RegExp(`^A rollback to ${first} has what it needs\\.\n`))
    expect(good.stdout).toContain('in the work tree')
    expect(good.code).toBe(0)

    rmSync(join(folder, 'prompts/answer/1.1.0.md'))
    commit('cleaned up')
    expect((await aigate('release', 'check')).stdout).toContain('the same content, in git')
    write('prompts/answer/1.1.0.md', prompt(1).replace('version 1', 'version one'))
    expect(await aigate('release', 'check')).toMatchObject({ code: 0 })

    write('has-index.mjs', "console.log('deleted in March')\nprocess.exitCode = 1\n")
    const gone = await aigate('release', 'check')
    expect(gone.stdout).toContain('missing  index kb-1: node has-index.mjs kb-1: exit 1: deleted in March')
    expect(gone.stdout).toContain('would FAIL: 1 part of it is missing')
    expect(gone.code).toBe(1)

    write('aigate.yaml', config('', 'other-model-2026-03-03'))
    const { needs, ok } = await json('release', 'check')
    expect(ok).toBe(false)
    expect(needs).toMatchObject(
      [
        { what: 'model api/test-model-2026-01-01', state: 'missing' },
        { what: 'index kb-1', state: 'unknown' },
        { state: 'there' },
      ].sort(
        (a, b) => ['missing', 'unknown', 'there'].indexOf(a.state) - ['missing', 'unknown', 'there'].indexOf(b.state),
      ),
    )
  })

  it('finds that the model is gone, archived, over or asked elsewhere; what cannot be asked for is not known', async () => {
    await released(1)
    await released(2)
    const says = async (code: number, text: string, env = { KEY: 'sk-test' }) => {
      const found = await run(['release', 'check'], folder, env)
      expect([found.code, found.stdout]).toEqual([code, expect.stringContaining(text)])
    }
    await says(0, 'models.main, and its provider lists it')
    await says(0, 'is not known: the environment variable KEY is not set', { KEY: '' })
    listed = ['other']
    await says(1, 'missing  model api/test-model-2026-01-01: its provider no longer lists it')
    listed = ['test-model-2026-01-01']
    const pin = (text: string) => config().replace('params:', `${text}, params:`)
    write('aigate.yaml', pin('status: archived'))
    await says(1, 'models.main of aigate.yaml is archived')
    write('aigate.yaml', pin('keep_until: 2020-01-01'))
    await says(1, 'was kept until 2020-01-01 only')
    write('aigate.yaml', config().replace(String(port), '9'))
    await says(1, `asks api at http://127.0.0.1:9/v1, the release asked http://127.0.0.1:${port}/v1`)
  })

  it('a prompt that neither the work tree nor git has is missing; a release by override is not gone back to', async () => {
    const first = await released(1)
    brokenFrom = 2
    await released(2, '--override', 'hotfix')
    brokenFrom = 99
    await released(3)
    expect((await json('release', 'check')).to).toBe(first)
    rmSync(join(folder, '.git'), { recursive: true })
    rmSync(join(folder, 'prompts/answer/1.1.0.md'))
    const { code, stdout } = await aigate('release', 'check')
    expect(stdout).toContain('missing  prompt answer@1.1.0')
    expect(code).toBe(1)
  })
})

describe('bisect', () => {
  it('finds the release that broke the case, and asks only the cells that it needs', async () => {
    const ids: string[] = []
    for (let n = 1; n <= 8; n += 1) {
      ids.push(await released(n))
      // What asks the same is one cell: a release of a new index only.
      if (n === 4) ids.push(await released(4, '--index', 'kb-2'))
    }
    rmSync(join(folder, 'prompts/answer/1.5.0.md'))
    commit('cleaned up')
    brokenFrom = 6
    askedWith = []
    const [good = '', bad = ''] = [ids[0], ids.at(-1)]
    const { code, stdout } = await aigate('release', 'bisect', '--case', 'c3', '--trials', '3', good, bad)
    expect(stdout).toMatch(
      new RegExp(`^Release ${ids[6]} broke app/c3: prompt answer 1\\.5\\.0 -> 1\\.6\\.0 \\(apology\\)\\.\n`),
    )
    expect(stdout).toContain('passed 2 of 2 trials (at most 3)')
    expect(stdout).toMatch(/How often this errs \(majority of 3 trials, 5 releases asked\)/)
    expect(code).toBe(0)
    // Eight cells, both ends and three steps, each asked twice of at most three times; one file comes from git.
    expect(askedWith).toEqual(['1', '1', '8', '8', '4', '4', '6', '6', '5', '5'])

    const passing = await json('release', 'bisect', '--case', 'c3', good, ids[2] ?? '')
    expect(passing).toMatchObject({ outcome: 'bad_passes', broke: null })
    const same = await aigate('release', 'bisect', '--case', 'c3', ids[3] ?? '', ids[4] ?? '')
    expect([same.code, same.stdout]).toEqual([3, expect.stringContaining('ask the same prompt of the same model')])
    const failing = await aigate('release', 'bisect', '--case', 'c3', ids[7] ?? '', bad)
    expect([failing.code, failing.stdout]).toEqual([3, expect.stringContaining('fails in')])
  }, 120_000)

  it('stops at its budget, and finds nothing that it did not see', async () => {
    const [a, , b] = [await released(1), await released(2), await released(3)]
    brokenFrom = 2
    askedWith = []
    const { code, stderr } = await aigate('release', 'bisect', '--case', 'c3', '--max-calls', '2', a, b)
    expect(askedWith).toHaveLength(2)
    expect([code, stderr]).toEqual([4, expect.stringContaining('The budget of 2 calls (max_calls) is spent')])
  }, 60_000)

  it('refuses what makes no sense, and says what would', async () => {
    const [a, b] = [await released(1), await released(2)]
    const wrong = [
      { args: ['--case', 'c99', a, b], says: 'There is no case "c99"' },
      { args: ['--case', 'c3', b, a], says: 'is not older than' },
      { args: ['--case', 'c3', '--trials', '4', a, b], says: 'has no majority' },
      { args: ['--case', 'c3', '1999', b], says: 'There is no release 1999' },
    ]
    for (const { args, says } of wrong) {
      const { code, stderr } = await aigate('release', 'bisect', ...args)
      expect(stderr).toContain(says)
      expect(code).toBe(2)
    }
  }, 60_000)

  it('a provider that is down is no verdict', async () => {
    const [a, b] = [await released(1), await released(2)]
    write('aigate.yaml', config().replace(String(port), '9'))
    const { code, stdout } = await aigate('release', 'bisect', '--case', 'c3', a, b)
    expect(stdout).toContain('could not be measured')
    expect(code).toBe(4)
  })
})

const verbs = ['record', 'list', 'show', 'current', 'verify', 'diff', 'status', 'check', 'bisect']
it.each(verbs)('release %s --help shows examples', async (verb) => {
  const { code, stdout } = await aigate('release', verb, '--help')
  expect(stdout).toMatch(/Examples:\n {2}\$ aigate release /)
  expect(stdout).toContain('--json')
  expect(code).toBe(0)
})

it('docs/releases.md names every verb and option', async () => {
  const page = readFileSync(join(root, 'docs/releases.md'), 'utf8')
  for (const verb of verbs) {
    expect(page).toContain(`aigate release ${verb}`)
    const { stdout } = await aigate('release', verb, '--help')
    const options = [...stdout.matchAll(/^ {2}(--[a-z-]+)/gm)].map(([, option]) => option)
    const unsaid = options.filter((option) => option !== '--config' && !page.includes(option ?? ''))
    expect(unsaid).toEqual([])
  }
})

describe('statuses of prompts and models', () => {
  it('stand in their lists, with the last day; without a release there are none', async () => {
    const plain = (await aigate('prompt', 'list')).stdout
    expect(plain).toMatch(/^prompt +version +hash +suites$/m)
    expect((await json('model', 'list')).models).toMatchObject([{ name: 'main', status: null, keep_until: null }])
    expect((await json('prompt', 'list')).prompts).toMatchObject([{ status: null, keep_until: null, release: null }])

    const first = await released(1)
    await released(2)
    write(
      'aigate.yaml',
      config('  next: {provider: api, id: other-model-2026-02-01, status: production}\nprompts: prompts\n'),
    )
    await released(3, '--env', 'canary')
    write('prompts/answer/1.4.0.md', prompt(4))
    const kept = ['release', 'status', 'prompt:answer@1.1.0', '--set', 'rollback_ready', '--keep-until', '2999-12-31']
    expect((await aigate(...kept)).code).toBe(0)

    const list = await aigate('prompt', 'list')
    expect(list.code).toBe(0)
    expect(list.stdout).toMatch(/^answer +1\.1\.0 +\w+ +rollback_ready until 2999-12-31 +-$/m)
    expect(list.stdout).toMatch(/^answer +1\.2\.0 +\w+ +production +-$/m)
    expect(list.stdout).toMatch(/^answer +1\.3\.0 +\w+ +canary +app$/m)
    expect(list.stdout).toMatch(/^answer +1\.4\.0 +\w+ +draft +- +newest/m)
    expect((await json('prompt', 'list')).prompts[0]).toMatchObject({
      status: 'rollback_ready',
      keep_until: '2999-12-31',
      release: first,
    })
    const onTrial = (await json('prompt', 'list', '--env', 'canary')).prompts
    expect(onTrial.map((one: { status: string }) => one.status)).toEqual(['draft', 'draft', 'production', 'draft'])

    const models = await aigate('model', 'list')
    expect(models.stdout).toMatch(/^main .* production +–$/m)
    expect(models.stdout).toMatch(/^next .* draft \(aigate\.yaml: production\) +–$/m)
    expect((await json('model', 'list')).models[1]).toMatchObject({ status: 'draft', declared: 'production' })
    expect((await aigate('model', 'show', 'main')).stdout).toMatch(/^ {2}status +production$/m)
    expect((await aigate('model', 'show', 'next')).stdout).toMatch(/^ {2}status +draft \(aigate\.yaml: production\)$/m)
    expect(await json('model', 'show', 'next')).toMatchObject({ status: 'draft', declared: 'production' })
    expect((await json('model', 'show', 'next', '--env', 'canary')).status).toBe('draft')
    const checked = (await aigate('model', 'check')).stdout
    expect(checked).toMatch(/^✓ main \(test-model-2026-01-01\) {2}production$/m)
    expect(checked).toMatch(/^✗ next \(other-model-2026-02-01\) {2}draft \(aigate\.yaml: production\)$/m)
    expect((await json('model', 'check')).models[1]).toMatchObject({ status: 'draft', declared: 'production' })

    write('releases/ledger.jsonl', read('releases/ledger.jsonl').replace('"env":"canary"', '"env":"kanary"'))
    for (const args of [
      ['prompt', 'list'],
      ['model', 'list'],
    ])
      expect(await aigate(...args)).toMatchObject({
        code: 2,
        stderr: expect.stringContaining('Record 3 of the ledger'),
      })
  }, 60_000)
})
