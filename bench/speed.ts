// How fast the engine is, as ratios against the least that each job needs, measured in one run: `node bench/run.mjs speed [row…]`.
import { execFileSync } from 'node:child_process'
import { mkdir, mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { performance } from 'node:perf_hooks'
import { median, openApi, passed, program, repository, run, type Taken, writeProject } from './speed-world.ts'

/** Whole runs of each side, one side after the other in turn: what else the machine does hits both. */
const TURNS = 3
type Row = { goal: string; measure: () => Promise<string[]> }

const seconds = (value: number): string => `${value.toFixed(2)} s`
const middle = (all: readonly Taken[], of: 'wall' | 'user' | 'peak'): number => median(all.map((one) => one[of]))
const shown = (all: readonly Taken[]): string =>
  `${seconds(middle(all, 'wall'))} (${seconds(middle(all, 'user'))} of CPU, ${middle(all, 'peak').toFixed(0)} MB)`

async function start(): Promise<string[]> {
  const sides = { nothing: ['-e', '0'], version: [program, '--version'], help: [program, '--help'] }
  const walls: Record<keyof typeof sides, number[]> = { nothing: [], version: [], help: [] }
  for (let turn = 0; turn < 15; turn++)
    for (const side of ['nothing', 'version', 'help'] as const)
      walls[side].push((await run(sides[side], repository, false)).wall)
  const least = median(walls.nothing)
  return (['version', 'help'] as const).map(
    (side) =>
      `--${side}: ${(median(walls[side]) / least).toFixed(2)} x (\`node -e 0\`: ${(least * 1000).toFixed(0)} ms)`,
  )
}

/**
 * The whole way of a newcomer: fetch, unpack, start, judge. The example answers from its recordings. Beside it what `npx`
 * itself takes for a package that does nothing.
 */
async function npx(): Promise<string[]> {
  const folder = await mkdtemp(join(tmpdir(), 'aigate-npx-'))
  try {
    const own = await packed(repository, join(folder, 'own'))
    const bin = { 'empty-package': 'main.js' }
    await mkdir(join(folder, 'source'))
    await writeFile(
      join(folder, 'source/package.json'),
      JSON.stringify({ name: 'empty-package', version: '1.0.0', bin }),
    )
    await writeFile(join(folder, 'source/main.js'), '#!/usr/bin/env node\n')
    const empty = await packed(join(folder, 'source'), join(folder, 'empty'))
    await passed([program, 'init', 'example'], folder)
    const walls: [number[], number[]] = [[], []]
    for (let turn = 0; turn < TURNS; turn++) {
      const at = { cwd: join(folder, 'example'), cache: join(folder, `cache-${turn}`) }
      walls[0].push(fetched([own, 'aigate', 'eval', '--no-cache'], at))
      walls[1].push(fetched([empty, 'empty-package'], { ...at, cache: `${at.cache}-empty` }))
    }
    const size = ((await stat(own)).size / 1e6).toFixed(3)
    return [`${seconds(median(walls[0]))}, of which npx alone ${seconds(median(walls[1]))}; tarball ${size} MB`]
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

async function packed(source: string, into: string): Promise<string> {
  await mkdir(into)
  execFileSync('npm', ['pack', '--pack-destination', into], { cwd: source, stdio: 'ignore' })
  const [name = ''] = await readdir(into)
  return join(into, name)
}

/** Seconds of a command of a packed file, with a cache of npm that is empty. */
function fetched([file = '', ...command]: string[], { cwd, cache }: { cwd: string; cache: string }): number {
  const env = { ...process.env, npm_config_cache: cache, npm_config_update_notifier: 'false', CI: '' }
  const from = performance.now()
  execFileSync('npx', ['--yes', '--package', file, ...command], { cwd, env, stdio: 'ignore' })
  return (performance.now() - from) / 1000
}

const bareLoop = join(repository, 'bench/bare-loop.mjs')
const socketLoop = join(repository, 'bench/socket-loop.mjs')

type Sides = { own: Taken[]; bare: Taken[]; least: Taken[] }

async function asked(latency: number, turns: number): Promise<Sides> {
  const count = 10_000
  const api = await openApi(latency)
  const { folder, remove } = await writeProject(api.url, count)
  const [own, bare, least]: [Taken[], Taken[], Taken[]] = [[], [], []]
  try {
    for (let turn = 0; turn < turns; turn++) {
      least.push(await passed([socketLoop, api.url, String(count)], repository))
      bare.push(await passed([bareLoop, api.url, String(count)], repository))
      const before = api.seen.requests
      own.push(await passed([program, 'eval', '--refresh'], folder))
      if (api.seen.requests - before !== count)
        throw new Error(`${api.seen.requests - before} requests for ${count} cases`)
    }
  } finally {
    await remove()
    await api.close()
  }
  return { own, bare, least }
}

async function late(): Promise<string[]> {
  const { own, bare, least } = await asked(50, TURNS)
  const ratio = (all: Taken[]) => (middle(all, 'wall') / 10).toFixed(2)
  const beside = `bare \`openai\` loop: ${ratio(bare)} x; bare sockets: ${ratio(least)} x`
  return [`${ratio(own)} x of 10 s: ${shown(own)}; ${beside}`]
}

async function atOnce(): Promise<string[]> {
  const { own, bare } = await asked(0, TURNS)
  return [
    `${(middle(own, 'wall') / middle(bare, 'wall')).toFixed(2)} x: ${shown(own)}; bare \`openai\` loop: ${shown(bare)}`,
  ]
}

/** A second run of an unchanged suite. */
async function cached(count: number, characters = 20, turns = TURNS): Promise<{ first: Taken; again: Taken[] }> {
  const api = await openApi(0, characters)
  const { folder, remove } = await writeProject(api.url, count)
  try {
    const first = await passed([program, 'eval'], folder)
    const again: Taken[] = []
    for (let turn = 0; turn < turns; turn++) again.push(await passed([program, 'eval'], folder))
    if (api.seen.requests !== count) throw new Error(`${api.seen.requests} requests for ${count} cases`)
    return { first, again }
  } finally {
    await remove()
    await api.close()
  }
}

async function cachedRow(count: number): Promise<string[]> {
  const { first, again } = await cached(count)
  return [`${shown(again)}; the first run: ${shown([first])}`]
}

/** Ten times the text of the answers must not show in the memory. */
async function memory(): Promise<string[]> {
  const lines: string[] = []
  for (const characters of [20, 2000]) {
    const { first, again } = await cached(100_000, characters, 1)
    lines.push(`answers of ${characters} characters: ${first.peak.toFixed(0)} MB asked, ${shown(again)} from the cache`)
  }
  return lines
}

/** 20,000 cases in 20 categories, five trials each, of which one in 20 fails, judged against as many. */
async function judged(): Promise<string[]> {
  const sizes: string[] = []
  for (const cases of [4000, 20_000]) {
    const api = await openApi(0, 20, 20)
    const { folder, remove } = await writeProject(api.url, cases, 20)
    try {
      await passed([program, 'eval', '--trials', '5', '--no-cache'], folder)
      await passed([program, 'baseline', 'accept', 'latest', '--reason', 'measured'], folder)
      const all: Taken[] = []
      for (let turn = 0; turn < TURNS; turn++) all.push(await passed([program, 'compare', 'latest'], folder))
      sizes.push(`${cases * 5} observations: ${shown(all)}`)
    } finally {
      await remove()
      await api.close()
    }
  }
  return sizes
}

const rows: Record<string, Row> = {
  start: { goal: '`--version` 1.5 x and `--help` 2.5 x of `node -e 0`', measure: start },
  npx: { goal: 'cold `npx` to the first verdict under 3 s, tarball under 1 MB', measure: npx },
  late: { goal: '10,000 calls at 50 ms, 50 at once: 1.10 x of N x latency / concurrency', measure: late },
  'at-once': { goal: '10,000 calls at 0 ms: 1.15 x of a bare `openai` loop', measure: atOnce },
  'cached-2000': { goal: '2,000 cases from the cache under 1 s, 120 MB', measure: () => cachedRow(2000) },
  'cached-10000': { goal: '10,000 cases from the cache under 2 s, under 250 MB', measure: () => cachedRow(10_000) },
  judged: { goal: '100,000 observations, 20 categories under 3 s, under 600 MB, linear', measure: judged },
  memory: { goal: '100,000 cases: memory does not follow the text of the answers', measure: memory },
}

/** Prints a row of the table as soon as it is measured. @returns the exit code: 2 for a row that does not exist. */
export async function main(flags: string[]): Promise<number> {
  const unknown = flags.find((name) => !Object.hasOwn(rows, name))
  if (unknown !== undefined) {
    console.error(
      `There is no row ${unknown}: ${Object.keys(rows).join(', ')}. The limits of APIs: node bench/run.mjs throttle`,
    )
    return 2
  }
  console.log('| goal | measured |\n|---|---|')
  for (const [name, { goal, measure }] of Object.entries(rows)) {
    if (flags.length > 0 && !flags.includes(name)) continue
    console.log(`| ${goal} | ${(await measure()).join('; ')} |`)
  }
  return 0
}
