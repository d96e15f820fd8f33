// The provider that leads conversations: turns of the user, and between them model → tools → model until there is an answer.
import type { AskRequest, Attempt, CallTurn, Provider } from '../../ports.ts'
import { type Conversation, MAX_STEPS, type RetrievedContext, type Step } from '../../schema/conversation.ts'
import type { Completion, Usage } from '../../schema/run.ts'
import type { Case, Message, ToolCall } from '../../schema/suite.ts'
import type { Json } from '../../schema/values.ts'
import { pauseBefore } from './pause.ts'
import { answerCall } from './tools.ts'

/** Somebody who says the next thing: a script, or a model that plays the user. null: there is nothing more to say. */
export type Speaker = {
  next(turn: number, said: readonly Step[], signal: AbortSignal, take: CallTurn): Promise<SpeakerTurn>
  calls: number
  cost_usd: number | undefined
}
export type SpeakerTurn = { say: string } | { over: Conversation['ended'] } | { failed: Attempt }

type World = {
  dir: string
  env: Readonly<Record<string, string | undefined>>
  clock: { monotonic(): number }
  /** Of a case whose user a model plays. */
  simulate?: ((testCase: Case, trial: number) => Speaker) | undefined
  /** What one answer cost, in US dollars, where it does not tell itself. */
  price?: ((completion: Completion) => number | undefined) | undefined
}

/** true: the case is more than one question and one answer. */
export const isConversation = ({ turns, user, tools }: Case): boolean =>
  turns !== undefined || user !== undefined || tools !== undefined

type Talk = {
  inner: Provider
  request: AskRequest
  world: World
  signal: AbortSignal
  steps: Step[]
  contexts: RetrievedContext[] | undefined
  state: Json | undefined
  calls: number
  usage: Usage | undefined
  cost: number | undefined
  unpriced: boolean
  latency: number
  last: Completion | undefined
}

/**
 * The provider, with conversations: a case with turns, a simulated user or tools is led to its end within one `ask`; every
 * other case is asked as before. Each step has the time limit and the retries of the inner provider, and waits for its turn.
 */
export function conversationProvider(inner: Provider, world: World): Provider {
  const led: Provider['ask'] = async (request, signal) => {
    if (!isConversation(request.case)) return inner.ask(request, signal)
    return lead(begin(inner, request, world, signal))
  }
  return { ...inner, ask: led, longest: (testCase) => inner.timeout_ms * mostSteps(testCase) }
}

/** Answers of the model, and messages of a simulated user, that a case may take. */
function mostSteps({ turns, user, max_steps = MAX_STEPS, tools }: Case): number {
  const rounds = user?.max_turns ?? turns?.length ?? 1
  const each = tools === undefined ? 1 : max_steps
  return rounds * (each + (user === undefined ? 0 : 1)) * 2
}

const begin = (inner: Provider, request: AskRequest, world: World, signal: AbortSignal): Talk => ({
  inner,
  request,
  world,
  signal,
  steps: [],
  contexts: undefined,
  state: request.case.state === undefined ? undefined : structuredClone(request.case.state),
  calls: 0,
  usage: undefined,
  cost: undefined,
  unpriced: false,
  latency: 0,
  last: undefined,
})

function speakerOf({ request: { case: one, trial }, world }: Talk): Speaker | null {
  if (one.user) return world.simulate?.(one, trial) ?? null
  const { turns } = one
  if (!turns) return null
  const next = async (turn: number): Promise<SpeakerTurn> => {
    const said = turns[turn - 1]
    return said === undefined ? { over: 'answered' } : { say: said.user }
  }
  return { next, calls: 0, cost_usd: undefined }
}

