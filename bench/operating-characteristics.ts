// How often the shipped decision blocks, passes and hesitates, by seeded simulation, with the usual rules of thumb on the same draws.
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { type Change, climb, countsOf, drawWorld, type Ladder, peers, streamOf, type World } from './world.ts'

const designs = {
  '1 pass': { min: 1, max: 1 },
  '3 passes': { min: 3, max: 3 },
  '5 passes': { min: 5, max: 5 },
  'up to 3': { min: 1, max: 3 },
  'up to 5': { min: 1, max: 5 },
} as const satisfies Record<string, Ladder>
type DesignName = keyof typeof designs
const LADDERS = ['up to 3', 'up to 5'] as const
const ALL = Object.keys(designs) as DesignName[]
const MOST = 5

type PeerName = keyof typeof peers
const PEERS = Object.keys(peers) as PeerName[]
const AGAINST = [
  ['one run', 1],
  ['baseline', 3],
] as const

type Cell = { title: string; world: World; designs: readonly DesignName[]; draws: number; peers: boolean }
type Task = { seed: number; index: number; cell: Cell; from: number; to: number }
/** Draws that ended so, and passes that were asked, by design; draws that a peer blocked. */
type Counts = Record<string, number>

const changes: readonly [string, Change][] = [
  ['none', { points: 0, kind: 'diffuse' }],
  ['-2', { points: -0.02, kind: 'diffuse' }],
  ['-5', { points: -0.05, kind: 'diffuse' }],
  ['-5, whole cases', { points: -0.05, kind: 'concentrated' }],
  ['-10', { points: -0.1, kind: 'diffuse' }],
  ['+5', { points: 0.05, kind: 'diffuse' }],
  ['none, provider drift 0.5', { points: 0, kind: 'diffuse', drift: 0.5 }],
]
const ofOneCategory: readonly [string, Change][] = [
  ['one category -10', { points: -0.1, kind: 'category' }],
  ['one category -20', { points: -0.2, kind: 'category' }],
]

function simulate({ seed, index, cell, from, to }: Task): Counts {
  const counts: Counts = {}
  const add = (key: string, value = 1) => (counts[key] = (counts[key] ?? 0) + value)
  for (let number = from; number < to; number++) {
    const draw = drawWorld(cell.world, MOST, streamOf(seed, index, number))
    add('draws')
    for (const name of cell.designs) {
      const { outcome, passes } = climb(draw, designs[name])
      add(`${name} ${outcome}`)
      add(`${name} asked`, passes)
    }
    if (!cell.peers) continue
    for (const [against, passes] of AGAINST) {
      const seen = countsOf(draw, passes, against)
      for (const peer of PEERS) if (peers[peer](seen)) add(`${peer} ${against}`)
    }
  }
  return counts
}

/** All cells, the work shared among `workers` threads; the figures do not hang on their number. */
async function measure(cells: readonly Cell[], seed: number, workers: number): Promise<Counts[]> {
  const totals = cells.map((): Counts => ({}))
  const tasks = cells.flatMap((cell, index): Task[] => {
    const size = Math.max(10, Math.round(20_000 / cell.world.cases))
    const parts = Math.ceil(cell.draws / size)
    return Array.from({ length: parts }, (_, part) => {
      return { seed, index, cell, from: part * size, to: Math.min(cell.draws, (part + 1) * size) }
    })
  })
  const all = tasks.length
  const one = async () => {
    const worker = new Worker(new URL(import.meta.url))
    for (let task = tasks.shift(); task; task = tasks.shift()) {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      worker.postMessage(task)
      // An error of the thread rejects this.
      const [counts] = (await once(worker, 'message')) as [Counts]
      const total = totals[task.index] ?? {}
      for (const [key, value] of Object.entries(counts)) total[key] = (total[key] ?? 0) + value
      if (process.stderr.isTTY) process.stderr.write(`\r${all - tasks.length} of ${all} `)
    }
    await worker.terminate()
  }
  await Promise.all(Array.from({ length: workers }, one))
  if (process.stderr.isTTY) process.stderr.write('\r')
  return totals
}

const percent = (value: number) => (100 * value).toFixed(1)

function shareOf(counts: Counts, key: string): number {
  return (counts[key] ?? 0) / (counts['draws'] ?? 1)
}

/** `2.1 / 97.9 / 0.0`: blocked, passed, undecided; ladders add the share of their calls. */
function designCell(counts: Counts, name: DesignName): string {
  const shares = ['fail', 'pass', 'inconclusive'].map((outcome) => percent(shareOf(counts, `${name} ${outcome}`)))
  const { min, max } = designs[name]
  const calls = min === max ? '' : ` @ ${(100 * (shareOf(counts, `${name} asked`) / max)).toFixed(0)}`
  return `${shares.join(' / ')}${calls}`
}

const row = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
const head = (titles: readonly string[], names: number) => [
  row(titles),
  row(titles.map((_, at) => (at < names ? ':--' : '--:'))),
]

function table(cells: readonly Cell[], counts: readonly Counts[], names: readonly DesignName[]): string {
  const titles = [
    'cases',
    'change in points',
    ...names.map((name) => (designs[name].min < designs[name].max ? `${name} @ calls` : name)),
  ]
  return [
    ...head(titles, 2),
    ...cells.map(({ world, title }, i) =>
      row([String(world.cases), title, ...names.map((name) => designCell(counts[i] ?? {}, name))]),
    ),
  ].join('\n')
}

