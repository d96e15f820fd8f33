// How often a good canary is rolled back, how soon a bad one is found and who gets through: the shipped fold, its tests, the usual rules.
import { once } from 'node:events'
import { availableParallelism } from 'node:os'
import { parseArgs } from 'node:util'
import { isMainThread, parentPort, Worker } from 'node:worker_threads'
import { foldDays, wholeRollouts } from './canary-fold.ts'
import { ruleDays } from './canary-rules.ts'

const parts = { foldDays, wholeRollouts, ruleDays } as const
type Task = { part: keyof typeof parts; row: number; seed: number; from: number; to: number }
const PIECE = 10

/** What each draw of the task came to. */
function simulate({ part, row, seed, from, to }: Task): number[][] {
  return Array.from({ length: to - from }, (_, i) => parts[part].draw(row, seed, from + i))
}

/** All rows of one part, the work shared among `workers` threads; the figures do not hang on their number. */
async function measure(part: Task['part'], draws: number, seed: number, workers: number): Promise<number[][][]> {
  const found = Array.from({ length: parts[part].rows }, (): number[][] => Array.from({ length: draws }, () => []))
  const tasks = found.flatMap((_, row) =>
    Array.from({ length: Math.ceil(draws / PIECE) }, (__, i): Task => {
      return { part, row, seed, from: i * PIECE, to: Math.min(draws, (i + 1) * PIECE) }
    }),
  )
  const one = async () => {
    const worker = new Worker(new URL(import.meta.url))
    for (let task = tasks.shift(); task; task = tasks.shift()) {
      // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
      worker.postMessage(task)
      // An error of the thread rejects this.
      const [drawn] = (await once(worker, 'message')) as [number[][]]
      found[task.row]?.splice(task.from, drawn.length, ...drawn)
    }
    await worker.terminate()
  }
  await Promise.all(Array.from({ length: workers }, one))
  return found
}

const usage = `node bench/run.mjs canary [--quick] [--draws <rollouts a row>] [--seed <n>] [--workers <threads>]\n`

export async function main(flags: string[]): Promise<number> {
  const text = { type: 'string' } as const
  const { values } = parseArgs({
    args: flags,
    options: { quick: { type: 'boolean' }, help: { type: 'boolean' }, draws: text, seed: text, workers: text },
  })
  if (values.help) {
    process.stdout.write(usage)
    return 0
  }
  const draws = Number(values.draws ?? (values.quick ? 8 : 300))
  const seed = Number(values.seed ?? 1)
  const workers = Number(values.workers ?? Math.min(8, availableParallelism()))
  const out = [`${draws} draws a row or column, seed ${seed}.`]
  for (const part of ['foldDays', 'wholeRollouts', 'ruleDays'] as const)
    out.push(...parts[part].print(await measure(part, draws, seed, workers)))
  process.stdout.write(`${out.join('\n\n')}\n`)
  return 0
}

if (!isMainThread) {
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread has no origin
  parentPort?.on('message', (task: Task) => parentPort?.postMessage(simulate(task)))
}