async function lead(talk: Talk): Promise<Attempt> {
  const speaker = speakerOf(talk)
  for (let turn = 1; ; turn++) {
    if (speaker) {
      const next = await speaker.next(turn, talk.steps, talk.signal, takerOf(talk))
      if ('failed' in next) return cutOff(talk, next.failed.completion, speaker)
      if ('over' in next) return finished(talk, next.over, speaker)
      talk.steps.push({ role: 'user', turn, content: next.say })
    }
    const ended = await answerTurn(talk, turn, speaker)
    if (ended !== 'answered') return typeof ended === 'string' ? finished(talk, ended, speaker) : ended
    if (!speaker) return finished(talk, 'answered', null)
  }
}

/** Model → tools → model, until the model answers without a call. */
async function answerTurn(
  talk: Talk,
  turn: number,
  speaker: Speaker | null,
): Promise<'answered' | 'max_steps' | Attempt> {
  const { tools, max_steps = MAX_STEPS } = talk.request.case
  for (let step = 1; ; step++) {
    const attempt = await askStep(talk)
    const { completion } = attempt
    if (completion.outcome === 'error' || completion.outcome === 'timeout') {
      return cutOff(talk, completion, speaker)
    }
    const calls = note(talk, turn, completion)
    if (completion.outcome !== 'answered' || calls.length === 0 || tools === undefined) return 'answered'
    if (step >= max_steps) return 'max_steps'
    for (const call of calls) await answerTool(talk, turn, call)
  }
}

async function answerTool(talk: Talk, turn: number, call: ToolCall): Promise<void> {
  const { request, world, signal } = talk
  const { tools = {}, vars } = request.case
  const start = world.clock.monotonic()
  const given = { vars, state: talk.state }
  const { content, error, state } = await answerCall(call, tools, given, { dir: world.dir, env: world.env, signal })
  talk.latency += world.clock.monotonic() - start
  talk.state = state
  const step: Step = { role: 'tool', turn, content, name: call.name }
  if (call.id !== undefined) step.tool_call_id = call.id
  if (error) step.error = true
  talk.steps.push(step)
}

/** Outside of a run nobody counts. */
const takerOf = ({ request: { turn } }: Talk): CallTurn => turn ?? (async () => ({ ended: () => undefined }))

/** One question with everything that was said; transient failures are tried again here, so that tools run once. */
async function askStep(talk: Talk): Promise<Attempt> {
  const { inner, request, signal, world } = talk
  const { turn: _turn, ...plain } = request
  const asked = { ...plain, key: request.key, messages: [...request.messages, ...talk.steps.map(asMessage)] }
  for (let tries = 1; ; tries++) {
    const turn = await takerOf(talk)(asked)
    if ('refused' in turn) return turn.refused
    const limit = AbortSignal.any([signal, AbortSignal.timeout(Math.min(inner.timeout_ms, 2 ** 31 - 1))])
    talk.calls += 1
    const attempt = await inner.ask(asked, limit)
    const { completion, retry } = attempt
    turn.ended(attempt, completion.cost_usd ?? world.price?.(completion))
    talk.latency += completion.latency_ms ?? 0
    if (retry === undefined || tries > inner.retries || signal.aborted) {
      if (limit.aborted && completion.outcome === 'error') return { completion: { ...completion, outcome: 'timeout' } }
      return attempt
    }
    if (!(await pauseBefore(tries, retry, signal))) return attempt
  }
}

/** Writes an answer down: the steps that an application tells itself, or the one message of a model. */
function note(talk: Talk, turn: number, completion: Completion): ToolCall[] {
  const told = sinceLine(completion.conversation?.steps, talk.steps)
  const calls = completion.tool_calls.map((call, i) => ({
    ...call,
    id: call.id ?? `call_${talk.steps.length}_${i + 1}`,
  }))
  if (told) talk.steps.push(...told.map((step) => ({ ...step, turn })))
  else {
    const step: Step = { role: 'assistant', turn, content: completion.text }
    talk.steps.push(calls.length > 0 ? { ...step, tool_calls: calls } : step)
  }
  if (completion.contexts)
    talk.contexts = [...(talk.contexts ?? []), ...completion.contexts.map((one) => ({ ...one, turn }))]
  if (completion.state !== undefined) talk.state = completion.state
  talk.usage = added(talk.usage, completion.usage)
  if (completion.cost_usd === undefined) talk.unpriced = true
  else talk.cost = (talk.cost ?? 0) + completion.cost_usd
  talk.last = completion
  return calls
}

