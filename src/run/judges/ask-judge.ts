// The one place where a judge is asked: renders its prompt around fenced material, asks with retries, limits and budget.
import type {
  AskRequest,
  GraderMemory,
  Graders,
  JudgeQuestion,
  JudgeTools,
  Provider,
  Recordings,
  ResolvedJudge,
  ResolvedTarget,
} from '../../ports.ts'
import { fatalKinds } from '../../ports.ts'
import type { Completion } from '../../schema/run.ts'
import type { Case } from '../../schema/suite.ts'
import { buildProvider } from '../build-provider.ts'
import type { BudgetState } from '../budget.ts'
import { runPass } from '../engine.ts'
import { expander } from '../expand.ts'
import { fenceFor } from './fence.ts'
import { verdictOf } from './verdict.ts'

export type JudgeWorld = {
  env: Readonly<Record<string, string | undefined>>
  clock: { monotonic(): number }
  signal: AbortSignal
  budget: BudgetState
  seed: number
  recordings: Recordings
  record: boolean
  offline: boolean
  /** Absent: everything is asked. */
  memory?: GraderMemory | undefined
}

/** How to keep each answer that made a grade. */
type Kept = (() => void)[]

/**
 * Judges that can be asked; `ask` takes nothing from the memory. `grading`: to grade one answer, also from the memory;
 * `settle` is told whether it came to a grade, since only such answers are kept. `dead`: why no further question can be
 * answered; `died` is aborted then.
 */
export type OpenJudges = Omit<JudgeTools, 'advisory'> & {
  grading: () => { ask: JudgeTools['ask']; settle: (sound: boolean) => void }
  dead: () => string | undefined
  died: AbortSignal
}

/** So many questions in a row without an answer: nobody is there. */
const DOWN = 5
/** How cases of judges are named in recordings. */
const JUDGE_CASE = 'judge:'

type PromptTarget = Extract<ResolvedTarget, { kind: 'prompt' }>

/** Opens the judges of a suite. The same question in the same vote is asked once. Throws AigateError as `buildProvider` does. */
export async function openJudges(graders: Graders, world: JudgeWorld): Promise<OpenJudges> {
  const providers = new Map<string, Provider>()
  for (const judge of Object.values(graders.judges))
    providers.set(judge.name, await buildProvider({ target: targetOf(judge, 'rubric'), dir: '' }, world))
  const gates = new Map([...new Set(providers.values())].map((one) => [one.name, gate(one.concurrency)]))
  const health = new AbortController()
  const known = new Map<string, Promise<Completion>>()
  let dead: string | undefined
  let lost = 0
  const note = (completion: Completion | undefined, message: string, fatal: boolean) => {
    const failed = completion === undefined || completion.outcome === 'error' || completion.outcome === 'timeout'
    lost = failed ? lost + 1 : 0
    if (!fatal && lost < DOWN) return
    dead ??= fatal ? message : `${lost} questions in a row to judges were not answered, the last: ${message}`
    health.abort()
  }
  const one = async (judge: string, provider: Provider, request: AskRequest): Promise<Completion> => {
    if (dead !== undefined) throw new Error(`judge ${judge}: ${dead}`)
    const found: Completion[] = []
    const { stopped } = await runPass({
      ...world,
      requests: [request],
      provider,
      onCompletion: (_, completion) => void found.push(completion),
    })
    const [completion] = found
    const error = completion?.error
    // What was not recorded says nothing about the other questions.
    const missing = error?.kind === 'not_recorded'
    const fatal = error !== undefined ? fatalKinds.has(error.kind) : stopped?.kind === 'budget'
    if (!missing && !world.signal.aborted)
      note(completion, error?.message ?? stopped?.message ?? 'no answer in time', fatal)
    if (!completion) throw new Error(`judge ${judge}: ${stopped?.message ?? 'it was not asked'}`)
    return completion
  }
  const requests = requestMaker(graders)
  const answer = async (judge: string, vote: number, question: JudgeQuestion, kept?: Kept) => {
    const memory = kept && world.memory
    const provider = providers.get(judge)
    const limit = provider && gates.get(provider.name)
    const model = graders.judges[judge]?.model
    if (!provider || !limit || !model) throw new Error(`there is no judge ${judge}`)
    const request = await requests(judge, vote, question)
    const asked = { key: request.key, trial: vote, case: request.case.id }
    const key = `${vote} ${request.key}`
    const before = known.get(key)
    const found = before ? undefined : memory?.find(asked, model)
    const asking = before ?? (found ? Promise.resolve(found) : limit(() => one(judge, provider, request)))
    known.set(key, asking)
    const completion = await asking.catch((error: unknown) => {
      known.delete(key)
      throw error
    })
    if (completion.error) known.delete(key)
    if (memory && !completion.error) kept.push(() => memory.add(asked, model, completion))
    return { value: verdictOf(judge, completion), completion }
  }
  return {
    panel: (named, votes) => panelOf(graders, named, votes),
    grading: () => {
      const kept: Kept = []
      const settle = (sound: boolean) => {
        for (const keep of kept.splice(0)) if (sound) keep()
      }
      return { ask: (judge, vote, question) => answer(judge, vote, question, kept), settle }
    },
    ask: (judge, vote, question) => answer(judge, vote, question),
    dead: () => dead,
    died: health.signal,
  }
}

