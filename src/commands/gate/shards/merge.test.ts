// Shards: the split, what they ask, and that the merged verdict is byte for byte that of one machine, at a real API.
import { cpSync, existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, afterEach, expect, it } from 'vitest'
import { Report } from '../../../schema/verdict.ts'
import { ShardFile } from '../../../schema/shard.ts'
import { aigate, removeTemporary, start, temporary } from '../../cli-testing.ts'
import { type Api, commit, edit, promptProject, startApi, write } from '../../git-testing.ts'

const apis: Api[] = []
afterEach(() => {
  for (const api of apis.splice(0)) api.close()
})
afterAll(removeTemporary)

const apiOf = async (answer: (user: string, nth: number) => string | number) => {
  const seen = new Map<string, number>()
  const api = await startApi(({ user }) => {
    const nth = (seen.get(user) ?? 0) + 1
    seen.set(user, nth)
    return answer(user, nth)
  })
  apis.push(api)
  return { ...api, forget: () => seen.clear() }
}

/** What a report says apart from which run it was, where and when; latencies are measured anew in every run. */
function verdictText(folder: string): string {
  const report = Report.parse(JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')))
  for (const { run, cases } of report.suites) {
    Object.assign(run, { id: '', file: '', started_at: '' })
    for (const one of cases) {
      one.latency_ms = null
      if (one.detail) one.detail.before_latency_ms = null
      for (const trial of one.detail?.trials ?? []) trial.latency_ms = null
    }
  }
  return JSON.stringify(report)
}
const reporter = ['--reporter', 'json:run.json']
const uncached = '--no-cache'

async function shardedRun(folder: string, of: number, ...more: string[]) {
  for (let nth = 1; nth <= of; nth += 1) {
    const { code, stderr, stdout } = await aigate(['eval', '--shard', `${nth}/${of}`, uncached, ...more], folder)
    expect([code, stderr + stdout]).toEqual([0, expect.stringMatching(`shard ${nth} of ${of}: \\d+ case`)])
  }
}

const shardFiles = (folder: string) => readdirSync(folder).filter((name) => name.startsWith('shard-'))
const shardIn = (folder: string, name: string) => ShardFile.parse(JSON.parse(readFileSync(join(folder, name), 'utf8')))

/** Every twentieth answer is wrong, every time another one. */
const flaky = (user: string, nth: number) => {
  const number = Number(/\d+$/.exec(user)?.[0] ?? 0)
  return (number + nth) % 20 === 0 ? 'no idea' : `right: ${user}`
}

/** A suite with a ladder of up to three passes; against a baseline of right answers only, one pass cannot tell. */
async function ladderProject(compared: boolean) {
  let good = true
  const api = await apiOf((user, nth) => (good ? `right: ${user}` : flaky(user, nth)))
  const folder = promptProject(api, { cases: 40 })
  edit(folder, 'evals/app.suite.yaml', 'trials: 1', 'trials: {min: 1, max: 3}')
  if (compared) expect((await aigate(['baseline', 'record', '--reason', 'first'], folder)).code).toBe(0)
  commit(folder, 'a ladder')
  good = false
  api.forget()
  return { api, folder }
}

it.each([
  ['decided after one pass', false, 1],
  ['climbs to the top', true, 3],
])('%s: the verdict of eight shards is that of one machine', { timeout: 120_000 }, async (_, compared, passes) => {
  const { api, folder } = await ladderProject(compared)
  const alone = await aigate(['eval', uncached, ...reporter], folder)
  const whole = verdictText(folder)
  expect(Report.parse(JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'))).suites[0]!.verdict.passes).toBe(
    passes,
  )
  api.forget()
  await shardedRun(folder, 8)
  expect(shardFiles(folder)).toHaveLength(8)
  const asked = api.asked.length
  const merged = await aigate(['merge', 'shard-*.json', ...reporter], folder)
  expect([
    merged.code,
    merged.stderr.replace(/\d+ answers of further passes were not needed: --passes asks fewer\.\n/, ''),
  ]).toEqual([alone.code, ''])
  expect(merged.stderr.includes('not needed')).toBe(passes < 3)
  expect(verdictText(folder)).toBe(whole)
  expect(api.asked.length).toBe(asked)
  expect((await aigate(['report', 'latest', ...reporter], folder)).code).toBe(alone.code)
  expect(verdictText(folder)).toBe(whole)
})

it('--passes asks fewer, and merge says which further pass is needed', { timeout: 120_000 }, async () => {
  const { api, folder } = await ladderProject(true)
  const alone = await aigate(['eval', uncached, ...reporter], folder)
  const whole = verdictText(folder)
  api.forget()
  const cached = async (passes: string) => {
    for (const nth of ['1/2', '2/2'])
      expect((await aigate(['eval', '--shard', nth, '--passes', passes], folder)).code).toBe(0)
    return aigate(['merge', 'shard-1-of-2.json', 'shard-2-of-2.json', ...reporter], folder)
  }
  const first = await cached('1')
  expect(first.code).toBe(3)
  expect(first.stderr).toMatch(/not decided yet: run every shard again with --passes 2, and merge again/)
  expect((await cached('2')).stderr).toMatch(/--passes 3/)
  const before = api.asked.length
  const last = await cached('3')
  expect(api.asked.length - before).toBe(40)
  expect(last.code).toBe(alone.code)
  // Two thirds of the answers are from the cache by now, which only the totals say.
  const told = (text: string) => {
    const { verdict, cases } = (JSON.parse(text) as { suites: { verdict: unknown; cases: unknown }[] }).suites[0]!
    return JSON.stringify({ verdict, cases })
  }
  expect(told(verdictText(folder))).toBe(told(whole))
})

it('critical cases are confirmed as one machine confirms them', { timeout: 120_000 }, async () => {
  const api = await apiOf((user, nth) => (user.endsWith('n 3') && nth === 1 ? 'no idea' : `right: ${user}`))
  const folder = promptProject(api, { cases: 12 })
  write(
    folder,
    'evals/judge.mjs',
    'let text = ""\nfor await (const part of process.stdin) text += part\nconst pass = text.includes("right")\nconsole.log(JSON.stringify({ passed: pass, score: pass ? 1 : 0, reason: "seen" }))\n',
  )
  edit(folder, 'evals/app.suite.yaml', 'contains: right', 'command: {run: [node, judge.mjs]}')
  const rows = readFileSync(join(folder, 'evals/cases.jsonl'), 'utf8')
  writeFileSync(join(folder, 'evals/cases.jsonl'), rows.replace('{"id":"c3"', '{"critical":true,"id":"c3"'))
  commit(folder, 'critical')
  const alone = await aigate(['eval', uncached, ...reporter], folder)
  const whole = verdictText(folder)
  expect(api.asked.length).toBe(14)
  api.forget()
  await shardedRun(folder, 3)
  expect(api.asked.length).toBe(28)
  expect((await aigate(['merge', 'shard-*.json', ...reporter], folder)).code).toBe(alone.code)
  expect(verdictText(folder)).toBe(whole)
})

it('missing, doubled, foreign and torn shards are told apart', { timeout: 120_000 }, async () => {
  const api = await apiOf((user) => `right: ${user}`)
  const folder = promptProject(api, { cases: 9 })
  await shardedRun(folder, 3)
  const merge = async (...args: string[]) => {
    const { code, stderr } = await aigate(['merge', ...args], folder)
    return [code, stderr] as const
  }
  const says = async (args: string[], code: number, what: RegExp) =>
    expect(await merge(...args)).toEqual([code, expect.stringMatching(what)])
  await says(['shard-1-of-3.json', 'shard-3-of-3.json'], 4, /Shard 2 of 3 is missing.*\n.*eval --shard 2\/3/)
  cpSync(join(folder, 'shard-1-of-3.json'), join(folder, 'again.json'))
  await says(['shard-*.json', 'again.json'], 2, /Shard 1 of 3 is there twice/)
  await says(['none-*.json'], 2, /There is no file of a shard at none/)
  await says(['aigate.yaml'], 2, /is a file that aigate did not write, not the file of a shard/)
  const text = readFileSync(join(folder, 'shard-1-of-3.json'), 'utf8')
  writeFileSync(join(folder, 'again.json'), text.slice(0, -40))
  await says(['again.json', 'shard-2-of-3.json', 'shard-3-of-3.json'], 2, /cut off or no JSON/)
  writeFileSync(join(folder, 'again.json'), text.replace('"version":1', '"version":2'))
  await says(['again.json'], 2, /newer aigate/)
  await aigate(['eval', '--shard', '1/2', uncached], folder)
  await says(['shard-1-of-2.json', 'shard-2-of-3.json'], 2, /is one of 3 shards, and shard-1-of-2\.json one of 2/)
  await aigate(['eval', '--shard', '1/3', '--trials', '2', '--shard-file', 'other.json', uncached], folder)
  await says(['other.json', 'shard-2-of-3.json', 'shard-3-of-3.json'], 2, /not of the same run: app: the trials differ/)
  commit(folder, 'another commit')
  edit(folder, 'evals/app.suite.yaml', 'min_pass_rate: 0.1', 'min_pass_rate: 0.2')
  commit(folder, 'another commit')
  await says(['shard-*-of-3.json'], 2, /is of commit \w{12}, and \w{12} is checked out here/)
})

it('a shard that was stopped makes the whole invalid; killed, it goes on and the whole is as if nothing had been', {
  timeout: 120_000,
}, async () => {
  const api = await apiOf((user) => `right: ${user}`)
  const folder = promptProject(api, { cases: 60 })
  await shardedRun(folder, 2)
  const stopped = await aigate(['eval', '--shard', '2/2', '--max-calls', '4', uncached], folder)
  expect(stopped.code).toBe(4)
  const merged = await aigate(
    ['merge', 'shard-1-of-2.json', 'shard-2-of-2.json', '--reporter', 'table,json:run.json'],
    folder,
  )
  expect(merged.code).toBe(4)
  expect(merged.stdout).toMatch(/shard 2 of 2: The budget of 4 calls/)
  const { child, ended } = start(['eval', '--shard', '2/2', uncached], folder)
  const from = api.asked.length
  while (api.asked.length < from + 6 && child.exitCode === null) await new Promise((go) => setTimeout(go, 1))
  child.kill('SIGKILL')
  await ended
  const { code, stderr } = await aigate(['eval', '--resume', uncached], folder)
  expect([code, stderr]).toEqual([0, expect.anything()])
  expect((await aigate(['merge', 'shard-1-of-2.json', 'shard-2-of-2.json'], folder)).code).toBe(0)
})

it('splits by how long cases took in the baseline or a report, the same everywhere', { timeout: 120_000 }, async () => {
  const api = await apiOf((user) => `right: ${user}`)
  const folder = promptProject(api, { cases: 12 })
  const report = Report.parse(JSON.parse((await aigate(['eval', uncached, '--reporter', 'json'], folder)).stdout))
  for (const one of report.suites[0]!.cases) one.latency_ms = one.id === 'c7' ? 11_000 : 1000
  writeFileSync(join(folder, 'before.json'), JSON.stringify(report))
  const other = join(temporary(), 'other')
  cpSync(folder, other, { recursive: true })
  rmSync(join(other, '.aigate'), { recursive: true })
  for (const [nth, where] of [
    ['1/2', folder],
    ['2/2', other],
  ] as const)
    expect((await aigate(['eval', '--shard', nth, '--durations', 'before.json', uncached], where)).code).toBe(0)
  cpSync(join(other, 'shard-2-of-2.json'), join(folder, 'shard-2-of-2.json'))
  expect(shardIn(folder, 'shard-1-of-2.json').suites[0]!.cases).toEqual(['c7'])
  expect(shardIn(folder, 'shard-2-of-2.json').suites[0]!.cases).toHaveLength(11)
  expect((await aigate(['merge', '.'], folder)).code).toBe(2)
  rmSync(join(folder, 'before.json'))
  expect(existsSync(join(folder, 'run.json'))).toBe(false)
  expect((await aigate(['merge', 'shard-1-of-2.json', 'shard-2-of-2.json'], folder)).code).toBe(0)
})

it('says what a shard cannot do', { timeout: 60_000 }, async () => {
  const api = await apiOf((user) => `right: ${user}`)
  const folder = promptProject(api, { cases: 3 })
  const says = async (args: string[], what: RegExp) => {
    const { code, stderr } = await aigate(['eval', ...args], folder)
    expect([code, stderr]).toEqual([2, expect.stringMatching(what)])
  }
  await says(['--shard', '0/3'], /"0\/3" is no shard/)
  await says(['--shard', '4/3'], /"4\/3" is no shard/)
  await says(['--shard', '1/3', '--reporter', 'json'], /A shard has no verdict/)
  await says(['--passes', '1'], /--passes is for shards/)
  expect(api.asked).toHaveLength(0)
})

it('shards whose judges were checked by themselves are of one run', { timeout: 60_000 }, async () => {
  const api = await apiOf((user) => `right: ${user}`)
  const folder = promptProject(api, { cases: 4 })
  await shardedRun(folder, 2)
  const judging = (nth: number, id: string) => ({
    judges: { j: { model: { name: 'j', provider: 'api', id, params: {} }, votes: 1, output: 'text', prompts: {} } },
    uses: [],
    gold: [
      { judge: 'j', type: 'rubric', asked: 9, failed: 0, breaks: nth, fixes: 0, p: 1, moved: false, sentence: '' },
    ],
    notes: [],
    cost: { calls: 9, cost_usd: nth / 100 },
  })
  const judge = (nth: number, id = 'j-1') => {
    const name = `shard-${nth}-of-2.json`
    const { suites, ...rest } = shardIn(folder, name)
    const own = suites.map((one) => ({ ...one, header: { ...one.header, judging: judging(nth, id) } }))
    writeFileSync(join(folder, name), JSON.stringify({ ...rest, suites: own }))
  }
  judge(1)
  judge(2)
  const merged = await aigate(['merge', 'shard-*.json', ...reporter], folder)
  expect([merged.code, merged.stderr]).toEqual([0, ''])
  const report = Report.parse(JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8')))
  expect(report.suites[0]!.totals).toMatchObject({ judge_calls: 18, judge_cost_usd: expect.closeTo(0.03) as number })
  judge(2, 'j-2')
  expect((await aigate(['merge', 'shard-*.json'], folder)).stderr).toMatch(
    /the judges, their prompts or their calibration differ/,
  )
})

/** The verdict and everything besides, apart from where and when. */
const timeless = (folder: string) =>
  verdictText(folder)
    .replaceAll(/\d{8}T\d{9}Z-[0-9a-f]{4}/g, '<run>')
    .replaceAll(/\d{4}-\d\d-\d\dT[\d:.]+Z/g, '<time>')

/** The terse prompt errs on every ninth question, every time another one, and the next model on every seventh. */
async function sidesProject(trials: string) {
  const api = await startSides()
  const folder = promptProject(api, { cases: 40 })
  edit(folder, 'evals/app.suite.yaml', /trials: 1.*/, `trials: ${trials} # of each case`)
  commit(folder, 'a ladder')
  return { api, folder }
}

async function startSides() {
  const seen = new Map<string, number>()
  const api = await startApi(({ model, system, user }) => {
    const key = `${model} ${system} ${user}`
    const nth = (seen.get(key) ?? 0) + 1
    seen.set(key, nth)
    const number = Number(/\d+$/.exec(user)?.[0] ?? 0)
    if (system.includes('terse') && (number + 2 * nth) % 9 === 0) return 'no idea'
    if (model === 'm-2026-06-01' && (number + nth) % 7 === 0) return 'none'
    return `right: ${user} ${nth}`
  })
  apis.push(api)
  return { ...api, forget: () => seen.clear() }
}

const both = ['--prompt', 'a@1.1.0', '--model', 'next', '--attribute']

it.each([
  ['another side that is asked along', '{min: 1, max: 3}', ['--against', 'main', '--prompt', 'a@1.1.0'], false],
  ['what each of two changes did, against the baseline', '2', both, true],
  ['what each of two changes did, against another side', '{min: 1, max: 2}', ['--against', 'main', ...both], false],
])(
  '%s: the verdict of three shards is that of one machine',
  { timeout: 180_000 },
  async (_, trials, options, stored) => {
    const { api, folder } = await sidesProject(trials)
    if (stored) expect((await aigate(['baseline', 'record', '--reason', 'first'], folder)).code).toBe(0)
    if (stored) commit(folder, 'a baseline')
    api.forget()
    const alone = await aigate(['eval', uncached, ...reporter, ...options], folder)
    const whole = timeless(folder)
    const asked = api.asked.length
    api.forget()
    await shardedRun(folder, 3, ...options)
    const paid = api.asked.length - asked
    const merged = await aigate(['merge', 'shard-*.json', ...reporter], folder)
    expect([merged.code, merged.stdout]).toEqual([alone.code, ''])
    expect(timeless(folder)).toBe(whole)
    expect(api.asked.length).toBe(asked + paid)
    // Judged again from the record of the merged run.
    expect((await aigate(['report', 'latest', ...reporter], folder)).code).toBe(alone.code)
    expect(timeless(folder)).toBe(whole)
    if (options.includes('--attribute'))
      expect(
        Report.parse(JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'))).suites[0]!.attribution,
      ).toMatchObject({ problem: null, n: 40 })
  },
)

it('a shard whose combinations were stopped leaves the attribution open, and goes on', {
  timeout: 120_000,
}, async () => {
  const { api, folder } = await sidesProject('1')
  expect((await aigate(['baseline', 'record', '--reason', 'first'], folder)).code).toBe(0)
  commit(folder, 'a baseline')
  await shardedRun(folder, 2, ...both)
  const attribution = async () => {
    await aigate(['merge', 'shard-1-of-2.json', 'shard-2-of-2.json', ...reporter], folder)
    return Report.parse(JSON.parse(readFileSync(join(folder, 'run.json'), 'utf8'))).suites[0]!.attribution
  }
  const whole = await attribution()
  expect(whole).toMatchObject({ problem: null, n: 40 })
  api.forget()
  const stopped = await aigate(['eval', '--shard', '2/2', '--max-calls', '25', uncached, ...both], folder)
  expect(stopped.code).toBe(4)
  expect(await attribution()).toMatchObject({ problem: expect.stringMatching(/shard 2 of 2: The budget of 25/) })
  expect((await aigate(['eval', '--resume', '--max-calls', '100'], folder)).code).toBe(0)
  expect((await attribution())?.effects).toEqual(whole?.effects)
})

it('shards of another side, or without one, do not fit', { timeout: 120_000 }, async () => {
  const { folder } = await sidesProject('1')
  await shardedRun(folder, 2, '--against', 'main')
  edit(folder, 'evals/app.suite.yaml', 'min_pass_rate: 0.1', 'min_pass_rate: 0.1, alpha: 0.04')
  commit(folder, 'another commit on main')
  const says = async (what: RegExp) =>
    expect(await aigate(['merge', 'shard-1-of-2.json', 'shard-2-of-2.json'], folder)).toMatchObject({
      code: 2,
      stderr: expect.stringMatching(what),
    })
  await aigate(['eval', '--shard', '2/2', uncached, '--against', 'HEAD~1'], folder)
  await says(/the commits of app/)
  await aigate(['eval', '--shard', '1/2', uncached, '--against', 'main'], folder)
  await says(/app: the commit that --against names/)
  await aigate(['eval', '--shard', '2/2', uncached], folder)
  await says(/app: .*against/)
  for (const nth of ['1/2', '2/2']) await aigate(['eval', '--shard', nth, uncached, '--against', 'main'], folder)
  for (const name of ['shard-1-of-2.json', 'shard-2-of-2.json']) {
    const { against: _, ...suite } = shardIn(folder, name).suites[0]!
    writeFileSync(join(folder, name), JSON.stringify({ ...shardIn(folder, name), suites: [suite] }))
  }
  await says(/do not have the answers of main, which app is compared with/)
})
