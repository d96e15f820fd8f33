// The 2^k design of an attribution: which combinations of old and new are still to be asked, and what each asks.
import { AigateError } from '../../errors.ts'
import type { LoadedPrompt, Project, ResolvedTarget } from '../../ports.ts'
import type { TargetSnapshot } from '../../schema/run.ts'
import { componentChanges, type ComponentChange, together } from './causes.ts'

/** 2^3 cells are six further runs of the suite; more would cost more than changing one thing at a time. */
const MOST_CHANGES = 3
/** What can be set back to how the baseline had it: the baseline tells it, or the repository keeps it. */
export const reversible: readonly string[] = ['prompt', 'model', 'params']

type PromptTarget = Extract<ResolvedTarget, { kind: 'prompt' }>
/** The changes of a design, and its cells by the names of what is as in the candidate: cell g has bit j set for change j. */
export type Design = { changes: ComponentChange[]; cells: string[][] }

/**
 * The design for what changed between baseline and candidate; null for fewer than two changes.
 * @throws AigateError `usage` for more than three changes, and for one that cannot be set back
 */
export function designOf(suite: string, before: TargetSnapshot, after: TargetSnapshot): Design | null {
  const changes = componentChanges(before, after)
  if (changes.length < 2) return null
  const refuse = (why: string) =>
    new AigateError('usage', {
      problem: `Suite ${suite}: ${together(changes)} changed together, and --attribute cannot tell them apart: ${why}.`,
      mend: `Change fewer things at a time: at most ${MOST_CHANGES} of prompt, model and params can be told apart.`,
    })
  if (changes.length > MOST_CHANGES)
    throw refuse(`${changes.length} changes would need ${2 ** changes.length - 2} further runs`)
  const fixed = changes.filter(({ name }) => !reversible.includes(name))
  if (fixed.length > 0)
    throw refuse(`it cannot put ${fixed.map(({ name }) => name).join(' and ')} back to how the baseline had it`)
  const cells = Array.from({ length: 2 ** changes.length }, (_, g) =>
    changes.flatMap(({ name }, j) => ((g >> j) & 1 ? [name] : [])),
  )
  return { changes, cells }
}

/** What the baseline asked, looked up in the project of today. */
export type OldParts = Pick<PromptTarget, 'prompt' | 'model' | 'params' | 'provider'>

/**
 * The baseline's side of a prompt target.
 * @param prompt the file of the baseline's prompt version, as it is now
 * @throws AigateError `usage` when that file has another content by now, or its provider is no longer configured
 */
export function oldParts(config: Project['config'], before: TargetSnapshot, prompt: LoadedPrompt): OldParts {
  const { prompt: asked, model } = before
  const refuse = (problem: string, mend: string) => new AigateError('usage', { problem, mend })
  if (!asked || !model)
    throw refuse('The baseline does not tell what it asked.', 'Record it anew: `aigate baseline record`.')
  if (asked.hash !== prompt.hash) {
    const problem = `${prompt.file} is no longer what the baseline was recorded with, so it cannot be asked again.`
    throw refuse(problem, 'Put the published version back, and give the new text a new version.')
  }
  const provider = Object.hasOwn(config.providers, model.provider) ? config.providers[model.provider] : undefined
  if (!provider) {
    const problem = `The baseline was answered by provider ${model.provider}, which aigate.yaml no longer has.`
    throw refuse(problem, 'Put it back, or record the baseline anew.')
  }
  const known = Object.values(config.models).find(({ id, provider: by }) => id === model.id && by === model.provider)
  const { name, id, params } = model
  const pin = { provider: model.provider, id, params, ...(known?.price && { price: known.price }) }
  return { prompt, model: { name, pin }, params, provider: { name: model.provider, config: provider } }
}

/** The target of one cell: `changed` as in the candidate, the rest as in the baseline. */
export function cellTarget(candidate: PromptTarget, old: OldParts, changed: readonly string[]): PromptTarget {
  const from = (name: string): OldParts => (changed.includes(name) ? candidate : old)
  return {
    ...candidate,
    prompt: from('prompt').prompt,
    model: from('model').model,
    provider: from('model').provider,
    params: from('params').params,
  }
}

/**
 * Whether a stored run asked one cell of the comparison: what is named in `changed` as in the candidate, all else as in
 * the baseline. A run of another comparison is none of its cells.
 */
export function isCell(
  cell: TargetSnapshot,
  changed: readonly string[],
  { before, after }: { before: TargetSnapshot; after: TargetSnapshot },
): boolean {
  const differs = (from: TargetSnapshot, to: TargetSnapshot) => componentChanges(from, to).map(({ name }) => name)
  const others = differs(before, after).filter((name) => !changed.includes(name))
  return differs(before, cell).join() === changed.join() && differs(cell, after).join() === others.join()
}