function panelOf({ judges, judge }: Graders, named: string | readonly string[] | undefined, votes: number | undefined) {
  const names = named === undefined ? (judge === undefined ? [] : [judge]) : [named].flat()
  if (names.length === 0) throw new Error('no judge is named, and there is no default one')
  return [...new Set(names)].map((name) => {
    const found = judges[name]
    if (!found) throw new Error(`there is no judge ${name}`)
    return { judge: name, votes: votes ?? found.votes }
  })
}

function targetOf(
  { model, prompts, output }: ResolvedJudge,
  prompt: JudgeQuestion['prompt'],
  answer: JudgeQuestion['answer'] = {},
): PromptTarget {
  const forms = {
    json_schema: { type: 'json_schema', json_schema: { name: 'verdict', strict: true, schema: answer } },
    json_object: { type: 'json_object' },
    text: undefined,
  }
  return {
    kind: 'prompt',
    prompt: prompts[prompt],
    model: { name: model.name, pin: model.pin },
    params: model.pin.params,
    response_format: forms[output],
    provider: model.provider,
  }
}

/** From a question to a request: templates are parsed once for each judge, prompt and form of answer. */
function requestMaker({ judges }: Graders) {
  const known = new Map<string, ReturnType<typeof expander>>()
  return async (name: string, vote: number, question: JudgeQuestion): Promise<AskRequest> => {
    const judge = judges[name]
    if (!judge) throw new Error(`there is no judge ${name}`)
    const { prompt, answer, told, data } = question
    const key = JSON.stringify([name, prompt, answer])
    const expanding = known.get(key) ?? expander(targetOf(judge, prompt, answer))
    known.set(key, expanding)
    const vars = { ...told, ...data, fence: fenceFor([...Object.values(data), ...Object.values(told)]) }
    const id = `${JUDGE_CASE}${name}/${prompt}/${question.case}`
    const asked: Case = { id, vars, tags: [], critical: false, assert: [] }
    return (await expanding)(asked, vote)
  }
}

/** Lets so many through at a time, the others in the order in which they came. */
function gate(limit: number): <T>(work: () => Promise<T>) => Promise<T> {
  let running = 0
  const waiting: (() => void)[] = []
  return async (work) => {
    if (running >= limit) await new Promise<void>((resolve) => waiting.push(resolve))
    running += 1
    try {
      return await work()
    } finally {
      running -= 1
      waiting.shift()?.()
    }
  }
}
