// Embeddings for assertions: gathered into batches, each different text asked once, kept, recorded and replayed like answers.
import { setTimeout as sleep } from 'node:timers/promises'
import type { Graders, ResolvedModel } from '../../ports.ts'
import type { EmbedRecord } from '../../schema/judge.ts'
import type { Completion } from '../../schema/run.ts'
import { admit, book, houseOf, spent } from '../budget.ts'
import { contentHash } from '../canonical.ts'
import { embedTexts } from '../embeddings.ts'
import { laneOf } from '../pacing/lane.ts'
import { enterMinute, minuteWait } from '../pacing/minute.ts'
import { wakeAll } from '../pass.ts'
import { pricer } from '../price.ts'
import type { JudgeWorld } from './ask-judge.ts'

/** Questions that come within this time go out together. */
const GATHER_MS = 5
const ATTEMPTS = 3

/** `took`: of the grade that asks; what a request takes counts at the first of those whose texts it holds. */
type Waiting = {
  text: string
  took: EmbedRecord
  resolve: (vector: number[]) => void
  reject: (error: unknown) => void
}

/**
 * A function that gives one embedding a text, by the named model or the project's own, and what that took. Throws Error when there
 * is none.
 */
export function openEmbedder({ embeddings, embedding }: Graders, world: JudgeWorld) {
  const known = new Map<string, Promise<number[]>>()
  const queues = new Map<string, Waiting[]>()
  const one = (model: ResolvedModel, text: string, took: EmbedRecord): Promise<number[]> => {
    const key = keyOf(model, text)
    const before = known.get(key)
    if (before) return before
    if (world.offline || (model.provider.config.type === 'replay' && !world.record)) return replayed(world, model, key)
    const kept = vectorIn(world.memory?.find({ key, trial: 1 }, model))
    const asked = kept
      ? Promise.resolve(kept)
      : new Promise<number[]>((resolve, reject) => {
          const queue = queues.get(model.name) ?? []
          if (queue.length === 0) {
            queues.set(model.name, queue)
            setTimeout(() => {
              queues.delete(model.name)
              void send(model, queue, world)
            }, GATHER_MS)
          }
          queue.push({ text, took, resolve, reject })
        })
    known.set(key, asked)
    // What failed may be asked again.
    asked.catch(() => known.delete(key))
    return asked
  }
  return async (
    texts: readonly string[],
    named: string | undefined,
  ): Promise<{ vectors: number[][]; took: EmbedRecord }> => {
    const name = named ?? embedding
    const model = name === undefined ? undefined : embeddings[name]
    if (!model) throw new Error('no embedding model is named')
    const took: EmbedRecord = { calls: 0, input_tokens: 0, cost_usd: 0 }
    return { vectors: await Promise.all(texts.map((text) => one(model, text, took))), took }
  }
}

const keyOf = ({ pin, provider }: ResolvedModel, text: string) =>
  contentHash({ embedding: { provider: provider.name, id: pin.id, params: pin.params }, text })

/** A vector is kept as the text of an answer. */
const vectorIn = (found: Completion | undefined): number[] | undefined => found && (JSON.parse(found.text) as number[])
const answerOf = (vector: readonly number[]): Completion => ({
  outcome: 'answered',
  text: JSON.stringify(vector),
  tool_calls: [],
  attempts: 1,
})

async function replayed({ recordings }: JudgeWorld, { name }: ResolvedModel, key: string): Promise<number[]> {
  const found = vectorIn(recordings.find(key, 1))
  if (found) return found
  throw new Error(`no embedding by ${name} is recorded for this text; record it with \`aigate eval --record\``)
}

async function send(model: ResolvedModel, queue: readonly Waiting[], world: JudgeWorld): Promise<void> {
  try {
    const { config } = model.provider
    const provider = config.type === 'replay' ? config.of : config
    if (!provider) throw new Error(`${model.provider.name} replays recordings and names nobody who gives embeddings`)
    const texts = queue.map(({ text }) => text)
    const price = await pricer(model.pin)
    const took = queue[0]?.took ?? { calls: 0, input_tokens: 0, cost_usd: 0 }
    const vectors = await attempts(world, model, (spend) =>
      embedTexts(texts, { ...world, pin: model.pin, provider }, ({ tokens }) => {
        const usage = tokens === null ? undefined : { input_tokens: tokens, output_tokens: 0 }
        const cost = price(model.pin, { ...answerOf([]), ...(usage && { usage }) })
        took.calls += 1
        took.input_tokens += tokens ?? 0
        took.cost_usd = took.cost_usd === null || cost === undefined ? null : took.cost_usd + cost
        spend({ ...answerOf([]), ...(usage && { usage }), ...(cost !== undefined && { cost_usd: cost }) })
      }),
    )
    for (const [i, { text, resolve }] of queue.entries()) {
      const vector = (vectors[i] ?? []).map((value) => Number(value.toPrecision(7)))
      const asked = { key: keyOf(model, text), trial: 1, case: `judge:${model.name}/embedding` }
      const completion = answerOf(vector)
      if (world.record) world.recordings.add({ key: asked.key, trial: 1, case: asked.case, completion })
      if (vector.length > 0) world.memory?.add(asked, model, completion)
      resolve(vector)
    }
  } catch (error) {
    for (const { reject } of queue) reject(error)
  }
}

/**
 * Within the budget, and again after a failure: a request for embeddings does not tell which failures pass. `work` is given what
 * books a request that was answered; of an attempt that was not, nothing but the call is booked.
 */
async function attempts<T>(
  world: JudgeWorld,
  model: ResolvedModel,
  work: (spend: (completion: Completion) => void) => Promise<T>,
): Promise<T> {
  const { budget, clock, signal } = world
  for (let attempt = 1; ; attempt++) {
    await turn(world, model)
    const why = spent(budget, 0, clock.monotonic())
    if (why !== undefined) throw new Error(why.message)
    admit(budget, clock.monotonic())
    let open = true
    try {
      return await work((completion) => {
        // A large batch is several requests.
        if (!open) admit(budget, clock.monotonic())
        open = false
        book(budget, completion)
      })
    } catch (error) {
      if (attempt >= ATTEMPTS || signal.aborted) throw error
    } finally {
      if (open) book(budget, answerOf([]))
      // Whoever waits for the end of this call would wait for ever.
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
