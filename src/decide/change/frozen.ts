// What may run where everything must be pinned (--frozen): models by pin, prompts by version; and what is said besides.
import type { LoadedSuite, ResolvedTarget } from '../../ports.ts'
import type { ModelPin, ProviderConfig } from '../../schema/config.ts'
import { type PinProvider, type PinState, pinState } from './pins.ts'

/** Something that stops a frozen run, and how to mend it. */
export type FrozenProblem = { problem: string; mend: string }

/** `--frozen` and `--no-frozen` decide; without them the variable CI, as far as it says yes. */
export function isFrozen(option: boolean | undefined, ci: string | undefined): boolean {
  return option ?? !['', '0', 'false'].includes((ci ?? '').trim().toLowerCase())
}

/** Who stands behind a provider: for recordings the one that --record asks; nobody is known where there is none. */
export function pinProvider(config: ProviderConfig): PinProvider {
  return config.type === 'replay' ? (config.of ?? { type: 'replay' }) : config
}

/** The state of a model of the registry. */
export const stateOf = (pin: ModelPin, provider: ProviderConfig): PinState => pinState(pinProvider(provider), pin.id)

/** Why the target of a suite may not run frozen; empty for applications, which name no model. */
export function frozenProblems(loaded: LoadedSuite): FrozenProblem[] {
  return [...targetProblems(loaded), ...graderProblems(loaded)]
}

/** Judges, embedding models and simulated users are pinned like what they judge. */
function graderProblems({ graders, users = {} }: LoadedSuite): FrozenProblem[] {
  const judges = Object.values(graders?.judges ?? {}).map(({ model }) => model)
  const models = [...judges, ...Object.values(graders?.embeddings ?? {}), ...Object.values(users)]
  return models.flatMap((model) => unpinned({ model, provider: model.provider }))
}

function targetProblems({ suite, target, file }: LoadedSuite): FrozenProblem[] {
  if (target.kind !== 'prompt') return []
  const written = 'prompt' in suite.target ? suite.target.prompt : ''
  const exact = `${target.prompt.name}@${target.prompt.version}`
  const latest: FrozenProblem[] = written.endsWith('@latest')
    ? [
        {
          problem: `Suite ${suite.suite} (${file}) asks the prompt ${written}, which is another one after each new version; --frozen refuses that.`,
          mend: `Write ${exact}, which it is today.`,
        },
      ]
    : []
  return [...latest, ...unpinned(target)]
}

function unpinned({
  model,
  provider,
}: Pick<Extract<ResolvedTarget, { kind: 'prompt' }>, 'model' | 'provider'>): FrozenProblem[] {
  const { state, why, known = [] } = stateOf(model.pin, provider.config)
  if (state === 'pinned' || model.pin.allow_unpinned !== undefined) return []
  const what = state === 'alias' ? 'is an alias' : 'may be an alias'
  const choice = known.length > 0 ? `Pinned names that are known: ${known.join(', ')}. ` : ''
  return [
    {
      problem: `Model ${model.name}: ${model.pin.id} ${what} (${why}); --frozen takes pins only.`,
      mend: `${choice}Write an exact version under models.${model.name}.id, or the reason why not under models.${model.name}.allow_unpinned.`,
    },
  ]
}

/** What every report of a target says about its pin: nothing for a pin and for an application. */
export function pinNotes(target: ResolvedTarget): string[] {
  if (target.kind !== 'prompt') return []
  const { model, provider } = target
  const { state, why } = stateOf(model.pin, provider.config)
  if (state === 'pinned') return []
  const reason = model.pin.allow_unpinned
  const what = state === 'alias' ? 'is an alias' : 'is not known to be a pin'
  const end =
    reason === undefined ? 'another model may answer tomorrow; --frozen refuses it' : `allowed, because: ${reason}`
  return [`Model ${model.name}: ${model.pin.id} ${what} (${why}); ${end}.`]
}

/** Choices of the command line for which the lock does not hold, each said aloud. */
export function whatIfNotes(options: {
  prompt?: string | undefined
  model?: string | undefined
  threshold?: number | undefined
  trials?: number | undefined
}): string[] {
  const chosen = (['prompt', 'model', 'threshold', 'trials'] as const).filter((name) => options[name] !== undefined)
  return chosen.map(
    (name) => `--${name} ${options[name]} was chosen on the command line: the lock does not hold for it in this run.`,
  )
}

export const NO_LOCK =
  'There is no aigate.lock: nothing says whether what decides behaviour is what was agreed on. `aigate lock` writes it.'

/** The refusal of a change that takes the lock away, and with it the agreement that the next change is held to. */
export function removedLock({ commit, ref }: { commit: string; ref: string }): FrozenProblem {
  const short = commit.slice(0, 12)
  return {
    problem: `aigate.lock is gone from this change; its base ${ref} (${short}) has it.`,
    mend: `Put it back: \`git checkout ${short} -- aigate.lock\`, then \`aigate lock\` and read its diff.`,
  }
}

/** The refusal of a lock that does not hold. `changes`: as `lockChanges` says them, at least one. */
export function outdatedLock(changes: readonly string[]): FrozenProblem {
  const most = 20
  const left = changes.length > most ? [`… and ${changes.length - most} more`] : []
  const lines = [...changes.slice(0, most), ...left].map((line) => `\n    ${line}`)
  return {
    problem: `aigate.lock is out of date:${lines.join('')}`,
    mend: 'Run `aigate lock`, read its diff, and commit it with the change.',
  }
}
