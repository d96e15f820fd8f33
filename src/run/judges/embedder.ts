// Embeddings for assertions: gathered into batches, each different text asked once, recorded and replayed like answers.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Graders, ResolvedModel } from '../../ports.ts'
import { admit, book, houseOf, spent } from '../budget.ts'
import { contentHash } from '../canonical.ts'
import { embedTexts } from '../embeddings.ts'
import { laneOf } from '../pacing/lane.ts'
import { enterMinute, minuteWait } from '../pacing/minute.ts'
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
    const kept = world.memory?.find({ key, trial: 1 }, model)
    if (kept) {
      const vector = Promise.resolve(JSON.parse(kept.text) as number[])
      known.set(key, vector)
      return vector
    }
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
    const vectors = await attempts(world, model, () => embedTexts(texts, { ...world, pin: model.pin, provider }))
    for (const [i, { text, resolve }] of queue.entries()) {
      const vector = (vectors[i] ?? []).map((value) => Number(value.toPrecision(7)))
      const completion = { outcome: 'answered' as const, text: JSON.stringify(vector), tool_calls: [], attempts: 1 }
      const entry = { key: keyOf(model, text), trial: 1, case: `judge:${model.name}/embedding` }
      if (world.record) world.recordings.add({ ...entry, completion })
      if (vector.length > 0) world.memory?.add(entry, model, completion)
      resolve(vector)
    }
  } catch (error) {
    for (const { reject } of queue) reject(error)
  }
}

/** Within the budget, and again after a failure: a request for embeddings does not tell which failures pass. */
async function attempts<T>(world: JudgeWorld, model: ResolvedModel, work: () => Promise<T>): Promise<T> {
  const { budget, clock, signal } = world
  for (let attempt = 1; ; attempt++) {
    await turn(world, model)
    const why = spent(budget, 0, clock.monotonic())
    if (why !== undefined) throw new Error(why.message)
    admit(budget, clock.monotonic())
    try {
      return await work()
    } catch (error) {
      if (attempt >= ATTEMPTS || signal.aborted) throw error
    } finally {
      // A call that failed is over as well: whoever waits for the last one under way would wait for ever.
      book(budget, { outcome: 'answered', text: '', tool_calls: [], attempts: 1 })
      wakeAll(budget)
    }
    await sleep(400 * 2 ** attempt, undefined, { signal }).catch(() => undefined)
  }
}

/** Waits until the ceilings of the provider and of the model allow one more request, and enters it there. */
async function turn({ budget, clock, signal }: JudgeWorld, { pin, provider }: ResolvedModel): Promise<void> {
  const { config, name } = provider
  const live = config.type === 'replay' ? config.of : config
  const house = houseOf(budget, name)
  const ceilings = [
    { minute: house.requests, rpm: live?.rpm },
    { minute: laneOf(house, pin.id).requests, rpm: pin.rpm },
  ]
  for (;;) {
    const now = clock.monotonic()
    const wait = Math.max(
      ...ceilings.map(({ minute, rpm }) => (rpm === undefined ? 0 : minuteWait(minute, 1, rpm, now))),
    )
    if (wait === 0 || signal.aborted) {
      for (const { minute, rpm } of ceilings) if (rpm !== undefined) enterMinute(minute, 1, now)
      return
    }
    await sleep(wait, undefined, { signal }).catch(() => undefined)
  }
}
