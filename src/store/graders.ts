// Who grades besides the target: judges and embedding models that assertions name, looked up, and what they are in a hash.
import type { Graders, LoadedPrompt, Project, ResolvedJudge, ResolvedModel } from '../ports.ts'
import type { Assertion } from '../schema/assertion.ts'
import { type JudgedType, JudgedType as judgedType, judgePromptNames, promptsOfType } from '../schema/judge.ts'
import type { WrittenCase } from './case-files.ts'
import { canonicalJson, sha256 } from '../content-hash.ts'
import { choose, didYouMean, type Fault } from './faults.ts'
import { findPrompt } from './prompts.ts'
import type { PromptShelf } from './targets.ts'

const judged: ReadonlySet<string> = new Set(judgedType.options)

/** The judges that an assertion names; undefined: it asks none. Empty: it means the default. */
export function judgesNamed(assertion: Assertion): { type: JudgedType; names: string[]; votes?: number } | undefined {
  if (!judged.has(assertion.type)) return undefined
  const type = judgedType.safeParse(assertion.type)
  if (!type.success) return undefined
  const args = (typeof assertion.args === 'object' ? assertion.args : {}) as { judge?: unknown; votes?: unknown }
  const names = args.judge === undefined ? [] : ([args.judge].flat() as string[])
  return { type: type.data, names, ...(typeof args.votes === 'number' && { votes: args.votes }) }
}

/** The embedding model that an assertion names; undefined: it needs none. Empty: the project's own. */
function embeddingNamed(assertion: Assertion): string | undefined {
  return assertion.type === 'similar' && assertion.args.method === 'cosine' ? (assertion.args.model ?? '') : undefined
}

const asksModels = (assertion: Assertion): boolean =>
  judgesNamed(assertion) !== undefined || embeddingNamed(assertion) !== undefined

/**
 * Everything that the assertions of these cases ask, and what is wrong with it: unknown names, no judge at all, a prompt
 * that cannot be read. Undefined where no assertion asks a model.
 */
export async function resolveGraders(
  project: Project,
  shelf: PromptShelf,
  cases: readonly { one: WrittenCase; assert: readonly Assertion[] }[],
): Promise<{ graders?: Graders; faults: Fault[] }> {
  const looked = new Map<readonly Assertion[], boolean>()
  // One list stands for all cases that add nothing to those of the suite.
  const asks = (assert: readonly Assertion[]): boolean => {
    const found = looked.get(assert) ?? assert.some(asksModels)
    looked.set(assert, found)
    return found
  }
  const asking = cases.filter(({ assert }) => asks(assert))
  const uses = asking.flatMap(({ one, assert }) => assert.filter(asksModels).map((assertion) => ({ one, assertion })))
  if (uses.length === 0) return { faults: [] }
  const { config } = project
  const known = Object.keys(config.judges)
  const judge = known.includes('default') ? 'default' : known.length === 1 ? known[0] : undefined
  const judges: Record<string, ResolvedJudge> = {}
  const embeddings: Record<string, ResolvedModel> = {}
  const faults: Fault[] = []
  const told = new Set<string>()
  for (const { one, assertion } of uses) {
    const fault = (problem: string, mend: string) => {
      if (!told.has(problem)) faults.push({ problem: `case ${one.case.id}: ${problem}`, mend, place: one.locate([]) })
      told.add(problem)
    }
    const embedding = embeddingNamed(assertion)
    if (embedding !== undefined) {
      const name = embedding === '' ? config.embeddings : embedding
      if (name === undefined) fault('similar with cosine names no embedding model', NO_EMBEDDING)
      else if (!Object.hasOwn(embeddings, name)) {
        const model = modelOf(project, name)
        if ('problem' in model) fault(model.problem, model.mend)
        else embeddings[name] = model
      }
      continue
    }
    const wanted = judgesNamed(assertion)?.names ?? []
    const names = wanted.length > 0 ? wanted : judge === undefined ? [] : [judge]
    if (names.length === 0)
      fault(`${assertion.type} names no judge`, known.length === 0 ? NO_JUDGE : choose('', known, 'judges', NO_JUDGE))
    for (const name of names) {
      if (Object.hasOwn(judges, name)) continue
      const found = await judgeOf(project, shelf, name)
      if ('problem' in found) fault(found.problem, found.mend)
      else judges[name] = found
    }
  }
  return { graders: { judges, embeddings, judge, embedding: config.embeddings }, faults }
}

