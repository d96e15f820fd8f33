// Embeddings for assertions: gathered into batches, each different text asked once, kept, recorded and replayed like answers.
import type { AskRequest, Attempt, Graders, Provider, ResolvedModel } from '../../ports.ts'
import type { OpenAiProvider } from '../../schema/config.ts'
import type { EmbedRecord } from '../../schema/judge.ts'
import type { Completion } from '../../schema/run.ts'
import { contentHash } from '../../content-hash.ts'
import { EMBEDDED_AT_ONCE, embedTexts } from '../embeddings.ts'
import { runPass } from '../engine.ts'
import { pricer } from '../price.ts'
import { failureOfThrown } from '../providers/openai-failure.ts'
import type { JudgeWorld } from './ask-judge.ts'

/** Questions that come within this time go out together. */
const GATHER_MS = 5
const RETRIES = 2
/** So many requests in a row that failed for good: nobody is there. */
const DOWN = 5

/** `took`: of the grade that asks; what a request takes counts at the first of those whose texts it holds. */
type Waiting = {
  text: string
  took: EmbedRecord
  resolve: (vector: number[]) => void
  reject: (error: unknown) => void
}

/** What is known of whether anybody gives embeddings. `message`: why no further request can be answered. */
type Standing = { lost: number; message: string | undefined; died: AbortController }

/**
 * A function that gives one embedding a text, by the named model or the project's own, and what that took. Throws Error when there
 * is none. `dead`: why there will be no more; `died` is aborted then.
 */
export function openEmbedder({ embeddings, embedding }: Graders, world: JudgeWorld) {
  const standing: Standing = { lost: 0, message: undefined, died: new AbortController() }
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
              void send(model, queue, world, standing)
            }, GATHER_MS)
          }
          queue.push({ text, took, resolve, reject })
        })
    known.set(key, asked)
    // What failed may be asked again.
    asked.catch(() => known.delete(key))
    return asked
  }
  const embed = async (
    texts: readonly string[],
    named: string | undefined,
  ): Promise<{ vectors: number[][]; took: EmbedRecord }> => {
    const name = named ?? embedding
    const model = name === undefined ? undefined : embeddings[name]
    if (!model) throw new Error('no embedding model is named')
    const took: EmbedRecord = { calls: 0, input_tokens: 0, cost_usd: 0 }
    return { vectors: await Promise.all(texts.map((text) => one(model, text, took))), took }
  }
  return Object.assign(embed, { dead: () => standing.message, died: standing.died.signal })
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

async function send(
  model: ResolvedModel,
  queue: readonly Waiting[],
  world: JudgeWorld,
  standing: Standing,
): Promise<void> {
  try {
    const { config } = model.provider
    const live = config.type === 'replay' ? config.of : config
    if (!live) throw new Error(`${model.provider.name} replays recordings and names nobody who gives embeddings`)
    for (let start = 0; start < queue.length; start += EMBEDDED_AT_ONCE) {
      const part = queue.slice(start, start + EMBEDDED_AT_ONCE)
      const texts = part.map(({ text }) => text)
      const vectors = await inTurn(texts, { model, live, world, standing, took: part[0]?.took })
      for (const [i, { text, resolve }] of part.entries()) {
        const vector = (vectors[i] ?? []).map((value) => Number(value.toPrecision(7)))
        const asked = { key: keyOf(model, text), trial: 1, case: `judge:${model.name}/embedding` }
        const completion = answerOf(vector)
        if (world.record) world.recordings.add({ ...asked, completion })
        if (vector.length > 0) world.memory?.add(asked, model, completion)
        resolve(vector)
      }
    }
  } catch (error) {
    for (const { reject } of queue) reject(error)
  }
}

/** `took`: of the grade to which the request is counted. */
type Asking = {
  model: ResolvedModel
  live: OpenAiProvider
  world: JudgeWorld
  standing: Standing
  took: EmbedRecord | undefined
}

/** One request of a run as any other: under the limits of its provider and its model, within the budget, and tried again. */
async function inTurn(texts: readonly string[], { model, live, world, standing, took }: Asking): Promise<number[][]> {
  const { pin, provider } = model
  if (standing.message !== undefined) throw new Error(standing.message)
  const price = await pricer(pin)
  let vectors: number[][] | undefined
  const ask: Provider['ask'] = async (_, signal) => {
    const start = world.clock.monotonic()
    let tokens = 0
    const onTokens = (more: number) => (tokens += more)
    try {
      vectors = await embedTexts(texts, { env: world.env, signal, pin, provider: live, onTokens })
    } catch (error) {
      return failureOf(error)
    }
    const usage = { input_tokens: tokens, output_tokens: 0 }
    const latency_ms = world.clock.monotonic() - start
    const completion: Completion = { ...nothing, latency_ms, ...(tokens > 0 && { usage }) }
    const cost_usd = price(pin, completion)
    if (took) {
      took.calls += 1
      took.input_tokens += tokens
      took.cost_usd = took.cost_usd === null || cost_usd === undefined ? null : took.cost_usd + cost_usd
    }
    return { completion: cost_usd === undefined ? completion : { ...completion, cost_usd } }
  }
  const { concurrency, rpm, tpm, timeout } = live
  const lane = { key: pin.id, rpm: pin.rpm, tpm: pin.tpm }
  const asked: Provider = {
    name: provider.name,
    concurrency,
    rpm,
    tpm,
    timeout_ms: timeout,
    retries: RETRIES,
    lane,
    ask,
  }
  const request: AskRequest = {
    key: contentHash({ texts }),
    case: { id: `${model.name}/embedding`, vars: {}, tags: [], critical: false, assert: [] },
    trial: 1,
    messages: [{ role: 'user', content: texts.join('\n') }],
    // They answer with no text.
    model: { id: pin.id, params: { max_tokens: 1 } },
  }
  const done: Completion[] = []
  const { stopped } = await runPass({
    ...world,
    requests: [request],
    provider: asked,
    onCompletion: (_, completion) => void done.push(completion),
  })
  if (vectors) {
    standing.lost = 0
    return vectors
  }
  const [failed] = done
  const message = failed?.error?.message ?? stopped?.message ?? failed?.outcome ?? 'it was not asked'
  if (!world.signal.aborted && stopped?.kind !== 'budget') noteLost(standing, message, stopped !== undefined)
  throw new Error(message)
}

function noteLost(standing: Standing, message: string, isFatal: boolean): void {
  standing.lost += 1
  if (!isFatal && standing.lost < DOWN) return
  standing.message ??= isFatal
    ? message
    : `${standing.lost} requests for embeddings in a row failed, the last: ${message}`
  standing.died.abort()
}

/** What a failed request tells of its provider; an answer that cannot be read, or a refusal of these texts, tells nothing. */
function failureOf(error: unknown): Attempt {
  const message = error instanceof Error ? error.message : String(error)
  const { completion, ...more } = failureOfThrown(error instanceof Error ? error.cause : undefined)
  const { kind, status } = completion.error ?? {}
  if (completion.outcome === 'timeout') return { completion }
  if (kind === undefined || (kind === 'bad_request' && status === undefined))
    return { completion: { ...nothing, outcome: 'error', error: { kind: 'malformed', message } }, retry: {} }
  const told = kind === 'bad_request' ? 'malformed' : kind
  return {
    ...more,
    completion: { ...completion, error: { kind: told, message, ...(status !== undefined && { status }) } },
  }
}

const nothing: Completion = { outcome: 'answered', text: '', tool_calls: [], attempts: 1 }
