// Whom a kill reaches before it is written, and what is said where that is nobody.
import { reachOf } from '../../act/kill-file.ts'
import type { KillOptions } from '../../act/kill-list.ts'
import { AigateError } from '../../errors.ts'
import type { Project } from '../../ports.ts'
import type { KillEntry, KillScope } from '../../schema/kill.ts'

/** `nothing`: no flag asks for the kill, and no switch of it was there before. `known`: the flags that some kill reaches. */
export type Reach = { nothing: boolean; known: readonly string[] }

/** For who says that there are applications that ask. */
export const REACHED: Reach = { nothing: false, known: [] }

export const UNREACHED =
  'The kill is written, but no flag asks for it: it reaches only applications that read the switch themselves. Name flags with their variant that is off under `kill.flags` of aigate.yaml; where applications read the switch, say so: `aigate-kill: on` there, or --create.'

/** Flags that the configuration gives to a feature; undefined: it does not name the feature. */
export function ownFlags({ config }: Project, { feature }: KillScope): string[] | undefined {
  const features = config.kill?.features ?? {}
  return feature !== undefined && Object.hasOwn(features, feature) ? features[feature] : undefined
}

type Files = { files: readonly string[]; options: KillOptions }

/** In all files. One that cannot be read is no reason to refuse: the act says what is wrong with it. */
export async function reachIn({ files, options }: Files, kill: KillEntry): Promise<Reach> {
  const found: Awaited<ReturnType<typeof reachOf>>[] = []
  try {
    for (const file of files) found.push(await reachOf(file, kill, options))
  } catch (error) {
    if (!(error instanceof AigateError)) throw error
    return REACHED
  }
  const nothing = found.every(({ flags, switches }) => flags.length + switches.length === 0)
  return { nothing, known: [...new Set(found.flatMap(({ known }) => known))] }
}

/**
 * A feature or a model that no flag knows is a slip of the pen more often than not, and must not look done: throws
 * AigateError `usage`. Scopes without them are never refused.
 */
export function requireKnown(files: readonly string[], { feature, model }: KillScope, { known }: Reach): void {
  const what = [
    ...(feature === undefined ? [] : [`the feature ${feature}`]),
    ...(model === undefined ? [] : [`the model ${model}`]),
  ]
  if (what.length === 0) return
  throw new AigateError('usage', {
    problem: `Nothing was killed: no flag of ${files.join(', ')} belongs to ${what.join(' with ')}, and no application has a switch for it there.`,
    mend: `Flags that a kill reaches: ${known.join(', ') || 'none'}. Correct the name; --create makes its switch all the same, for applications that ask for it.`,
  })
}
