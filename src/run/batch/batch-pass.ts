// A pass through batches: what is to be asked goes out as one file, written down before it is waited for, and comes back within a day.
import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import type {
  AskRequest,
  Attempt,
  BatchBook,
  BatchDoor,
  BatchLook,
  Failure,
  PendingBatch,
  Provider,
} from '../../ports.ts'
import { fatalKinds } from '../../ports.ts'
import { admit, book as bookCall, spent, timeLeft } from '../budget.ts'
import { type PassInput, runPass, type Stopped } from '../engine.ts'
import { wakeAll } from '../pass.ts'

/** Milliseconds. `first` and `longest`: between two looks at a batch; `failures`: in a row, after which nobody is asked any more. */
type BatchTiming = { first: number; longest: number; failures: number }
export type BatchInput = PassInput & {
  /** Without it everything is asked live. */
  batches?:
    | { book: BatchBook; now(): Date; timing?: Partial<BatchTiming>; onLook?(batch: string, look: BatchLook): void }
    | undefined
  /** Keeps equal questions of different suites apart. */
  scope?: string | undefined
}
type Batches = NonNullable<BatchInput['batches']>

const defaultTiming: BatchTiming = { first: 1000, longest: 60_000, failures: 20 }
/** What the API takes in one file: 50,000 questions, 200 MB. */
const MOST_QUESTIONS = 50_000
const MOST_CHARACTERS = 90_000_000
/** What failed for a reason that passes is put into one more batch. */
const ROUNDS = 2
/** Providers keep the answers of a batch for thirty days: a note that is older leads nowhere. */
const KEPT_MS = 31 * 86_400_000

/** As `runPass`; what has a provider with a batch door goes through that, side by side with the rest. */
export async function runWithBatches(input: BatchInput): Promise<{ stopped?: Stopped }> {
  const { batches, requests, provider, signal, enough } = input
  const groups = new Map<Provider, AskRequest[]>()
  const live: AskRequest[] = []
  for (const request of requests) {
    const owner = provider.ownerOf?.(request) ?? provider
    if (!batches || !owner.batch) {
      live.push(request)
      continue
    }
    const group = groups.get(owner)
    if (group) group.push(request)
    else groups.set(owner, [request])
  }
  if (!batches || groups.size === 0) return runPass(input)
  // A batch goes on without us, and what came of it is fetched later.
  const left = enough ? { ...input, signal: AbortSignal.any([signal, enough]) } : input
  const passes = [...groups].flatMap(([{ batch: door }, own]) => (door ? [batchPass(left, batches, door, own)] : []))
  const ends = await Promise.all([...passes, ...(live.length > 0 ? [runPass({ ...input, requests: live })] : [])])
  const stopped = ends.find((end) => end.stopped)?.stopped
  return stopped ? { stopped } : {}
}

type Open = Map<string, AskRequest>
type World = { input: BatchInput; batches: Batches; door: BatchDoor; open: Open; timing: BatchTiming }

async function batchPass(
  input: BatchInput,
  batches: Batches,
  door: BatchDoor,
  requests: readonly AskRequest[],
): Promise<{ stopped?: Stopped }> {
  const open: Open = new Map(requests.map((request) => [idOf(input, request), request]))
  const world: World = { input, batches, door, open, timing: { ...defaultTiming, ...batches.timing } }
  for (let round = 1; round <= ROUNDS && open.size > 0; round += 1) {
    const begun = await begin(world)
    if ('kind' in begun) return { stopped: begun }
    // Each is waited for, whatever becomes of the others: it is paid for.
    const ends = await Promise.all(begun.map((entry) => finish(world, entry, round === ROUNDS)))
    const stopped = ends.find((end) => end !== undefined)
    if (stopped) return { stopped }
  }
  return {}
}

/** What a question is called in a batch: the same in every process that asks it. */
const idOf = ({ scope = '' }: BatchInput, { key, trial, case: { id } }: AskRequest): string =>
  createHash('sha256').update(`${scope}\0${key}\0${id}\0${trial}`).digest('hex').slice(0, 40)