function peerTable(cells: readonly Cell[], counts: readonly Counts[]): string {
  const shown = PEERS.filter(
    (peer) => peer !== 'any category down > 2' || cells.some(({ world }) => world.categories > 1),
  )
  const columns = AGAINST.flatMap(([against, passes]) => shown.map((peer) => ({ peer, against, passes })))
  const titles = columns.map(({ peer, against, passes }) => `${peer}, ${passes}:${against === 'one run' ? 1 : 5}`)
  const lines = cells.map(({ world, title }, i) => {
    const found = counts[i] ?? {}
    const blocks = columns.map(({ peer, against }) => percent(shareOf(found, `${peer} ${against}`)))
    return row([String(world.cases), title, percent(shareOf(found, 'up to 3 fail')), ...blocks])
  })
  return [...head(['cases', 'change in points', 'aigate, up to 3', ...titles], 2), ...lines].join('\n')
}

type Options = { draws: number; quick: boolean; icc: number; mean: number; base: number }
type Section = { title: string; cells: Cell[]; names: readonly DesignName[]; peers: boolean }

/** What is measured; large suites get fewer draws, since each costs more and their figures lie nearer to 0 and 100. */
function sectionsOf({ draws, quick, icc, mean, base }: Options): Section[] {
  const worldOf = (cases: number, categories: number, change: Change): World => {
    return { cases, categories, mean, icc, baseTrials: base, change }
  }
  const drawsOf = (cases: number) => (cases > 200 ? Math.ceil(draws / 4) : draws)
  const sizes = quick ? [50, 200] : [50, 100, 200, 1000]
  const names: readonly DesignName[] = quick ? ['1 pass', 'up to 3'] : ALL
  const main = [1, 6].map((categories): Section => {
    const shown = quick ? changes.filter(([title]) => ['none', '-5', '-10'].includes(title)) : changes
    const cells = sizes.flatMap((cases) =>
      shown.map(([title, change]): Cell => {
        return { title, world: worldOf(cases, categories, change), designs: names, draws: drawsOf(cases), peers: true }
      }),
    )
    return {
      title: `${categories === 1 ? 'No categories' : `${categories} categories`}, ICC ${icc}`,
      cells,
      names,
      peers: true,
    }
  })
  if (quick) return main
  const kinds = [0.2, 0.5, 0.8].map((other): Section => {
    const cells = [...changes, ...ofOneCategory].map(([title, change]): Cell => {
      return { title, world: { ...worldOf(200, 5, change), icc: other }, designs: LADDERS, draws, peers: false }
    })
    return { title: `5 categories of 40 cases, ICC ${other}`, cells, names: LADDERS, peers: false }
  })
  const rich = changes.map(([title, change]): Cell => {
    return { title, world: { ...worldOf(50, 1, change), baseTrials: 10 }, designs: LADDERS, draws, peers: false }
  })
  return [...main, ...kinds, { title: '50 cases, baseline of 10 trials', cells: rich, names: LADDERS, peers: false }]
}

const PEERS_SAY =
  'Blocked, in %, by aigate and by rules of thumb on the same draws (1:1 one run against one stored run, 3:5 means of three against five; paired t at p < 0.05):'

const usage = `usage: npm run bench:operating-characteristics -- [--quick] [--draws 1000] [--seed 1] [--icc 0.5] [--mean 0.9] [--base 5] [--workers 4]
`

/** Prints the tables as Markdown; returns the exit code. */
export async function main(flags: string[]): Promise<number> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args: flags,
    options: {
      quick: { type: 'boolean' },
      help: { type: 'boolean' },
      draws: text,
      seed: text,
      icc: text,
      mean: text,
      base: text,
      workers: text,
    },
  })
  if (values.help) {
    process.stdout.write(usage)
    return 0
  }
  const number = (written: string | undefined, otherwise: number) =>
    written === undefined ? otherwise : Number(written)
  const quick = values.quick ?? false
  const options: Options = {
    quick,
    draws: number(values.draws, quick ? 200 : 1000),
    icc: number(values.icc, 0.5),
    mean: number(values.mean, 0.9),
    base: number(values.base, 5),
  }
  const seed = number(values.seed, 1)
  const sections = sectionsOf(options)
  const cells = sections.flatMap((section) => section.cells)
  const counts = await measure(cells, seed, number(values.workers, Math.min(8, availableParallelism())))
  const { draws, mean, base } = options
  const sizes = quick ? `${draws} draws a row` : `${draws} draws a row (${Math.ceil(draws / 4)} for 1000 cases)`
  const out = [
    `Suites with an expected pass rate of ${mean}, baselines of ${base} trials a case, margin 5 points (10 for a category), alpha 0.05; ${sizes}, seed ${seed}.`,
    'Each entry: blocked / passed / undecided, in % of the draws; after @ the calls in % of the most that the ladder may ask.',
  ]
  let at = 0
  for (const section of sections) {
    const own = counts.slice(at, at + section.cells.length)
    at += section.cells.length
    out.push(`### ${section.title}`, table(section.cells, own, section.names))
    if (section.peers) out.push(PEERS_SAY, peerTable(section.cells, own))
  }
  process.stdout.write(`${out.join('\n\n')}\n`)
  return 0
}

if (!isMainThread) {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.on('message', (task: Task) => parentPort?.postMessage(simulate(task)))
}