/** An application may tell all of the conversation again: new is what stands behind the newest line of the user. */
function sinceLine(told: readonly Step[] | undefined, before: readonly Step[]): readonly Step[] | undefined {
  const line = before.at(-1)
  if (told === undefined || line?.role !== 'user') return told
  const at = told.findLastIndex(({ role, content }) => role === 'user' && content.trim() === line.content.trim())
  return told.slice(at + 1)
}

function added(sum: Usage | undefined, usage: Usage | undefined): Usage | undefined {
  if (!sum || !usage) return sum ?? usage
  const optional = (key: 'cached_input_tokens' | 'reasoning_tokens') =>
    sum[key] === undefined && usage[key] === undefined ? {} : { [key]: (sum[key] ?? 0) + (usage[key] ?? 0) }
  return {
    input_tokens: sum.input_tokens + usage.input_tokens,
    output_tokens: sum.output_tokens + usage.output_tokens,
    ...optional('cached_input_tokens'),
    ...optional('reasoning_tokens'),
  }
}

/** What an answer cost is known only where every step of it told. */
const costOf = ({ cost, unpriced, usage }: Talk) => ({
  ...(usage && { usage }),
  ...(cost !== undefined && !unpriced && { cost_usd: cost }),
})

/** The steps before a failure were sent and cost; an answer that is torn is worth no grade. */
function cutOff(talk: Talk, completion: Completion, speaker: Speaker | null): Attempt {
  const { steps, calls } = talk
  const user = speaker && {
    calls: speaker.calls,
    ...(speaker.cost_usd !== undefined && { cost_usd: speaker.cost_usd }),
  }
  return {
    completion: {
      ...completion,
      ...costOf(talk),
      conversation: { steps, calls, ended: 'stopped', ...(user && { user }) },
    },
  }
}

function finished(talk: Talk, ended: Conversation['ended'], speaker: Speaker | null): Attempt {
  const { last, steps, calls, contexts, state, latency } = talk
  const user = speaker && speaker.calls > 0 && { calls: speaker.calls, cost_usd: speaker.cost_usd }
  const {
    cost_usd: _cost,
    usage: _usage,
    conversation: _own,
    state: _state,
    contexts: _contexts,
    ...base
  } = last ?? {
    outcome: 'answered' as const,
    text: '',
    tool_calls: [],
    attempts: 1,
  }
  if (last === undefined) {
    const error = { kind: 'empty_answer' as const, message: 'The simulated user was done before it said anything.' }
    return cutOff(talk, { ...base, outcome: 'error', error }, speaker)
  }
  const all = steps.flatMap(({ tool_calls = [] }) => tool_calls)
  return {
    completion: {
      ...base,
      // An agent that would go on for ever has no answer: what it said on the way is graded as cut off.
      outcome: ended === 'max_steps' ? 'truncated' : base.outcome,
      ...(ended === 'max_steps' && { finish_reason: 'max_steps' }),
      tool_calls: steps.length > 0 ? all : base.tool_calls,
      latency_ms: latency,
      ...costOf(talk),
      conversation: {
        steps,
        calls,
        ended,
        ...(user && { user: { calls: user.calls, ...(user.cost_usd !== undefined && { cost_usd: user.cost_usd }) } }),
      },
      ...(contexts && { contexts }),
      ...(state !== undefined && { state }),
    },
  }
}

const asMessage = ({ role, content, tool_calls, tool_call_id }: Step): Message => ({
  role,
  content,
  ...(tool_calls && { tool_calls }),
  ...(tool_call_id !== undefined && { tool_call_id }),
})
