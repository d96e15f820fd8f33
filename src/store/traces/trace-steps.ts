// The steps of a conversation out of its messages, the tool calls of agents below, and the spans of the tools.
import type { Step } from '../../schema/conversation.ts'
import type { ToolCall } from '../../schema/suite.ts'
import type { SpanMessage } from './messages.ts'
import type { Span } from './otlp.ts'
import { textOf } from './talk.ts'

/** A turn begins with each message of the user; what comes before one belongs to turn `from`. */
export function stepsOf(talk: readonly SpanMessage[], from: number): Step[] {
  const names = new Map<string, string>()
  let turn = from
  return talk.flatMap(({ role, content, tool_calls, tool_call_id, name }): Step[] => {
    if (role === 'system' || role === 'developer') return []
    if (role === 'user') turn += 1
    for (const call of tool_calls ?? []) if (call.id !== undefined) names.set(call.id, call.name)
    const known = name ?? names.get(tool_call_id ?? '')
    return [
      {
        role,
        turn: Math.max(1, turn),
        content,
        ...(tool_calls && { tool_calls }),
        ...(tool_call_id !== undefined && { tool_call_id }),
        ...(role === 'tool' && known !== undefined && { name: known }),
      },
    ]
  })
}

/** Where steps that no message tells of belong: before the answer, where there is one. */
function placeBeforeAnswer(steps: readonly Step[]): number {
  const last = steps.at(-1)
  return last?.role === 'assistant' && last.tool_calls === undefined ? steps.length - 1 : steps.length
}

/** The steps with calls that only other spans tell of, in the order of their times. */
export function withCalls(steps: readonly Step[], others: readonly { call: ToolCall; at: number }[]): Step[] {
  const place = placeBeforeAnswer(steps)
  const turn = steps[place - 1]?.turn ?? steps.at(-1)?.turn ?? 1
  const more = others
    .toSorted((a, b) => a.at - b.at)
    .map(({ call }): Step => ({ role: 'assistant', turn, content: '', tool_calls: [call] }))
  return steps.toSpliced(place, 0, ...more)
}

/** Tools whose spans are there but that no message tells of, and errors that only their span knows. */
export function withToolSpans(steps: readonly Step[], tools: readonly Span[]): Step[] {
  const all = [...steps]
  const open = steps.flatMap((step) => (step.tool_calls ?? []).map((call) => ({ call, step })))
  const unanswered = steps.filter(({ role }) => role === 'tool')
  let place = placeBeforeAnswer(all)
  for (const span of tools) {
    const { attributes } = span
    const name = textOf(attributes['gen_ai.tool.name']) ?? span.name.replace(/^execute_tool /, '')
    const id = textOf(attributes['gen_ai.tool.call.id'])
    const broken = span.failed !== undefined || attributes['error.type'] !== undefined
    const answered: Step = { role: 'tool', turn: 1, content: contentOf(span), name }
    if (id !== undefined) answered.tool_call_id = id
    if (broken) answered.error = true
    const match = open.findIndex(
      ({ call }) => call.name === name && (id === undefined || call.id === undefined || call.id === id),
    )
    if (match !== -1) {
      const [{ call, step } = { call: undefined, step: undefined }] = open.splice(match, 1)
      const key = call?.id ?? id
      const at = unanswered.findIndex((one) =>
        key !== undefined && one.tool_call_id !== undefined ? one.tool_call_id === key : one.name === name,
      )
      const [told] = at === -1 ? [] : unanswered.splice(at, 1)
      if (told && broken) told.error = true
      if (told || step === undefined) continue
      // No message has the answer of this tool: its span does.
      answered.turn = step.turn
      if (key !== undefined) answered.tool_call_id = key
      const behind = all.indexOf(step) + 1
      const end = all.findIndex((one, index) => index >= behind && one.role !== 'tool')
      all.splice(end === -1 ? all.length : end, 0, answered)
      place += 1
      continue
    }
    answered.turn = all[place - 1]?.turn ?? all.at(-1)?.turn ?? 1
    const written = attributes['gen_ai.tool.call.arguments'] ?? {}
    const args = typeof written === 'string' ? written : JSON.stringify(written)
    const call: ToolCall = { ...(id !== undefined && { id }), name, arguments: args }
    all.splice(place, 0, { role: 'assistant', turn: answered.turn, content: '', tool_calls: [call] }, answered)
    place += 2
  }
  return all
}

function contentOf({ attributes, failed }: Span): string {
  const result = attributes['gen_ai.tool.call.result']
  return failed ?? (typeof result === 'string' ? result : (JSON.stringify(result) ?? ''))
}