/** The batches that have what is open: those of an earlier process first, and new ones for the rest. */
async function begin(world: World): Promise<PendingBatch[] | Stopped> {
  const { batches, door, open, input } = world
  const begun: PendingBatch[] = []
  for (const entry of await batches.book.pending()) {
    if (batches.now().getTime() - Date.parse(entry.submitted_at) > KEPT_MS) {
      await batches.book.drop(entry.mark)
      continue
    }
    if (entry.address !== door.address || !entry.ids.some((id) => open.has(id))) continue
    const found = entry.batch === null ? await foundAgain(world, entry) : entry
    if (found && 'kind' in found) return found
    if (found && !(await isUnknown(world, found))) begun.push(found)
  }
  const covered = new Set(begun.flatMap(({ ids }) => ids))
  const fresh = [...open].filter(([id]) => !covered.has(id)).map(([id, request]) => ({ id, request }))
  const { budget, clock } = input
  const now = clock.monotonic()
  const reason =
    fresh.length > budget.maxCalls - budget.calls
      ? {
          limit: 'max_calls' as const,
          message: `The budget of ${budget.maxCalls} calls (max_calls) is too small for a batch of ${fresh.length} more.`,
        }
      : fresh.length > 0
        ? spent(budget, 0, now)
        : undefined
  if (reason) {
    budget.spent ??= reason
    return { kind: 'budget', message: reason.message }
  }
  for (const questions of filesOf(fresh)) {
    const entry = await submitted(world, questions)
    if ('kind' in entry) return entry
    begun.push(entry)
  }
  return begun
}

type Question = { id: string; request: AskRequest }

function filesOf(questions: readonly Question[]): Question[][] {
  const files: Question[][] = []
  let size = Infinity
  for (const question of questions) {
    const own = JSON.stringify(question.request).length
    if (size + own > MOST_CHARACTERS || (files.at(-1)?.length ?? MOST_QUESTIONS) >= MOST_QUESTIONS) {
      files.push([])
      size = 0
    }
    files.at(-1)?.push(question)
    size += own
  }
  return files
}

/** A batch that a process was about to submit when it ended: it may have come through. null: it did not. */
async function foundAgain(
  { batches, door, input, timing }: World,
  entry: PendingBatch,
): Promise<PendingBatch | Stopped | null> {
  const found = await persistent(input, timing, () => door.find(entry.mark, input.signal))
  if ('kind' in found) return found
  if (found.batch === null) {
    await batches.book.drop(entry.mark)
    return null
  }
  const known = { ...entry, batch: found.batch }
  await batches.book.put(known)
  return known
}

/**
 * Whether the provider does not know a batch of an earlier process: it was deleted, or belongs to the account of another key.
 * The note stays, for that key may come back; its questions are asked anew.
 */
async function isUnknown({ batches, door, input }: World, { batch }: PendingBatch): Promise<boolean> {
  if (batch === null) return false
  const look = await door.look(batch, input.signal)
  if (!('failure' in look) || look.failure.completion.error?.status !== 404) return false
  const status = 'not known to the provider, so its questions are asked anew'
  batches.onLook?.(batch, { status, done: 0, total: 0, ended: true, files: [] })
  return true
}

/** Writes down that a batch will be there, submits it, and writes down which it is. */
async function submitted(
  { batches, door, input, timing }: World,
  questions: readonly Question[],
): Promise<PendingBatch | Stopped> {
  const mark = randomBytes(16).toString('hex')
  const ids = questions.map(({ id }) => id)
  const entry: PendingBatch = {
    mark,
    address: door.address,
    batch: null,
    ids,
    submitted_at: batches.now().toISOString(),
  }
  await batches.book.put(entry)
  let lost = false
  const made = await persistent(input, timing, async () => {
    // The answer to an earlier attempt may have been lost on its way, and not the batch.
    const before = lost ? await door.find(mark, input.signal) : { batch: null }
    if ('failure' in before) return before
    if (before.batch !== null) return { batch: before.batch }
    lost = true
    return door.submit(questions, mark, input.signal)
  })
  if ('kind' in made) {
    // Refused: there is no batch. Anything else may have come through.
    if (fatalKinds.has(made.kind) || made.kind === 'bad_request') await batches.book.drop(mark)
    return made
  }
  const known = { ...entry, batch: made.batch }
  await batches.book.put(known)
  return known
}

