// Looks up the names in the target of a suite: the prompt version, the model, its provider.
import { AigateError } from '../errors.ts'
import type { LoadedPrompt, Project, ResolvedTarget } from '../ports.ts'
import type { Suite } from '../schema/suite.ts'
import { choose, didYouMean, faultError } from './faults.ts'
import { findPrompt, listPrompts, type PromptEntry, readEntry, withShipped } from './prompts.ts'
import type { Locate } from './yaml.ts'

/** Reads each prompt once, however many suites use it. */
export type PromptShelf = {
  entries: readonly PromptEntry[]
  read(entry: PromptEntry): Promise<LoadedPrompt>
  /** Variables of a prompt that aigate ships; none for any other. */
  shippedInput(name: string): Promise<readonly string[]>
}

export async function openShelf(project: Project): Promise<PromptShelf> {
  const entries = withShipped(await listPrompts(project))
  const kept = new Map<string, Promise<LoadedPrompt>>()
  const read = (entry: PromptEntry) => {
    const known = kept.get(entry.file)
    if (known) return known
    const reading = readEntry(project, entry)
    kept.set(entry.file, reading)
    return reading
  }
  const shipped = withShipped([])
  const shippedInput = async (name: string) => {
    const entry = shipped.find((one) => one.name === name)
    return entry ? (await read(entry)).input : []
  }
  return { entries, read, shippedInput }
}

/** What another choice of the command line says instead of the suite. */
export type TargetOverrides = { prompt?: string | undefined; model?: string | undefined }

/** The suite with the target that the command line chose. Throws `usage` when the choice does not fit the suite. */
export function overrideTarget(suite: Suite, { prompt, model }: TargetOverrides): Suite {
  if (prompt === undefined && model === undefined) return suite
  const flag = prompt === undefined ? `--model ${model}` : `--prompt ${prompt}`
  if (!('prompt' in suite.target))
    throw new AigateError('usage', {
      problem: `${flag} does not fit suite "${suite.suite}": its target is no prompt`,
      mend: 'Name the suites that it is meant for on the command line.',
    })
  const [own] = suite.target.prompt.split('@')
  if (prompt !== undefined && prompt.split('@')[0] !== own)
    throw new AigateError('usage', {
      problem: `${flag} does not fit suite "${suite.suite}": its prompt is "${own}"`,
      mend: `Write --prompt ${own}@<version>, or name the suites that it is meant for on the command line.`,
    })
  const target = { ...suite.target, prompt: prompt ?? suite.target.prompt, model: model ?? suite.target.model }
  return { ...suite, target }
}

/**
 * The target of a suite with every name looked up. Throws AigateError at the place in the suite (or `usage` when the
 * command line chose the name), and the errors of the prompt file.
 */
export async function resolveTarget(
  project: Project,
  suite: Suite,
  shelf: PromptShelf,
  locate: Locate,
  chosen: TargetOverrides,
): Promise<ResolvedTarget> {
  const { target } = suite
  if ('command' in target) return { kind: 'command', target }
  if ('http' in target) return { kind: 'http', target }
  if ('module' in target) return { kind: 'module', target }
  const refuse = (key: 'prompt' | 'model', problem: string, mend: string) =>
    chosen[key] === undefined
      ? faultError([{ problem: `target.${key}: ${problem}`, mend, place: locate(['target', key]) }])
      : new AigateError('usage', { problem: `--${key}: ${problem}`, mend })
  const { models, providers } = project.config
  const pin = Object.hasOwn(models, target.model) ? models[target.model] : undefined
  if (pin === undefined) {
    const known = Object.keys(models)
    const mend = choose(target.model, known, 'models of aigate.yaml', 'Add it under `models` in aigate.yaml.')
    throw refuse('model', `unknown model "${target.model}"${didYouMean(target.model, known)}`, mend)
  }
  const entry = findPrompt(shelf.entries, target.prompt)
  if ('problem' in entry) throw refuse('prompt', entry.problem, entry.mend)
  const config = providers[pin.provider]
  if (config === undefined) throw refuse('model', `its provider "${pin.provider}" is unknown`, 'Add it to aigate.yaml.')
  return {
    kind: 'prompt',
    prompt: await shelf.read(entry),
    model: { name: target.model, pin },
    params: { ...pin.params, ...target.params },
    tools: target.tools,
    response_format: target.response_format,
    provider: { name: pin.provider, config },
  }
}
