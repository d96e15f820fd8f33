// Embeddings for assertions: gathered into batches, each different text asked once, recorded and replayed like answers.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Graders, ResolvedModel } from '../../ports.ts'
import { admit, book, type BudgetState, spent } from '../budget.ts'
import { contentHash } from '../canonical.ts'
import { embedTexts } from '../embeddings.ts'
import { wakeAll } from '../pass.ts'
import type { JudgeWorld } from './ask-judge.ts'

/** Questions that come within this time go out together. */
const GATHER_MS = 5
const ATTEMPTS = 3

type Waiting = { text: string; resolve: (vector: number[]) => void; reject: (error: unknown) => void }

/** A function that gives one embedding a text, by the named model or the project's own. Throws Error when there is none. */
export function openEmbedder({ embeddings, embedding }: Graders, world: JudgeWorld) {
  const known = new Map<string, Promise<number[]>>()
  const queues = new Map<string, Waiting[]>()
  const one = (model: ResolvedModel, text: string): Promise<number[]> => {
    const key = keyOf(model, text)
    const before = known.get(key)
    if (before) return before
    if (world.offline || (model.provider.config.type === 'replay' && !world.record)) return replayed(world, model, key)
    const asked = new Promise<number[]>((resolve, reject) => {
      const queue = queues.get(model.name) ?? []
      if (queue.length === 0) {
        queues.set(model.name, queue)
        setTimeout(() => {
          queues.delete(model.name)
          void send(model, queue, world)
        }, GATHER_MS)
      }
      queue.push({ text, resolve, reject })
    })
    known.set(key, asked)
    // What failed may be asked again.
    asked.catch(() => known.delete(key))
    return asked
  }
  return async (texts: readonly string[], named: string | undefined): Promise<number[][]> => {
    const name = named ?? embedding
    const model = name === undefined ? undefined : embeddings[name]
    if (!model) throw new Error('no embedding model is named')
    return Promise.all(texts.map((text) => one(model, text)))
  }
}

const keyOf = ({ pin, provider }: ResolvedModel, text: string) =>
  contentHash({ embedding: { provider: provider.name, id: pin.id, params: pin.params }, text })

/** A vector is kept as the text of a recorded answer. */
async function replayed({ recordings }: JudgeWorld, { name }: ResolvedModel, key: string): Promise<number[]> {
  const found = recordings.find(key, 1)
  if (found) return JSON.parse(found.text) as number[]
  throw new Error(`no embedding by ${name} is recorded for this text; record it with \`aigate eval --record\``)
}

async function send(model: ResolvedModel, queue: readonly Waiting[], world: JudgeWorld): Promise<void> {
  try {
    const { config } = model.provider
    const provider = config.type === 'replay' ? config.of : config
    if (!provider) throw new Error(`${model.provider.name} replays recordings and names nobody who gives embeddings`)
    const texts = queue.map(({ text }) => text)
    const vectors = await attempts(world, () => embedTexts(texts, { ...world, pin: model.pin, provider }))
    for (const [i, { text, resolve }] of queue.entries()) {
      const vector = (vectors[i] ?? []).map((value) => Number(value.toPrecision(7)))
      if (world.record) {
        const completion = { outcome: 'answered' as const, text: JSON.stringify(vector), tool_calls: [], attempts: 1 }
        world.recordings.add({ key: keyOf(model, text), trial: 1, case: `judge:${model.name}/embedding`, completion })
      }
      resolve(vector)
    }
  } catch (error) {
    for (const { reject } of queue) reject(error)
  }
}

/** Within the budget, and again after a failure: a request for embeddings does not tell which failures pass. */
async function attempts<T>({ budget, clock, signal }: JudgeWorld, work: () => Promise<T>): Promise<T> {
  for (let attempt = 1; ; attempt++) {
    const why = spent(budget, 0, clock.monotonic())
    if (why !== undefined) throw new Error(why.message)
    admit(budget, clock.monotonic())
    try {
      return await counted(budget, work)
    } catch (error) {
      if (attempt >= ATTEMPTS || signal.aborted) throw error
      await sleep(400 * 2 ** attempt, undefined, { signal }).catch(() => undefined)
    }
  }
}

/** A call that failed was one as well; whoever waits for it to end is told. */
async function counted<T>(budget: BudgetState, work: () => Promise<T>): Promise<T> {
  try {
    return await work()
  } finally {
    book(budget, { outcome: 'answered', text: '', tool_calls: [], attempts: 1 })
    wakeAll(budget)
  }
}