/** Waits for a batch, hands its answers on, and strikes it off the book. `last`: what failed is handed on as well. */
async function finish(world: World, entry: PendingBatch, last: boolean): Promise<Stopped | undefined> {
  const { input, batches, door, open, timing } = world
  const { budget, signal, clock } = input
  const own = entry.ids.filter((id) => open.has(id))
  const batch = entry.batch ?? ''
  for (const _ of own) admit(budget, clock.monotonic())
  let waiting = own.length
  try {
    const look = await ended(world, batch)
    if ('kind' in look) return look
    const found = await persistent(input, timing, () => door.answers(look.files, signal))
    if ('kind' in found) {
      // 404: there is nothing to wait for any more.
      if (found.kind !== 'unknown_model') return found
      await batches.book.drop(entry.mark)
      const message = `The answers of the batch ${batch} are gone: ${found.message} Run it again: they are asked anew.`
      return { kind: 'server_error', message }
    }
    let fatal: Stopped | undefined
    for (const id of own) {
      const attempt = found.answers.get(id) ?? (look.problem === undefined ? unanswered(batch) : undefined)
      const request = open.get(id)
      if (!attempt || !request) continue
      const { error } = attempt.completion
      waiting -= 1
      bookCall(budget, attempt.completion)
      if (error && attempt.retry && (!last || look.problem !== undefined)) continue
      await input.onCompletion(request, attempt.completion)
      open.delete(id)
      if (error && fatalKinds.has(error.kind)) fatal ??= { kind: error.kind, message: error.message }
    }
    await batches.book.drop(entry.mark)
    if (fatal) return fatal
    const left = own.filter((id) => open.has(id)).length
    if (look.problem === undefined) return undefined
    return {
      kind: 'server_error',
      message: `The batch ${batch} ended as ${look.problem}; ${left} of its ${entry.ids.length} questions have no answer.`,
    }
  } finally {
    budget.inFlight -= waiting
    // What is asked live beside it may have waited for this.
    wakeAll(budget)
  }
}

const unanswered = (batch: string): Attempt => ({
  completion: {
    outcome: 'error',
    text: '',
    tool_calls: [],
    attempts: 1,
    error: { kind: 'malformed', message: `The batch ${batch} is completed and has no answer to this.` },
  },
})

/** Looks at a batch until it has ended. */
async function ended({ input, batches, door, timing }: World, batch: string): Promise<BatchLook | Stopped> {
  const { signal, budget, clock } = input
  let pause = timing.first
  for (;;) {
    if (signal.aborted) return interrupted
    const look = await persistent(input, timing, () => door.look(batch, signal))
    if ('kind' in look) return look
    batches.onLook?.(batch, look)
    if (look.ended) return look
    const left = timeLeft(budget, clock.monotonic())
    if (left <= 0) {
      const message = `The time (max_duration) is up before the batch ${batch} has ended.`
      budget.spent ??= { limit: 'max_duration', message }
      return { kind: 'budget', message }
    }
    await sleep(Math.min(pause, left), undefined, { signal }).catch(() => undefined)
    pause = Math.min(timing.longest, pause * 1.5)
  }
}

const interrupted: Stopped = { kind: 'interrupted', message: 'Interrupted.' }

/** Calls until it works, with growing pauses; gives up at once where no further call can succeed. */
async function persistent<T extends object>(
  { signal }: BatchInput,
  timing: BatchTiming,
  call: () => Promise<T | Failure>,
): Promise<Exclude<T, Failure> | Stopped> {
  let pause = timing.first
  for (let failures = 1; ; failures += 1) {
    const result = await call()
    if (!('failure' in result)) return result as Exclude<T, Failure>
    if (signal.aborted) return interrupted
    const { completion, retry } = result.failure
    const { kind = 'server_error', message = 'no answer in time' } = completion.error ?? {}
    const passing = retry !== undefined || completion.outcome === 'timeout'
    if (!passing || failures >= timing.failures) return { kind, message: `The Batch API: ${message}` }
    await sleep(Math.min(timing.longest, Math.max(pause, retry?.after_ms ?? 0)), undefined, { signal }).catch(
      () => undefined,
    )
    pause = Math.min(timing.longest, pause * 1.5)
  }
}