const NO_JUDGE = 'Write one under `judges` in aigate.yaml: {default: {model: <name from models>}}.'
const NO_EMBEDDING = 'Write `embeddings: <name from models>` in aigate.yaml, or `model` in the assertion.'

type Trouble = { problem: string; mend: string }

export function modelOf({ config }: Project, name: string): ResolvedModel | Trouble {
  const pin = Object.hasOwn(config.models, name) ? config.models[name] : undefined
  const known = Object.keys(config.models)
  if (pin === undefined)
    return {
      problem: `unknown model "${name}"${didYouMean(name, known)}`,
      mend: choose(name, known, 'models of aigate.yaml', 'Add it under `models` in aigate.yaml.'),
    }
  const provider = config.providers[pin.provider]
  if (provider === undefined)
    return { problem: `the provider "${pin.provider}" of model ${name} is unknown`, mend: 'Add it to aigate.yaml.' }
  return { name, pin, provider: { name: pin.provider, config: provider } }
}

/** A judge of aigate.yaml with its model and all of its prompts. */
export async function judgeOf(project: Project, shelf: PromptShelf, name: string): Promise<ResolvedJudge | Trouble> {
  const { judges } = project.config
  const written = Object.hasOwn(judges, name) ? judges[name] : undefined
  const known = Object.keys(judges)
  if (written === undefined)
    return {
      problem: `unknown judge "${name}"${didYouMean(name, known)}`,
      mend: choose(name, known, 'judges of aigate.yaml', NO_JUDGE),
    }
  const model = modelOf(project, written.model)
  if ('problem' in model) return { ...model, problem: `judge ${name}: ${model.problem}` }
  const prompts: Record<string, LoadedPrompt> = {}
  for (const part of judgePromptNames) {
    const ref = `judge/${part}`
    const own = shelf.entries.filter((entry) => entry.name === ref && entry.shipped === undefined)
    const version = written.prompts?.[part] ?? own.at(-1)?.version ?? 'latest'
    const entry = findPrompt(shelf.entries, `${ref}@${version}`)
    if ('problem' in entry) return { ...entry, problem: `judge ${name}: ${entry.problem}` }
    const prompt = await shelf.read(entry)
    // Above all the fence.
    const shipped = await shelf.shippedInput(ref)
    const lacking = shipped.filter((variable) => !prompt.input.includes(variable))
    const spare = prompt.input.filter((variable) => !shipped.includes(variable))
    if (lacking.length + spare.length > 0)
      return {
        problem: `judge ${name}: ${entry.file} must use exactly the variables ${shipped.join(', ')}`,
        mend: `Begin with the text that aigate ships: \`aigate prompt new ${ref}\` in a folder without it.`,
      }
    prompts[part] = prompt
  }
  const { votes, output, gold } = written
  return { name, model, votes, output, gold, prompts: prompts as ResolvedJudge['prompts'] }
}

/**
 * What decides the verdict on one case besides its text: of each assertion that asks models, who they are, with parameters
 * and prompts. Empty where none does. A judge that changes makes the case another one, as a rewritten assertion does.
 */
export function graderIdentity(assert: readonly Assertion[], graders: Graders | undefined): string[] {
  if (!graders) return []
  return assert.flatMap((assertion) => {
    const embedding = embeddingNamed(assertion)
    if (embedding !== undefined) {
      const model = graders.embeddings[embedding === '' ? (graders.embedding ?? '') : embedding]
      return model ? [hashOf(modelIdentity(model))] : []
    }
    const named = judgesNamed(assertion)
    if (!named) return []
    const names = named.names.length > 0 ? named.names : graders.judge === undefined ? [] : [graders.judge]
    return names.flatMap((name) => {
      const judge = graders.judges[name]
      return judge ? [judgeIdentity(judge, named.type, named.votes)] : []
    })
  })
}

/** Content hash of all that decides what a judge says to one type of assertion. */
export function judgeIdentity(
  { model, output, prompts, votes }: ResolvedJudge,
  type: JudgedType,
  asked?: number,
): string {
  const texts = promptsOfType[type].map((name) => prompts[name].hash)
  return hashOf({ ...modelIdentity(model), output, texts, votes: asked ?? votes })
}

export const modelIdentity = ({ pin, provider }: ResolvedModel) => ({
  provider: provider.name,
  id: pin.id,
  params: pin.params,
})
const hashOf = (value: unknown) => sha256(canonicalJson(value))
