// Which verdicts of judges and embeddings of earlier runs may stand for a question to them.
import { hash } from 'node:crypto'
import { contentHash } from '../../content-hash.ts'
import type { GraderMemory, ResolvedModel } from '../../ports.ts'
import { verdictOf } from '../../run/judges/verdict.ts'
import { redactCompletion, redactor, secretNames } from '../../run/redact.ts'
import type { Completion } from '../../schema/run.ts'
import type { Asked } from '../../store/cache/answer-cache.ts'
import type { RecordingsFile } from '../../store/recordings.ts'
import { addressNow, SAME_TIME_MS, type World } from '../gate/answer-memory.ts'

/**
 * What the cache knows of judges and embedding models; undefined where nothing is kept. `about`: the suite, or what else is
 * graded. `since`: by model, nothing older than that. `sameTime`: where sides are compared at one time, they are judged at one
 * time as well.
 */
export function graderMemory(
  { cache, context, project }: Pick<World, 'cache' | 'context' | 'project'>,
  { about, since, sameTime = false }: { about: string; since: ReadonlyMap<string, Date>; sameTime?: boolean },
): GraderMemory | undefined {
  if (!cache) return undefined
  const { answers, read } = cache
  const redact = redactor(context.env, secretNames(project.config), { patterns: false })
  const latest = new Date(context.now().getTime() - SAME_TIME_MS)
  const floor = sameTime && latest > cache.since ? latest : cache.since
  const from = (model: ResolvedModel) => {
    const own = since.get(model.name)
    return own && own > floor ? own : floor
  }
  const of = ({ key, trial }: Asked, { provider: { config } }: ResolvedModel) => {
    const address = config.type === 'replay' ? null : contentHash(addressNow(config, context.env))
    return address && { key: hash('sha256', `grader ${address} ${key}`), trial }
  }
  return {
    find: (asked, model) => {
      const known = read ? of(asked, model) : null
      return known ? answers.find(known, from(model)) : undefined
    },
    add: (asked, model, completion) => {
      const known = of(asked, model)
      const label = { suite: about, case: asked.case, asked: `grades by ${model.name}` }
      if (known)
        answers.add({ ...known, at: context.now(), completion: redactCompletion(completion, redact), ...label })
    },
  }
}

/**
 * Of a run that goes on: what judges and embedding models told it before it was killed is not asked a second time, unless it was no
 * verdict. It counts as kept: whether a grade of then counts it already cannot be told.
 */
export const withTold = ({ told }: Pick<RecordingsFile, 'told'>, memory: GraderMemory | undefined): GraderMemory => ({
  find: (asked, model) => {
    const found = told(asked.key, asked.trial)
    if (found && isVerdict(found)) return { ...found, attempts: 0, replayed: true, cached: true }
    return memory?.find(asked, model)
  },
  add: (...given) => memory?.add(...given),
})

function isVerdict(found: Completion): boolean {
  try {
    verdictOf('', found)
    return true
  } catch {
    return false
  }
}
