// From a target to somebody who answers: live, replayed or recorded, with the price of each answer.
import { AigateError } from '../errors.ts'
import type { Attempt, BatchDoor, LoadedSuite, Provider, Recordings, ResolvedTarget } from '../ports.ts'
import type { ModelPin, ProviderConfig } from '../schema/config.ts'
import type { Case } from '../schema/suite.ts'
import { conversationProvider, type Speaker } from './agents/conversation.ts'
import { simulatedUser } from './agents/simulated-user.ts'
import type { Completion } from '../schema/run.ts'
import { pricer } from './price.ts'
import { type AppOptions } from './providers/app.ts'
import { commandProvider } from './providers/command.ts'
import { httpProvider } from './providers/http.ts'
import { moduleProvider } from './providers/module.ts'
import { openaiBatches } from './batch/openai-batches.ts'
import { openaiProvider } from './providers/openai.ts'
import { recordingProvider, replayProvider } from './providers/replay.ts'

type Options = {
  env: Readonly<Record<string, string | undefined>>
  clock: { monotonic(): number }
  recordings: Recordings
  /** Answers are recorded as they come. */
  record: boolean
  /** Nobody is asked: every answer comes from the recordings. */
  offline: boolean
  /** Asked as a batch where the provider can be. */
  batch?: boolean | undefined
}
/** What of a suite says who answers: its target, and the absolute folder that paths in it are relative to. */
export type Asked = Pick<LoadedSuite, 'target' | 'dir' | 'users'>
type App = Exclude<ResolvedTarget, { kind: 'prompt' }>

/** One line for each kind of application. */
const apps: { [K in App['kind']]: (target: Extract<App, { kind: K }>['target'], options: AppOptions) => Provider } = {
  command: commandProvider,
  http: httpProvider,
  module: moduleProvider,
}

/** One line for each type of provider: who is asked live, or undefined when there is only the record. */
const models: {
  [T in ProviderConfig['type']]: (
    name: string,
    config: Extract<ProviderConfig, { type: T }>,
    options: Options,
  ) => Provider | undefined
} = {
  openai: (name, config, options) => {
    const provider = openaiProvider(name, config, options)
    const batched = options.batch === true || (config.mode === 'batch' && !options.record)
    return batched ? { ...provider, batch: openaiBatches(name, config, options) } : provider
  },
  replay: (name, config, options) => {
    if (!options.record) return undefined
    if (config.of) return openaiProvider(name, config.of, options)
    throw new AigateError('usage', {
      problem: `Provider ${name} replays recorded answers and names nobody who could be recorded.`,
      mend: `Write the provider that --record asks under providers.${name}.of in aigate.yaml.`,
    })
  },
}

/**
 * The provider of a suite. Offline, and for the type `replay`, it answers from the recordings; with `record` what was
 * answered live is added to them. Answers of a model are given their price where one is known.
 * Throws AigateError `usage` when a `replay` provider is to record and has no `of`.
 */
export async function buildProvider(suite: Asked, options: Options): Promise<Provider> {
  const { target } = suite
  const name = target.kind === 'prompt' ? target.provider.name : target.kind
  const asked = options.offline ? undefined : liveProvider(suite, options)
  const simulate = asked && suite.users && (await playersOf(suite.users, options))
  const list = target.kind === 'prompt' ? await pricer(target.model.pin) : undefined
  const price = (completion: Completion) =>
    target.kind === 'prompt' ? list?.(target.model.pin, completion) : undefined
  const live = asked && conversationProvider(asked, { ...options, dir: suite.dir, simulate, price })
  const { recordings } = options
  if (!live) return priced(replayProvider(name, recordings), target)
  return priced(options.record ? recordingProvider(live, recordings) : live, target)
}

/** Speakers for simulated users, each by the provider of its model. */
async function playersOf(users: NonNullable<LoadedSuite['users']>, options: Options) {
  const players = new Map<string, Awaited<ReturnType<typeof simulatedUser>>>()
  for (const [name, model] of Object.entries(users)) {
    const { config } = model.provider
    const provider = models[config.type](model.provider.name, config as never, options)
    if (provider) players.set(name, await simulatedUser(provider, model))
  }
  return (testCase: Case, trial: number): Speaker => {
    const play = players.get(testCase.user?.model ?? '')
    if (play) return play(testCase, trial)
    const message = `the model ${testCase.user?.model ?? ''} that plays the user only replays recordings`
    const failed = {
      completion: {
        outcome: 'error' as const,
        text: '',
        tool_calls: [],
        attempts: 0,
        error: { kind: 'not_recorded' as const, message },
      },
    }
    return { calls: 0, cost_usd: undefined, next: async () => ({ failed }) }
  }
}

function liveProvider({ target, dir }: Asked, options: Options): Provider | undefined {
  if (target.kind !== 'prompt') return apps[target.kind](target.target as never, { ...options, dir })
  const { name, config } = target.provider
  return models[config.type](name, config as never, options)
}

/** The provider of a model, which is throttled apart, with an estimate of the cost on every answer that does not tell its own. */
async function priced(provider: Provider, target: ResolvedTarget): Promise<Provider> {
  if (target.kind !== 'prompt') return provider
  const model: ModelPin = target.model.pin
  const price = await pricer(model)
  const { id, rpm, tpm } = model
  const { batch } = provider
  return {
    ...provider,
    ...(batch && { batch: halfPriced(batch, (completion) => price(model, completion)) }),
    lane: { key: id, rpm, tpm },
    ask: async (request, signal) => {
      const { completion, ...how } = await provider.ask(request, signal)
      const cost_usd = completion.cost_usd ?? price(model, completion)
      return { ...how, completion: cost_usd === undefined ? completion : { ...completion, cost_usd } }
    },
  }
}

/** Batches cost half of the list price. */
function halfPriced(batch: BatchDoor, price: (completion: Completion) => number | undefined): BatchDoor {
  return {
    ...batch,
    answers: async (files, signal) => {
      const found = await batch.answers(files, signal)
      if ('failure' in found) return found
      const priced = [...found.answers].map(([id, attempt]): [string, Attempt] => {
        const list = price(attempt.completion)
        const cost_usd = list === undefined ? undefined : list / 2
        return [id, cost_usd === undefined ? attempt : { ...attempt, completion: { ...attempt.completion, cost_usd } }]
      })
      return { answers: new Map(priced) }
    },
  }
}
